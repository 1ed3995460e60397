"""Which prompt is played for what, known before the first call."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from callguard.audio.prompt import shipped_prompts
from callguard.core.events import Script
from callguard.core.policy import UNKNOWN, Policy, parse_policy
from callguard.engine.script import Scripts
from callguard.errors import ConfigError


def policy(**values: object) -> Policy:
    return parse_policy({"call_type": {"support": {"purpose": "qa", **values}}})


def test_the_shipped_prompts_serve_the_shipped_policy() -> None:
    own = policy()
    played = Scripts.load(own, None).of(own.call_types["support"])
    assert set(played) == set(Script) - {Script.LONG_NOTICE, Script.WITHHELD}
    assert played[Script.NOTICE].id == "notice-short" and played[Script.NOTICE].path.exists()


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"notice": "no-such"}, "call_type.support: no prompt no-such in en"),
        ({"language": "tlh"}, "language tlh"),
        ({"language": "../etc"}, "language ../etc"),
    ],
)
def test_what_is_missing_is_named(values: dict[str, object], part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Scripts.load(policy(**values), None)
    assert any(part in problem for problem in caught.value.problems)


def test_who_never_records_needs_no_prompt() -> None:
    own = policy(mode="never", language="tlh")
    assert Scripts.load(own, None).of(own.call_types["support"]) == {}
    assert Scripts.load(policy(), None).of(UNKNOWN).keys() <= set(Script)


def test_a_changed_prompt_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    shutil.copytree(shipped_prompts(), folder)
    sound = next(folder.glob("en/*.wav"))
    sound.write_bytes(sound.read_bytes()[:-2] + b"\x01\x01")
    with pytest.raises(ConfigError):
        Scripts.load(policy(), folder)

"""Which prompt is played for what, known before the first call."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from callguard.audio.prompt import list_prompts, shipped_prompts
from callguard.core.events import Script
from callguard.core.policy import UNKNOWN, Mode, Policy, parse_policy
from callguard.engine.script import Scripts
from callguard.errors import ConfigError


def policy(**values: object) -> Policy:
    return parse_policy({"call_type": {"support": {"purpose": "qa", **values}}})


def test_the_shipped_prompts_serve_the_shipped_policy() -> None:
    own = policy()
    played = Scripts.load(own, None).of(own.call_types["support"])
    assert set(played) == set(Script) - {Script.BEEP}
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


def test_of_a_language_that_cannot_be_read_no_prompt_is_missed() -> None:
    with pytest.raises(ConfigError) as caught:
        Scripts.load(policy(language="tlh"), None)
    assert len(caught.value.problems) == 1


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


@pytest.mark.requirement("S15", "S20")
def test_each_language_of_a_call_type_has_its_prompts() -> None:
    own = policy(languages=["en", "es"])
    scripts, kind = Scripts.load(own, None), own.call_types["support"]
    assert {prompt.language for prompt in scripts.of(kind, "es").values()} == {"es"}
    assert {prompt.language for prompt in scripts.of(kind, "").values()} == {"en"}
    assert set(scripts.of(kind, "es")) == set(Script) - {Script.BEEP} and scripts.of(kind, "tlh") == {}


def test_a_language_without_sound_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        Scripts.load(policy(languages=["en", "de"]), None)
    assert "language de: its manifest.json cannot be read: No such file or directory" in caught.value.problems


@pytest.mark.requirement("S17")
def test_what_a_call_type_has_for_itself_is_played_first(tmp_path: Path) -> None:
    shutil.copytree(shipped_prompts(), tmp_path / "words")
    own = tmp_path / "words" / "en" / "support"
    own.mkdir()
    shutil.copy(shipped_prompts() / "en" / "paused.wav", own / "question.wav")
    (own / "question.txt").write_text("Well?")
    list_prompts(own, "en")
    both = parse_policy({"call_type": {name: {"purpose": "qa"} for name in ("support", "sales")}})
    scripts = Scripts.load(both, tmp_path / "words")
    asked = {name: scripts.of(kind)[Script.QUESTION] for name, kind in both.call_types.items()}
    assert asked["support"].text == "Well?" and asked["sales"].text.startswith("Is it OK")
    (own / "question.txt").write_text("What?")
    with pytest.raises(ConfigError, match=r"language en, call_type\.support: prompt question"):
        Scripts.load(both, tmp_path / "words")


def test_where_the_law_asks_an_announcing_type_plays_its_question() -> None:
    announcing = policy(mode="announce", notice="notice-announce")
    scripts, [kind] = Scripts.load(announcing, None), announcing.call_types.values()
    heard = {mode: scripts.of(kind, "", mode)[Script.NOTICE].id for mode in (Mode.ANNOUNCE, Mode.ASK)}
    assert heard == {Mode.ANNOUNCE: "notice-announce", Mode.ASK: "notice-short"}
    assert scripts.of(kind)[Script.NOTICE].id == "notice-announce"
    with pytest.raises(ConfigError, match="no prompt no-such"):
        Scripts.load(policy(mode="announce", ask_notice="no-such"), None)


@pytest.mark.requirement("S20")
def test_who_agreed_before_and_is_on_record_may_hear_a_shorter_notice(tmp_path: Path) -> None:
    shutil.copytree(shipped_prompts(), tmp_path / "words")
    shutil.copy(shipped_prompts() / "en" / "paused.wav", tmp_path / "words" / "en" / "notice-known.wav")
    (tmp_path / "words" / "en" / "notice-known.txt").write_text("We record.")
    list_prompts(tmp_path / "words" / "en", "en")
    own = parse_policy({"call_type": {name: {"purpose": "qa", "mode": name} for name in ("ask", "announce")}})
    scripts, (ask, announce) = Scripts.load(own, tmp_path / "words"), own.call_types.values()
    played = [scripts.of(ask, "", Mode.ASK, known=known)[Script.NOTICE].id for known in (True, False)]
    assert played == ["notice-known", "notice-short"]
    heard = [scripts.of(announce, "", mode, known=True)[Script.NOTICE].id for mode in (Mode.ANNOUNCE, Mode.ASK)]
    assert heard == ["notice-known", announce.ask_notice]  # where the law asks for more, nothing is cut
    assert Scripts.load(own, None).of(ask, known=True)[Script.NOTICE].id == "notice-short"

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from callguard.cli.approval import approved, entry_of, judge
from callguard.core.jurisdiction import RulePack
from callguard.core.override import Override
from callguard.core.rules import STRICTEST
from callguard.errors import ConfigError
from callguard.lab.stand import COMPLETE

FINE = COMPLETE + "[call_type.support]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text)
    return path


def test_a_whole_policy_with_the_shipped_prompts_is_approved(tmp_path: Path) -> None:
    judged = approved(written(tmp_path, FINE), None)
    assert judged.objections == judged.differences == []
    assert {item.id for item in judged.scripts.of(judged.policy.call_types["support"]).values()} >= {"notice-short"}


@pytest.mark.requirement("S14")
def test_missing_parts_and_missing_prompts_are_told_together(tmp_path: Path) -> None:
    path = written(tmp_path, FINE + 'owner = ""\nnotice = "none"\nreview = 2020-01-01\n')
    with pytest.raises(ConfigError) as caught:
        approved(path, None)
    owner, review, prompt = caught.value.problems
    assert owner.startswith("call_type.support.owner") and review.startswith("call_type.support.review: was due")
    assert prompt == "call_type.support: no prompt none in en"
    assert judge(path, None).objections == caught.value.problems


@pytest.mark.requirement("S14")
def test_wrong_values_and_missing_parts_are_told_together(tmp_path: Path) -> None:
    path = written(tmp_path, FINE + 'retention = {audio = "forever"}\nowner = ""\n[call_type.b]\nlisten = []\n')
    with pytest.raises(ConfigError) as caught:
        judge(path, None)
    assert [line.partition(": ")[0] for line in caught.value.problems] == [
        "call_type.support.retention",
        "call_type.support.owner",
        "call_type.b.listen",
    ]


def test_what_callers_are_told_otherwise_does_not_keep_a_controller_from_its_start(tmp_path: Path) -> None:
    judged = approved(written(tmp_path, FINE.replace('"training"', '"marketing"')), None)
    assert judged.differences and not judged.objections


@pytest.mark.requirement("S42")
def test_what_has_no_effect_keeps_nobody_from_its_start(tmp_path: Path) -> None:
    ended = 'override = {reason = "letter", author = "legal", expires = 2020-01-01}\nsite = "TX"\n'
    judged = approved(written(tmp_path, FINE + ended), None)
    assert [line.partition(": ")[0] for line in judged.findings] == [
        "call_type.support.override",
        "call_type.support.site",
    ]
    assert not judged.objections and not judged.differences


def test_an_override_of_the_rules_is_entered_with_who_decided_it() -> None:
    code = next(iter(STRICTEST.rows))
    ruled = RulePack(STRICTEST.rows, {}, overrides=(Override(code, (("note", "x"),), "letter", "legal", date.max),))
    assert entry_of(ruled, "user:root", "reload").reason.startswith("reload; override of ZZ by legal until 9999-12-31")


def test_rules_are_entered_by_their_version_alone(tmp_path: Path) -> None:
    policy = judge(written(tmp_path, FINE), None).policy
    first, second = entry_of(policy, "user:root", "start"), entry_of(STRICTEST, "user:root", "start")
    assert (first.kind, first.version, first.content) == ("policy", policy.version, policy.as_data())
    assert (second.kind, second.version, second.content) == ("rules", STRICTEST.version, {})

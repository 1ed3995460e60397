from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from callguard.core.policy import (
    UNKNOWN,
    Mode,
    OnLogLoss,
    Organisation,
    Override,
    Vendor,
    parse_call_type,
    parse_policy,
    policy_version,
    stored_call_type,
)
from callguard.core.purpose import Output, Purpose
from callguard.errors import ConfigError

SALES: dict[str, Any] = {"purpose": "qa", "agents": ["PJSIP/agent*"]}
WHOLE: dict[str, Any] = {
    "organisation": {"name": "Example Ltd", "contact": "privacy@example.com"},
    "vendor": {"scribe": {"what": "transcripts", "until": date(2027, 1, 31)}, "other": {}},
    "call_type": {
        "sales": SALES
        | {
            "uses": ["training", "ai_inference"],
            "basis": "legitimate_interest",
            "review": date(2027, 1, 31),
            "override": {"reason": "board 7", "author": "board", "expires": date(2027, 1, 31)},
            "mode": "announce",
            "language_keys": {"3": "es"},
            "language_dids": {"+15125550100": "es"},
            "language_countries": {"MX": "es"},
            "outputs": ["audio", "transcript"],
            "retention": {"audio": 90, "transcript": 30},
            "listen": ["qa"],
            "shared": ["scribe"],
        }
    },
}


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_policy(document)
    return caught.value.problems


@pytest.mark.requirement("S77")
def test_what_is_written_is_read_back() -> None:
    policy = parse_policy(WHOLE)
    assert policy.organisation == Organisation("Example Ltd", "privacy@example.com")
    assert policy.vendors == {"scribe": Vendor("transcripts", date(2027, 1, 31)), "other": Vendor()}
    assert parse_policy(json.loads(json.dumps(policy.as_data()))) == policy
    for kind in (policy.call_types["sales"], UNKNOWN):
        assert stored_call_type(kind.name, json.loads(json.dumps(kind.as_data()))) == kind


def test_a_policy_finds_its_call_types() -> None:
    policy = parse_policy({"call_type": {"sales": SALES}})
    assert policy.find("sales") == parse_call_type("sales", SALES)
    assert policy.find("nobody") is None


def test_the_same_policy_has_the_same_version_whatever_the_order() -> None:
    one = parse_policy({"call_type": {"sales": SALES, "help": {"purpose": "qa"}}})
    other = parse_policy({"call_type": {"help": {"purpose": "qa"}, "sales": dict(reversed(SALES.items()))}})
    assert one.version == other.version == policy_version(one.call_types)
    assert one.version != parse_policy({"call_type": {"sales": SALES}}).version
    named = parse_policy({"call_type": one.as_data()["call_type"], "organisation": {"name": "Example Ltd"}})
    assert named.call_types == one.call_types and named.version != one.version


@pytest.mark.parametrize("document", [{}, {"call_type": {}}, {"call_type": 5}])
def test_a_policy_without_call_types_is_none(document: dict[str, Any]) -> None:
    assert "at least one" in problems(document)[0]


def test_every_problem_is_told_at_once_with_its_key() -> None:
    document = {
        "colour": 1,
        "organisation": {"name": 5, "shape": ""},
        "vendor": {"V!": {"until": "soon"}, "w": 5},
        "default": {"owner": 5},
        "call_type": {"Sales!": {"mode": "maybe", "speed": 1, "shared": ["nobody"]}, "help": 5},
    }
    assert problems(document) == [
        "colour: unknown key",
        "organisation.shape: unknown key",
        "organisation.name: must be text",
        "vendor.V!.until: must be a date such as 2027-01-31, without quotes",
        "vendor.V!: a name is lower case letters, digits, - and _",
        "vendor.w: must be a table",
        "default.owner: must be text",
        "call_type.Sales!: a name is lower case letters, digits, - and _",
        "call_type.Sales!.speed: unknown key",
        "call_type.Sales!.mode: must be one of announce, ask, never",
        "call_type.help: must be a table",
        "call_type.Sales!.shared: names nobody, which has no [vendor.nobody]",
    ]
    assert problems({"vendor": 5, "default": 5, "call_type": {"a": {}}}) == [
        "vendor: must be tables [vendor.NAME]",
        "default: must be a table",
    ]


@pytest.mark.requirement("S18")
def test_the_default_is_inherited_and_an_exception_is_explicit() -> None:
    document = {
        "default": {"purpose": "qa", "retention": {"audio": 90}},
        "call_type": {"a": {}, "b": {"purpose": "safety"}},
    }
    policy = parse_policy(document)
    assert [kind.purpose for kind in policy.call_types.values()] == [Purpose.QA, Purpose.SAFETY]
    assert {kind.retention_days for kind in policy.call_types.values()} == {90}
    assert parse_policy(policy.as_data()).version == policy.version


def test_what_is_inherited_can_contradict() -> None:
    document = {"default": {"category": "health"}, "call_type": {"a": {"mode": "announce"}}}
    assert problems(document)[0].startswith("call_type.a.mode: announce is implied consent")


@pytest.mark.requirement("S61", "S69")
def test_a_unique_purpose_is_no_other_call_types() -> None:
    both = {"a": {"purpose": "qa", "unique_purpose": True}, "b": {"purpose": "qa"}, "c": {"purpose": "safety"}}
    assert problems({"call_type": both}) == ["call_type.a.unique_purpose: qa is the purpose of call_type.b too"]
    assert parse_policy({"call_type": both | {"b": {"purpose": "dispute"}}}).find("b")
    assert parse_policy({"call_type": {"a": {"unique_purpose": True}, "b": {}}}).find("b")


def test_one_bad_table_is_refused_on_its_own() -> None:
    with pytest.raises(ConfigError, match="must be text"):
        parse_call_type("sales", {"mode": 1})


# ---------------------------------------------------------------- of an earlier release
OLD: dict[str, Any] = {
    "name": "sales", "purpose": "quality and training", "agents": ["PJSIP/agent*"], "mode": "announce",
    "internal": "never", "override": "board 7", "category": "general", "language": "en", "notice": "notice-short",
    "on_withdrawal": "keep", "on_log_loss": "keep", "retention_days": 30, "withdraw": "*7", "pause": "*8",
}  # fmt: skip


def test_a_stored_call_type_of_an_earlier_release_is_read() -> None:
    kind = stored_call_type("sales", OLD)
    assert (kind.purpose, kind.retention, kind.on_log_loss) == (None, {Output.AUDIO: 30}, OnLogLoss.KEEP)
    assert kind.override == Override("board 7", "not recorded", date.max) and kind.mode is Mode.ANNOUNCE
    assert stored_call_type("sales", OLD | {"override": ""}).override is None


@pytest.mark.parametrize("wrong", [{"purpose": 3}, {"retention_days": 0}, {"speed": 1}])
def test_a_stored_call_type_that_no_release_wrote_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        stored_call_type("sales", OLD | wrong)


@pytest.mark.requirement("S4")
def test_a_stranger_s_recorder_is_stopped_only_where_every_call_type_says_so() -> None:
    def stops(*words: str) -> bool:
        kinds = {f"k{at}": SALES | {"on_rogue": word} for at, word in enumerate(words)}
        return parse_policy({"call_type": kinds}).stops_rogues

    assert stops("stop", "stop") and not stops("stop", "report")

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from callguard.core.complete import TO_FILL, doubtful, incomplete, incomplete_beside, objections
from callguard.core.policy import parse_policy, read_policy_leniently
from callguard.store.pack import shipped_pack

TODAY = date(2026, 12, 14)
GOOD: dict[str, Any] = {
    "purpose": "qa",
    "basis": "consent",
    "assessment": "DPIA-1",
    "review": TODAY,
    "owner": "head of service",
    "retention": {"audio": 90},
    "listen": ["qa"],
    "alternative": "e-mail",
}
WHO = {"name": "Example Ltd", "contact": "privacy@example.com"}


def lacks(*, organisation: dict[str, str] = WHO, vendor: dict[str, Any] | None = None, **table: Any) -> list[str]:
    kinds = {"a": GOOD | table, "b": {"mode": "never"}}
    document = {"organisation": organisation, "vendor": vendor or {}, "call_type": kinds}
    return incomplete(parse_policy(document), TODAY)


@pytest.mark.requirement("S14")
def test_a_whole_policy_lacks_nothing() -> None:
    assert lacks() == []


@pytest.mark.requirement("S14")
def test_every_missing_part_of_every_call_type_is_told_at_once() -> None:
    empty = {"mode": "never", "internal": "ask"}
    found = incomplete(parse_policy({"call_type": {"a": {}, "b": empty, "c": {"mode": "never"}}}), TODAY)
    parts = ["purpose", "basis", "assessment", "review", "owner", "listen", "alternative", "retention.audio"]
    assert [line.split(": is missing")[0] for line in found] == [
        "organisation.name",
        "organisation.contact",
        *(f"call_type.a.{part}" for part in parts),
        *(f"call_type.b.{part}" for part in parts),
    ]


@pytest.mark.requirement("S14")
@pytest.mark.parametrize(
    ("wrong", "keys"),
    [
        ({"retention": {"audio": "forever"}}, ["organisation.name", "call_type.a.owner"]),
        ({"owner": 5}, ["organisation.name"]),
        ({"shared": ["nobody"]}, ["organisation.name", "call_type.a.owner"]),
    ],
)
def test_what_is_missing_is_told_beside_what_is_wrong(wrong: dict[str, Any], keys: list[str]) -> None:
    default = {key: value for key, value in (GOOD | wrong).items() if key != "owner" or "owner" in wrong}
    policy, problems = read_policy_leniently(
        {"organisation": {"contact": "x"}, "default": default, "call_type": {"a": {}}}
    )
    assert len(problems) == 1
    assert [line.partition(": ")[0] for line in incomplete_beside(policy, problems, TODAY)] == keys


def test_where_nothing_is_recorded_nothing_is_missing() -> None:
    assert incomplete(parse_policy({"call_type": {"a": {"mode": "never"}}}), TODAY) == []


@pytest.mark.requirement("S47")
def test_an_assessment_is_looked_at_again_in_time() -> None:
    assert lacks(review=TODAY - timedelta(days=1)) == [
        "call_type.a.review: was due on 2026-12-13: look at the assessment again and set the next date"
    ]


@pytest.mark.requirement("S38")
def test_every_output_has_a_retention() -> None:
    (found,) = lacks(outputs=["audio", "transcript"])
    assert found.startswith("call_type.a.retention.transcript: is missing")


@pytest.mark.requirement("S55")
def test_who_hears_has_a_reason_and_an_access_that_has_not_ended() -> None:
    over = TODAY - timedelta(days=1)
    assert lacks(shared=["scribe"], vendor={"scribe": {"what": "transcripts", "until": TODAY}}) == []
    found = lacks(shared=["scribe"], vendor={"scribe": {"until": over}, "idle": {}})
    assert [line.split(": ")[:2] for line in found] == [
        ["vendor.scribe.what", "is missing"],
        ["vendor.scribe.until", "ended on 2026-12-13"],
    ]


@pytest.mark.requirement("S82")
def test_where_calls_must_be_recorded_a_pause_ends() -> None:
    (found,) = lacks(must_record=True)
    assert found.startswith("call_type.a.pause_limit_s: is missing: after how many seconds")
    assert lacks(must_record=True, pause_limit_s=60) == []


@pytest.mark.requirement("S50")
def test_where_calls_must_be_recorded_none_is_left_to_chance() -> None:
    (found,) = lacks(must_record=True, pause_limit_s=60, sample_percent=50)
    assert found.startswith("call_type.a.sample_percent: ")
    assert lacks(sample_percent=50) == []


@pytest.mark.requirement("S42")
@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"override": {"reason": "x", "author": "y", "expires": TODAY}, "site": "US-TX", "hq": "DE"}, []),
        ({"override": {"reason": "x", "author": "y", "expires": TODAY - timedelta(days=1)}}, ["override"]),
        ({"site": "TX", "hq": "US-XX"}, ["site", "hq"]),
        ({"site": "CA-ON", "hq": "AU"}, []),
        ({"mode": "never", "site": "TX"}, []),
    ],
)
def test_what_has_no_effect_is_told(table: dict[str, Any], told: list[str]) -> None:
    found = doubtful(parse_policy({"organisation": WHO, "call_type": {"a": GOOD | table}}), shipped_pack(), TODAY)
    assert [line.partition(": ")[0] for line in found] == [f"call_type.a.{key}" for key in told]


def test_what_the_admin_has_to_fill_in_is_missing_until_then() -> None:
    found = lacks(owner=TO_FILL, organisation={"name": f"{TO_FILL}: the company", "contact": " "})
    assert [line.split(":")[0] for line in found] == ["organisation.name", "organisation.contact", "call_type.a.owner"]


def test_further_findings_come_last() -> None:
    policy = parse_policy({"organisation": WHO, "call_type": {"a": GOOD | {"owner": ""}}})
    assert objections(policy, TODAY, ["script: asks"])[-1] == "script: asks"
    assert len(objections(policy, TODAY, ["script: asks"])) == 2

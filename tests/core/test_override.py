from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from callguard.core.override import from_data, parse_overrides
from callguard.errors import ConfigError
from tests.core.law import PACK

SIGNED = {"reason": "counsel's opinion 12", "author": "legal", "expires": date(2027, 1, 31)}


def problems(document: dict[str, Any], today: date | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_overrides(document, PACK.rows, today=today)
    return caught.value.problems


def test_an_override_is_read_and_written() -> None:
    document = {"override": {"US-CA": {**SIGNED, "express_required": True, "beep_ok": "no"}}}
    (override,) = parse_overrides(document, PACK.rows, today=date(2027, 1, 31))
    assert override.changes == (("express_required", "yes"), ("beep_ok", "no"))
    assert override.applies(date(2027, 1, 31)) and not override.applies(date(2027, 2, 1))
    assert from_data(override.as_data()) == override
    assert "US-CA by legal until 2027-01-31" in override.sentence and "counsel's opinion 12" in override.sentence


@pytest.mark.parametrize(
    ("code", "table", "problem"),
    [
        ("US-CA", 7, "override.US-CA: must be a table"),
        ("US-CA", SIGNED, "override.US-CA: changes nothing"),
        ("US-CA", {**SIGNED, "colour": "red"}, "override.US-CA.colour: unknown column"),
        ("US-CA", {**SIGNED, "iso_code": "US-TX"}, "override.US-CA.iso_code: unknown column"),
        ("US-CA", {**SIGNED, "consent": "both"}, "override.US-CA.consent: must be one of one_party, all_party"),
        ("US-CA", {**SIGNED, "purpose_required": 1}, "override.US-CA.purpose_required: must be text"),
        ("US-CA", {**SIGNED, "note": "x", "author": " "}, "override.US-CA.author: must be text"),
        ("US-CA", {**SIGNED, "note": "x", "reason": 5}, "override.US-CA.reason: must be text"),
        (
            "US-CA",
            {**SIGNED, "note": "x", "expires": "2027-01-31"},
            "override.US-CA.expires: must be a date, as 2027-01-31 without quotes",
        ),
        (
            "US-CA",
            {**SIGNED, "note": "x", "expires": datetime(2027, 1, 31)},
            "override.US-CA.expires: must be a date, as 2027-01-31 without quotes",
        ),
        (
            "US-TX",
            {**SIGNED, "notice_required": "yes"},
            "override.US-TX.beep_ok: na goes with notice_required no, and only with it",
        ),
        ("CAL", {**SIGNED, "note": "x"}, "override.CAL: no row has this code; `callguard rule list` names them"),
        (
            "US-ZZ",
            {**SIGNED, "note": "x"},
            "override.US-ZZ: stands for a place that is not known and follows from the rows that are; override those",
        ),
    ],
)
def test_what_is_wrong_is_named(code: str, table: object, problem: str) -> None:
    assert problems({"override": {code: table}}) == [problem]


def test_everything_is_named_at_once() -> None:
    document = {"overide": {}, "override": {"XX": {"consent": "both"}, "FR": {"note": "x"}}}
    found = problems(document)
    assert len(found) == 1 + 5 + 3 and all(f"override.FR.{key}: is missing" in found for key in SIGNED)


@pytest.mark.parametrize("document", [{}, {"override": {}}, {"override": [1]}])
def test_nothing_to_override(document: dict[str, Any]) -> None:
    assert problems(document) == ["override: at least one [override.CODE] table is needed"]


def test_one_that_is_over_is_a_problem_only_where_today_is_told() -> None:
    document = {"override": {"US-CA": {**SIGNED, "note": "x"}}}
    assert len(parse_overrides(document, PACK.rows)) == 1
    assert "2027-01-31 is over" in problems(document, date(2027, 2, 1))[0]

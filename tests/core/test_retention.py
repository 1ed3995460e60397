"""Ends: the shortest that was said, never less than a law demands; and the live reason of whatever is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from callguard.core.policy import parse_call_type
from callguard.core.profile import CallType
from callguard.core.retention import GRACE, End, Fact, Reason, Why, end_of, forecast, live_reason

BEGAN = datetime(2026, 11, 1, 9, tzinfo=UTC)
FACT = Fact(
    artefact_id="a",
    recording_id="r",
    kind="audio",
    state="stored",
    purpose="qa",
    call_type="support",
    reason="",
    created_at=BEGAN,
    expires_at=BEGAN + timedelta(days=90),
    marked_at=None,
)


def days(count: int) -> datetime:
    return BEGAN + timedelta(days=count)


def kind(audio: int = 90, **others: object) -> CallType:
    return parse_call_type("support", {"purpose": "qa", "retention": {"audio": audio}, **others})


@pytest.mark.requirement("S57")
@pytest.mark.parametrize(
    ("promised", "call_type", "expected"),
    [
        (90, kind(90), (90, Why.PROMISED)),
        (90, kind(30), (30, Why.POLICY)),
        (30, kind(90), (30, Why.PROMISED)),
        (30, kind(60, minimum_days=60), (60, Why.MINIMUM)),
        (90, None, (90, Why.PROMISED)),
    ],
)
def test_the_shortest_counts_unless_a_minimum_stands_against_it(
    promised: int, call_type: CallType | None, expected: tuple[int, Why]
) -> None:
    end = end_of("audio", BEGAN, days(promised), call_type)
    assert (end.at, end.why) == (days(expected[0]), expected[1])


@pytest.mark.requirement("S101")
@pytest.mark.parametrize(
    ("closed", "values", "days", "why"),
    [
        (None, {"closed_days": 30}, 90, Why.POLICY),
        (10, {"closed_days": 30}, 40, Why.CLOSED),
        (10, {}, 90, Why.POLICY),
        (80, {"closed_days": 30}, 90, Why.POLICY),
        (10, {"closed_days": 30, "minimum_days": 60}, 60, Why.MINIMUM),
    ],
)
def test_a_closed_case_ends_what_it_kept(closed: int | None, values: dict[str, int], days: int, why: Why) -> None:
    kind = parse_call_type("support", {"purpose": "dispute", "retention": {"audio": 90}, **values})
    closed_at = None if closed is None else BEGAN + timedelta(days=closed)
    end = end_of("audio", BEGAN, BEGAN + timedelta(days=100), kind, closed_at)
    assert end == End(BEGAN + timedelta(days=days), why)


def test_what_was_derived_has_days_of_its_own_and_no_minimum() -> None:
    own = kind(60, minimum_days=60, outputs=["audio", "transcript"])
    own = replace(own, retention={**own.retention, "transcript": 10})
    assert end_of("transcript", BEGAN, days(60), own).at == days(10)
    assert end_of("trimmed", BEGAN, days(60), own).at == days(60)


def test_a_forecast_counts_each_day_and_what_is_over_for_today() -> None:
    ends = [days(-5), days(0), days(1), days(1), days(3), days(40)]
    counts = forecast(ends, days(0), 3)
    assert counts == {date(2026, 11, 1): 2, date(2026, 11, 2): 2, date(2026, 11, 3): 0}


LATE = GRACE + timedelta(seconds=1)


@pytest.mark.requirement("S103")
@pytest.mark.parametrize(
    ("fact", "now", "reason", "says"),
    [
        (FACT, days(1), Reason.KEPT, "for qa, until 2027-01-30"),
        (FACT, days(90), Reason.GOING, "its time was over"),
        (FACT, days(90) + LATE, Reason.UNEXPLAINED, "more than a day"),
        (replace(FACT, cases=("case-7", "tax")), days(99), Reason.HELD, "case-7, tax"),
        (replace(FACT, discarded=True), days(0), Reason.GOING, "discarded"),
        (replace(FACT, discarded=True), days(3), Reason.UNEXPLAINED, "discarded"),
        (
            replace(FACT, discarded=True, state="marked", marked_at=days(3), reason="discarded"),
            days(3),
            Reason.GOING,
            "",
        ),
        (replace(FACT, state="marked", marked_at=days(2), reason="asked for"), days(2), Reason.GOING, "asked for"),
        (replace(FACT, state="shredded", marked_at=days(2), reason="x"), days(4), Reason.UNEXPLAINED, "deleted: x"),
        (replace(FACT, state="writing"), days(0), Reason.WRITING, "written"),
        (replace(FACT, state="writing"), days(2), Reason.UNEXPLAINED, "written"),
    ],
)
def test_everything_has_a_live_reason_or_stands_out(fact: Fact, now: datetime, reason: Reason, says: str) -> None:
    found = live_reason(fact, now)
    assert found[0] is reason and says in found[1]

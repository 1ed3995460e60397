"""Rates that drift: found when more goes wrong than chance explains, with the day and the change before it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from callguard.drift import CHANCE, Change, Point, Seen, first_of_each, series, tail

NOW = datetime(2026, 11, 26, tzinfo=UTC)
RECENT = NOW - timedelta(days=1)


def day(back: float, calls: int, wrong: int, group: str = "support", kind: str = "notice_failed") -> list[Seen]:
    """So many calls so many days ago, WRONG of them with an incident, and these last."""
    at = NOW - timedelta(days=back)
    kinds = [frozenset[str]()] * (calls - wrong) + [frozenset({kind})] * wrong
    return [Seen(at + timedelta(seconds=place), group, each) for place, each in enumerate(kinds)]


QUIET = [call for back in range(2, 30) for call in day(back, 50, back % 2)]


@pytest.mark.requirement("S19")
def test_a_rate_that_rises_is_drift_with_its_day_and_what_was_put_into_force_before() -> None:
    new, old = (Change(NOW - timedelta(days=back), "policy", name * 64) for back, name in ((0.9, "b"), (12, "a")))
    later = Change(NOW, "policy", "c" * 64)
    (one,) = series([*QUIET, *day(0.8, 40, 6)], RECENT, [later, new, old])
    assert one.is_drift and one.before == (14, 1400) and one.now == (6, 40)
    assert one.since == date(2026, 11, 25) and one.change == new
    assert [point.day for point in one.points if point.is_out] == [date(2026, 11, 25)]
    assert one.as_data()["drift"] and one.as_data()["points"][-1]["wrong"] == 6


@pytest.mark.requirement("S19")
@pytest.mark.parametrize(("calls", "wrong"), [(50, 1), (50, 2), (3, 1), (0, 0)])
def test_what_chance_explains_is_none(calls: int, wrong: int) -> None:
    (one,) = series([*QUIET, *day(0.5, calls, wrong)], RECENT, [Change(NOW, "policy", "")])
    assert not one.is_drift and one.since is None and one.change is None


def test_a_site_without_a_past_has_no_drift_and_a_clean_one_drifts_at_its_first_cluster() -> None:
    assert not series(day(0.5, 20, 10), RECENT)[0].is_drift
    clean = [call for back in range(2, 30) for call in day(back, 50, 0)]
    assert series([*clean, *day(0.5, 50, 3)], RECENT)[0].is_drift
    assert series(clean, RECENT) == []


@pytest.mark.requirement("S19")
def test_a_version_without_a_past_is_held_against_those_before_it() -> None:
    new = day(0.5, 40, 8, "v2")
    assert not series([*QUIET, *new], RECENT)[0].is_drift
    first, second = series([*QUIET, *new], RECENT, versions=True)
    assert (first.group, first.before, first.now, first.is_drift) == ("v2", (14, 1400), (8, 40), True)
    assert (second.group, second.now, second.is_drift) == ("support", (0, 0), False)


def test_a_version_is_put_into_force_by_its_first_call_and_the_first_of_all_by_nobody() -> None:
    calls = [(NOW, "v2"), (RECENT, "v1"), (NOW + timedelta(1), "v2"), (NOW - timedelta(0.5), ""), (NOW, "v1")]
    assert list(first_of_each(calls, "dialplan")) == [Change(NOW, "dialplan", "v2")]
    assert list(first_of_each([], "dialplan")) == []


def test_groups_and_kinds_are_looked_at_apart_and_drift_comes_first() -> None:
    other = [*day(5, 50, 1, "sales"), *day(0.5, 50, 1, "sales", "mask_failed")]
    found = series([*QUIET, *other, *day(0.5, 40, 8)], RECENT)
    assert [(one.group, one.kind) for one in found] == [
        ("support", "notice_failed"),
        ("sales", "mask_failed"),
        ("sales", "notice_failed"),
    ]


@pytest.mark.parametrize(
    ("calls", "wrong", "rate", "chance"), [(10, 0, 0.5, 1.0), (10, 10, 0.5, 2**-10), (4, 2, 0.25, 67 / 256)]
)
def test_the_tail_of_the_binomial(calls: int, wrong: int, rate: float, chance: float) -> None:
    assert tail(calls, wrong, rate) == pytest.approx(chance)


def test_thousands_of_calls_do_not_overflow() -> None:
    assert tail(100_000, 1200, 0.01) < CHANCE < tail(100_000, 1010, 0.01)
    assert not Point(date(2026, 11, 26), 0, 0, 0.1).is_out

"""How late events come, by their own stamps."""

from __future__ import annotations

import pytest

from callguard.pbx.freeswitch.lag import Lag

NOW = 1_785_000_000.0


def at(seconds: float) -> dict[str, str]:
    return {"Event-Date-Timestamp": str(round(seconds * 1_000_000))}


def test_prompt_events_are_told_of_by_nobody() -> None:
    lag = Lag()
    assert not any(lag.heard(at(NOW + number), NOW + number + 0.1) for number in range(9)) and not lag.hopeless


def test_late_ones_are_told_once_a_minute() -> None:
    lag = Lag()
    lag.heard(at(NOW), NOW)
    assert lag.heard(at(NOW + 1), NOW + 1.3) and not lag.heard(at(NOW + 2), NOW + 2.4)
    assert lag.heard(at(NOW + 70), NOW + 70.3) and lag.seconds == pytest.approx(0.3, abs=0.01)


def test_minutes_late_is_hopeless_until_the_link_is_new() -> None:
    lag = Lag()
    lag.heard(at(NOW), NOW)
    assert lag.heard(at(NOW), NOW + 300) and lag.hopeless
    lag.begin()
    lag.heard(at(NOW + 301), NOW + 301)
    assert not lag.hopeless


def test_a_clock_that_is_off_is_no_lag() -> None:
    lag = Lag()
    assert not lag.heard(at(NOW - 3600), NOW) and not lag.heard(at(NOW - 3599), NOW + 1) and not lag.hopeless


@pytest.mark.parametrize("stamp", ["", "x", "-1", "9" * 19])
def test_a_stamp_that_is_none_says_nothing(stamp: str) -> None:
    assert not Lag().heard({"Event-Date-Timestamp": stamp}, NOW)

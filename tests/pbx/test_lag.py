"""How late events come, by their own stamps."""

from __future__ import annotations

import pytest

from callguard.pbx.lag import Lag

NOW = 1_785_000_000.0


def test_prompt_events_are_told_of_by_nobody() -> None:
    lag = Lag()
    assert not any(lag.heard((NOW + number), NOW + number + 0.1) for number in range(9)) and not lag.hopeless


@pytest.mark.fault("signalwire/freeswitch#1035")
def test_late_ones_are_told_once_a_minute() -> None:
    lag = Lag()
    lag.heard((NOW), NOW)
    assert lag.heard((NOW + 1), NOW + 1.3) and not lag.heard((NOW + 2), NOW + 2.4)
    assert lag.heard((NOW + 70), NOW + 70.3) and lag.seconds == pytest.approx(0.3, abs=0.01)


@pytest.mark.fault("signalwire/freeswitch#1035")
def test_minutes_late_is_hopeless_until_the_link_is_new() -> None:
    lag = Lag()
    lag.heard((NOW), NOW)
    assert lag.heard((NOW), NOW + 300) and lag.hopeless
    lag.begin()
    lag.heard((NOW + 301), NOW + 301)
    assert not lag.hopeless


def test_a_clock_that_is_off_is_no_lag() -> None:
    lag = Lag()
    assert not lag.heard((NOW - 3600), NOW) and not lag.heard((NOW - 3599), NOW + 1) and not lag.hopeless


def test_an_event_without_a_time_says_nothing() -> None:
    assert not Lag().heard(None, NOW)


def test_fault_asterisk_1031_events_that_a_backlog_holds_up_are_told() -> None:
    lag = Lag()
    backlog = [(NOW + number, NOW + number + 0.05 * number) for number in range(9)]
    assert [lag.heard(*each) for each in backlog].index(True) == 5, "beyond a quarter of a second"

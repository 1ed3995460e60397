from __future__ import annotations

import pytest

from callguard.core.effects import SendOn
from callguard.core.events import GONE_ON, LINK_LOST, NOT_THERE, Link, Outcome
from callguard.core.leaving import AGAIN
from tests.core.play import FAR, Play, play
from tests.core.test_recorder import watch


def refused(reason: str = "refused") -> Play:
    """Granted, and still in our application."""
    return play().told().presses("1").refused(SendOn, reason=reason).incident("send_on_failed")


@pytest.mark.requirement("S123")
def test_who_could_not_be_sent_on_is_sent_on_again() -> None:
    talk = refused()
    assert watch(talk) == ("send_on", AGAIN)
    talk.wait(AGAIN).passes("send_on").did(SendOn)


def test_one_incident_for_one_party_that_stays() -> None:
    talk = refused().wait(AGAIN).passes("send_on").refused(SendOn).said()
    assert watch(talk) == ("send_on", AGAIN)
    talk.passes("send_on").did(SendOn).leaves().passes("send_on").is_quiet()


def test_an_earlier_watch_means_nothing() -> None:
    talk = refused()
    number = talk.call.channels[FAR].stuck
    talk.refused(SendOn).feed_deadline(f"send_on:{number}").is_quiet()
    talk.feed_deadline("send_on").is_quiet()


@pytest.mark.requirement("S123")
def test_a_request_that_was_lost_with_the_link_follows_its_return() -> None:
    talk = play().told().loses(Link.PBX).presses("1").refused(SendOn, reason=LINK_LOST).incident("send_on_failed").did()
    talk.restores(Link.PBX).did(SendOn).leaves().loses(Link.PBX).restores(Link.PBX).did()


@pytest.mark.requirement("S123")
def test_who_was_led_away_by_somebody_else_is_asked_nothing_more() -> None:
    play().told().presses("1").refused(SendOn, reason=GONE_ON).is_quiet()


def test_who_hung_up_before_it_could_be_sent_on_is_no_incident() -> None:
    play().told().presses("1").refused(SendOn, reason=NOT_THERE).is_quiet()


def test_who_has_left_is_not_sent_on() -> None:
    talk = refused(LINK_LOST).bridges(FAR).loses(Link.PBX).restores(Link.PBX).did()
    assert talk.call.channels[FAR].stuck == 0
    play().recording().hangs_up().refused(SendOn).said()
    play().refused(SendOn, "nobody").said()
    assert Outcome.INCIDENT_OPENED not in play().granted().wrote

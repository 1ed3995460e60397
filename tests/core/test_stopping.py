from __future__ import annotations

import pytest

from callguard.core.effects import StartRecording, StopRecording
from callguard.core.events import LINK_LOST, NOT_RUNNING, Link, Outcome
from callguard.core.recorder import STOP_PATIENCE
from callguard.core.recording import State
from callguard.core.stopping import AGAIN
from tests.core.play import Play, play
from tests.core.test_recorder import watch


def refused(reason: str = "refused") -> Play:
    """Withdrawn, and the recorder runs on."""
    return play().recording().presses("*7").refused(StopRecording, segment=0, reason=reason)


@pytest.mark.requirement("S13")
def test_a_stop_that_is_refused_is_an_incident_and_asked_for_again() -> None:
    talk = refused().incident("stop_failed").is_state(State.STOPPING)
    assert watch(talk) == ("stop_again", AGAIN)
    talk.wait(AGAIN).passes("stop_again").did(StopRecording)


def test_one_incident_for_one_recorder_that_runs_on() -> None:
    talk = refused().passes("stop_again").refused(StopRecording, segment=0).said()
    assert watch(talk) == ("stop_again", AGAIN)
    talk.passes("stop_again").did(StopRecording).stopped().is_state(State.STOPPED).passes("stop_again").is_quiet()


def test_an_earlier_watch_means_nothing() -> None:
    talk = refused()
    number = talk.file.defiant
    talk.refused(StopRecording, segment=0).feed_deadline(f"stop_again:{number}").is_quiet()
    talk.feed_deadline("stop_again").is_quiet()


def test_a_stop_that_was_lost_with_the_link_follows_its_return() -> None:
    talk = refused(LINK_LOST).incident("stop_failed").did().loses(Link.PBX).restores(Link.PBX).did(StopRecording)
    assert watch(talk) == ("stop", STOP_PATIENCE)
    talk.stopped().loses(Link.PBX).restores(Link.PBX).did()


@pytest.mark.requirement("S123")
def test_a_start_that_was_lost_with_the_link_may_have_come_through_and_is_stopped() -> None:
    talk = play().talking().refused(StartRecording, segment=0, reason=LINK_LOST).did(StopRecording)
    talk.loses(Link.PBX).refused(StopRecording, segment=0, reason=LINK_LOST).is_quiet()
    assert talk.call.is_out_of_reach
    talk.restores(Link.PBX).did(StopRecording).stopped().is_state(State.LOST)
    assert not talk.call.is_out_of_reach
    talk.loses(Link.PBX).restores(Link.PBX).did()


def test_a_stop_of_what_does_not_run_is_no_failure() -> None:
    talk = refused(NOT_RUNNING).is_state(State.STOPPED)
    assert Outcome.INCIDENT_OPENED not in talk.wrote
    play().recording().hangs_up().refused(StopRecording, segment=0).is_quiet()

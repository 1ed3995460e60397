"""What the PBX told late, or nobody here was awake to hear, is not in the finished file."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from callguard.core.effects import DiscardRecording, StopRecording
from callguard.core.events import (
    Bridged,
    ChannelHeld,
    ChannelUnheld,
    DigitPressed,
    Event,
    Link,
    LinkLost,
    Outcome,
    RecordingGrowing,
    Role,
    Unbridged,
)
from callguard.core.late import LATE, noticed
from callguard.core.pausing import SLACK
from callguard.core.recording import RATE, Mask, Span
from callguard.core.word import Action
from tests.core.play import AGENT, FAR, GUEST, KEEP, Play, play


def late(talk: Play, kind: type[Event], channel_id: str, seconds: float, **values: object) -> Play:
    """A fact of so many seconds ago is heard now."""
    return talk.wait(seconds).take(kind(at=talk.now - timedelta(seconds=seconds), channel_id=channel_id, **values))


def talking(seconds: float = 10) -> Play:
    talk = play().recording().sees(GUEST, Role.GUEST)
    return talk.wait(seconds)


def place(talk: Play, ago: float = 0) -> int:
    """Where in the file it is now."""
    started = talk.file.started_at
    assert started
    return round(((talk.now - started).total_seconds() - ago) * RATE)


def blanks(talk: Play) -> tuple[tuple[int, int], ...]:
    talk.hangs_up(GUEST).hangs_up(AGENT).hangs_up().stopped().whole()
    return talk.measure.blanks


@pytest.mark.requirement("S1", "S73")
def test_what_a_newcomer_could_say_before_anybody_knew_of_it_goes() -> None:
    talk = late(talking(), Bridged, GUEST, 0.8, bridge_id="B1")
    joined, masked = place(talk, 0.8), place(talk)
    assert blanks(talk.masked(masked)) == ((joined - SLACK, masked + SLACK),)


@pytest.mark.requirement("S1", "S73")
@pytest.mark.parametrize("ends", ["told to stop", "stopped by the guard"])
def test_a_newcomer_that_is_heard_of_once_the_recorder_ends_is_not_in_the_file_either(ends: str) -> None:
    talk = talking()
    joined = place(talk)
    came = Bridged(at=talk.now, channel_id=GUEST, bridge_id="B1")
    talk = talk.wait(0.8).operator(Action.STOP) if ends == "told to stop" else talk.wait(0.8).stopped()
    talk = talk.take(came)
    talk = talk.stopped() if ends == "told to stop" else talk
    assert talk.whole(0).hangs_up().measure.blanks == ((joined - SLACK, -1),)


def test_who_comes_once_the_recorder_has_ended_takes_nothing_with_it() -> None:
    talk = talking().operator(Action.STOP).stopped().wait(1).bridges(GUEST)
    assert talk.whole().measure.blanks == ()


def judged(seconds_before_the_end: float) -> tuple[Play, datetime]:
    """The recorder ended half a second ago, its file has its verdict, and another runs; a moment before that end."""
    talk = talking().whole()
    at = talk.now - timedelta(seconds=seconds_before_the_end)
    return talk.wait(0.5).acknowledged().opened().passes("measure").verified(0), at


@pytest.mark.requirement("S1", "S73")
def test_a_newcomer_that_is_heard_of_behind_the_verdict_is_an_incident() -> None:
    talk, came = judged(1)
    before = talk.call.recordings[0]
    talk.take(Bridged(at=came, channel_id=GUEST, bridge_id="B1")).incident("heard_late").is_mask(Mask.MASKING)
    assert talk.last.records[-1].data["recording_id"] == before.recording_id
    assert talk.call.recordings[0] == before and talk.masked(0).file.due == (Span(start=0),)
    talk, came = judged(0.2)  # as late as any mask may be
    talk.take(Bridged(at=came, channel_id=GUEST, bridge_id="B1")).is_mask(Mask.MASKING)
    assert Outcome.INCIDENT_OPENED not in talk.wrote[-len(talk.last.records) :]


def test_what_goes_anyway_is_no_incident_however_late_its_cause_is_heard_of() -> None:
    talk, pressed = judged(1)
    for key in "*7":
        talk.take(DigitPressed(at=pressed, channel_id=FAR, digit=key))
    assert {DiscardRecording, StopRecording} <= set(map(type, talk.last.effects))
    assert Outcome.INCIDENT_OPENED not in [row.type for row in talk.last.records]


def test_a_mask_in_time_takes_nothing_with_it() -> None:
    talk = late(talking(), Bridged, GUEST, 0.1, bridge_id="B1")
    assert blanks(talk.masked(place(talk, 0.1) + LATE)) == ()


@pytest.mark.requirement("S82")
def test_a_pause_and_a_hold_that_were_heard_late_begin_when_they_were_meant_to() -> None:
    pressed = talking().presses("*", by=AGENT)
    pressed = late(pressed, DigitPressed, AGENT, 0.5, digit="8")
    held = late(talking(), ChannelHeld, AGENT, 0.5)
    for talk in (pressed, held):
        due, masked = place(talk, 0.5), place(talk)
        assert blanks(talk.masked(masked)) == ((due - SLACK, masked + SLACK),)


@pytest.mark.requirement("S1", "S82")
@pytest.mark.parametrize("by", [-3600, -3, 3, 3600])
def test_a_clock_that_is_set_takes_no_sound_with_it_and_hides_none(by: float) -> None:
    """What was heard late after it goes, and nothing before that; a hold that was silent in time takes nothing."""
    talk = talking()
    here = place(talk)
    talk = late(talk.wait(by), ChannelHeld, AGENT, 0.1)
    talk.masked(here + RATE // 10).take(ChannelUnheld(at=talk.now, channel_id=AGENT)).unmasked(here + RATE // 10)
    talk = late(talk.wait(0.1), Bridged, GUEST, 0.8, bridge_id="B1").masked(here + RATE)
    assert blanks(talk) == ((here + RATE // 5 - SLACK, here + RATE + SLACK),)


@pytest.mark.requirement("S1", "S82")
@pytest.mark.parametrize("by", [-3600, -3])
def test_a_clock_that_is_set_back_before_the_mask_has_taken_hold_hides_nothing_either(by: float) -> None:
    talk = talking()
    talk.take(Bridged(at=talk.now, channel_id=GUEST, bridge_id="B1"))
    here = place(talk)
    assert blanks(talk.wait(by).masked(here + RATE)) == ((here - SLACK, here + RATE + SLACK),)


@pytest.mark.requirement("S1", "S16")
def test_a_withdrawal_that_was_heard_late_ends_what_is_kept() -> None:
    talk = play(KEEP).recording().wait(10).presses("*")
    talk = late(talk, DigitPressed, FAR, 0.5, digit="7")
    due = place(talk, 0.5)
    talk.stopped().whole()
    assert talk.measure.blanks == ((due - SLACK, -1),)
    prompt = play(KEEP).recording().wait(10).presses("*7").stopped().whole()
    assert prompt.measure.blanks == ()


@pytest.mark.requirement("S1", "S73")
def test_a_recorder_that_others_stopped_meanwhile_is_silent_to_its_end() -> None:
    """The guard stopped it, and the mask never reached it."""
    talk = late(talking(), Bridged, GUEST, 0.8, bridge_id="B1")
    due = place(talk, 0.8)
    talk.wait(0.1).stopped().whole().passes("measure")
    assert talk.measure.blanks == ((due - SLACK, -1),)


@pytest.mark.requirement("S1", "S73")
def test_who_came_and_went_before_anybody_knew_takes_no_more_than_its_own_time() -> None:
    talk = talking().wait(3)
    began = talk.now - timedelta(seconds=2)
    for kind, later in ((Bridged, 0.0), (Unbridged, 0.7)):
        talk.take(kind(at=began + timedelta(seconds=later), channel_id=GUEST, bridge_id="B1"))
    due = place(talk, 2)
    talk.masked(place(talk)).unmasked(place(talk) + 800)
    assert blanks(talk) == ((due - SLACK, due + round(0.7 * RATE) + SLACK),)


@pytest.mark.requirement("S42", "S82")
def test_what_a_slow_disk_may_have_kept_waiting_under_a_mask_goes() -> None:
    talk = talking().wait(3)
    talk.take(Bridged(at=talk.now, channel_id=GUEST, bridge_id="B1"))
    start = place(talk)
    talk.masked(start).wait(1).take(Unbridged(at=talk.now, channel_id=GUEST, bridge_id="B1"))
    end = place(talk)
    talk.unmasked(end)
    talk.recorder(RecordingGrowing, offset_samples=end, fell_ms=400, fell_since=start + 100)
    assert blanks(talk) == ((end - 3200 - SLACK, end + SLACK),)


def test_what_began_silent_or_ends_unknown_has_nothing_to_lose() -> None:
    early = play().recording().sees(GUEST, Role.GUEST)
    early.take(Bridged(at=early.now - timedelta(seconds=60), channel_id=GUEST, bridge_id="B1"))
    assert early.masked(0).file.due == (Span(start=0),) and blanks(early) == ()
    silent = talking().presses("*8", by=AGENT)
    silent.masked(place(silent))
    assert blanks(late(silent, Bridged, GUEST, 0.8, bridge_id="B1")) == ()


def test_who_leaves_or_is_staff_makes_nothing_silent() -> None:
    talk = talking().sees("agent2", Role.AGENT)
    assert late(talk, Bridged, "agent2", 0.8, bridge_id="B1").file.due == ()
    assert talk.hangs_up(AGENT).hangs_up().file.due == ()
    assert noticed(talk.call, play().call, talk.now).call == play().call


@pytest.mark.requirement("S1", "S73")
def test_who_came_while_nobody_could_reach_the_pbx_may_have_come_as_the_link_was_lost() -> None:
    talk = talking().loses(Link.PBX)
    lost = place(talk)
    talk = talk.wait(2).stopped().whole(0)
    assert talk.file.unasked  # who was there is not known yet
    talk = talk.wait(2).bridges(GUEST).restores(Link.PBX)
    assert talk.hangs_up().measure.blanks == ((lost - SLACK, -1),)


def test_who_is_found_behind_a_dead_controller_may_have_come_as_it_died() -> None:
    talk = talking()
    end = place(talk)
    talk = talk.take(LinkLost(at=talk.now, channel_id="", link=Link.PBX, away_ms=2000)).bridges(GUEST)
    assert blanks(talk)[0][0] == end - 2 * RATE - SLACK


def test_a_link_that_comes_back_to_the_same_people_takes_nothing_with_it() -> None:
    talk = talking().loses(Link.PBX).wait(2).stopped().whole(0).restores(Link.PBX)
    assert talk.hangs_up().measure.blanks == ()


@pytest.mark.requirement("S1", "S73")
def test_a_verdict_does_not_wait_for_a_link_for_ever_and_who_came_is_an_incident_then() -> None:
    talk = talking().loses(Link.PBX).wait(2).stopped().whole(0).passes("measure").verified(0)
    talk.bridges(GUEST).incident("heard_late")


@pytest.mark.requirement("S1", "S73")
def test_what_ran_while_nobody_watched_goes_and_what_was_masked_then_stays_as_it_is() -> None:
    talk = talking()
    end = place(talk)
    lost = LinkLost(at=talk.now, channel_id="", link=Link.PBX, unwatched_ms=4000)
    assert blanks(talk.take(lost)) == ((end - 4 * RATE - SLACK, end + SLACK),)


def test_before_a_recorder_began_there_was_nobody_to_watch() -> None:
    for talk in (play(), talking().hangs_up(GUEST).hangs_up(AGENT).hangs_up().stopped()):
        before = talk.call.recordings
        talk.take(LinkLost(at=talk.now, channel_id="", link=Link.PBX, unwatched_ms=4000))
        assert talk.call.recordings == before

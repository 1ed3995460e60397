"""Segments: with somebody else at the other end another recorder takes over, on the newcomer's channel."""

from __future__ import annotations

import pytest

from callguard.core.effects import MaskRecording, StartRecording, StopRecording, UnmaskRecording
from callguard.core.events import NO_CHANNEL, OVERTAKEN, LegSilent, Outcome, RecordingAcknowledged, Role, Script
from callguard.core.recording import State
from callguard.core.segment import TRIES
from tests.core.play import AGENT, FAR, OTHER_AGENT, Play, play

THIRD = "third"


def transferred(talk: Play | None = None) -> Play:
    """Another agent has come instead of the first one."""
    talk = (talk or play().recording()).unbridges(AGENT).hangs_up(AGENT).sees(OTHER_AGENT, Role.AGENT)
    return talk.bridges(OTHER_AGENT)


def followed() -> Play:
    """The recording went on with the other agent."""
    return transferred().stopped().acknowledged().opened().growing()


def joined(talk: Play | None = None) -> Play:
    """A second agent has come to the first one."""
    return (talk or play().recording()).joined_by(OTHER_AGENT, Role.AGENT)


def started(talk: Play) -> StartRecording:
    return next(item for item in reversed(talk.effects) if isinstance(item, StartRecording))


@pytest.mark.requirement("S22")
def test_after_a_transfer_a_new_segment_starts_at_once_and_its_gap_is_a_row() -> None:
    talk = transferred().did(StopRecording).wait(0.01).stopped().did(StartRecording)
    assert (started(talk).channel_id, started(talk).swapped, started(talk).segment_no) == (OTHER_AGENT, True, 1)
    talk.wait(0.02).recorder(RecordingAcknowledged).said(Outcome.RECORDING_CONTINUED)
    [row] = [record for record in talk.last.records if record.type is Outcome.RECORDING_CONTINUED]
    assert (row.data["milliseconds"], row.data["one_sided_milliseconds"]) == (20, 0)
    assert row.data["after"] == talk.call.recordings[0].recording_id
    talk.opened().plays(Script.RECORDING_ON, to=FAR, whisper=True)  # not where the recorder would not hear it


@pytest.mark.requirement("S22")
def test_a_second_transfer_right_behind_the_first_is_one_gap_from_the_last_sample_to_the_next() -> None:
    talk = transferred().wait(0.01).stopped().did(StartRecording).unbridges(OTHER_AGENT)
    talk.refused(StartRecording, reason=OVERTAKEN).hangs_up(OTHER_AGENT)
    talk.sees(THIRD, Role.AGENT).wait(0.01).bridges(THIRD)
    talk.did(StartRecording).wait(0.02).recorder(RecordingAcknowledged).said(Outcome.RECORDING_CONTINUED)
    [row] = [record for record in talk.last.records if record.type is Outcome.RECORDING_CONTINUED]
    assert (row.data["milliseconds"], row.data["after"]) == (30, talk.call.recordings[0].recording_id)


@pytest.mark.requirement("S22")
def test_who_came_and_left_before_the_recorder_was_there_costs_the_call_nothing() -> None:
    talk = transferred().stopped().did(StartRecording).unbridges(OTHER_AGENT).hangs_up(OTHER_AGENT)
    talk.sees(THIRD, Role.AGENT).bridges(THIRD).did(StartRecording)
    talk.refused(StartRecording, segment=1, reason=NO_CHANNEL).is_state(State.DISCARDED, 1).did()
    talk.acknowledged().opened().growing().is_state(State.GROWING)


@pytest.mark.requirement("S22")
def test_a_channel_that_nobody_says_has_left_is_tried_again_but_not_for_ever() -> None:
    talk = transferred().stopped()
    for _ in range(TRIES):
        talk.refused(StartRecording, segment=-1, reason=NO_CHANNEL).is_state(State.DISCARDED, -2).did(StartRecording)
    talk.refused(StartRecording, segment=-1, reason=NO_CHANNEL).incident("start_failed").is_state(State.LOST)


@pytest.mark.requirement("S22")
def test_a_recorder_on_another_channel_does_not_end_with_the_caller_and_is_stopped() -> None:
    talk = followed().hangs_up(FAR).did(StopRecording).is_state(State.STOPPING)
    talk.hangs_up(OTHER_AGENT).did(StopRecording).is_state(State.STOPPED)


@pytest.mark.requirement("S22")
def test_a_transfer_that_falls_back_goes_on_in_the_same_file() -> None:
    talk = play().recording().unbridges(AGENT).wait(0.2).passes("alone").did(MaskRecording)
    talk.masked().bridges(AGENT).did(UnmaskRecording)
    assert not talk.count(StopRecording)


@pytest.mark.requirement("S6", "S73")
def test_who_has_to_agree_first_is_masked_and_the_segment_follows_the_answer() -> None:
    talk = play().recording().joined_by("guest", Role.GUEST)
    assert [type(item) for item in talk.last.effects if item.restrictive] == [MaskRecording]
    talk.masked().unbridges(AGENT).hangs_up(AGENT)
    assert not talk.count(StopRecording)
    talk.begins(Script.NOTICE, to="guest").ends(Script.NOTICE, to="guest").presses("1", by="guest")
    assert talk.count(StopRecording) == 1
    talk.stopped().did(StartRecording)
    assert started(talk).channel_id == "guest"


def test_an_effect_of_an_ordinary_start_is_written_as_ever() -> None:
    ordinary, other = started(play().recording()), started(followed())
    assert "swapped" not in ordinary.record() and other.record()["swapped"] is True


@pytest.mark.requirement("S95")
def test_a_side_that_is_missing_although_the_first_one_stays_is_found() -> None:
    talk = joined().recorder(LegSilent, side="right", milliseconds=3100).did(StopRecording).incident("one_sided")
    talk.stopped().did(StartRecording)
    assert started(talk).channel_id == OTHER_AGENT
    talk.acknowledged().said(Outcome.RECORDING_CONTINUED)
    talk.recorder(LegSilent, side="left", milliseconds=2000).is_quiet()  # of the same company: they say nothing


@pytest.mark.requirement("S22", "S95")
def test_a_recorder_on_somebody_elses_channel_that_does_not_get_its_line_gives_way_to_one_on_the_far_partys() -> None:
    """Two recorded callers are put through to each other: what Asterisk remembers of a channel may drop a voice."""
    deaf = followed().recorder(LegSilent, side="left", milliseconds=3000, offset_samples=8000)
    deaf.did(StopRecording).incident("one_sided").stopped().did(StartRecording)
    assert (started(deaf).channel_id, started(deaf).swapped) == (FAR, False)
    deaf.acknowledged().opened().growing()
    deaf.recorder(LegSilent, side="right", milliseconds=3000, offset_samples=8000).is_quiet()
    deaf.hangs_up(OTHER_AGENT).sees(THIRD, Role.AGENT).bridges(THIRD).did(StopRecording).stopped().did(StartRecording)
    assert (started(deaf).channel_id, started(deaf).swapped) == (THIRD, True)
    followed().recorder(LegSilent, side="left", milliseconds=3000, offset_samples=40_000).is_quiet()


@pytest.mark.parametrize("talk", [play().recording(), joined().presses("*8", by=AGENT)])
def test_who_says_nothing_and_a_pause_are_no_missing_side(talk: Play) -> None:
    talk.recorder(LegSilent, side="right", milliseconds=3100).is_quiet()


def test_the_far_partys_own_silence_is_none_either() -> None:
    joined().recorder(LegSilent, side="left", milliseconds=3100).is_quiet()


def test_the_next_transfer_takes_the_recording_to_the_next_newcomer() -> None:
    talk = followed()
    talk.hangs_up(OTHER_AGENT).did(StopRecording).is_state(State.STOPPED)
    talk.sees(THIRD, Role.AGENT).bridges(THIRD).did(StartRecording)
    assert started(talk).channel_id == THIRD and talk.file.written_side == "left"
    assert Outcome.RECORDING_CONTINUED not in talk.acknowledged().wrote[-1:]


def test_with_a_company_that_is_known_the_recorder_hangs_on_the_last_of_it() -> None:
    talk = followed().unbridges(OTHER_AGENT).stopped().whole()
    talk.bridges(OTHER_AGENT).did(StartRecording)
    assert started(talk).channel_id == OTHER_AGENT and talk.file.company == (OTHER_AGENT,)


@pytest.mark.requirement("S6")
def test_a_recorder_whose_channel_goes_elsewhere_is_stopped_at_once() -> None:
    talk = followed().joined_by(AGENT, Role.AGENT)
    talk.unbridges(OTHER_AGENT).did(StopRecording).stopped().did(StartRecording)
    assert started(talk).channel_id == AGENT
    alone = followed().unbridges(OTHER_AGENT).did(StopRecording)
    alone.stopped().did()


def test_where_the_dialplan_starts_recorders_somebody_has_to_know() -> None:
    talk = play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).unmasked(800)
    assert talk.file.company == (AGENT,)
    transferred(talk).unmasked(9000).recorder(LegSilent, side="right", milliseconds=3100).incident("one_sided")
    assert not talk.count(StopRecording)

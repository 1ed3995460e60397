from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from callguard.core.effects import DiscardRecording, MeasureRecording, StartRecording, WakeAt
from callguard.core.events import Action, Script, StopObserved
from callguard.core.measuring import expectation, length
from callguard.core.pausing import SLACK
from callguard.core.purpose import Trigger
from callguard.core.recording import Mask, Span, State
from callguard.core.word import Cause
from tests.core.play import AGENT, ASK, KEEP, Play, play


def test_a_file_is_as_long_as_from_its_acknowledgement_to_its_end() -> None:
    talk = play().talking().acknowledged().wait(0.5).opened().begins(Script.RECORDING_ON, to=AGENT)
    talk.wait(9.5).growing().hangs_up().stopped().whole()
    assert talk.measure == expectation(talk.call, talk.file)
    assert (talk.measure.seconds, talk.measure.line_seconds, talk.measure.masks) == (10.0, 0.5, ())


@pytest.mark.parametrize(("masked", "asked"), [(4_000, -1.0), (18_000, -1.0), (26_000, 0.5)])
def test_a_line_that_a_pause_cut_is_not_asked_for(masked: int, asked: float) -> None:
    talk = play().talking().acknowledged().wait(0.5).opened().begins(Script.RECORDING_ON, to=AGENT).wait(2).growing()
    talk.presses("*8", by=AGENT).masked(masked).wait(5).hangs_up().stopped().whole()
    assert talk.measure.line_seconds == asked


def test_a_recorder_that_stood_still_while_it_was_masked_owes_no_silence() -> None:
    talk = play().talking().acknowledged().opened().wait(1).presses("*8", by=AGENT)  # a key takes half a second
    talk.masked(16_000).wait(3).presses("*8", by=AGENT).unmasked(16_160)
    talk.wait(1).presses("*8", by=AGENT).masked(32_160).wait(5).hangs_up().stopped()
    talk.recorder(StopObserved, offset_samples=32_160)
    assert (talk.measure.seconds, talk.measure.masks) == (4.02, ((16_000, 16_160), (32_160, -1)))


def test_a_file_without_a_beginning_or_a_line_is_measured_without() -> None:
    talk = play().talking().hangs_up().whole()
    assert (talk.measure.seconds, talk.measure.line_seconds) == (-1.0, -1.0)


def test_a_mask_counts_to_its_end_and_one_whose_end_nobody_knows_not_at_all() -> None:
    talk = play().recording()
    recording = replace(talk.file, spans=(Span(start=10, end=20), Span(start=30)), mask=Mask.ON)
    assert expectation(talk.call, recording).masks == ((10, 20), (30, -1))
    assert expectation(talk.call, replace(recording, mask=Mask.UNMASKING)).masks == ((10, 20),)


@pytest.mark.requirement("S82")
def test_keys_that_sound_are_to_be_blanked_where_the_call_type_pauses_for_them() -> None:
    assert play().recording().hangs_up().stopped().whole().measure.record()["digits"]
    kind = replace(ASK, pause_on=(Trigger.EVENT,))
    assert "digits" not in play(kind).recording().hangs_up().stopped().whole().measure.record()


@pytest.mark.parametrize(("by_wall", "steady", "told"), [(9.0, 80_000, 10.0), (9.8, 80_000, 9.8), (11.0, 80_000, 11.0)])
def test_a_steady_clock_tells_the_length_where_the_wall_clock_was_set_back(
    by_wall: float, steady: int, told: float
) -> None:
    talk = play().talking().acknowledged().opened()
    stopped_at = talk.file.started_at and talk.file.started_at + timedelta(seconds=by_wall)
    assert length(replace(talk.file, stopped_at=stopped_at, stopped_after=steady)) == pytest.approx(told)
    assert length(replace(talk.file, stopped_at=stopped_at)) == pytest.approx(by_wall)


# ---------------------------------------------------------------- when it is due
def waiting(talk: Play | None = None) -> Play:
    """Somebody stopped the recorder, its file is whole, and another one has begun."""
    return (talk or play().recording()).whole().did(StartRecording)


def test_while_the_call_is_recorded_on_a_verdict_waits_for_what_may_be_heard_yet() -> None:
    talk = waiting(play(replace(ASK, look_back_s=7)).recording())
    assert [item.seconds for item in talk.last.effects if isinstance(item, WakeAt) and "measure" in item.name] == [12.0]
    talk.wait(12).passes("measure").did(MeasureRecording)
    talk.feed_deadline("measure:0").is_quiet()
    talk.feed_deadline("measure:1").is_quiet().feed_deadline("measure:9").is_quiet()


@pytest.mark.parametrize("end", ["hangs up", "is stopped", "withdraws"])
def test_a_verdict_waits_no_longer_than_its_call_is_recorded(end: str) -> None:
    talk = waiting(play(KEEP).recording())
    if end == "hangs up":
        talk.hangs_up()
    else:
        talk.operator(Action.STOP if end == "is stopped" else Action.WITHDRAW)
    assert talk.measure.segment_no == 0
    talk.feed_deadline("measure:0").is_quiet()


def test_what_is_withdrawn_before_its_verdict_gets_none() -> None:
    talk = waiting().operator(Action.WITHDRAW)
    assert DiscardRecording in map(type, talk.last.effects) and not talk.count(MeasureRecording)
    talk.discarded(0).is_state(State.DISCARDED, 0).feed_deadline("measure:0").is_quiet()


def test_a_takeover_lets_the_verdict_wait_again() -> None:
    talk = waiting().whole(0).did()
    talk.passes("measure").did(MeasureRecording)


@pytest.mark.requirement("S82")
def test_what_a_pause_looks_back_to_goes_from_the_segment_before_too() -> None:
    talk = (
        waiting(play().recording().wait(10)).wait(0.5).acknowledged().opened().wait(2).growing()
    )  # it ended at 12.1 s
    talk.signals(Cause.EVENT).masked(16_000).passes("measure")
    assert talk.measure.blanks == ((76_800 - SLACK, 116_800 + SLACK),), "it ended with its sample 96,800"
    assert talk.measure.segment_no == 0
    talk.hangs_up().stopped().whole()
    assert talk.measure.blanks == ((0, 16_000 + SLACK),) and talk.measure.segment_no == 1

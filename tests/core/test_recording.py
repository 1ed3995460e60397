from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from callguard.core.events import FACTS
from callguard.core.recording import LIFE, MASKS, RUNNING, Mask, Recording, Sign, Span, State, Touch
from tests.core.play import Play, play

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NEW = Recording(recording_id="r0", segment_no=0, channel_id="far")
FACTUAL = [sign for sign in Sign if sign.value in FACTS]


def with_recording(**values: object) -> Play:
    """A call at rest whose only recording is as given: nothing but the fact can move it."""
    recording = replace(NEW, **values)  # type: ignore[arg-type]
    talk = play().talking() if recording.state.runs else play().granted()
    return Play(call=replace(talk.call, recordings=(recording,)))


@pytest.mark.parametrize(("state", "sign"), list(product(State, FACTUAL)))
def test_the_grid_of_states(state: State, sign: Sign) -> None:
    talk = with_recording(state=state)
    talk.recorder(FACTS[sign.value])
    if (state, sign) in LIFE:
        barred = sign is Sign.DAMAGED and state.runs  # and so stopped in the same step
        talk.is_state(State.STOPPING if barred else LIFE[state, sign], segment=0)
    else:
        talk.is_unexpected().is_state(state)


@pytest.mark.parametrize(("mask", "touch"), list(product(Mask, [Touch.MASK_ACKNOWLEDGED, Touch.UNMASK_ACKNOWLEDGED])))
def test_the_grid_of_masks(mask: Mask, touch: Touch) -> None:
    talk = with_recording(state=State.STOPPED, mask=mask)
    talk.recorder(FACTS[touch.value])
    assert talk.file.mask is MASKS.get((mask, touch), mask)
    if (mask, touch) not in MASKS:
        talk.is_unexpected()


@pytest.mark.parametrize(("mask", "touch"), list(product(Mask, [Touch.WANT_SILENCE, Touch.WANT_SOUND])))
def test_what_is_wanted_always_has_a_row(mask: Mask, touch: Touch) -> None:
    silent = (Mask.MASKING, Mask.ON)
    after = MASKS[mask, touch]
    assert after in silent if touch is Touch.WANT_SILENCE else after not in silent or mask is Mask.MASKING


def test_a_mask_goes_on_only_when_the_pbx_said_so() -> None:
    assert {touch for (mask, touch), after in MASKS.items() if after is Mask.ON and mask is not Mask.ON} == {
        Touch.MASK_ACKNOWLEDGED
    }


def test_nothing_brings_a_recording_back() -> None:
    for (before, sign), after in LIFE.items():
        if not before.runs:
            assert not after.runs, (before, sign)
        if before.is_final:
            assert after.is_final, (before, sign)


def test_runs_and_final() -> None:
    assert tuple(state for state in State if state.runs) == RUNNING
    assert [state.value for state in State if state.is_final] == ["verified", "damaged", "lost", "discarded"]


@pytest.mark.parametrize(
    ("state", "mask", "shown"),
    [
        (State.GROWING, Mask.ON, "masked"),
        (State.GROWING, Mask.MASKING, "growing"),
        (State.REQUESTED, Mask.OFF, "requested"),
        (State.STOPPED, Mask.ON, "stopped"),
    ],
)
def test_the_state_as_the_contract_names_it(state: State, mask: Mask, shown: str) -> None:
    assert replace(NEW, state=state, mask=mask).shown == shown


def test_masked_stretches_open_and_close_once() -> None:
    one = NEW.with_span_closed(5, NOW).with_span_open(10, NOW).with_span_open(11, NOW)
    assert one.spans == (Span(start=10),)
    two = one.with_span_closed(20, NOW).with_span_closed(21, NOW).with_span_open(30, NOW)
    assert two.spans == (Span(start=10, end=20), Span(start=30))
    assert two.stood == 0


def test_how_long_a_masked_recorder_stood_still_is_counted() -> None:
    assert NEW.stood_until(8000, NOW) == 0
    one = NEW.with_span_open(8000, NOW)
    assert one.stood_until(-1, NOW + timedelta(seconds=3)) == 0  # nobody knows where it ended
    assert one.stood_until(7000, NOW + timedelta(seconds=3)) == 3  # it stood still before the mask was acknowledged
    assert one.stood_until(8000 + 1840, NOW + timedelta(seconds=0.4)) == 0
    two = one.with_span_closed(16000, NOW + timedelta(seconds=3)).with_span_open(24000, NOW + timedelta(seconds=5))
    assert two.stood == two.stood_until(24000, NOW + timedelta(seconds=5)) == 2
    assert two.with_span_closed(24000, NOW + timedelta(seconds=6)).stood == 3
    unanswered = replace(two, mask=Mask.UNMASKING)
    assert (two.stood_at_end(24000, NOW + timedelta(seconds=6)), unanswered.stood_at_end(24000, NOW)) == (3, 2)
    assert two.with_span_closed(24000, None).stood == 2  # where it ended is a guess
    assert one.with_span_closed(12000, NOW).with_span_open(24000, None).stood_until(25000, NOW) == 0


@pytest.mark.requirement("S42", "S82")
def test_what_lies_behind_the_place_from_which_a_file_fell_behind_may_lie_that_much_sooner() -> None:
    began = replace(
        NEW,
        started_at=NOW,
        spans=(Span(start=1000, end=9000), Span(start=30000, end=41000), Span(start=45000)),
        blanks=(Span(start=8000, end=9000), Span(start=29000, end=31000)),
        due=(Span(start=17000, end=18000),),
    )
    fell = began.fell(2.0, 16384)
    assert fell.spans == (Span(start=1000, end=9000), Span(start=30000, end=30000), Span(start=45000))
    assert fell.blanks == (Span(start=8000, end=9000), Span(start=16384, end=31000))
    assert fell.due == (Span(start=16384, end=18000),)
    assert fell.place(NOW + timedelta(seconds=5)) == 24000 and began.place(NOW + timedelta(seconds=5)) == 40000
    assert replace(fell, stood=1.5).place(NOW + timedelta(seconds=5)) == 24000  # what it stood still is part of that
    caught_up = fell.fell(-1.9, 49152)
    assert caught_up.place(NOW + timedelta(seconds=5)) == 39200 and caught_up.spans[:2] == fell.spans[:2]
    assert caught_up.fell(-1.0, 49152).fallen == 0


@pytest.mark.requirement("S42", "S82")
def test_what_waited_for_a_slow_disk_under_a_mask_goes_with_it() -> None:
    """Asterisk silences what is read, not what was said: half a second that waits is written behind the mask's end."""
    masked = replace(NEW, spans=(Span(start=17000, end=30000), Span(start=40000)))
    late = masked.fell(0.4, 16384)
    assert late.spans[0] == Span(start=17000, end=26800) and late.doubts == (Span(start=26800, end=30000),)
    assert late.fell(0.4, 32768).doubts == late.doubts
    assert late.observed("mask_observed", 27000) == late == late.observed("unmask_observed", 30000)
    typed = masked.fell(1.4, 16384).observed("unmask_observed", 22000)
    assert (typed.doubts, typed.stood) == ((Span(start=18800, end=26000),), 1.0), "what is missing was silence"
    assert masked.fell(1.4, 16384).observed("unmask_observed", 14000).stood == 0, "of another mask"
    meanwhile = replace(late, spans=(*late.spans[:1], Span(start=33000, end=34000)))
    assert meanwhile.fell(-0.4, 32768).doubts == (*late.doubts, Span(start=34000, end=37200))


@pytest.mark.requirement("S42", "S82")
def test_what_was_placed_while_a_file_only_waited_to_be_written_lies_later() -> None:
    late = replace(
        NEW,
        fallen=0.4,
        spans=(Span(start=1000, end=9000), Span(start=33000), Span(start=33000, end=34000)),
        blanks=(Span(start=20000, end=33000), Span(start=20000)),
        due=(Span(start=20000, end=30000), Span(start=20000, end=33000), Span(start=5)),
    )
    there = late.fell(-0.4, 32768)
    assert there.spans == (Span(start=1000, end=9000), Span(start=36200), Span(start=34000, end=34000))
    assert there.blanks == (Span(start=20000, end=36200), Span(start=20000))
    assert there.due == (Span(start=20000, end=33200), Span(start=20000, end=36200), Span(start=5))
    lasts = replace(NEW, fallen=0.4, masked_at=NOW).with_span_open(33000, NOW).fell(-0.4, 32768)
    assert lasts.stood_until(36200 + 8000, NOW + timedelta(seconds=1.4)) == 0, "it stood still for none of that"

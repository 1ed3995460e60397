"""What the log says of a finished file, for the file to be held against, and when it is.

What belongs here: from a recording whose files are whole to its expectation, or its destruction. What does not: the
file (audio/).
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core import late, line
from callguard.core.call import Call
from callguard.core.effects import DiscardRecording, MeasureRecording, WakeAt
from callguard.core.events import Link
from callguard.core.outcome import Step, incident
from callguard.core.pausing import BURST_SPAN
from callguard.core.quorum import Want, wanted
from callguard.core.recording import CLOCKS_AGREE, RATE, Mask, Recording, Span, State


def whole(call: Call, recording: Recording) -> Step:
    """The files of RECORDING are whole. While its call is recorded on, what is said next may take sound out of them:
    so long a verdict waits."""
    call = call.with_recording(replace(recording, whole=True, unasked=True))
    seconds = call.call_type.look_back_s + BURST_SPAN.total_seconds()
    return Step(call, (WakeAt(name=f"measure:{recording.segment_no}", seconds=seconds),) if _goes_on(call) else ())


def settle(call: Call) -> Step:
    """Ask for the verdicts that wait for nothing any more, and destroy what has to go."""
    done = Step(call)
    for item in call.recordings:
        if item.state is State.STOPPED and item.unasked and (_is_nothing(call, item) or not _goes_on(call)):
            done = done.also(_asked(done.call, item))
    return done


def overdue(call: Call, number: int) -> Step:
    """A verdict has waited long enough."""
    item = call.recordings[number] if number < len(call.recordings) else None
    waits = item is not None and item.state is State.STOPPED and item.unasked
    return _asked(call, item) if item and waits else Step(call)


def _asked(call: Call, item: Recording) -> Step:
    call = call.with_recording(replace(item, unasked=False))
    if _is_nothing(call, item):
        gone = DiscardRecording(recording_id=item.recording_id, segment_no=item.segment_no, channel_id=item.channel_id)
        return Step(call, (gone,))
    unknown = length(item) < 0  # the start's answer was lost, or the clock was set back
    done = incident(call, "length_unknown") if unknown else Step(call)
    return done.then(lambda now: Step(now, (expectation(now, item),)))


def _is_nothing(call: Call, item: Recording) -> bool:
    return item.condemned or (call.least_privilege and item.never_heard)


def _goes_on(call: Call) -> bool:
    """Whether more may be said of sound that is in a file: its call is recorded on, or the PBX cannot tell who came."""
    there = call.far is not None and not call.far.gone
    return there and (wanted(call)[0] is not Want.STOP or Link.PBX in call.faults)


def expectation(call: Call, recording: Recording) -> MeasureRecording:
    """What the log says of the finished file of a RECORDING of CALL."""
    unmasking = recording.mask is Mask.UNMASKING  # ended before the answer: where sound came back nobody knows
    started = recording.started_at
    begun = None if line.is_cut(recording) else recording.line_at
    return MeasureRecording(
        recording_id=recording.recording_id,
        segment_no=recording.segment_no,
        channel_id=recording.channel_id,
        seconds=length(recording),
        masks=tuple((span.start, span.end) for span in recording.spans if _is_silent(span, unmasking=unmasking)),
        line_seconds=(begun - started).total_seconds() if started and begun else -1.0,
        blanks=late.blanks(recording),
        digits=call.hides_digits,
    )


def length(recording: Recording) -> float:
    """How many seconds of file there have to be, below 0 where nobody can tell: by the wall clock, unless it was set
    back meanwhile, and without what it stood still."""
    if recording.started_at is None or recording.stopped_at is None:
        return -1.0
    seconds = (recording.stopped_at - recording.started_at).total_seconds()
    if -CLOCKS_AGREE < seconds < 0.0:  # hung up before the PBX's answer to the start was here
        seconds = 0.0
    steady = recording.stopped_after / RATE
    return (steady if steady - seconds > CLOCKS_AGREE else seconds) - recording.stood


def _is_silent(span: Span, *, unmasking: bool) -> bool:
    """Whether anything of it is silent for sure. UNMASKING: the one that lasts may have ended."""
    return span.end > span.start if span.end >= 0 else not unmasking

"""What the log says of a finished file, for the file to be held against.

What belongs here: from a recording to its expectation. What does not: when that is due (recorder.py), the
file (audio/).
"""

from __future__ import annotations

from callguard.core import late, line
from callguard.core.call import Call
from callguard.core.effects import MeasureRecording
from callguard.core.recording import RATE, Mask, Recording

CLOCKS_AGREE = 0.5
"""Seconds by which the wall clock and a steady one may differ about a recording although nobody set either."""


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
        masks=tuple((span.start, span.end) for span in recording.spans if span.end >= 0 or not unmasking),
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

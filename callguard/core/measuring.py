"""What the log says of a finished file, for the file to be held against.

What belongs here: from a recording to its expectation. What does not: when that is due (recorder.py), the
file (audio/).
"""

from __future__ import annotations

from callguard.core import line, pausing
from callguard.core.call import Call
from callguard.core.effects import MeasureRecording
from callguard.core.purpose import Trigger
from callguard.core.recording import Mask, Recording


def expectation(call: Call, recording: Recording) -> MeasureRecording:
    """What the log says of the finished file of a RECORDING of CALL."""
    unmasking = recording.mask is Mask.UNMASKING  # ended before the answer: where sound came back nobody knows
    started, stopped = recording.started_at, recording.stopped_at
    begun = None if line.is_cut(recording) else recording.line_at
    return MeasureRecording(
        recording_id=recording.recording_id,
        segment_no=recording.segment_no,
        channel_id=recording.channel_id,
        seconds=(stopped - started).total_seconds() - recording.stood if started and stopped else -1.0,
        masks=tuple((span.start, span.end) for span in recording.spans if span.end >= 0 or not unmasking),
        line_seconds=(begun - started).total_seconds() if started and begun else -1.0,
        blanks=pausing.blanks(recording),
        digits=Trigger.DIGITS in call.call_type.pause_on,
    )

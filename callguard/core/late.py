"""Silence that took hold late: the PBX told of its cause late, this process stood still, or a request got no answer.

What belongs here: which sound has to go from the finished file for that. What does not: what a pause takes with it
(pausing.py), whether silence is due (quorum.py), the mask itself (recorder.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from callguard.core import pausing
from callguard.core.call import Call
from callguard.core.pausing import SLACK
from callguard.core.quorum import is_private
from callguard.core.recording import RATE, Mask, Recording, Span, State

LATE = RATE // 4
"""Samples (0.25 s) that a mask or stop may take after what it is for: as much as the PBX may take to tell of it."""


def noticed(before: Call, after: Call, at: datetime) -> Call:
    """AFTER, which a fact of that moment made of BEFORE. Where people must not be recorded from then on, or may be
    again, the file is silent or not by that moment, whenever the recorder hears of it."""
    if is_private(before) is is_private(after):
        return after
    if is_private(after):
        for item in before.recordings:
            sounds = item.mask in (Mask.OFF, Mask.UNMASKING) and (item is before.running or _is_unmeasured(item))
            if sounds and item.started_at:
                later = after.find(item.recording_id) or item
                due = Span(start=max(0, _place(later, item.started_at, at)))
                after = after.with_recording(replace(later, due=(*later.due, due)))
        return after
    running = before.running
    now = after.find(running.recording_id) if running else None
    if running is None or now is None or running.started_at is None:
        return after
    place = max(0, _place(now, running.started_at, at))
    *rest, last = now.due or (Span(start=place, end=place),)
    return after.with_recording(replace(now, due=(*rest, replace(last, end=place)))) if last.end < 0 else after


def _is_unmeasured(recording: Recording) -> bool:
    """Whether it was told to stop, or was stopped by somebody, and its file is not held against the log yet."""
    return recording.state in (State.STOPPING, State.STOPPED) and not recording.whole


def blanks(recording: Recording) -> tuple[tuple[int, int], ...]:
    """What has to be silent in the file of a RECORDING that ended besides its masks, in samples; end -1: to its end."""
    return *pausing.blanks(recording), *_late(recording)


def _late(recording: Recording) -> Iterator[tuple[int, int]]:
    """From where silence was due to where a mask took hold, or none was needed any more, or the file ends."""
    for due in recording.due:
        masked = (span.start for span in recording.spans if span.end < 0 or span.end > due.start)
        silent = min((place for place in (next(masked, -1), due.end) if place >= 0), default=-1)
        if (silent if silent >= 0 else _end(recording)) - due.start > LATE:
            yield max(0, due.start - SLACK), silent + SLACK if silent >= 0 else -1


def _end(recording: Recording) -> int:
    """Where it ended by the clock; 0 where nobody knows."""
    if recording.started_at is None or recording.stopped_at is None:
        return 0
    return _place(recording, recording.started_at, recording.stopped_at)


def _place(recording: Recording, started: datetime, at: datetime) -> int:
    return round(((at - started).total_seconds() - recording.stood) * RATE)

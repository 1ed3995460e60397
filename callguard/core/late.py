"""Silence that took hold late: the PBX told of its cause late, this process stood still, or a request got no answer.

What belongs here: which sound has to go from the finished file for that. What does not: what a pause takes with it
(pausing.py), whether silence is due (quorum.py), the mask itself (recorder.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from callguard.core import pausing
from callguard.core.call import Call
from callguard.core.events import Link
from callguard.core.outcome import Step, incident
from callguard.core.pausing import SLACK
from callguard.core.quorum import is_private
from callguard.core.recording import RATE, Mask, Recording, Span, State

LATE = RATE // 4
"""Samples (0.25 s) that a mask or stop may take after what it is for: as much as the PBX may take to tell of it."""


_KEPT = (State.STOPPED, State.VERIFIED, State.DAMAGED)


def noticed(before: Call, after: Call, at: datetime) -> Step:
    """AFTER, which a fact of that moment made of BEFORE. Where people must not be recorded from then on, or may be
    again, the file is silent or not by that moment, whenever the recorder hears of it."""
    if is_private(before) is is_private(after):
        return Step(after)
    if Link.PBX in before.faults and before.lost_at is not None and is_private(after):
        at = min(at, before.lost_at)  # the PBX tells who is there, not since when
    return _silent_from(before, after, at) if is_private(after) else Step(_sounding_from(before, after, at))


def _silent_from(before: Call, after: Call, at: datetime) -> Step:
    """The files that have sound at that moment. One that was held against the log already stays as it is, and somebody
    has to know."""
    done = Step(after)
    for item in before.recordings:
        if item.mask is Mask.ON or item.started_at is None:
            continue
        now = after.find(item.recording_id) or item
        due = Span(start=now.place(at), sure=False)
        if item is before.running or item.is_unmeasured:
            done = replace(done, call=done.call.with_recording(replace(now, due=(*now.due, due))))
        elif now.state in _KEPT and not now.condemned and any(_late(replace(now, due=(due,)))):
            done = done.then(partial(incident, kind="heard_late", recording_id=item.recording_id))
    return done


def _sounding_from(before: Call, after: Call, at: datetime) -> Call:
    running = before.running
    now = after.find(running.recording_id) if running else None
    if running is None or now is None or running.started_at is None:
        return after
    place = max(0, now.place(at))
    *rest, last = now.due or (Span(start=place, end=place),)
    return after.with_recording(replace(now, due=(*rest, replace(last, end=place)))) if last.end < 0 else after


def unwatched(call: Call, at: datetime, milliseconds: int) -> Call:
    """CALL, of which for so long before that moment nobody knows who came and went: what ran then has to be silent."""
    item = call.running
    if not milliseconds or item is None or item.started_at is None:
        return call
    start, end = (item.place(when) for when in (at - timedelta(milliseconds=milliseconds), at))
    return call.with_recording(replace(item, due=(Span(start=max(0, start), end=end), *item.due)))


def blanks(recording: Recording) -> tuple[tuple[int, int], ...]:
    """What has to be silent in the file of a RECORDING that ended besides its masks, in samples; end -1: to its end."""
    return *pausing.blanks(recording), *_late(recording), *_doubtful(recording)


def _doubtful(recording: Recording) -> Iterator[tuple[int, int]]:
    """What a slow disk may have kept waiting under a mask, to be written behind it."""
    return ((max(0, item.start - SLACK), item.end + SLACK) for item in recording.doubts)


def _late(recording: Recording) -> Iterator[tuple[int, int]]:
    """From where silence was due to where a mask took hold, or none was needed any more, or the file ends."""
    for due in (item.inside for item in recording.due):
        masked = (span.start for span in recording.spans if span.end < 0 or span.end > due.start)
        silent = min((place for place in (next(masked, -1), due.end) if place >= 0), default=-1)
        if (silent if silent >= 0 else _end(recording)) - due.start > LATE:
            yield max(0, due.start - SLACK), silent + SLACK if silent >= 0 else -1


def _end(recording: Recording) -> int:
    """Where it ended by the clock; 0 where nobody knows."""
    if recording.started_at is None or recording.stopped_at is None:
        return 0
    return recording.place(recording.stopped_at)

"""Segments: on which channel the next recorder hangs, and when one has to take over from another.

A recorder on one channel takes what that channel says from it, and what the others say on its way there. When somebody
else comes to talk, Asterisk may drop the newcomer's packets on the way to the recorder for minutes: their numbers are
lower than those of whoever talked before (docs/transfers.md). So the recording goes on in a segment that hangs on the
newcomer's channel, with its sides swapped.

What belongs here: choosing. What does not: starting and stopping (recorder.py).
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core.call import Call
from callguard.core.events import NO_CHANNEL, Outcome
from callguard.core.line import LINE_SECONDS
from callguard.core.outcome import Step, record
from callguard.core.recording import RATE, Mask, Recording

LINE = round(LINE_SECONDS * RATE)
"""Samples in which the line lies that every segment begins with."""
TRIES = 3
"""So often a recorder may find no channel to hang on while nobody says that this one left."""


def following(call: Call) -> Recording:
    """The next segment, not yet started: on the far party's channel until that can miss a side."""
    company = _company(call)
    known = {channel_id for item in call.recordings for channel_id in item.company}
    swapped = any(item.handed_on for item in call.recordings) and not _is_deaf(call.recordings[-1])
    newest = next((item for item in reversed(company) if item not in known), company[-1])
    return Recording(
        recording_id=call.segment_id(),
        segment_no=len(call.recordings),
        channel_id=newest if swapped else call.anchor,
        preflight=call.rule.preflight,
        company=company,
        swapped=swapped,
    )


def settle(call: Call) -> Step:
    """A recorder that the dialplan started gets its first company."""
    running, company = call.running, _company(call)
    if running is None or running.company or not company:
        return Step(call)
    return Step(call.with_recording(replace(running, company=company)))


def _company(call: Call) -> tuple[str, ...]:
    return tuple(channel.channel_id for channel in call.others())


def is_left(call: Call, recording: Recording) -> bool:
    """Whether other people talk now than those with whom it began. Where the dialplan starts recorders there is no
    second one."""
    here = _company(call)
    return bool(here) and not call.least_privilege and not set(here) & set(recording.company)


def is_astray(call: Call, recording: Recording) -> bool:
    """Whether the channel that the recorder hangs on talks elsewhere: what is said there is of no call of ours."""
    return recording.swapped and recording.channel_id not in _company(call)


def has_left(call: Call, recording: Recording, reason: str) -> bool:
    """Whether a start failed, for REASON, because who came had gone again before the recorder was there, or that is on
    its way to us. The next one is about whoever is there by then."""
    tries = sum(item.channel_id == recording.channel_id and item.started_at is None for item in call.recordings)
    return reason == NO_CHANNEL and recording.swapped and (tries <= TRIES or not recording.state.runs)


def is_one_sided(call: Call, recording: Recording, side: str, since: int) -> bool:
    """Whether silence on SIDE from the sample SINCE on is more than somebody who says nothing: others have come since
    it began, or not even the line is heard there, which is whispered to all."""
    newcomers = set(_company(call)) - set(recording.company)
    sounds = recording.state.runs and recording.mask is Mask.OFF
    unheard = recording.swapped and 0 <= since < LINE
    return sounds and (bool(newcomers) or unheard) and side == recording.written_side


def _is_deaf(recording: Recording) -> bool:
    """Whether it hung on another's channel, and got nothing of what is said to that: a recorder of that one's own call
    had been there before, and Asterisk's memory is the channel's. The far party's own may have a better one."""
    return recording.swapped and recording.one_sided > 0


def continued(call: Call, recording: Recording) -> Step:
    """RECORDING has begun: how much lies between it and the one that it took over from is a row of its own. One between
    them that never began, because the next transfer was there already, took nothing over."""
    earlier = reversed(call.recordings[: recording.segment_no])
    before = next((item for item in earlier if item.started_at is not None), None)
    if before is None or not before.handed_on or before.stopped_at is None or recording.started_at is None:
        return Step(call)
    gap = round((recording.started_at - before.stopped_at).total_seconds() * 1000)
    about = {"recording_id": recording.recording_id, "after": before.recording_id, "milliseconds": max(0, gap)}
    return record(
        call, Outcome.RECORDING_CONTINUED, recording.channel_id, **about, one_sided_milliseconds=before.one_sided
    )

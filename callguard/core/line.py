"""The line: the first words in every file, by which all parties hear that recording is on.

What belongs here: when it is played, when it has to be played again or to end, whether it can be found in the file.
What does not: finding it (audio/), the recorder (recorder.py).
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core import late
from callguard.core.call import Call
from callguard.core.effects import PlayPrompt, StopPrompt
from callguard.core.events import NoticeStarted, Script
from callguard.core.outcome import Step, incident
from callguard.core.recording import RATE, Recording

LINE_SECONDS = 2.0
"""The longest that the line lasts."""
DOUBT = RATE // 2
"""Samples by which the edge of a mask may lie elsewhere when the recorder's clock is not known."""


def play(call: Call) -> Step:
    """All who are there hear it."""
    heard_at, running = hearer(call), call.running
    if not heard_at or (call.hushes and running is None):
        return Step(call)
    if call.hushes and running:
        call = call.with_recording(replace(running, line_on=heard_at))
    return Step(call, (PlayPrompt(channel_id=heard_at, script=Script.RECORDING_ON, whisper=True, to_all=True),))


def hearer(call: Call) -> str:
    """Where it is whispered: a recorder does not hear what is whispered on its own channel."""
    others = call.others()
    if others and call.running and call.running.swapped:
        return call.anchor
    return others[0].channel_id if others else ""


def settle(call: Call) -> Step:
    """A line says what is so: it ends with its recording, and begins anew where nobody heard it."""
    ends = next((item for item in call.recordings if item.line_on and not item.state.runs), None)
    return (_hush(call, ends) if ends else Step(call)).then(_pay)


def _hush(call: Call, recording: Recording) -> Step:
    """The recorder was told to stop, or is gone: nobody hears on that it records."""
    hearer = recording.line_on
    call = call.with_recording(replace(recording, line_on="", line_off=hearer))
    heard = any(channel.channel_id == hearer for channel in call.hearers())
    return Step(call, (StopPrompt(channel_id=hearer, script=Script.RECORDING_ON),) if heard else ())


def _pay(call: Call) -> Step:
    """Who came instead of somebody in whose line the call was transferred hears it, as does the file."""
    running = call.running
    owed = running.line_owed if running else ""
    if running is None or not owed or hearer(call) in ("", owed):
        return Step(call)
    return play(call.with_recording(replace(running, line_owed="")))


def started(call: Call, event: NoticeStarted) -> Step:
    """It began: the audio is held against this later."""
    running = call.running
    return Step(call.with_recording(replace(running, line_at=event.at)) if running and not running.line_at else call)


def ended(call: Call, channel_id: str) -> Step:
    """It is over: heard to its end, or told to end."""
    for item in call.recordings:
        if item.line_off == channel_id:
            return Step(call.with_recording(replace(item, line_off="")))
    running = call.running
    over = running and running.line_on == channel_id
    return Step(call.with_recording(replace(running, line_on="")) if running and over else call)


def failed(call: Call, channel_id: str, *, hung_up: bool, stopped: bool) -> Step:
    """It was not heard to its end: no recording, unless a hang-up or a transfer took its hearer away. One that was told
    to end, with its own recording, did not fail."""
    if stopped and any(item.line_off == channel_id for item in call.recordings):
        return ended(call, channel_id)
    call = ended(call, channel_id).call
    channel = call.channels.get(channel_id)
    running = call.running
    if running is None or channel is None:
        return Step(call)
    if hung_up or channel not in call.hearers():
        return Step(call.with_recording(replace(running, line_at=None, line_owed=channel_id)))
    return incident(replace(call, barred=True), "line_failed")


def is_cut(recording: Recording) -> bool:
    """Whether a mask or what goes with it lies over the line: who pauses at once cuts it."""
    if recording.started_at is None or recording.line_at is None:
        return False
    begin = (recording.line_at - recording.started_at).total_seconds() * RATE - DOUBT
    end = begin + LINE_SECONDS * RATE + 2 * DOUBT
    silent = (*((span.start, span.end) for span in recording.spans), *late.blanks(recording))
    return any(start < end and (stop < 0 or stop > begin) for start, stop in silent)

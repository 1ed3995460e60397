"""The tone that says again and again that a call is recorded.

What belongs here: on which calls it sounds, and when the next time. What does not: the sound (audio/tone.py), who plays
it (pbx/). It stands in for no notice and no answer.
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core import line
from callguard.core.call import Call
from callguard.core.effects import SoundBeep, WakeAt
from callguard.core.events import EffectFailed, Link
from callguard.core.outcome import Step, incident
from callguard.core.purpose import Beeping
from callguard.core.recording import Mask, State


def period(call: Call) -> int:
    """Seconds from one beep to the next on this call; 0: it has none."""
    kind, rule = call.call_type, call.rule
    if kind.beep is Beeping.NEVER or (kind.beep is Beeping.RULE and not rule.beep):
        return 0
    return min(kind.beep_every_s, rule.beep_within or kind.beep_every_s)


def settle(call: Call) -> Step:
    """Have the next beep come while sound reaches the file; a mask, and the end, drop the watch for it."""
    every = period(call)
    if not every or not _sounds(call):
        return Step(replace(call, beep_watch=0) if call.beep_watch else call)
    if call.beep_watch:
        return Step(call)
    call = replace(call, ticks=call.ticks + 1, beep_watch=call.ticks + 1)
    return Step(call, (WakeAt(name=f"beep:{call.ticks}", seconds=float(every)),))


def due(call: Call, number: int) -> Step:
    """The beep that the watch NUMBER was for; `settle` has the next one come."""
    if not call.beep_watch or number != call.beep_watch:
        return Step(call)
    call = replace(call, beep_watch=0)
    heard_at = line.hearer(call) if _sounds(call) else ""
    return Step(call, (SoundBeep(channel_id=heard_at),) if heard_at else ())


def failed(call: Call, event: EffectFailed) -> Step:
    """A beep was not heard: told once. One that was cut by a hang-up did not fail."""
    channel = call.channels.get(event.channel_id)
    if call.beepless or channel is None or channel.gone or not _sounds(call):
        return Step(call)
    return incident(replace(call, beepless=True), "beep_failed")


def _sounds(call: Call) -> bool:
    """Whether sound reaches the file, the line was heard there, and there is somebody to tell."""
    running = call.running
    if running is None or running.line_at is None or Link.PBX in call.faults:
        return False
    in_file = running.state in (State.OPENED, State.GROWING) and running.mask is Mask.OFF
    return in_file and bool(call.others())

"""A recorder that is to stop and does not: the request was refused, or lost with the link.

What belongs here: asking again until it has stopped. What does not: why it is to stop (quorum.py), what a recorder's
end brings about (recorder.py).
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core import recorder
from callguard.core.call import Call
from callguard.core.effects import StopRecording, WakeAt
from callguard.core.events import LINK_LOST, NOT_RUNNING, OVERTAKEN, EffectFailed
from callguard.core.outcome import Step
from callguard.core.recorder import STOP_PATIENCE
from callguard.core.recording import Recording, State

AGAIN = 0.5
"""Seconds after which a recorder that was not stopped is stopped once more."""


def failed(call: Call, event: EffectFailed) -> Step:
    """It may run on: somebody has to know, once, and it is asked for again. A lost link is waited for."""
    known = call.find(event.recording_id)
    if known is not None and known.state is State.LOST and event.reason == LINK_LOST:
        return Step(call)
    answered = event.reason in (LINK_LOST, NOT_RUNNING, OVERTAKEN)
    if known is None or known.state is not State.STOPPING or answered:
        return recorder.failed(call, event)
    done = Step(call) if known.defiant else recorder.failed(call, event)
    call = replace(done.call, ticks=call.ticks + 1).with_recording(replace(known, defiant=call.ticks + 1))
    return done.also(Step(call, (WakeAt(name=f"stop_again:{call.ticks}", seconds=AGAIN),)))


def overdue(call: Call, number: int) -> Step:
    """It was refused some time ago."""
    runs_on = (item for item in call.recordings if item.state is State.STOPPING and item.defiant == number)
    return Step(call, tuple(_stop(item) for item in runs_on if number))


def link_back(call: Call) -> Step:
    """The PBX can be reached again: ask once more for a stop that it may never have heard of."""
    recording, call = call.recording, replace(call, blind=False)
    if recording is None or not recording.is_told_to_stop:
        return Step(call)
    again = (_stop(recording), WakeAt(name=f"stop:{call.ticks}", seconds=STOP_PATIENCE))
    return Step(call, again, reasons=("the link is back",))


def _stop(recording: Recording) -> StopRecording:
    return StopRecording(**recorder.about(recording))

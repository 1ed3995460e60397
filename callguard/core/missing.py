"""What a call misses because something of ours failed, while no recorder runs that would show it.

What belongs here: that somebody is told, once. What does not: what a running recorder does about it (recorder.py).
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core.call import Call
from callguard.core.consent import Standing
from callguard.core.events import Link
from callguard.core.outcome import Step, incident
from callguard.core.policy import Mode
from callguard.core.quorum import is_alone, may_start

KIND = "not_recordable"
_UNSETTLED = (Standing.UNNOTIFIED, Standing.NOTIFYING, Standing.AWAITING)


def left(call: Call, channel_id: str) -> Call:
    """CALL as this party leaves our application. The guard sends one on whose question is open.

    Who was told to the end, where staying on is enough, has no question open: whether it stays is settled later.
    """
    far = call.far
    if far is None or far.channel_id != channel_id or not far.waiting or far.standing not in _UNSETTLED:
        return call
    if call.mode is Mode.ANNOUNCE and far.standing is Standing.AWAITING:
        return call
    return replace(call, unasked=not call.alerted and call.mode is not Mode.NEVER)


def settle(call: Call) -> Step:
    """They talk, and no recorder may start for want of a link, or because nobody asked: that is told."""
    if call.alerted:
        return Step(call)
    if _ended_unseen(call):
        return incident(call, KIND)
    if call.running is not None or is_alone(call):
        return Step(call)
    held_back = bool(call.faults) and may_start(replace(call, faults=frozenset()))
    return incident(call, KIND) if held_back or call.unasked else Step(call)


def _ended_unseen(call: Call) -> bool:
    """Whether the far party went while nobody listened to the PBX, to be recorded or sent on by others before it was
    asked: whether it talked to anybody meanwhile nobody knows."""
    far = call.far
    if far is None or not far.gone or Link.PBX not in call.faults:
        return False
    return not call.recordings and (call.unasked or far.standing is Standing.GRANTED)

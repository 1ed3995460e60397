"""The joint rule: whether this call may be recorded now, and whether sound may reach the file.

What belongs here: one answer over all channels, with its reasons. What does not: how the recorder is brought there
(recorder.py).
"""

from __future__ import annotations

from enum import StrEnum

from callguard.core import roster
from callguard.core.call import Call
from callguard.core.consent import Standing
from callguard.core.events import Link, Role
from callguard.core.policy import OnLogLoss
from callguard.core.recording import Mask


class Want(StrEnum):
    """What the recorder should be doing."""

    STOP = "stop"
    SILENCE = "silence"
    SOUND = "sound"


Verdict = tuple[Want, tuple[str, ...]]


def quorum_holds(call: Call) -> bool:
    """Whether every party that can hear stands as the rule demands. Nobody there is nobody's consent."""
    hearers = call.hearers()
    return bool(hearers) and all(channel.standing.allows for channel in hearers)


def is_private(call: Call) -> bool:
    """Whether the people on the line are not to be recorded now, whatever we or the PBX can do."""
    far = call.far
    if far is None or far.gone:
        return False
    quiet = call.paused or _is_held(call)
    return quiet or _is_refused(call) or not quorum_holds(call) or roster.is_unconfirmed(call)


def _is_held(call: Call) -> bool:
    return any(channel.held for channel in call.connected())


def _is_refused(call: Call) -> bool:
    far = call.far
    return (far is not None and far.standing is Standing.REFUSED) or any(item.withdrew for item in call.live())


def _stops(call: Call) -> tuple[str, ...]:
    log_gone = Link.LOG in call.faults and call.call_type.on_log_loss is OnLogLoss.STOP
    no_record = Link.LOG in call.faults and Link.SPOOL in call.faults
    return _true(
        {
            "a party refused": _is_refused(call),
            "no recording in this call": call.barred,
            "a mask never reached the PBX": call.blind,
            "the guard is lost": call.unguarded,
            "the log is lost": log_gone,
            "neither log nor spool": no_record,
        }
    )


def _silences(call: Call) -> tuple[str, ...]:
    silent_log = Link.LOG in call.faults and not call.log_kept
    return _true(
        {
            "paused": call.paused,
            "on hold": _is_held(call),
            "the link to the PBX is lost": Link.PBX in call.faults,
            "the event is not on disk yet": silent_log,
            "not every party may be recorded": not quorum_holds(call),
            "who is on the line is not confirmed": roster.is_unconfirmed(call),
            "nobody to talk to": is_alone(call) and (call.alone_for_sure or _is_silent(call)),
        }
    )


def _is_silent(call: Call) -> bool:
    """The grace for channel swaps spares a mask that would not last; it ends none."""
    return call.running is not None and call.running.mask in (Mask.MASKING, Mask.ON)


def _true(checks: dict[str, bool]) -> tuple[str, ...]:
    return tuple(reason for reason, holds in checks.items() if holds)


def is_alone(call: Call) -> bool:
    """Whether the far party is in no bridge with anybody: queue, ringing, music, IVR, parking."""
    return not call.others()


def wanted(call: Call) -> Verdict:
    """What the recorder should be doing now, and why."""
    if stops := _stops(call):
        return Want.STOP, stops
    if silences := _silences(call):
        return Want.SILENCE, silences
    return Want.SOUND, ("every party told and agreed",)


def may_start(call: Call) -> bool:
    """Whether a recorder may start: sound is wanted, a human is there, nothing that we hang on is missing."""
    far = call.far
    granted = far is not None and far.standing is Standing.GRANTED and far.role is not Role.PLUMBING
    return granted and wanted(call)[0] is Want.SOUND and not is_alone(call) and not call.faults

"""Least privilege: the dialplan starts the recorder, silent, where the far party goes on. Nothing starts one later.

What belongs here: when a recorder is armed, and what it means that it was not. What does not: the recorder's life once
it runs (recorder.py); it is unmasked, masked and stopped like any other.
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core.call import Call
from callguard.core.consent import Standing
from callguard.core.effects import ArmRecording, WakeAt
from callguard.core.events import Outcome, Role
from callguard.core.outcome import Step, incident, record
from callguard.core.policy import Mode
from callguard.core.quorum import Want, wanted
from callguard.core.recording import Mask, Recording, Span

ARM_PATIENCE = 0.5
"""Seconds that the far party may be kept for the log and the PBX; then its call goes on unrecorded."""


def may_arm(call: Call) -> bool:
    """Whether a silent recorder may go along with the far party: told, and granted or in its opt-out window."""
    far = call.far
    if not call.least_privilege or far is None or far.role is Role.PLUMBING or call.recordings or call.faults:
        return False
    told = far.standing is Standing.GRANTED or (call.mode is Mode.ANNOUNCE and far.standing is Standing.AWAITING)
    return told and wanted(call)[0] is not Want.STOP


def arm(call: Call) -> Step:
    """Send the far party on with a recorder; without one, should that take too long."""
    new = Recording(
        recording_id=call.segment_id(),
        segment_no=0,
        channel_id=call.anchor,
        preflight=call.rule.preflight,
        mask=Mask.ON,
        spans=(Span(start=0),),
    )
    call = replace(call.with_recording(new), ticks=call.ticks + 1)
    effect = ArmRecording(recording_id=new.recording_id, channel_id=call.anchor)
    wake = WakeAt(name=f"arm:{call.ticks}", seconds=ARM_PATIENCE)
    about = {"recording_id": new.recording_id, "preflight": new.preflight}
    requested = record(call, Outcome.RECORDING_REQUESTED, call.anchor, **about)
    return requested.also(Step(call, (effect, wake), reasons=("armed: silent until every party agreed",)))


def is_arming(call: Call) -> bool:
    """Whether the far party still waits to be sent on with its recorder."""
    return call.least_privilege and call.recording is not None and call.far is not None and call.far.waiting


def overdue(call: Call) -> Step:
    """The far party has waited long enough."""
    return gap(call) if call.running else Step(call)


def gap(call: Call) -> Step:
    """Consent without a recorder: nobody here may start one, and somebody has to know."""
    return incident(replace(call, barred=True), "recording_gap")

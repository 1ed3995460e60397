"""Bringing the recorder to what the joint rule wants, and what is heard back from it.

What belongs here: effects on recordings. What does not: the tables (recording.py), the joint rule (quorum.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

from callguard.core import arming, line, measuring, segment
from callguard.core.call import Call
from callguard.core.effects import (
    ArmRecording,
    DiscardRecording,
    Effect,
    MaskRecording,
    PlayPrompt,
    StartRecording,
    StopRecording,
    UnmaskRecording,
    WakeAt,
)
from callguard.core.events import (
    LINK_LOST,
    NO_CHANNEL,
    NOT_RUNNING,
    OVERTAKEN,
    ChannelHungUp,
    EffectFailed,
    LegSilent,
    Outcome,
    RecordingDamaged,
    RecordingEvent,
    RecordingGrowing,
    RecordingLost,
    Script,
    StopAcknowledged,
    StopObserved,
)
from callguard.core.line import DOUBT
from callguard.core.outcome import Step, incident, record, unexpected
from callguard.core.policy import Mode, OnWithdrawal
from callguard.core.quorum import Want, is_alone, may_start, wanted
from callguard.core.recording import FILE_GONE, LIFE, MASKS, RECORDER_DIED, Mask, Recording, Sign, State, Touch

MASK_PATIENCE = 0.2
"""Seconds in which a mask must be acknowledged, or the recorder is stopped."""
UNMASK_PATIENCE = STOP_PATIENCE = 2.0
"""Seconds after which an unmask or a stop without an answer is an incident."""
RESTARTS, RESTART_SPAN = 3, 60.0
"""How often within so many seconds a recorder that ended by itself is followed by another."""
ALONE_GRACE = 0.15
"""Seconds that the far party may be alone while channels swap (a Local channel optimised away): no false mask."""


# ---------------------------------------------------------------- towards what is wanted
def settle(call: Call) -> Step:
    """Start, mask, unmask or stop, so that the recorder does what the joint rule wants."""
    return _grace(call).then(segment.settle).then(_towards).then(line.settle)


def _towards(call: Call) -> Step:
    want, reasons = wanted(call)
    running = call.running
    if running is None:
        ready = call.recording is None or call.recording.state is not State.STOPPING
        if not ready or not may_start(call):
            return Step(call)
        return arming.gap(call) if call.least_privilege else _request(call)
    if want is Want.STOP:
        return _stop(call, running, reasons)
    if segment.is_astray(call, running):
        return _hand_on(call, running, "its channel is elsewhere")
    if want is Want.SOUND and segment.is_left(call, running):
        return _hand_on(call, running, "who it began with is gone")
    return _touch(call, running, Touch.WANT_SOUND if want is Want.SOUND else Touch.WANT_SILENCE, reasons)


def _grace(call: Call) -> Step:
    if call.running is None or not is_alone(call):
        watched = call.alone_since or call.alone_for_sure
        return Step(replace(call, alone_since=0, alone_for_sure=False) if watched else call)
    if call.alone_since:
        return Step(call)
    call = replace(call, ticks=call.ticks + 1, alone_since=call.ticks + 1)
    return Step(call, (WakeAt(name=f"alone:{call.ticks}", seconds=ALONE_GRACE),))


def _request(call: Call) -> Step:
    new = segment.following(call)
    call = call.with_recording(new)
    ids = {"recording_id": new.recording_id, "preflight": new.preflight}
    requested = record(call, Outcome.RECORDING_REQUESTED, new.channel_id, **ids)
    start = StartRecording(**about(new), swapped=new.swapped)
    return requested.then(lambda now: Step(now, (start,), reasons=wanted(now)[1]))


class _About(TypedDict):
    recording_id: str
    segment_no: int
    channel_id: str


def about(recording: Recording) -> _About:
    """What every request about a recording names."""
    return _About(recording_id=recording.recording_id, segment_no=recording.segment_no, channel_id=recording.channel_id)


def _stop(call: Call, running: Recording, reasons: tuple[str, ...]) -> Step:
    call = replace(call, ticks=call.ticks + 1)
    call = call.with_recording(replace(running, state=LIFE[running.state, Sign.STOP_REQUESTED]))
    wake = WakeAt(name=f"stop:{call.ticks}", seconds=STOP_PATIENCE)
    return record(call, Outcome.STOP_REQUESTED, running.channel_id, recording_id=running.recording_id).also(
        Step(call, (StopRecording(**about(running)), wake), reasons=reasons)
    )


def _hand_on(call: Call, running: Recording, reason: str) -> Step:
    """Another segment follows, as soon as everybody there may be recorded."""
    running = replace(running, handed_on=True)
    return _stop(call.with_recording(running), running, (reason,))


def _touch(call: Call, running: Recording, touch: Touch, reasons: tuple[str, ...]) -> Step:
    mask = MASKS[running.mask, touch]
    if mask is running.mask:
        return Step(call)
    call = replace(call, ticks=call.ticks + 1)
    masking = mask is Mask.MASKING
    unmasks = running.unmasks + (not masking)
    call = call.with_recording(replace(running, mask=mask, requested_mask=call.ticks, unmasks=unmasks))
    effect: Effect = MaskRecording(**about(running)) if masking else UnmaskRecording(**about(running))
    name, seconds = ("mask", MASK_PATIENCE) if masking else ("unmask", UNMASK_PATIENCE)
    wake = WakeAt(name=f"{name}:{call.ticks}", seconds=seconds)
    outcome = Outcome.MASK_REQUESTED if masking else Outcome.UNMASK_REQUESTED
    return record(call, outcome, running.channel_id, recording_id=running.recording_id).also(
        Step(call, (effect, wake), reasons=reasons)
    )


# ---------------------------------------------------------------- facts
def heard(call: Call, event: RecordingEvent) -> Step:
    """A fact about one of this call's recordings."""
    recording = call.find(event.recording_id)
    if recording is None:
        return unexpected(call, event.channel_id, f"{event.type} of an unknown recording")
    if event.type in _TOUCHES:
        return _touched(call, recording.told(event.offset_samples, event.at), event)
    if isinstance(event, LegSilent):
        return _leg_silent(call, recording, event)
    joined = recording.whole and getattr(event, "reason", "") == FILE_GONE
    if joined or event.type not in _SIGNS:  # mask_observed, recording_blanked: the row is all
        return Step(call.with_recording(recording.observed(event.type, event.offset_samples)))
    sign = Sign.DIED if RECORDER_DIED in getattr(event, "findings", ()) else Sign(event.type)
    after = LIFE.get((recording.state, sign))
    if after is None:
        return unexpected(call, event.channel_id, f"{sign.value} while {recording.state.value}")
    call = call.with_recording(replace(recording, state=after))
    return _FOLLOWS[sign](call, recording, event) if sign in _FOLLOWS else Step(call)


def _leg_silent(call: Call, recording: Recording, event: LegSilent) -> Step:
    """Whether or not another segment can take over, somebody has to know what this one misses."""
    if not segment.is_one_sided(call, recording, event.side, event.offset_samples):
        return Step(call)
    done = incident(call, "one_sided")
    if call.least_privilege:
        return done
    left = replace(recording, one_sided=event.milliseconds)
    return done.then(lambda now: _hand_on(now, left, "one side is missing"))


_SIGNS = frozenset(sign.value for sign in Sign)
_TOUCHES = (Touch.MASK_ACKNOWLEDGED.value, Touch.UNMASK_ACKNOWLEDGED.value)


def _touched(call: Call, recording: Recording, event: RecordingEvent) -> Step:
    touch = Touch(event.type)
    mask = MASKS.get((recording.mask, touch))
    if mask is None:
        return unexpected(call, event.channel_id, f"{event.type} while {recording.mask.value}")
    silent = touch is Touch.MASK_ACKNOWLEDGED  # the file had sound even if the next mask is on its way already
    span = recording.with_span_open if silent else recording.with_span_closed
    at = event.at if event.offset_samples >= 0 else None
    call = call.with_recording(replace(span(_place(recording, event, DOUBT if silent else -DOUBT), at), mask=mask))
    return line.play(call) if call.least_privilege and not silent and not recording.line_at else Step(call)


def _place(recording: Recording, event: RecordingEvent, doubt: int) -> int:
    """Where in the file EVENT happened. After a takeover the recorder's clock is not known to the sample: then by ours,
    DOUBT inside the masked stretch. -1 when even that cannot be told."""
    if event.offset_samples >= 0 or recording.started_at is None:
        return event.offset_samples
    return max(0, recording.place(event.at) + doubt)


def _acknowledged(call: Call, before: Recording, event: RecordingEvent) -> Step:
    now = call.find(before.recording_id) or before
    started = replace(now, started_at=now.started_at or event.at)
    return segment.continued(call.with_recording(started), started)


def _opened(call: Call, before: Recording, event: RecordingEvent) -> Step:
    return line.play(call) if before.state.runs and not call.least_privilege else Step(call)


def _stop_acknowledged(call: Call, before: Recording, event: RecordingEvent) -> Step:
    done = Step(_stopped(call, before, event))
    if before.state.runs:
        done = done.then(lambda now: incident(now, "stopped_by_guard"))
    return done.then(_pay)


def _pay(call: Call) -> Step:
    """The withdrawal sentence, once it is true."""
    if call.may_still_run:
        return Step(call)
    done = Step(call)
    for channel in call.channels.values():
        if channel.owed:
            say = PlayPrompt(channel_id=channel.channel_id, script=Script.WITHDRAWAL, whisper=not channel.waiting)
            paid = done.call.change(channel.channel_id, owed=False)
            done = done.also(Step(paid, () if channel.gone else (say,)))
    return done


def _stop_observed(call: Call, before: Recording, event: RecordingEvent) -> Step:
    """The files are whole, or as whole as they will be: destroy them, or hold them against the log."""
    call = _stopped(call, before, event)
    now = call.find(before.recording_id)
    if now is None or now.state is not State.STOPPED:
        again = (DiscardRecording(**about(now)),) if now and now.is_doomed else ()
        return _pay(call).then(lambda later: Step(later, again))
    alone = before.state.runs
    stood = now.stood_at_end(event.offset_samples, now.stopped_at or event.at)
    done = measuring.whole(call, replace(now, stood=stood, ended_alone=now.ended_alone or alone))
    return (done.then(lambda later: _ended_alone(later, event)) if alone else done).then(_pay)


def _ended_alone(call: Call, event: RecordingEvent) -> Step:
    """Nobody here asked for that: another one follows, but not for ever."""
    ends = [item.stopped_at for item in call.recordings if item.ended_alone and item.stopped_at]
    recent = [at for at in ends if (event.at - at).total_seconds() <= RESTART_SPAN]
    if len(recent) <= RESTARTS:
        return incident(call, "recorder_ended")
    return incident(replace(call, barred=True), "recorder_keeps_ending")


def _stopped(call: Call, before: Recording, event: RecordingEvent | ChannelHungUp | EffectFailed) -> Call:
    now = call.find(before.recording_id)
    if now is None or now.stopped_at is not None:
        return call
    after = event.offset_samples if isinstance(event, StopAcknowledged) else -1
    return call.with_recording(replace(now, stopped_at=event.at, stopped_after=after))


def _damaged(call: Call, before: Recording, event: RecordingEvent) -> Step:
    done = incident(replace(call, barred=call.barred or before.state.runs), "recording_damaged", **_missing(event))
    return done.then(lambda now: _verified(now, before, event)) if before.state is State.STOPPED else done


def _missing(event: RecordingEvent) -> dict[str, str | int]:
    """How much is gone, for the row of its incident."""
    lost = event.lost_ms if isinstance(event, RecordingDamaged | RecordingLost) else 0
    return {"recording_id": event.recording_id, "lost_ms": lost} if lost else {}


def _verified(call: Call, before: Recording, event: RecordingEvent) -> Step:
    """A verdict came in after a withdrawal: the audio goes all the same."""
    return Step(call, (DiscardRecording(**about(before)),) if before.condemned else ())


def _lost(call: Call, before: Recording, event: RecordingEvent) -> Step:
    """No file: whatever the recorder does, it does not do it for us."""
    if before.state is State.LOST:
        return Step(call)
    done = incident(replace(call, barred=True), "recording_lost", **_missing(event))
    return done.then(lambda now: Step(now, (StopRecording(**about(before)),) if before.state.runs else ()))


def _growing(call: Call, before: Recording, event: RecordingEvent) -> Step:
    now = call.find(before.recording_id) or before
    fell = now.fell(event.fell_ms / 1000, event.fell_since) if isinstance(event, RecordingGrowing) else now
    return Step(call.with_recording(fell))


_FOLLOWS: dict[Sign, Callable[[Call, Recording, RecordingEvent], Step]] = {
    Sign.ACKNOWLEDGED: _acknowledged,
    Sign.OPENED: _opened,
    Sign.GROWING: _growing,
    Sign.STOP_ACKNOWLEDGED: _stop_acknowledged,
    Sign.STOP_OBSERVED: _stop_observed,
    Sign.DIED: _stop_observed,
    Sign.VERIFIED: _verified,
    Sign.DAMAGED: _damaged,
    Sign.LOST: _lost,
}


def channel_gone(call: Call, event: ChannelHungUp) -> Step:
    """A recorder ended with the channel that it hangs on. Whether it did, the stop's answer and the file tell."""
    recording = call.recording if call.recording and call.recording.channel_id == event.channel_id else None
    if recording is None or recording.state.is_final or recording.state is State.STOPPED:
        return Step(call)
    ended = call.with_recording(replace(recording, state=LIFE[recording.state, Sign.CHANNEL_GONE]))
    return Step(_stopped(ended, recording, event), (StopRecording(**about(recording)),))


def condemn(call: Call) -> Step:
    """A withdrawal: what was captured goes, unless the call type keeps it. Under announce it always goes."""
    if call.call_type.on_withdrawal is OnWithdrawal.KEEP and call.mode is not Mode.ANNOUNCE:
        return Step(call)
    return destroy(call)


def destroy(call: Call) -> Step:
    """All that was captured goes: at once what is whole, the rest as soon as it is."""
    verdict = (State.VERIFIED, State.DAMAGED)
    whole = tuple(item for item in call.recordings if item.state in verdict and not item.condemned)
    doomed = tuple(replace(item, condemned=True) for item in call.recordings)
    return Step(replace(call, recordings=doomed), tuple(DiscardRecording(**about(item)) for item in whole))


# ---------------------------------------------------------------- failures, time
def failed(call: Call, event: EffectFailed) -> Step:
    """The PBX refused something about a recording, or it could not be sent."""
    recording = call.find(event.recording_id)
    if recording is None:
        return unexpected(call, event.channel_id, f"{event.effect} failed for an unknown recording")
    starts = event.effect in (StartRecording.__name__, ArmRecording.__name__)
    if event.reason == OVERTAKEN:
        return _never_began(call, recording) if starts else Step(call.with_recording(recording.never_unmasked))
    if starts:
        return _start_failed(call, recording, event)
    if event.reason == NOT_RUNNING and recording.state in _AWAITED:
        return _not_there(call, recording, event)
    if not recording.state.runs and recording.state is not State.STOPPING and event.effect in _LATE:
        # It ended with its channel before the request came, or never was: the file tells.
        return _pay(_stopped(call, recording, event)) if event.effect == StopRecording.__name__ else Step(call)
    masking, unsent = event.effect == MaskRecording.__name__, event.reason == LINK_LOST
    barred, blind = call.barred or (masking and not unsent), call.blind or (masking and unsent)
    return incident(replace(call, barred=barred, blind=blind), _FAILURES.get(event.effect, "effect_failed"))


def _never_began(call: Call, recording: Recording) -> Step:
    never = LIFE.get((recording.state, Sign.OVERTAKEN), recording.state)
    return _pay(call.with_recording(replace(recording, state=never)))


def _start_failed(call: Call, recording: Recording, event: EffectFailed) -> Step:
    """Where the far party is gone, or will be said to be within a moment, there was nothing to record."""
    if segment.has_left(call, recording, event.reason):
        return _never_began(call, recording)
    gone = event.reason == NO_CHANNEL and recording.channel_id == call.anchor
    after = LIFE.get((recording.state, Sign.OVERTAKEN if gone else Sign.LOST), recording.state)
    call = replace(call.with_recording(replace(recording, state=after)), barred=True)
    if gone:
        call = replace(call, ticks=call.ticks + 1)
        return _pay(call).also(Step(call, (WakeAt(name=f"start:{call.ticks}", seconds=STOP_PATIENCE),)))
    done = incident(call, "start_failed")
    return done.also(Step(done.call, (StopRecording(**about(recording)),)))  # perhaps only the answer failed


def _not_there(call: Call, recording: Recording, event: EffectFailed) -> Step:
    """Its controller died before it started, or it ended while nobody listened: its files tell. Why it ended nobody
    knows: a party may have withdrawn, and that was never written down."""
    if recording.whole:
        return Step(call)  # a verdict is on its way
    if recording.started_at is None:
        return _never_began(call, recording)
    call = replace(call, barred=call.barred or recording.state.runs)
    return heard(call, StopObserved(at=event.at, channel_id=event.channel_id, recording_id=recording.recording_id))


_AWAITED = tuple(state for state in State if state.runs or state in (State.STOPPING, State.STOPPED))
_LATE = (StopRecording.__name__, MaskRecording.__name__, UnmaskRecording.__name__)

_FAILURES = {
    MaskRecording.__name__: "mask_failed",
    UnmaskRecording.__name__: "unmask_failed",
    StopRecording.__name__: "stop_failed",
    DiscardRecording.__name__: "discard_failed",
}


def overdue(call: Call, what: str, number: int) -> Step:
    """A request was not answered in time. `number` names it: a later request has a watch of its own."""
    recording = call.recording
    if recording is None:
        return Step(call)
    if what == "start":
        return Step(call) if call.channels[call.anchor].gone else incident(call, "start_failed")
    if what == "stop":
        return incident(call, "stop_unacknowledged") if recording.state is State.STOPPING else Step(call)
    waits = {"mask": Mask.MASKING, "unmask": Mask.UNMASKING}[what]
    if not recording.state.runs or recording.requested_mask != number or recording.mask is not waits:
        return Step(call)
    return incident(replace(call, barred=call.barred or what == "mask"), f"{what}_unacknowledged")

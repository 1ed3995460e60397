"""Pauses: what begins one, what ends it, and which sound from before it has to go.

What belongs here: the causes of a pause and its ends. What does not: keys (keypad.py), the mask that follows
(quorum.py, recorder.py), taking sound out of a file (audio/).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from callguard.core.call import Call, Channel
from callguard.core.effects import WakeAt
from callguard.core.events import OperatorActed, Outcome, PauseSignalled, Role
from callguard.core.outcome import Step, incident, record
from callguard.core.policy import Mode
from callguard.core.purpose import PauseWarning
from callguard.core.quorum import Want, may_start, wanted
from callguard.core.recording import Mask, Recording, Span
from callguard.core.word import Cause, Reason

BURST_KEYS, BURST_SPAN = 4, timedelta(seconds=5)
"""So many keys within such a time are a number that somebody types."""
CONFIRMS = timedelta(seconds=5)
"""For so long the agent's key does not end a pause that began by itself: it was meant to begin one."""
RATE = 8000
SLACK = RATE // 5
"""Samples (0.2 s) by which our clock and the recorder's may differ: so much more is taken out on either side."""
_WHY = {
    Cause.KEY: "pause key",
    Cause.OPERATOR: "operator",
    Cause.DIGITS: "a number is typed",
    Cause.VARIABLE: "a channel variable",
    Cause.EVENT: "a user event",
}
_ENDS = {
    Cause.VARIABLE: frozenset({Cause.DIGITS, Cause.EVENT, Cause.VARIABLE}),
    Cause.EVENT: frozenset({Cause.DIGITS, Cause.EVENT}),
}
"""What a machine that says that it is over ends. A variable says it for as long as it is set: no event knows better."""


# ---------------------------------------------------------------- what begins and ends a pause
def typed(call: Call, channel: Channel, at: datetime) -> Step:
    """A key that means nothing here: with enough of them the party types a number, of which sound may have to be kept
    out. Who types while a recorder comes or goes, or where this call does not hear it, is in the middle of one when it
    does again."""
    if not call.hides_digits or channel.role is Role.AGENT or channel.waiting or call.paused:
        return Step(call)
    keyed = (*(before for before in channel.keyed if at - before <= BURST_SPAN), at)
    heard = channel.channel_id in [other.channel_id for other in call.connected()]
    if len(keyed) < BURST_KEYS or not heard or not _sounds(call):
        return Step(call.change(channel.channel_id, keyed=keyed))
    return _begin(call.change(channel.channel_id, keyed=()), Cause.DIGITS, at, keyed[0])


def signalled(call: Call, event: PauseSignalled) -> Step:
    """A machine asks for a pause, or for its end: that ends no pause of a person."""
    if event.cause.value not in call.call_type.pause_on:
        return Step(call)
    if not event.on:
        return _end(call, call.causes & _ENDS[event.cause], Reason(event.cause.value), _WHY[event.cause])
    return Step(call) if event.cause in call.causes else _begin(call, event.cause, event.at, event.at)


def toggled(call: Call, at: datetime) -> Step:
    """The agent's key. It confirms a pause that has just begun by itself, and ends any other."""
    if not call.paused or _has_just_begun(call, at):
        return _begin(call, Cause.KEY, at, at)
    return _end(call, call.causes, Reason.AGENT_KEY, _WHY[Cause.KEY])


def acted(call: Call, event: OperatorActed, on: bool) -> Step:
    """A person asks for a pause by the command line or the console, or for its end."""
    if on:
        return _begin(call, Cause.OPERATOR, event.at, event.at)
    return _end(call, call.causes, event.reason, _WHY[Cause.OPERATOR])


def overdue(call: Call, number: int) -> Step:
    """A pause has lasted as long as it may."""
    if not call.paused or number != call.pauses:
        return Step(call)
    return _end(call, call.causes, Reason.LIMIT, "pause limit")


def forgotten(call: Call, number: int) -> Step:
    """A pause lasts so long that it may have been forgotten: who may end it is told. One from before the recorder keeps
    it from starting: it is looked at again for as long as something else does so too."""
    if not call.paused or number != call.pauses or call.forgotten:
        return Step(call)
    if call.running is None and not may_start(free := replace(call, causes=frozenset())):
        comes = call.mode is not Mode.NEVER and wanted(free)[0] is not Want.STOP
        again = WakeAt(name=f"forgotten:{number}", seconds=float(call.call_type.pause_warn_s))
        return Step(call, (again,) if comes else ())
    call = replace(call, forgotten=True)
    told = call.call_type.pause_warning is PauseWarning.INCIDENT
    return incident(call, "pause_forgotten") if told else Step(call)


def _has_just_begun(call: Call, at: datetime) -> bool:
    alone = all(cause.is_automatic for cause in call.causes)
    return alone and call.paused_at is not None and abs(at - call.paused_at) <= CONFIRMS  # a clock may be set back


def _begin(call: Call, cause: Cause, at: datetime, since: datetime) -> Step:
    """SINCE: when what has to be kept out of the file began. A call type that must record limits a pause's length."""
    began = call.paused_at if call.paused else at
    call = replace(call, causes=call.causes | {cause}, pauses=call.pauses + 1, paused_at=began, forgotten=False)
    if cause.is_automatic:
        call = _looking_back(call, since, at)
    kind = call.call_type
    limits = (("pause", kind.pause_limit_s), ("forgotten", kind.pause_warn_s))
    wakes = tuple(WakeAt(name=f"{name}:{call.pauses}", seconds=float(limit)) for name, limit in limits if limit)
    return _written(call, Outcome.PAUSE_STARTED, cause=cause.value).also(Step(call, wakes, reasons=(_WHY[cause],)))


def _end(call: Call, ended: frozenset[Cause], reason: Reason, why: str) -> Step:
    was, call = call.paused, replace(call, causes=call.causes - ended)
    if call.paused or not was:
        return Step(call, reasons=(why,))
    call = replace(call, forgotten=False)
    return _written(call, Outcome.PAUSE_ENDED, reason=reason.value).also(Step(call, reasons=(why,)))


def _written(call: Call, outcome: Outcome, **data: str) -> Step:
    return record(call, outcome, call.anchor, **data) if call.call_type.pause_reasons else Step(call)


# ---------------------------------------------------------------- what has to go
def _sounds(call: Call) -> bool:
    """Whether a recorder may write sound now."""
    return call.running is not None and call.running.mask in (Mask.OFF, Mask.UNMASKING)


def _looking_back(call: Call, since: datetime, at: datetime) -> Call:
    """People start early: the sound from before the pause goes too, out of a segment that has just ended as well."""
    seconds = call.call_type.look_back_s
    if not seconds and since == at:
        return call
    for item in call.recordings:
        if item.started_at is not None and (item is call.running or item.is_unmeasured):
            start, end = item.place(since), item.place(at)
            blank = Span(start=start - seconds * RATE - SLACK, end=end, sure=False)
            call = call.with_recording(replace(item, blanks=(*item.blanks, blank)))
    return call


def blanks(recording: Recording) -> tuple[tuple[int, int], ...]:
    """What has to be silent in the file of a RECORDING that ended besides its masks, in samples; end -1: to its end."""
    return tuple(_blanks(recording))


def _blanks(recording: Recording) -> Iterator[tuple[int, int]]:
    """Up to where the pause's own mask took hold; if it never did, the recorder was stopped for it."""
    for blank in (item.inside for item in recording.blanks):
        masked = next((span for span in recording.spans if span.end < 0 or span.end > blank.end), None)
        if masked and masked.start <= blank.end + RATE:
            yield blank.start, max(blank.end, masked.start) + SLACK
        else:
            yield blank.start, -1 if recording.mask is Mask.MASKING else blank.end + SLACK

"""step(call, event): the only way in which a call changes.

What belongs here: which fact touches what, in which order. What does not: the tables (consent.py, recording.py), the
joint rule (quorum.py). The facts about recordings are in recorder.py, about consent in asking.py, keys in keypad.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from callguard.core import (
    asking,
    attesting,
    beeping,
    indicator,
    joining,
    keypad,
    late,
    lawful,
    leaving,
    measuring,
    missing,
    orders,
    pausing,
    recorder,
    stopping,
)
from callguard.core.call import Call, Channel
from callguard.core.consent import Signal, Standing
from callguard.core.effects import ArmRecording, SendOn, SoundBeep, StopRecording, StopRogue, WakeAt
from callguard.core.events import (
    Action,
    Bridged,
    CallMerged,
    CallStarted,
    ChannelAnswered,
    ChannelEntered,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeft,
    ChannelSeen,
    ChannelUnheld,
    DeadlinePassed,
    DigitPressed,
    EffectFailed,
    Event,
    IncidentClosed,
    Link,
    LinkLost,
    LinkRestored,
    ListeningEnded,
    ListeningStarted,
    NoticeEnded,
    NoticeFailed,
    NoticeStarted,
    OperatorActed,
    PartyIdentified,
    PauseSignalled,
    RecordingEvent,
    Remembered,
    RogueRecordingSeen,
    Role,
    Unbridged,
    Unexpected,
)
from callguard.core.jurisdiction import NOWHERE
from callguard.core.outcome import Step, incident, unexpected
from callguard.core.policy import Joins, OnRogue

GUARD_PATIENCE = 3.0
"""Seconds that a recording may run without a live guard."""
CLOSE_PATIENCE = 30.0
"""Seconds after the far party's hang-up in which everything about its call must have come in."""

_DEADLINE = re.compile(r"(?P<name>[a-z_]+)(:(?P<number>[0-9]{1,9}))?")


def step(call: Call, event: Event) -> Step:
    """What EVENT makes of CALL: the call after it, the effects in order (restrictive first), the records, the reasons.

    Total: a fact that no table knows changes nothing and is written down as unexpected.
    """
    if call.over:
        return Step(call).also(unexpected(call, event.channel_id, f"{event.type} after the end"))
    done: Step = _HANDLERS[type(event)](call, event)
    done = done.also(lawful.settle(done.call, event.at))
    for settle in _SETTLE:
        done = done.also(settle(done.call))
    done = done.also(late.noticed(call, done.call, event.at)).then(measuring.settle)
    if len(done.effects) < 2:
        return done
    return replace(done, effects=tuple(sorted(done.effects, key=lambda effect: not effect.restrictive)))


def redact(call: Call, event: Event) -> Event:
    """EVENT as it may be stored: a key that means nothing here becomes 'x'. `step` treats both alike."""
    if isinstance(event, DigitPressed) and not keypad.means_something(call, event):
        return replace(event, digit="x")
    return event


def _finish(call: Call) -> Step:
    """A call is over when nobody is left and its recording has a verdict, or the receipt of its destruction."""
    if not call.channels or call.live():
        return Step(call)
    return Step(replace(call, over=True) if all(item.is_settled for item in call.recordings) else call)


_SETTLE = (
    joining.settle,
    recorder.settle,
    missing.settle,
    orders.settle,
    indicator.settle,
    beeping.settle,
    _finish,
)
"""What follows from a fact, whichever it is, in this order: the rule comes first, and the end last."""


# ---------------------------------------------------------------- channels
def _call_started(call: Call, event: CallStarted) -> Step:
    if call.far:  # asked once per call
        return unexpected(call, event.channel_id, "call_started again")
    far = Channel(channel_id=event.channel_id, role=Role.FAR, answered=event.answered, waiting=event.waiting)
    call = replace(call.with_channel(far), anchor=event.channel_id, faults=call.faults | frozenset(event.faults))
    call = replace(call, internal=event.direction == "internal", pending=event.pending, site=event.site)
    call = replace(call, language=event.language, least_privilege=event.least_privilege, barred=event.halted)
    call = replace(call, hushes=event.hushes)
    call = call.change(event.channel_id, codes=event.codes)
    known = Step(call) if event.known_call_type else incident(call, "unknown_call_type")
    if event.wrong_end:  # an agent's answer is not that of whoever it calls
        return known.also(asking.leave_alone(replace(call, pending=False)))
    if event.pending:
        return known.then(asking.begin)
    return known.then(lambda now: lawful.resolve_first(now, event.at, event.evidence)).then(asking.begin)


def _channel_seen(call: Call, event: ChannelSeen) -> Step:
    known = call.channels.get(event.channel_id)
    if known:
        return Step(call.change(event.channel_id, pair=event.pair or known.pair, gone=False))
    call = call.with_channel(Channel(channel_id=event.channel_id, role=event.role, pair=event.pair))
    return asking.signal(call, event.channel_id, Signal.STAFF) if event.role is Role.AGENT else Step(call)


def _party_identified(call: Call, event: PartyIdentified) -> Step:
    known = call.channels.get(event.channel_id)
    if known is None:
        return unexpected(call, event.channel_id, event.type)
    if call.pending and event.channel_id == call.anchor and not event.party_id:
        known_well = event.known and event.answer is Remembered.GRANTED
        return _looked_up(replace(call, known=known_well), event)
    return Step(call.change(event.channel_id, codes=tuple(sorted({*known.codes, *event.codes}))))


def _looked_up(call: Call, event: PartyIdentified) -> Step:
    """All that can be known about the far party is known: tell it, unless it refused before."""
    call = call.change(call.anchor, codes=event.codes)
    done = lawful.resolve_first(replace(call, pending=False), event.at, event.evidence)
    if event.answer is Remembered.REFUSED:
        done = done.then(lambda now: asking.signal(now, now.anchor, Signal.REFUSED_BEFORE))
    return done.then(_begin)


def _begin(call: Call) -> Step:
    """Who has answered by now is neither told nor asked, not even in a bridge."""
    answered = call.channels[call.anchor].standing is not Standing.UNNOTIFIED
    return Step(call) if answered else asking.begin(call)


def _answered(call: Call, event: ChannelAnswered) -> Step:
    known = call.channels.get(event.channel_id)
    first = known is not None and known.waiting and not known.answered and known.standing is Standing.UNNOTIFIED
    call = call.change(event.channel_id, answered=True)
    return asking.tell(call, event.channel_id) if first else _known(call, event)


def _left(call: Call, event: ChannelLeft) -> Step:
    return _known(leaving.left(missing.left(call, event.channel_id), event.channel_id), event)


def _held(call: Call, event: ChannelHeld) -> Step:
    return _known(call.change(event.channel_id, held=True), event)


def _unheld(call: Call, event: ChannelUnheld) -> Step:
    return _known(call.change(event.channel_id, held=False), event)


def _bridged(call: Call, event: Bridged) -> Step:
    return _known(call.change(event.channel_id, bridge=event.bridge_id, stuck=0), event).then(asking.tell_in_bridge)


def _unbridged(call: Call, event: Unbridged) -> Step:
    known = call.channels.get(event.channel_id)
    if known and known.bridge != event.bridge_id:  # it is in another bridge by now: said out of order
        return Step(call)
    return _known(call.change(event.channel_id, bridge="", held=False), event)


def _listening_ended(call: Call, event: ListeningEnded) -> Step:
    return _known(call.change(event.channel_id, listens=""), event)


def _hung_up(call: Call, event: ChannelHungUp) -> Step:
    call = call.change(event.channel_id, gone=True, bridge="", waiting=False, held=False, listens="")
    done = _known(call, event)
    done = done.then(lambda now: recorder.channel_gone(now, event))
    close = (WakeAt(name="close", seconds=CLOSE_PATIENCE),) if call.far and event.channel_id == call.anchor else ()
    return done.then(lambda now: Step(now, close))


def _known(call: Call, event: Event) -> Step:
    return Step(call) if event.channel_id in call.channels else unexpected(call, event.channel_id, event.type)


# ---------------------------------------------------------------- links, operators, time
def _link_lost(call: Call, event: LinkLost) -> Step:
    kept = call.log_kept and event.link is not Link.LOG
    lost_at = event.at - timedelta(milliseconds=event.away_ms) if event.link is Link.PBX else call.lost_at
    call = late.unwatched(call, event.at, event.unwatched_ms)
    done = Step(replace(call, faults=call.faults | {event.link}, log_kept=kept, alerted=False, lost_at=lost_at))
    if call.running:
        done = done.then(lambda now: incident(now, f"{event.link.value}_lost"))
    wakes = {Link.LOG: WakeAt(name="spooled", seconds=0.0), Link.GUARD: WakeAt(name="guard", seconds=GUARD_PATIENCE)}
    return done.then(lambda now: Step(now, (wakes[event.link],) if event.link in wakes else ()))


def _link_restored(call: Call, event: LinkRestored) -> Step:
    kept = call.log_kept and event.link is not Link.LOG
    unguarded = call.unguarded and event.link is not Link.GUARD
    call = replace(call, faults=call.faults - {event.link}, log_kept=kept, unguarded=unguarded)
    return stopping.link_back(call).then(leaving.link_back) if event.link is Link.PBX else Step(call)


def _operator_acted(call: Call, event: OperatorActed) -> Step:
    match event.action:
        case Action.WITHDRAW:
            return asking.signal(call, attesting.subject(call, event), Signal.WITHDRAW)
        case Action.CONSENT:
            return attesting.attested(call, event)
        case Action.PRESENT:
            return attesting.present(call, event)
        case Action.DISPUTE:
            return attesting.disputed(call)
        case Action.STOP:
            return Step(replace(call, barred=True), reasons=("stopped for good by an operator",))
        case _:
            return pausing.acted(call, event, event.action is Action.PAUSE)


def _deadline_passed(call: Call, event: DeadlinePassed) -> Step:
    parts = _DEADLINE.fullmatch(event.name)
    name, number = (parts["name"], int(parts["number"] or 0)) if parts else ("", 0)
    match name:
        case "answer" | "last_answer":
            return asking.window_closed(call, number, _WINDOWS[name])
        case "party_answer" | "party_last_answer":
            return asking.party_window_closed(call, number, _WINDOWS[name.removeprefix("party_")])
        case "look_up":
            return _looked_up_late(call, event)
        case "arm" | "beep" | "forgotten" | "indicate" | "measure" | "pause" | "prompt" | "send_on" | "stop_again":
            return _NUMBERED[name](call, number)
        case "start" | "mask" | "unmask" | "stop":
            return recorder.overdue(call, name, number)
        case "alone":
            return Step(replace(call, alone_for_sure=call.alone_for_sure or call.alone_since == number))
        case "spooled":
            return Step(replace(call, log_kept=Link.LOG in call.faults))
        case "guard":
            return _guard_overdue(call)
        case _:
            return _close(call) if name == "close" else unexpected(call, "", "deadline")


LATE = "look_up_late"
"""Evidence of nothing: whoever was asked did not answer in time."""
_NUMBERED: dict[str, Callable[[Call, int], Step]] = {
    "arm": asking.arming_overdue,
    "beep": beeping.due,
    "forgotten": pausing.forgotten,
    "indicate": indicator.lasted,
    "measure": measuring.overdue,
    "pause": pausing.overdue,
    "prompt": asking.overdue,
    "send_on": leaving.overdue,
    "stop_again": stopping.overdue,
}
_WINDOWS = {"answer": Signal.WINDOW_CLOSED, "last_answer": Signal.LAST_WINDOW_CLOSED}


def _looked_up_late(call: Call, event: DeadlinePassed) -> Step:
    """Late is unknown, and unknown is strict."""
    if not call.pending or call.far is None:
        return Step(call)
    codes = tuple(sorted({*call.far.codes, NOWHERE}))
    return _looked_up(call, PartyIdentified(at=event.at, channel_id=call.anchor, codes=codes, evidence=(LATE,)))


def _guard_overdue(call: Call) -> Step:
    return Step(replace(call, unguarded=bool(call.running) and Link.GUARD in call.faults))


def _close(call: Call) -> Step:
    """The far party left long ago: what has not come in by now does not come."""
    if call.far and not call.far.gone:  # it came back: the PBX had lost sight of it
        return Step(call)
    unsettled = any(not item.is_settled for item in call.recordings)
    done = incident(call, "recording_unsettled") if unsettled else Step(call)
    return done.then(lambda now: Step(replace(now, over=True)))


def _effect_failed(call: Call, event: EffectFailed) -> Step:
    if event.effect == StopRecording.__name__:
        return stopping.failed(call, event)
    if event.recording_id:
        done = recorder.failed(call, event)
        unarmed = event.effect == ArmRecording.__name__ and call.find(event.recording_id)
        return done.then(asking.unarmed) if unarmed else done
    if event.effect in ("Answer", "PlayPrompt"):
        return asking.failed(call, event)
    if event.effect == SoundBeep.__name__:
        return beeping.failed(call, event)
    if event.effect == StopRogue.__name__:
        return incident(call, "rogue_not_stopped")
    return leaving.failed(call, event) if event.effect == SendOn.__name__ else Step(call)


def _unexpected(call: Call, event: Unexpected) -> Step:
    return Step(call)  # the fact itself is the row


def _noted(call: Call, event: Event) -> Step:
    return Step(call)


def _merged(call: Call, event: CallMerged) -> Step:
    """A channel of another call is heard here. It has been told and asked there, which counts for that call only,
    unless the policy makes that the gate to this one.
    """
    known = call.channels.get(event.channel_id)
    values: dict[str, Any] = {"digits": event.digits, "typed": event.typed, "typed_at": event.at}
    if known and known.role is Role.AGENT:  # where anybody else is nobody knows, which is strict
        values["codes"] = event.codes
    call = call.change(event.channel_id, visits=True, **values)
    gated = event.agreed and call.call_type.joins is Joins.GATE
    return asking.signal(call, event.channel_id, Signal.AGREED_BEFORE) if gated else Step(call)


def _rogue(call: Call, event: RogueRecordingSeen) -> Step:
    """It is not stopped for want of consent alone: an organisation may have others that record lawfully."""
    done = incident(call, "rogue_recording")
    if call.call_type.on_rogue is not OnRogue.STOP:
        return done
    stop = StopRogue(channel_id=event.channel_id, bridge_id=event.bridge_id)
    return done.also(Step(done.call, (stop,), reasons=("somebody else records",)))


_Handler = Callable[[Call, Any], Step]

_HANDLERS: dict[type[Event], _Handler] = {
    CallStarted: _call_started,
    ChannelSeen: _channel_seen,
    ChannelEntered: joining.entered,
    ChannelAnswered: _answered,
    ChannelLeft: _left,
    ChannelHeld: _held,
    ChannelUnheld: _unheld,
    ChannelHungUp: _hung_up,
    Bridged: _bridged,
    Unbridged: _unbridged,
    ListeningStarted: joining.listens,
    ListeningEnded: _listening_ended,
    PartyIdentified: _party_identified,
    NoticeStarted: asking.notice_started,
    NoticeEnded: asking.notice_ended,
    NoticeFailed: asking.notice_failed,
    DigitPressed: keypad.pressed,
    LinkLost: _link_lost,
    LinkRestored: _link_restored,
    DeadlinePassed: _deadline_passed,
    EffectFailed: _effect_failed,
    OperatorActed: _operator_acted,
    PauseSignalled: pausing.signalled,
    IncidentClosed: _noted,
    CallMerged: _merged,
    RogueRecordingSeen: _rogue,
    Unexpected: _unexpected,
    **dict.fromkeys(RecordingEvent.__subclasses__(), recorder.heard),
}

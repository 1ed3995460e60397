"""Keys: which of them mean something, on whose side, and what a finished sequence does.

What belongs here: reading keys. What does not: what an answer brings about (asking.py). Keys that mean nothing are
not stored.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from callguard.core import asking, attesting, pausing, roster
from callguard.core.call import Call, Channel
from callguard.core.consent import Signal
from callguard.core.events import Action, DigitPressed, Event, OperatorActed, Presence, Role
from callguard.core.outcome import Step, unexpected

BETWEEN_KEYS = timedelta(seconds=3)
"""Time between two keys of a sequence."""

MORE = "9"
"""The key that asks for the long notice."""
MOST_TELLINGS = 5
"""How often a caller may have the notice told anew: by key 9, or in another language."""

_ANSWERS = {"1": Signal.YES, "2": Signal.NO}


def means_something(call: Call, event: DigitPressed) -> bool:
    """Whether this key is an answer or belongs to a sequence; every other key is the caller's own business."""
    channel = call.channels.get(event.channel_id)
    if channel is None:
        return False
    own = _is_answer(channel, event) or _is_wish(call, channel, event.digit)
    return own or bool(_typed(call, channel, event))


def pressed(call: Call, event: DigitPressed) -> Step:
    """A key was pressed."""
    channel = call.channels.get(event.channel_id)
    if channel is None:
        return unexpected(call, event.channel_id, "key on an unknown channel")
    typed = _typed(call, channel, event)
    call = call.change(channel.channel_id, typed=typed, typed_at=event.at)
    if typed in call.call_type.sequences.values():
        return _sequence(call.change(channel.channel_id, typed=""), channel, typed, event)
    if _is_answer(channel, event):
        return asking.signal(call, channel.channel_id, _ANSWERS[event.digit])
    if _is_wish(call, channel, event.digit):
        return _wish(call, channel, event.digit)
    return Step(call) if typed else pausing.typed(call, channel, event.at)


def _is_answer(channel: Channel, event: DigitPressed) -> bool:
    """A 1 counts when there is a question; a refusal from the first moment, and behind a silence, too, as its party is
    told what that comes to: an agent's word is not enough then any more."""
    if event.digit == "1":
        return channel.standing.is_open and event.at >= channel.asked_at
    late = channel.silent and channel.playing is not None
    return event.digit in _ANSWERS and (channel.standing.is_open or late)


def _is_wish(call: Call, channel: Channel, digit: str) -> bool:
    """Whether this key wants the notice otherwise: longer, or in another language. Only where it is told: a key of a
    call that goes on belongs to the admin."""
    asked = channel.waiting and channel.standing.is_open
    return asked and channel.told < MOST_TELLINGS and (digit == MORE or digit in call.call_type.language_keys)


def _wish(call: Call, channel: Channel, digit: str) -> Step:
    if digit == MORE:
        return asking.signal(call, channel.channel_id, Signal.MORE)
    language = call.call_type.language_keys[digit]
    return asking.signal(replace(call, language=language), channel.channel_id, Signal.LANGUAGE)


def begun(channel: Channel, at: datetime) -> str:
    """The keys of a sequence that this channel is in the middle of AT this moment; '' for none."""
    late = channel.typed_at is None or at - channel.typed_at > BETWEEN_KEYS
    return "" if late else channel.typed


def _typed(call: Call, channel: Channel, event: DigitPressed) -> str:
    """The keys of a sequence so far, this one included; '' when it belongs to none."""
    before = begun(channel, event.at)
    sequences = call.call_type.sequences.values()
    tries = (before + event.digit, event.digit)
    return next((typed for typed in tries if any(item.startswith(typed) for item in sequences)), "")


def _sequence(call: Call, channel: Channel, typed: str, event: DigitPressed) -> Step:
    kind = call.call_type
    if typed == kind.pause:
        return _toggle_pause(call, channel, event)
    if typed in (kind.someone_else, kind.cannot_consent, kind.all_present):
        return _speaks_for_others(call, channel, typed)
    if channel.role is Role.AGENT:  # an agent has no consent to withdraw
        return unexpected(call, channel.channel_id, "withdrawal by staff")
    return asking.signal(call, channel.channel_id, Signal.WITHDRAW)


def _speaks_for_others(call: Call, channel: Channel, typed: str) -> Step:
    """What only staff may say: an outside party would make holes in the evidence."""
    if channel.role is not Role.AGENT:
        return unexpected(call, channel.channel_id, "somebody else's key")
    match typed:
        case call.call_type.someone_else:
            return attesting.someone_else(call, call.anchor)
        case call.call_type.cannot_consent:
            return attesting.cannot_consent(call, call.anchor, channel.channel_id)
        case _:
            return roster.confirmed(call, channel.channel_id)


def spoken(call: Call, event: Event) -> OperatorActed | None:
    """What EVENT says for the far party of CALL, which stands as it did before: it counts in every other call that this
    party is in. None: nothing of that kind."""
    match event:
        case OperatorActed(action=Action.WITHDRAW) | OperatorActed(action=Action.PRESENT):
            said = event
        case DigitPressed() if (channel := call.channels.get(event.channel_id)) and channel.role is Role.AGENT:
            presence = _presence(call, _typed(call, channel, event))
            said = OperatorActed(at=event.at, action=Action.PRESENT, operator=channel.channel_id, presence=presence)
        case _:
            return None
    counts = said.action is Action.WITHDRAW or said.presence in _ABOUT_IT
    own = call.far is not None and attesting.subject(call, said) == call.anchor
    return replace(said, channel_id=call.anchor, note="") if counts and own else None


_ABOUT_IT = (Presence.SOMEONE_ELSE, Presence.CANNOT_CONSENT)


def _presence(call: Call, typed: str) -> Presence:
    """What a finished sequence of the agent's says of the far party."""
    kind = call.call_type
    keys = {kind.someone_else: Presence.SOMEONE_ELSE, kind.cannot_consent: Presence.CANNOT_CONSENT}
    return keys.get(typed, Presence.NOT_SAID) if typed else Presence.NOT_SAID


def _toggle_pause(call: Call, channel: Channel, event: DigitPressed) -> Step:
    """Only the agent's side may pause: an outside party must not make holes in the evidence, nor end one.

    On an internal call both sides are ours.
    """
    if channel.role is not Role.AGENT and not call.internal:
        return unexpected(call, channel.channel_id, "pause by the wrong side")
    return pausing.toggled(call, event.at)

"""What an agent or operator says for a party: that it agreed by voice, who is on the line, that it cannot consent.

What belongs here: when somebody else's word counts. What does not: a party's own answers (keypad.py), the table of
consent (consent.py).
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core import asking, lawful, recorder, roster
from callguard.core.call import Call, Channel
from callguard.core.consent import Signal, Standing
from callguard.core.events import OperatorActed, Outcome, Presence
from callguard.core.outcome import Step, incident, record, unexpected
from callguard.core.policy import Category, Mode

DISPUTE = "dispute"
"""The incident that is open for as long as a call is in dispute."""


def attested(call: Call, event: OperatorActed) -> Step:
    """A party agreed by voice, says who acted. It counts for less than its own key, and not everywhere."""
    who = event.channel_id or call.anchor
    if problem := why_not(call, who):
        return unexpected(call, who, f"attested consent: {problem}")
    late = call.channels[who].standing is Standing.REFUSED
    call = call.change(who, attested=event.operator)
    return asking.signal(call, who, Signal.ATTESTED_LATE if late else Signal.ATTESTED)


def why_not(call: Call, channel_id: str) -> str:
    """Why consent cannot be attested for the party at this channel; '' when it can."""
    channel = call.channels.get(channel_id)
    if channel is None or channel.gone or not channel.is_asked:
        return "no party that is asked is at this channel"
    return _standing(channel) or _ruled_out(call)


def _ruled_out(call: Call) -> str:
    if call.mode is not Mode.ASK:
        return "nobody is asked in this call"
    if not call.call_type.attested:
        return "its call type does not take it"
    if call.disputed:
        return "the call is in dispute, and nothing but the party's own answer is enough"
    if call.rule.express or call.call_type.category is not Category.GENERAL:
        return "nothing but the party's own answer is enough here"
    return ""


def _standing(channel: Channel) -> str:
    match channel.standing:
        case Standing.UNNOTIFIED | Standing.NOTIFYING:
            return "its notice has not ended"
        case Standing.REFUSED if not channel.silent:
            return "it refused by its own answer, or somebody is with it who was never told"
        case Standing.GRANTED:
            return "it has agreed"
    return ""


def disputed(call: Call) -> Step:
    """The call is about a dispute: it may be recorded in the open alone, and nobody else's word counts for a party.
    Somebody has to answer for that."""
    if call.disputed:
        return Step(call)
    done = incident(replace(call, disputed=True), DISPUTE)
    return done.then(lawful.ask_who_was_attested)


def present(call: Call, event: OperatorActed) -> Step:
    """Who is on the line, says who acted: with the same meaning as the agent's keys."""
    who = subject(call, event)
    match event.presence:
        case Presence.SOMEONE_ELSE:
            return someone_else(call, who)
        case Presence.CANNOT_CONSENT:
            return cannot_consent(call, who, event.operator)
        case _:  # without a roll call the row is all
            return roster.confirmed(call, event.operator) if call.call_type.roll_call else Step(call)


def subject(call: Call, event: OperatorActed) -> str:
    """The channel of the party that EVENT speaks for: a visitor, of whom its own call says so, or the far party."""
    named = call.channels.get(event.channel_id)
    return event.channel_id if named and named.visits else call.anchor


def someone_else(call: Call, who: str) -> Step:
    """Somebody is with the party at channel WHO who was never told. Nothing is recorded until both were told and the
    party answered anew."""
    call = roster.cleared(call).change(who, silent=False)  # what it did not answer alone is no answer of both
    return asking.signal(call, who, Signal.COMPANY)


def cannot_consent(call: Call, who: str, said_by: str) -> Step:
    """A child, or somebody who does not follow. Nothing that it said or left unsaid counts, and nothing stays, what was
    kept after a withdrawal neither; a call that it visits may be recorded once it is gone."""
    channel = call.channels.get(who)
    if channel is None or _is_void(call, channel):
        return Step(call)
    call = replace(call.change(who, silent=False), barred=call.barred or who == call.anchor)
    said = record(call, Outcome.CONSENT_VOID, who, said_by=said_by)
    done = said.then(lambda now: asking.signal(now, who, Signal.WITHDRAW))
    return done.then(recorder.destroy) if _was_in(call, channel) else done


def _was_in(call: Call, channel: Channel) -> bool:
    """Whether what was captured may hold this party: a visitor who never agreed was kept out of it."""
    return channel.channel_id == call.anchor or channel.withdrew or channel.standing is not Standing.REFUSED


def _is_void(call: Call, channel: Channel) -> bool:
    """Whether nothing is left to be undone: nobody's word mends its refusal, and all that holds it goes."""
    refused = channel.standing is Standing.REFUSED and not channel.silent
    gone = not _was_in(call, channel) or all(item.condemned for item in call.recordings)
    return refused and gone and (call.barred or channel.channel_id != call.anchor)

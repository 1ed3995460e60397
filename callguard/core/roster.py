"""The roll call: who is on the line is confirmed and written down before anything is recorded.

What belongs here: when a confirmation is missing, and what one writes. What does not: who may give it (keypad.py,
attesting.py), each party's own consent (consent.py).
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core.call import Call
from callguard.core.events import Outcome
from callguard.core.outcome import Step, record


def is_unconfirmed(call: Call) -> bool:
    """Whether this call type wants a roll call, and somebody who can hear was not there at the last one."""
    return call.call_type.roll_call and not {channel.channel_id for channel in call.hearers()} <= call.roster


def confirmed(call: Call, by: str) -> Step:
    """BY, a channel or an operator, says that nobody is on the line but those whom we know of."""
    present = call.hearers()
    call = replace(call, roster=frozenset(channel.channel_id for channel in present))
    roll = [[channel.channel_id, channel.role.value, channel.standing.value] for channel in present]
    return record(call, Outcome.ROSTER_CONFIRMED, call.anchor, by=by, present=sorted(roll))


def cleared(call: Call) -> Call:
    """CALL after somebody else was heard of: whoever was confirmed, it was not everybody."""
    return replace(call, roster=frozenset())

"""Which rule a call stands under, at its start and whenever somebody else can hear.

What belongs here: when the rule is resolved anew, and what follows from a stricter one. What does not: the rule itself
(rules.py), what is asked then (asking.py).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from callguard.core import asking
from callguard.core.call import NOT_YET, Call, Channel
from callguard.core.consent import Signal, Standing
from callguard.core.events import Outcome, Role
from callguard.core.jurisdiction import NOWHERE
from callguard.core.outcome import Step, record
from callguard.core.policy import Mode
from callguard.core.preflight import judge
from callguard.core.rules import Rule


def resolve_first(call: Call, at: datetime, evidence: tuple[str, ...]) -> Step:
    """The rule at the start: where the far party may be, and where the agents are taken to be."""
    call = _under(call, _codes(call), at)
    return record(call, Outcome.RULE_RESOLVED, call.anchor, evidence=list(evidence), **_shown(call.rule))


def settle(call: Call, at: datetime) -> Step:
    """The rule of all who have been in this call: it grows with everybody who can hear, and never relaxes. Whoever left
    was heard in the same recording."""
    if call.pending or call.far is None or call.mode is Mode.NEVER:
        return Step(call)
    codes = _codes(call)
    if codes <= frozenset(call.rule.jurisdictions):
        return Step(call)
    old, call = call.rule, _under(call, codes | frozenset(call.rule.jurisdictions), at)
    new = call.rule
    before = {"old_mode": old.mode.value, "old_jurisdictions": list(old.jurisdictions)}
    done = record(call, Outcome.RULE_REEVALUATED, call.anchor, **before, **_shown(new))
    if new.mode is not old.mode:
        return done.then(_ask_who_stayed)
    return done.then(ask_who_was_attested) if new.express and not old.express else done


def _under(call: Call, codes: frozenset[str], at: datetime) -> Call:
    """CALL under the rule of CODES. Its verdict has an id that a replay makes again."""
    verdict = str(uuid.uuid5(uuid.UUID(call.call_id), f"preflight/{call.preflights}"))
    rule = judge(call.call_type, call.pack, codes, at.date(), internal=call.internal).rule
    percent = call.call_type.sample_percent
    if rule.mode is not Mode.NEVER and not is_sampled(call.call_id, percent):
        rule = replace(rule, mode=Mode.NEVER, reasons=(*rule.reasons, f"not among the {percent} % that are recorded"))
    return replace(call, rule=replace(rule, preflight=verdict), preflights=call.preflights + 1)


def is_sampled(call_id: str, percent: int) -> bool:
    """Whether this call is among so many of a hundred: by its id, so that nobody chooses and a replay agrees."""
    return int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:8]) * 100 < percent << 64


def _codes(call: Call) -> frozenset[str]:
    """Where everybody may be who can hear the far party, or is about to. An agent of whom nothing is known sits where
    agents sit."""
    found = {*(call.site or (NOWHERE,))}
    for channel in (*call.hearers(), *call.entering()):
        unknown = () if channel.role is Role.AGENT else (NOWHERE,)
        found |= {*(channel.codes or unknown)}
    return frozenset(found)


def _shown(rule: Rule) -> dict[str, Any]:
    return {
        "mode": rule.mode.value,
        "jurisdictions": list(rule.jurisdictions),
        "rows": list(rule.rows),
        "rule_pack": rule.rule_pack,
        "preflight": rule.preflight,
        "reasons": list(rule.reasons),
    }


def _ask_who_stayed(call: Call) -> Step:
    """Staying on is not enough any more: who was told is asked. Whoever agreed until now did no more than stay, and a 1
    from before it hears the question, in the middle of a number perhaps, is no answer to it."""
    for channel in call.live():
        if channel.is_asked and channel.standing in (Standing.AWAITING, Standing.GRANTED):
            call = call.change(channel.channel_id, asked_at=NOT_YET)
    return _ask_now(call, lambda channel: channel.standing in _TOLD)


def ask_who_was_attested(call: Call) -> Step:
    """An agent's word is not enough any more."""
    return _ask_now(call, lambda channel: channel.standing is Standing.GRANTED and bool(channel.attested))


def _ask_now(call: Call, concerned: Callable[[Channel], bool]) -> Step:
    done = Step(call)
    for channel in call.live():
        if channel.is_asked and concerned(channel):
            done = done.then(partial(_asked_now, channel.channel_id))
    return done


_TOLD = (Standing.NOTIFYING, Standing.AWAITING, Standing.GRANTED)


def _asked_now(channel_id: str, call: Call) -> Step:
    return asking.signal(asking.anew(call, channel_id), channel_id, Signal.RULE_GREW)

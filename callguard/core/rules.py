"""The legal floor of a call. Until a party's place is known, everybody is nowhere: the strictest rule there is.

What belongs here: jurisdictions to the strictest rule, with reasons. What does not: what a call type adds (policy.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from callguard.core.policy import CallType, Mode

RULE_PACK = "floor-zz-1"
"""The rule pack in force: every party resolves to ZZ, the strictest row."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The joint rule of a call: the mode it demands, from which jurisdictions, and why."""

    mode: Mode
    jurisdictions: tuple[str, ...]
    reasons: tuple[str, ...]
    rule_pack: str = RULE_PACK


def resolve(call_type: CallType, internal: bool = False) -> Rule:
    """The stricter of CALL_TYPE's mode and the floor (never > ask > announce), with reasons.

    INTERNAL: between our own people, for which a call type has a mode of its own.
    """
    wanted = call_type.internal if internal else call_type.mode
    floor = "no evidence of where the parties are: ZZ, all-party, express consent"
    if wanted is Mode.ANNOUNCE and call_type.override:
        return Rule(Mode.ANNOUNCE, ("ZZ",), (floor, f"override {call_type.override}: announce"))
    mode = max(wanted, Mode.ASK, key=lambda item: item.strictness)
    return Rule(mode, ("ZZ",), (floor, f"call type {call_type.name}: {wanted}"))

"""The rule of a call: the strictest of what the law demands where anybody may be, and of what its call type says.

What belongs here: from codes and a call type to a mode, with reasons. What does not: the rows (jurisdiction.py), how
they merge (strictest.py), what else has to be answered (preflight.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from callguard.core.jurisdiction import NOWHERE, RulePack
from callguard.core.policy import CallType, Mode
from callguard.core.row import Beep, Consent, parse_row
from callguard.core.strictest import Demand, merge

_NOWHERE = {
    "iso_code": NOWHERE, "name": "unknown", "consent": "all_party", "express_required": "yes", "notice_required": "yes",
    "beep_ok": "no", "citation": "engineering default: if unsure, the stricter approach", "note": "", "source": "",
    "disputed": "no", "consent_label": "all_party", "notice_suffices": "no", "announce_recorded": "yes",
    "purpose_required": "yes", "lawful_basis": "explicit consent", "special": "", "confidence": "high",
}  # fmt: skip
STRICTEST = RulePack({NOWHERE: parse_row(_NOWHERE)}, {})
"""No places at all: everybody is nowhere, and nowhere is strict."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The joint rule of a call: the mode it demands, for which places, by which rows, and why. `preflight`: the id of
    this verdict, which its recording carries; `express`: nothing but a party's own answer is enough; `beep`: a periodic
    tone counts there, `beep_within`: if it comes that often, in seconds (0: no word on that)."""

    mode: Mode
    jurisdictions: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    rule_pack: str = STRICTEST.version
    preflight: str = ""
    express: bool = True
    beep: bool = False
    beep_within: int = 0


_EVERY = "beep_interval_s="
UNRESOLVED = Rule(Mode.ASK, reasons=("nothing is known yet",))
"""Before a call has started."""


def resolve(call_type: CallType, pack: RulePack, codes: Iterable[str], on: date, *, internal: bool = False) -> Rule:
    """The rule for people at CODES on a day: never > ask > announce.

    INTERNAL: between our own people, for which a call type has a mode of its own.
    """
    places = tuple(sorted({*codes})) or (NOWHERE,)
    rows = pack.rows_for(places)
    demand = merge(rows)
    wanted = call_type.internal if internal else call_type.mode
    floor, why = _floor(demand, call_type, on)
    mode = max(wanted, floor, key=lambda item: item.strictness)
    codes = tuple(row.iso_code for row in rows)
    reasons = (*demand.reasons, *_overridden(pack, codes), why, f"call type {call_type.name}: {wanted}")
    within = min((int(word.removeprefix(_EVERY)) for word in demand.special if word.startswith(_EVERY)), default=0)
    beep = demand.beep_ok is Beep.YES
    return Rule(mode, places, codes, reasons, pack.version, express=demand.express, beep=beep, beep_within=within)


def _overridden(pack: RulePack, codes: tuple[str, ...]) -> Iterator[str]:
    """Which of the rows are not as their sources have them. Whose word that is stands with the rules themselves: names
    never enter a chained row. Those that have ended are no part of a version, and so of no decision."""
    for item in pack.overrides:
        if item.code in codes:
            changes = ", ".join(column for column, _ in item.changes)
            yield f"{item.code}: an operator's override of {changes} stands until {item.expires.isoformat()}"


def _floor(demand: Demand, call_type: CallType, on: date) -> tuple[Mode, str]:
    """What the law leaves open, and why. Where all have to agree the shipped policy asks, although staying on after a
    notice may do: that needs somebody's name."""
    if demand.express:
        return Mode.ASK, "floor ask: staying on after a notice is not enough"
    if demand.consent is Consent.ONE_PARTY:
        return Mode.ANNOUNCE, "floor announce: one party's consent is enough, and notice is always given"
    if call_type.override_at(on):
        return Mode.ANNOUNCE, f"floor announce: all parties, under the override {call_type.override}"
    return Mode.ASK, "floor ask: all parties have to agree"

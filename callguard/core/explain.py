"""The rule engine's answer: where everybody is, what that demands, and what may be done.

What belongs here: from a question to the answer and its document. What does not: the shape of the question
(question.py), the law (jurisdiction.py, strictest.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callguard.core.jurisdiction import NOWHERE, RulePack
from callguard.core.place import SAID, Place, locate
from callguard.core.question import Question, read_question
from callguard.core.strictest import Demand, Measure, measure, merge


@dataclass(frozen=True, slots=True)
class Explained:
    """`places`: one a party, in their order; `jurisdictions`: all of their codes, each once."""

    question: Question
    pack: RulePack
    places: tuple[Place, ...]
    jurisdictions: tuple[str, ...]
    demand: Demand
    measure: Measure

    @property
    def reasons(self) -> tuple[str, ...]:
        """Where each party is and why, each row, what is doubtful, and which overrides played or no longer play."""
        parties = (item.party.role for item in self.question.parties)
        whereabouts = (
            f"party {number} ({role.value}): {whereabouts_of(place)}"
            for number, (role, place) in enumerate(zip(parties, self.places, strict=True), 1)
        )
        demand = self.demand
        disputed = f"; disputed: {', '.join(demand.disputes)}" if demand.disputes else ""
        return (
            *whereabouts,
            *demand.reasons,
            f"{self.question.occasion.value}: {self.measure.value}; confidence {demand.confidence.value}{disputed}",
            *self.override_sentences,
        )

    @property
    def override_sentences(self) -> tuple[str, ...]:
        """Overrides in force over the rows of this call, and all that have expired."""
        codes = {row.iso_code for row in self.pack.rows_for(self.jurisdictions)}
        in_force = (item.sentence for item in self.pack.overrides if item.code in codes)
        return (*in_force, *(f"expired, without effect: {item.sentence}" for item in self.pack.expired))

    def as_data(self) -> dict[str, Any]:
        """The output document."""
        return {
            "jurisdictions": list(self.jurisdictions),
            **self.demand.as_data(),
            "action": self.measure.value,
            "reasons": list(self.reasons),
            "rule_pack": self.pack.version,
        }


def whereabouts_of(place: Place) -> str:
    """A place and what it rests on, in words."""
    where = " and ".join(place.codes) or "no place of its own"
    return f"{where}: {'; '.join(SAID[word] for word in place.evidence)}"


def answer(question: Question, pack: RulePack) -> Explained:
    """QUESTION under PACK. Where nobody with a place is on the call, it is nowhere."""
    places = tuple(locate(item.party, pack, question.policy) for item in question.parties)
    codes = tuple(dict.fromkeys(code for place in places for code in place.codes)) or (NOWHERE,)
    demand = merge(pack.rows_for(codes))
    return Explained(question, pack, places, codes, demand, measure(question.occasion, demand, question.scene))


def explain(document: object, pack: RulePack) -> dict[str, Any]:
    """The input DOCUMENT to the output document. Raises ConfigError with every problem of the input at once."""
    return answer(read_question(document), pack).as_data()

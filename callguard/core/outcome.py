"""What a step comes to: the call after it, effects, records and reasons; and how steps are joined.

What belongs here: the value `Step` and the two records that any step may write. What does not: any rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from callguard.core.call import Call
from callguard.core.effects import Alert, Effect
from callguard.core.events import Outcome, Record


@dataclass(frozen=True, slots=True)
class Step:
    """The call after a fact, what to do about it, what to write down, and why."""

    call: Call
    effects: tuple[Effect, ...] = ()
    records: tuple[Record, ...] = ()
    reasons: tuple[str, ...] = ()

    def then(self, further: Callable[[Call], Step]) -> Step:
        """This step, and after it what FURTHER makes of its call."""
        return self.also(further(self.call))

    def also(self, other: Step) -> Step:
        """This step, and after it OTHER, which started from this step's call."""
        if not (self.effects or self.records or self.reasons):
            return other
        return Step(
            other.call, self.effects + other.effects, self.records + other.records, self.reasons + other.reasons
        )


def record(call: Call, type: Outcome, channel_id: str = "", **data: Any) -> Step:
    """Write down an outcome."""
    return Step(call, records=(Record(type, channel_id, data),))


def incident(call: Call, kind: str, **about: Any) -> Step:
    """Open an incident of KIND, and tell somebody by a path that is not Postgres. ABOUT: more of its row."""
    call = replace(call, alerted=True)
    return record(call, Outcome.INCIDENT_OPENED, incident=kind, **about).also(Step(call, (Alert(incident=kind),)))


def unexpected(call: Call, channel_id: str, what: str) -> Step:
    """Nothing changes, and it is written down."""
    return record(call, Outcome.UNEXPECTED, channel_id, what=what)

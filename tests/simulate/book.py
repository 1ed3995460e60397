"""What a simulation finds: violations by kind, sums, and the trace of one world.

What belongs here: keeping count, in an order that no hash decides. What does not: what counts as a violation.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

LONGEST_TRACE = 4000


@dataclass
class Book:
    """Of one world. `told`: the trace, kept only where somebody wants to read it."""

    keeps_trace: bool = False
    now: float = 0.0
    violations: list[tuple[str, str]] = field(default_factory=list)
    sums: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def wrong(self, kind: str, what: str) -> None:
        """A violation of KIND, once a world and text."""
        if (kind, what) not in self.violations:
            self.violations.append((kind, what))
            self.note("VIOLATION", kind, what)

    def add(self, name: str, amount: float = 1) -> None:
        """Count."""
        self.sums[name] += amount  # type: ignore[assignment]

    def most(self, name: str, amount: float) -> None:
        """Keep the largest."""
        self.sums[name] = max(self.sums[name], amount)  # type: ignore[assignment]

    def note(self, *what: object) -> None:
        """A line of the trace."""
        if self.keeps_trace and len(self.told) < LONGEST_TRACE:
            self.told.append(f"{self.now:9.3f}  " + " ".join(map(str, what)))

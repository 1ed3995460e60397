"""When nothing that callguard runs could act: its controller dead, stopped or cut off.

What belongs here: keeping such stretches of time. What does not: what they excuse (accounts.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Dark:
    """When nothing of callguard could act. `open`: why, and since when; `past`: what is over."""

    open: dict[str, float] = field(default_factory=dict)
    past: list[tuple[float, float]] = field(default_factory=list)

    def begin(self, why: str, now: float) -> None:
        """It gets dark."""
        self.open.setdefault(why, now)

    def end(self, why: str, now: float) -> None:
        """It is light again, as far as WHY goes."""
        if why in self.open:
            self.past.append((self.open.pop(why), now))

    def within(self, since: float, now: float) -> bool:
        """Whether it was dark at any time of this stretch."""
        return bool(self.open) or any(begin <= now and since <= end for begin, end in self.past)

"""Event-Sequence: have events been lost?

What belongs here: pure counting; time is an argument. What does not: asking the PBX what is true (pbx.py). FreeSWITCH
drops events when a listener's queue is full, and says so nowhere but in its log. Not every number comes: a request of
ours takes one too. So a gap proves nothing and costs no more than a look; a number that goes back far is another
FreeSWITCH.
"""

from __future__ import annotations

from callguard.pbx.freeswitch.codec import Message

GRACE = 0.5
"""Seconds in which a number that is missing may still come: several threads deliver."""
_KEPT = 1000


class Sequence:
    """Watches the numbers of the events. `core`: which FreeSWITCH speaks; EVERY: seconds between two looks."""

    def __init__(self, every: float) -> None:
        self.core = ""
        self._every = every
        self._next: int | None = None
        self._missing: set[int] = set()
        self._since = 0.0
        self._looked = 0.0

    def looked(self, now: float) -> None:
        """What is true was asked for: gaps before do not matter."""
        self._missing.clear()
        self._looked = now

    def heard(self, message: Message, now: float) -> bool:
        """MESSAGE came; whether it comes from another FreeSWITCH than the one before."""
        core, number = message.get("Core-UUID", ""), message.get("Event-Sequence", "")
        changed = bool(self.core and core and core != self.core)
        if core and core != self.core:
            self.core, self._next = core, None
            self._missing.clear()
        if number.isascii() and number.isdigit() and len(number) < 19:
            self._count(int(number), now)
        return changed

    def due(self, now: float) -> bool:
        """Whether a gap has stayed open for so long that somebody should look."""
        return bool(self._missing) and now - self._since >= GRACE and now - self._looked >= self._every

    def _count(self, number: int, now: float) -> None:
        if self._next is not None and number < self._next:
            self._missing.discard(number)
            return
        if self._next is not None and number > self._next:
            if not self._missing:
                self._since = now
            self._missing.update(range(self._next, min(number, self._next + _KEPT)))
        self._next = number + 1

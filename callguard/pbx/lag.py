"""How late a PBX's events come: its queue for a listener can be minutes behind, while its answers are prompt.

What belongs here: pure reckoning; time is an argument. What does not: what is done about it (pbx.py). The clocks of
both machines may differ, so what counts is how much later an event comes than the promptest one since the link is up.
"""

from __future__ import annotations

LATE = 0.25
"""Seconds from which it is told."""
TOO_LATE = 3.0
"""Seconds from which nothing that is heard is still true: a new link begins with an empty queue."""
TOLD_EVERY = 60.0


class Lag:
    """Watches the events of one link. `seconds`: how late the last one came."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._promptest: float | None = None
        self._told: float | None = None

    def begin(self) -> None:
        """A new link."""
        self.seconds, self._promptest = 0.0, None

    def heard(self, said: float | None, wall: float) -> bool:
        """An event that the PBX says happened at SAID came at WALL (seconds of the epoch; None: it does not say);
        whether somebody has to be told now that events come late."""
        if said is None:
            return False
        behind = wall - said
        self._promptest = behind if self._promptest is None else min(self._promptest, behind)
        self.seconds = behind - self._promptest
        if self.seconds < LATE or (self._told is not None and 0 <= wall - self._told < TOLD_EVERY):
            return False
        self._told = wall
        return True

    @property
    def hopeless(self) -> bool:
        """Whether the link has to be made anew."""
        return self.seconds >= TOO_LATE

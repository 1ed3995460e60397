"""The truth about pauses in one simulated call: who asked for silence, and whether somebody types a number.

What belongs here: the agent's key, the operator, and keys that are nobody's answer, in the words of the contract. What
does not: whether sound reached a file meanwhile (accounts.py).

Keys count only while sound reaches the file. Where the simulation cannot tell whether they did, a pause may have begun:
it is `unsure`, and nothing is demanded until a person or the file makes it plain.
"""

from __future__ import annotations

from dataclasses import dataclass, field

KEYS, SPAN = 4, 5.0
"""So many keys within so many seconds are a number that somebody types."""
CONFIRMS = 5.0
"""For so many seconds the agent's key confirms a pause that began by itself; afterwards it ends it."""


@dataclass
class Pauses:
    """Of one call. `wanted`: a person asked for one; `typing`: when a number began to be typed, by its keys' time;
    `keys`: of late, by channel: when, and whether it counted for sure."""

    wanted: bool = False
    typing: float | None = None
    unsure: bool = False
    keys: dict[str, list[tuple[float, bool]]] = field(default_factory=dict)

    def copy(self) -> Pauses:
        """As it is now."""
        return Pauses(self.wanted, self.typing, self.unsure, {who: list(keys) for who, keys in self.keys.items()})

    def causes(self) -> list[str]:
        """Why there has to be silence."""
        return ["paused"] * self.wanted + ["while a number is typed"] * (self.typing is not None)

    def toggled(self, at: float, *, sounds: bool) -> None:
        """The agent's key. SOUNDS: the file does, and has for a while: there is no pause."""
        self.unsure = self.unsure and not sounds
        if self.unsure:
            self.wanted, self.typing = False, None
        elif self.typing is not None and not self.wanted and at - self.typing <= CONFIRMS:
            self.wanted = True
        else:
            self.wanted, self.typing = not (self.wanted or self.typing is not None), None

    def doubted(self) -> None:
        """The agent's key, and nobody may know that it is one of this call."""
        self.wanted, self.typing, self.unsure = False, None, True

    def ordered(self, *, pause: bool) -> None:
        """An operator's word is plain."""
        self.wanted, self.unsure = pause, False
        self.typing = self.typing if pause else None

    def pressed(self, who: str, at: float, *, sure: bool) -> None:
        """A key that is no answer and belongs to no sequence."""
        keys = [*((then, was) for then, was in self.keys.get(who, []) if at - then <= SPAN), (at, sure)]
        self.keys[who] = keys
        if len(keys) < KEYS:
            return
        if all(was for _, was in keys):
            self.typing, self.keys[who] = at, []
        else:  # a pause that began may have used these up
            self.unsure = True
            self._doubt(who)

    def forget(self) -> None:
        """Whoever counted is dead: another one may know less."""
        for who in self.keys:
            self._doubt(who)

    def _doubt(self, who: str) -> None:
        self.keys[who] = [(then, False) for then, _ in self.keys[who]]

"""Extension patterns: does `_9X.` match 911, and can two patterns mean the same number?

What belongs here: pure text. What does not: contexts. A pattern is a row of character sets and perhaps an open end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_SETS = {"X": "0123456789", "Z": "123456789", "N": "23456789"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """`sets`: one a character. `end`: "" exact, "." one or more of anything, "!" none or more."""

    sets: tuple[frozenset[str], ...]
    end: str

    @property
    def order(self) -> tuple[int, ...]:
        """Sorts the more specific pattern first, as Asterisk looks for it."""
        ends = {"": (), ".": (998,), "!": (999,)}
        return (*(len(each) for each in self.sets), *ends[self.end])

    def without(self, count: int) -> Pattern:
        """What is left of a number after its first COUNT characters."""
        return Pattern(self.sets[count:], self.end)


def is_pattern(exten: str) -> bool:
    """Whether EXTEN is a pattern."""
    return exten.startswith("_")


@lru_cache(maxsize=65536)
def parse(exten: str) -> Pattern:
    """EXTEN, a pattern or a plain extension. Odd brackets mean themselves."""
    if not is_pattern(exten):
        return number_only(exten)
    sets: list[frozenset[str]] = []
    at = 1
    while at < len(exten):
        char = exten[at]
        if char in ".!":
            return Pattern(tuple(sets), char)
        if char == "[" and (close := exten.find("]", at)) > 0:
            sets.append(_bracket(exten[at + 1 : close]))
            at = close
        elif char != "-":
            sets.append(frozenset(_SETS.get(char.upper(), char)))
        at += 1
    return Pattern(tuple(sets), "")


def _bracket(text: str) -> frozenset[str]:
    found: set[str] = set()
    at = 0
    while at < len(text):
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            found |= {chr(code) for code in range(ord(text[at]), min(ord(text[at + 2]), 0x7F) + 1)}
            at += 3
        else:
            found.add(text[at])
            at += 1
    return frozenset(found)


def number_only(number: str) -> Pattern:
    """NUMBER itself, whatever it begins with, as a pattern that fits nothing else."""
    return Pattern(tuple(frozenset(each) for each in number), "")


def matches(exten: str, number: str) -> bool:
    """Whether EXTEN, pattern or not, is what Asterisk takes for NUMBER."""
    return overlap(parse(exten), number_only(number))


def overlap(one: Pattern, other: Pattern) -> bool:
    """Whether some number fits both."""
    if any(not a & b for a, b in zip(one.sets, other.sets, strict=False)):
        return False
    short, long = sorted((one, other), key=lambda each: len(each.sets))
    gap = len(long.sets) - len(short.sets)
    if gap:
        return short.end in ("!", ".")
    return short.end == long.end or "!" in (short.end, long.end) or bool(short.end and long.end)


def literal(exten: str) -> str:
    """The one number that EXTEN means, or "" where it means many."""
    pattern = parse(exten)
    if pattern.end or any(len(each) != 1 for each in pattern.sets):
        return ""
    return "".join(next(iter(each)) for each in pattern.sets)

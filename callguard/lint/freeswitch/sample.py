"""Numbers that an expression of a dialplan takes: a few for each way through it.

What belongs here: text that fits a regular expression, made from the expression. What does not: what the number leads
to (way.py). Never wrong, sometimes incomplete: what is made is held against the expression before it counts.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice, product

MOST = 12
"""Samples of one expression."""
LONGEST = 16
"""Characters of a sample; also what keeps an expression that backtracks from taking for ever."""
_ATOM = re.compile(r"\\d|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[:=!]?|.", re.DOTALL)
_TIMES = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_DIGITS = "0123456789*#+abcdefghijklmnopqrstuvwxyz_-"


@lru_cache(maxsize=8192)
def expression(text: str) -> re.Pattern[str] | None:
    """TEXT as it is searched for; None where it is no expression, or one with variables in it."""
    return None if "${" in text else _compiled(text)


def _compiled(text: str) -> re.Pattern[str] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # what a later Python may read otherwise
            return re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return None


def fits(text: str, number: str) -> bool:
    """Whether the expression TEXT takes NUMBER; one that cannot be read takes everything."""
    found = expression(text)
    return found is None or found.search(number[:LONGEST]) is not None


@lru_cache(maxsize=8192)
def samples(text: str) -> tuple[str, ...]:
    """Numbers that the expression TEXT takes, as many as MOST."""
    found = expression(text)
    if found is None:
        return ()
    made = islice(_Maker(text).made(), 4 * MOST)
    return tuple(islice((each for each in dict.fromkeys(made) if each and found.search(each)), MOST))


class _Maker:
    """Goes through an expression once, atom by atom."""

    def __init__(self, text: str) -> None:
        self._atoms = [atom for atom in _ATOM.findall(text) if atom not in ("^", "$")]
        self._rest = text
        self._at = 0

    def made(self) -> Iterator[str]:
        """Texts for the whole expression."""
        yield from (each[:LONGEST] for each in self._branches())

    def _branches(self) -> list[str]:
        found: list[str] = []
        while True:
            found += self._sequence()
            if self._peek() != "|":
                return found
            self._at += 1

    def _sequence(self) -> list[str]:
        made = [""]
        while (atom := self._peek()) and atom not in ("|", ")"):
            self._at += 1
            choices = self._repeated(self._choices(atom))
            made = list(islice((a + b for a, b in product(made, choices) if len(a) < LONGEST), 4 * MOST)) or made
        return made

    def _choices(self, atom: str) -> list[str]:
        if atom in ("(", "(?:", "(?"):
            inner = self._branches()
            self._at += 1  # its )
            return inner
        if atom in ("(?=", "(?!"):
            self._branches()
            self._at += 1
            return [""]
        return _characters(atom)

    def _repeated(self, choices: list[str]) -> list[str]:
        match self._peek():
            case "?":
                self._at += 1
                return self._lazy(["", *choices])
            case "*":
                self._at += 1
                return self._lazy(["", *choices, *(each * 4 for each in choices[:1])])
            case "+":
                self._at += 1
                return self._lazy([*choices, *(each * 4 for each in choices[:1])])
            case "{":
                return self._counted(choices)
        return choices

    def _lazy(self, choices: list[str]) -> list[str]:
        if self._peek() in ("?", "+"):
            self._at += 1
        return choices

    def _counted(self, choices: list[str]) -> list[str]:
        text = "".join(self._atoms[self._at : self._at + 8])
        times = _TIMES.match(text)
        if times is None:
            return choices
        while self._peek() not in ("}", ""):
            self._at += 1
        self._at += 1
        least = min(int(times[1]), LONGEST)
        most = least if times[2] is None else min(int(times[2] or least + 3), LONGEST)
        return [each * count for count in dict.fromkeys((least, most)) for each in choices]

    def _peek(self) -> str:
        return self._atoms[self._at] if self._at < len(self._atoms) else ""


def _characters(atom: str) -> list[str]:
    """A few characters that one atom takes."""
    if atom == r"\d":
        return ["2", "5"]
    if atom == ".":
        return ["2"]
    if atom.startswith("\\"):
        return {"w": ["2"], "s": [" "], "b": [""], "A": [""], "Z": [""], "D": ["*"]}.get(atom[1:], [atom[1:]])
    if atom.startswith("[") and len(atom) > 1:
        taken = _set(atom)
        digits = [each for each in taken if each in _DIGITS] or taken
        return digits[:1] + digits[-1:] if len(digits) > 1 else digits
    return [atom]


def _set(atom: str) -> list[str]:
    found = _compiled(atom)
    fitting = (each for each in (*_DIGITS, *map(chr, range(32, 127))) if found is not None and found.match(each))
    return list(dict.fromkeys(fitting))


def overlap(one: str, others: Iterable[str]) -> list[str]:
    """The samples that both the expression ONE and all OTHERS take."""
    everyone = [one, *others]
    made = dict.fromkeys(each for text in everyone for each in samples(text))
    return [each for each in made if all(fits(text, each) for text in everyone)]

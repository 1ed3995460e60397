"""Where a sample of the original lies in the trimmed file, and back.

Belongs here: the map and its JSON. Does not: what is cut (trim.py). Instants are sample numbers, from 0.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from callguard.errors import BadInput

_EACH = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept part: samples `start` to `end` (exclusive) of the original begin at `trimmed` in the trimmed file."""

    start: int
    end: int
    trimmed: int


@dataclass(frozen=True, slots=True)
class Image:
    """Where an instant lies in the other file. `clamped`: it has no image there; this is the nearest one."""

    sample: int
    clamped: bool = False


class TimeMap:
    """The kept parts in order, three numbers of 8 bytes each: a day has tens of thousands."""

    def __init__(self, parts: Iterable[Kept] = ()) -> None:
        """Raises ValueError when PARTS overlap, are out of order, or leave a gap in the result."""
        self._numbers = array("q")
        end = length = 0
        for part in parts:
            if not end <= part.start < part.end or part.trimmed != length:
                raise ValueError(f"the part at sample {part.start} does not follow the one before it")
            self._numbers.extend((part.start, part.end, part.trimmed))
            end, length = part.end, length + part.end - part.start
        self.trimmed_samples = length
        """Length of the trimmed file."""

    @classmethod
    def of(cls, segments: Iterable[Iterable[int]]) -> TimeMap:
        """The map of a file cut to SEGMENTS, (start, end) in samples, ascending."""
        return cls(_following(segments))

    def __len__(self) -> int:
        """How many parts there are."""
        return len(self._numbers) // _EACH

    def __getitem__(self, at: int) -> Kept:
        """Part AT, from 0."""
        return Kept(*self._numbers[_EACH * at : _EACH * at + _EACH])

    def __iter__(self) -> Iterator[Kept]:
        """All of them in order."""
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Whether both have the same parts."""
        return isinstance(other, TimeMap) and self._numbers == other._numbers

    __hash__ = None  # type: ignore[assignment]

    def to_trimmed(self, sample: int) -> Image:
        """Where SAMPLE of the original went. Inside a removed part: the cut itself, and `clamped` says so."""
        before = bisect_right(self, sample, key=lambda part: part.start)
        if before == 0:
            return Image(0, clamped=True)
        part = self[before - 1]
        if sample < part.end:
            return Image(part.trimmed + sample - part.start)
        return Image(part.trimmed + part.end - part.start, clamped=True)

    def to_original(self, sample: int) -> Image:
        """Where SAMPLE of the trimmed file came from. Outside the file: its nearest sample, and `clamped` says so."""
        if not len(self):
            return Image(0, clamped=True)
        inside = min(max(0, sample), self.trimmed_samples - 1)
        part = self[bisect_right(self, inside, key=lambda part: part.trimmed) - 1]
        return Image(part.start + inside - part.trimmed, clamped=inside != sample)

    def rows(self) -> Iterator[list[int]]:
        """[original start, original end, trimmed start] of each part, in samples, ascending."""
        return ([part.start, part.end, part.trimmed] for part in self)

    @classmethod
    def from_json(cls, text: str) -> TimeMap:
        """Read the `rows` as a JSON list. Raises BadInput."""
        try:
            rows = json.loads(text)
            if not all(isinstance(row, list) and all(type(value) is int for value in row) for row in rows):
                raise ValueError("every row has three whole numbers")
            return cls(Kept(start, end, trimmed) for start, end, trimmed in rows)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise BadInput(f"not a time map: {error}") from error


def _following(segments: Iterable[Iterable[int]]) -> Iterator[Kept]:
    """SEGMENTS, each beginning where the one before it ends in the trimmed file."""
    length = 0
    for start, end in segments:
        yield Kept(int(start), int(end), length)
        length += int(end) - int(start)

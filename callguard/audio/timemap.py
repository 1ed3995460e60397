"""Where a sample of the original lies in the trimmed file, and back.

Belongs here: the map and its JSON. Does not: what is cut (trim.py). Instants are sample numbers, from 0.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from callguard.errors import BadInput


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


@dataclass(frozen=True, slots=True)
class TimeMap:
    """The kept parts in order. Raises ValueError when they overlap, are out of order, or leave a gap in the result."""

    parts: tuple[Kept, ...]

    def __post_init__(self) -> None:
        end = length = 0
        for part in self.parts:
            if not end <= part.start < part.end or part.trimmed != length:
                raise ValueError(f"the part at sample {part.start} does not follow the one before it")
            end, length = part.end, length + part.end - part.start

    @classmethod
    def of(cls, segments: Sequence[tuple[int, int]]) -> TimeMap:
        """The map of a file cut to SEGMENTS, (start, end) in samples, ascending."""
        parts: list[Kept] = []
        length = 0
        for start, end in segments:
            parts.append(Kept(start, end, length))
            length += end - start
        return cls(tuple(parts))

    @property
    def trimmed_samples(self) -> int:
        """Length of the trimmed file."""
        return self.parts[-1].trimmed + self.parts[-1].end - self.parts[-1].start if self.parts else 0

    def to_trimmed(self, sample: int) -> Image:
        """Where SAMPLE of the original went. Inside a removed part: the cut itself, and `clamped` says so."""
        before = bisect_right(self.parts, sample, key=lambda part: part.start)
        if before == 0:
            return Image(0, clamped=True)
        part = self.parts[before - 1]
        if sample < part.end:
            return Image(part.trimmed + sample - part.start)
        return Image(part.trimmed + part.end - part.start, clamped=True)

    def to_original(self, sample: int) -> Image:
        """Where SAMPLE of the trimmed file came from. Outside the file: its nearest sample, and `clamped` says so."""
        if not self.parts:
            return Image(0, clamped=True)
        inside = min(max(0, sample), self.trimmed_samples - 1)
        part = self.parts[bisect_right(self.parts, inside, key=lambda part: part.trimmed) - 1]
        return Image(part.start + inside - part.trimmed, clamped=inside != sample)

    def to_json(self) -> str:
        """[[original start, original end, trimmed start], ...] in samples, ascending."""
        return json.dumps([[part.start, part.end, part.trimmed] for part in self.parts])

    @classmethod
    def from_json(cls, text: str) -> TimeMap:
        """Read what `to_json` wrote. Raises BadInput."""
        try:
            rows = json.loads(text)
            if not all(isinstance(row, list) and all(type(value) is int for value in row) for row in rows):
                raise ValueError("every row has three whole numbers")
            return cls(tuple(Kept(start, end, trimmed) for start, end, trimmed in rows))
        except (ValueError, TypeError) as error:
            raise BadInput(f"not a time map: {error}") from error

"""Synthetic recordings of calls, right in all that a verdict asks, and each thing that can be wrong with one.

What belongs here: making them, the same for the same seed. What does not: judging them (callguard.audio.verify).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from callguard.audio.prompt import load_prompts, shipped_prompts
from callguard.audio.verify import BLANK, LENGTH, LINE, LOST_SIDE, MASK, NO_SIDE, Expectation
from tests.audio.sound import Mono, at_level, mixed, noise, silence, spoken, through_mulaw, write

RATE = 8000
WORDS = ("notice-long", "question", "refusal", "withdrawal", "paused", "resumed", "notice-hr")
LINE_TEXT = "recording-on"


@dataclass(frozen=True)
class Recorded:
    """A recording: (samples, 2) int16, and what its log says. `line`: where the line begins, in samples."""

    sound: np.ndarray
    expected: Expectation
    line: int

    def write(self, path: Path) -> Path:
        return write(path, self.sound)


@cache
def line_path() -> Path:
    return load_prompts(shipped_prompts(), "en")[LINE_TEXT].path


def recorded(seed: int) -> Recorded:
    """Half a minute or more of two people, the line, and up to two pauses; some began before consent, in silence."""
    rng = np.random.default_rng(seed)
    seconds = float(rng.uniform(30, 50))
    left, right = (_leg(rng, seconds) for _ in range(2))
    consent = round(rng.uniform(1, 4) * RATE) if rng.random() < 0.3 else 0  # a recorder that waited for it, silent
    at = consent + round(rng.uniform(0.1, 0.5) * RATE)
    line = np.concatenate((np.zeros(at, np.int16), at_level(spoken(LINE_TEXT), float(rng.uniform(-24, -16)))))
    both = np.stack((left, mixed(right, line)[: len(right)]), axis=1)
    masks = ((0, consent),) * bool(consent) + _masks(rng, len(both), at + len(spoken(LINE_TEXT)))
    for start, end in masks:
        both[start:end] = 0
    blanks = ((masks[-1][0] - RATE, masks[-1][0]),) if masks and masks[-1][0] and rng.random() < 0.5 else ()
    for start, end in blanks:
        both[start:end] = 0
    expected = Expectation(seconds, masks, line_path(), at / RATE, blanks=blanks)
    return Recorded(both, expected, at)


def _leg(rng: np.random.Generator, seconds: float) -> Mono:
    """Somebody who speaks and listens in turn, on a line with its noise, as the network brings it."""
    parts: list[Mono] = []
    while sum(map(len, parts)) < seconds * RATE:
        words = at_level(spoken(str(rng.choice(WORDS))), float(rng.uniform(-36, -18)))
        parts += [silence(float(rng.uniform(0.3, 4))), words]
    sound = np.concatenate(parts)[: round(seconds * RATE)]
    return through_mulaw(mixed(sound, noise(len(sound) / RATE, -62, int(rng.integers(1 << 30)))[: len(sound)]))


def _masks(rng: np.random.Generator, samples: int, first: int) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    at = first + 2 * RATE
    for _ in range(int(rng.integers(0, 3))):
        start = at + round(rng.uniform(1, 3) * RATE)
        end = start + round(rng.uniform(2, 5) * RATE)
        if end + 6 * RATE > samples:
            break
        found.append((start, end))
        at = end + 2 * RATE
    return tuple(found)


# ---------------------------------------------------------------- what can be wrong
Spoiled = tuple[Recorded, int] | None
"""A recording with something wrong, and at which sample; None where this recording cannot have it."""


def _sound_under_a_mask(made: Recorded, rng: np.random.Generator) -> Spoiled:
    """One packet of one side, anywhere in a mask."""
    if not made.expected.masks:
        return None
    start, end = made.expected.masks[int(rng.integers(len(made.expected.masks)))]
    at = int(rng.integers(start + 320, end - 480))
    return _put(made, at, int(rng.integers(2)), noise(0.02, -40, 3)), at


def _sound_where_blanked(made: Recorded, rng: np.random.Generator) -> Spoiled:
    if not made.expected.blanks:
        return None
    start, end = made.expected.blanks[0]
    at = int(rng.integers(start, end - 160))
    return _put(made, at, int(rng.integers(2)), noise(0.02, -40, 3)), at


def _no_line(made: Recorded, rng: np.random.Generator) -> Spoiled:
    """Nobody heard the line: other words are there instead."""
    length = len(spoken(LINE_TEXT))
    words = at_level(spoken(str(rng.choice(WORDS)))[:length], -22)
    sound = made.sound.copy()
    sound[made.line : made.line + length, 1] = np.resize(words, length)
    sound[made.line : made.line + length, 0] = noise(length / RATE, -60, 5)[:length]
    return replace(made, sound=sound), made.line


def _cut_short(made: Recorded, rng: np.random.Generator) -> Spoiled:
    left = len(made.sound) - round(rng.uniform(0.6, 3) * RATE)
    return replace(made, sound=made.sound[:left]), left


def _side_never_there(made: Recorded, rng: np.random.Generator) -> Spoiled:
    sound = made.sound.copy()
    sound[:, 0] = 0
    return replace(made, sound=sound), 0


def _side_lost_in_a_mask(made: Recorded, rng: np.random.Generator) -> Spoiled:
    """A transfer or pause after which one side does not come back."""
    if not made.expected.masks or not made.expected.masks[-1][0]:
        return None
    sound = made.sound.copy()
    at = made.expected.masks[-1][0] - (RATE if made.expected.blanks else 0)
    sound[at:, int(rng.integers(2))] = 0
    return replace(made, sound=sound), at


def _put(made: Recorded, at: int, side: int, what: Mono) -> Recorded:
    sound = made.sound.copy()
    sound[at : at + len(what), side] = what
    return replace(made, sound=sound)


WRONGS: dict[str, Callable[[Recorded, np.random.Generator], Spoiled]] = {
    MASK: _sound_under_a_mask,
    BLANK: _sound_where_blanked,
    LINE: _no_line,
    LENGTH: _cut_short,
    NO_SIDE: _side_never_there,
    LOST_SIDE: _side_lost_in_a_mask,
}
"""Each finding, and what makes a recording deserve it."""

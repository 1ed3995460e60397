"""Is a recording silent where it should be? Decided from its samples while it grows.

What belongs here: pure arithmetic over sample positions. What does not: files (probe.py), the exact verdict over the
finished file (callguard/audio). Positions are samples at 8 kHz; Asterisk's mask is digital silence: zeros, and the
clock runs on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from callguard.pbx.asterisk.probe import Look

SLACK = 1600
"""Samples (0.2 s) by which our clock and the recorder's may differ."""
SETTLE = 4000
"""Samples (0.5 s) after an acknowledged mask in which the sound has to end."""
_PROOF = 400
"""Samples (50 ms) of zeros that count as silence."""


class Finding(Enum):
    """What the samples show."""

    SILENT = "silent"
    AUDIBLE = "audible"
    LEAK = "sound under mask"


class _Phase(Enum):
    SOUND = 1
    AWAIT_SILENCE = 2
    SILENCE = 3
    AWAIT_SOUND = 4


@dataclass(slots=True)
class _Turn:
    """`expected`: by the clock, as far as the file had fallen behind it then; `soonest`: as far as it has by now."""

    silent: bool
    expected: int
    soonest: int


class MaskWatch:
    """Follows one recording through its masks. `turn` says what to expect, `read` what the file holds."""

    def __init__(self) -> None:
        self._phase = _Phase.SOUND
        self._turns: deque[_Turn] = deque()
        self._expected = 0
        self._cursor = 0
        self._leaked = False

    def turn(self, *, silent: bool, expected: int) -> None:
        """From about sample EXPECTED on the file is to be silent, or to have sound again."""
        last = self._turns[-1].silent if self._turns else self._phase in (_Phase.AWAIT_SILENCE, _Phase.SILENCE)
        if silent != last:
            self._turns.append(_Turn(silent, max(0, expected), max(0, expected)))

    def fell(self, samples: int) -> None:
        """The file fell so far behind the clock before what comes now: a turn may be in it that much sooner. Below 0 it
        caught up, and silence may begin that much later."""
        later = -min(0, samples)
        self._expected += later if self._phase is _Phase.AWAIT_SILENCE else 0
        for turn in self._turns:  # where silence begins, zeros tell
            turn.expected += later if turn.silent else 0
            turn.soonest = turn.soonest if turn.silent else min(turn.expected, turn.soonest - samples)

    def since(self) -> int | None:
        """From which sample on `read` wants the sound; None when it wants none."""
        if self._phase is _Phase.SOUND:
            return max(self._cursor, self._turns[0].soonest - SLACK) if self._turns else None
        return self._cursor

    def read(self, look: Look) -> list[tuple[Finding, int]]:
        """What LOOK, made with `since`, shows: (finding, sample) in order."""
        found: list[tuple[Finding, int]] = []
        while (step := self._step(look, found)) is not None and step is not self._phase:
            self._phase = step
        return found

    # ------------------------------------------------------------ inside: each returns the phase after it
    def _step(self, look: Look, found: list[tuple[Finding, int]]) -> _Phase | None:
        match self._phase:
            case _Phase.SOUND:
                return self._sound()
            case _Phase.AWAIT_SILENCE:
                return self._await_silence(look, found)
            case _Phase.SILENCE:
                return self._silence(look, found)
            case _Phase.AWAIT_SOUND:
                return self._await_sound(look, found)

    def _sound(self) -> _Phase | None:
        if not self._turns:
            return None
        turn = self._turns.popleft()
        self._expected = turn.expected
        self._cursor = max(self._cursor, turn.soonest - SLACK)
        self._leaked = False
        return _Phase.AWAIT_SILENCE

    def _await_silence(self, look: Look, found: list[tuple[Finding, int]]) -> _Phase | None:
        due = min(self._expected + SETTLE, self._next())
        if look.samples < due and not look.final:
            return None
        end = min(due, look.samples)
        silent_from = max(self._cursor, self._last_sound(look, self._cursor, end) + 1)
        if silent_from == self._cursor:
            # nobody spoke before either: the mask's beginning is where it was acknowledged
            silent_from = max(self._cursor, min(self._expected, end))
        self._cursor = end
        if end - silent_from >= _PROOF or end == self._next():
            found += [(Finding.SILENT, silent_from)] if silent_from < end else []
        elif end == due:  # a file that ended before is for its verdict to judge: a few packets prove nothing
            self._leak(silent_from, found)
        return _Phase.SILENCE

    def _silence(self, look: Look, found: list[tuple[Finding, int]]) -> _Phase | None:
        end = min(look.samples, self._next())
        sound = self._first_sound(look, self._cursor, end)
        if sound is not None:
            self._leak(sound, found)
        self._cursor = max(self._cursor, end)
        if not self._turns or look.samples < self._next():
            return None
        self._expected = self._turns.popleft().expected
        return _Phase.AWAIT_SOUND

    def _await_sound(self, look: Look, found: list[tuple[Finding, int]]) -> _Phase | None:
        end = min(look.samples, self._turns[0].expected) if self._turns else look.samples
        sound = self._first_sound(look, self._cursor, end)
        self._cursor = max(self._cursor, end if sound is None else sound)
        if sound is not None:
            found.append((Finding.AUDIBLE, sound))
            return _Phase.SOUND
        return _Phase.SOUND if self._turns and look.samples >= self._turns[0].expected else None

    def _leak(self, sample: int, found: list[tuple[Finding, int]]) -> None:
        if not self._leaked:
            found.append((Finding.LEAK, sample))
        self._leaked = True

    def _next(self) -> int:
        """Up to where silence is to be expected, as far as is known."""
        return max(self._cursor, self._turns[0].soonest - SLACK) if self._turns else 1 << 62

    @staticmethod
    def _first_sound(look: Look, start: int, end: int) -> int | None:
        """The first sample in [start, end) that is not zero on both sides."""
        firsts = []
        for side in (look.left, look.right):
            span = _span(look, side, start, end)
            silent = len(span) - len(span.lstrip(b"\0"))
            firsts += [start + silent // 2] if silent < len(span) else []
        return min(firsts, default=None)

    @staticmethod
    def _last_sound(look: Look, start: int, end: int) -> int:
        """The last sample in [start, end) that is not zero on both sides; start - 1 when there is none."""
        kept = max(len(_span(look, side, start, end).rstrip(b"\0")) for side in (look.left, look.right))
        return start + (kept + 1) // 2 - 1


def _span(look: Look, side: bytes, start: int, end: int) -> bytes:
    return side[max(0, start - look.start) * 2 : max(0, end - look.start) * 2]

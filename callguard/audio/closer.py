"""A closer look at what the voice detector flagged: tones, music and noise between phrases are let go.

Belongs here: bringing sound, levels and flags together, some minutes at a time. Does not: what a tone is (sounding.py),
what is near a voice (anchor.py). Ten minutes are settled at once, with a minute seen on both sides: memory does not
grow with the length of a call where settled flags are taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from callguard.audio.anchor import anchored
from callguard.audio.sounding import SECOND, Sounding
from callguard.audio.spectrum import Look, Spectra

MARGIN, CHUNK = 60 * SECOND, 600 * SECOND
_EARLIER, _LATER = 4, 3
"""Frames (120 and 90 ms) by which speech in noise begins before it is heard, and ends behind that."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]


class Closer:
    """`hear` every sound and `judge` every flag, each in order; then `finish`. Flags may come after their sound."""

    def __init__(self) -> None:
        self._spectra, self._sounding = Spectra(), Sounding()
        self._voice: list[Floats] = []
        self._dbov: list[Floats] = []
        self._flags: list[Flags] = []
        self._noisy: list[Flags] = []
        self._waiting = self._before = 0  # frames flagged and not settled; of those held, the settled ones
        self._settled: list[Flags] = []

    def hear(self, sound: Floats, dbov: Floats) -> None:
        """The next frames of a channel, 8 kHz, and their levels."""
        self._see(self._spectra.feed(sound))
        self._dbov.append(dbov)

    def judge(self, flags: Flags, *, noisy: bool = False) -> None:
        """What the detector says of the next frames, and whether speech is not much louder there than noise."""
        self._flags.append(flags)
        self._noisy.append(np.full(len(flags), noisy))
        self._waiting += len(flags)
        if self._waiting >= CHUNK + MARGIN:
            self._settle(CHUNK)

    def take(self) -> Flags:
        """The flags that stay, of frames that are settled and were not taken yet."""
        settled, self._settled = self._settled, []  # a day has three million of them
        return np.concatenate(settled) if settled else np.zeros(0, bool)

    def finish(self) -> Flags:
        """All that were not taken yet."""
        self._see(self._spectra.finish())
        if self._waiting:
            self._settle(self._waiting)
        return self.take()

    def _see(self, look: Look) -> None:
        self._sounding.feed(look)
        self._voice.append(look.voice)

    def _settle(self, frames: int) -> None:
        """The oldest FRAMES are done with; a minute of them is held on, as what was before the next ones."""
        flags, voice, dbov = np.concatenate(self._flags), np.concatenate(self._voice), np.concatenate(self._dbov)
        sounding = self._sounding.flags()
        known = min(len(flags), len(sounding))
        noisy = np.concatenate(self._noisy)
        kept = anchored(flags[:known] & ~sounding[:known], voice[:known], dbov[:known])
        kept |= _around(kept) & noisy[:known]
        end = self._before + frames
        self._settled.append(kept[self._before : end].copy())
        gone = max(0, end - MARGIN)
        self._sounding.forget(gone)
        self._flags, self._voice, self._dbov = [flags[gone:].copy()], [voice[gone:].copy()], [dbov[gone:].copy()]
        self._noisy = [noisy[gone:].copy()]
        self._waiting, self._before = self._waiting - frames, end - gone


def _around(flags: Flags) -> Flags:
    """FLAGS and what is near two of them in a row: one alone may be noise."""
    pairs = np.concatenate(([0], np.cumsum(flags[1:] & flags[:-1])))
    at, last = np.arange(len(flags)), len(pairs) - 1
    return pairs[np.clip(at + _EARLIER + 1, 0, last)] > pairs[np.clip(at - 1 - _LATER, 0, last)]

"""Where a known line sounds in a recording: normalised cross-correlation.

Belongs here: pure arithmetic on samples. Does not: what its absence means (verify.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEARD = 0.35
"""PLACEHOLDER-HEARD"""

_EMPHASIS = 0.95  # all voices share their strong low tones; the consonants, lifted, tell sentences apart

_Floats = NDArray[np.float64]


class Heard(NamedTuple):
    """The best place for a line: `offset` in samples from the start of what was searched, `score` from -1 to 1."""

    offset: int
    score: float


def find_line(sound: NDArray[np.int16], line: NDArray[np.int16]) -> Heard:
    """Look for LINE in SOUND, both mono and of one rate. A sound shorter than the line scores 0 at offset 0."""
    if len(sound) < len(line) or not np.any(line):
        return Heard(0, 0.0)
    wide, reference = _sharpened(sound), _sharpened(line)
    size = 1 << (len(wide) + len(reference) - 1).bit_length()
    product = np.fft.rfft(wide, size) * np.conj(np.fft.rfft(reference, size))
    match = np.fft.irfft(product, size)[: len(wide) - len(reference) + 1]
    score = match / (np.linalg.norm(reference) * _local_norm(wide, len(reference)))
    best = int(np.argmax(score))
    return Heard(best, float(score[best]))


def _sharpened(samples: NDArray[np.int16]) -> _Floats:
    loud: _Floats = samples.astype(np.float64)
    loud[1:] -= _EMPHASIS * loud[:-1].copy()
    return loud


def _local_norm(wide: _Floats, length: int) -> _Floats:
    """Norm of every stretch of LENGTH samples, never tiny: rounding must not make silence match."""
    energy = np.concatenate(([0.0], np.cumsum(wide**2)))
    norm: _Floats = np.sqrt(np.maximum(energy[length:] - energy[:-length], 1e6))
    return norm

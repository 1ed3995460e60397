"""Where a known line sounds in a recording: normalised cross-correlation.

Belongs here: pure arithmetic on samples. Does not: what its absence means (verify.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEARD = 0.2
"""Score from which a line counts as heard. Measured through mu-law with the shipped line: other sentences of the same
voice score up to 0.16, other voices and music below 0.10; the line itself 0.99 alone, under natural speech as loud at
least 0.53, 6 dB louder at least 0.32, 10 dB louder at least 0.21."""

_EMPHASIS = 0.95  # all voices share their strong low tones; the consonants, lifted, tell sentences apart
# The line is matched piece by piece (50 ms), each against its own surroundings: speech over it has pauses, and what is
# clear in them must not drown in what is not. Louder pieces weigh a little more.
_PIECE = 400
_WEIGHT = 0.25
_FAINT = 0.02  # share of the loudest piece's energy under which a piece says nothing

_Floats = NDArray[np.float64]


class Heard(NamedTuple):
    """The best place for a line: `offset` in samples from the start of what was searched, `score` from -1 to 1."""

    offset: int
    score: float


def find_line(sound: NDArray[np.int16], line: NDArray[np.int16]) -> Heard:
    """Look for LINE in SOUND, both mono and of one rate. A sound shorter than the line scores 0 at offset 0."""
    places = len(sound) - len(line) + 1
    if places < 1 or len(line) < _PIECE or not np.any(line):
        return Heard(0, 0.0)
    wide, pieces = _sharpened(sound), _pieces(_sharpened(line))
    size = 1 << (len(wide) - 1).bit_length()
    spectrum, norm = np.fft.rfft(wide, size), _local_norm(wide)
    score, weights = np.zeros(places), 0.0
    for at, piece, energy in pieces:
        match = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)[at : at + places]
        weight = energy**_WEIGHT
        score += weight * match / (norm[at : at + places] * np.sqrt(energy))
        weights += weight
    best = int(np.argmax(score))
    return Heard(best, float(score[best] / weights))


def _sharpened(samples: NDArray[np.int16]) -> _Floats:
    sharp: _Floats = samples.astype(np.float64)
    sharp[1:] -= _EMPHASIS * sharp[:-1].copy()
    return sharp


def _pieces(line: _Floats) -> list[tuple[int, _Floats, float]]:
    """(position, samples, energy) of each piece that is not faint."""
    starts = range(0, len(line) - _PIECE + 1, _PIECE)
    pieces = [(at, line[at : at + _PIECE], float(np.sum(line[at : at + _PIECE] ** 2))) for at in starts]
    loudest = max(energy for _, _, energy in pieces)
    return [piece for piece in pieces if piece[2] > _FAINT * loudest]


def _local_norm(wide: _Floats) -> _Floats:
    """Norm of every stretch of one piece's length, never tiny: rounding must not make silence match."""
    energy = np.concatenate(([0.0], np.cumsum(wide**2)))
    norm: _Floats = np.sqrt(np.maximum(energy[_PIECE:] - energy[:-_PIECE], 1e4))
    return norm

"""What the spectrum of one channel says, frame by frame: is there a voice in it, a pure tone, a held note?

Belongs here: short-time spectra and measures of them, at 4 kHz: voices, keys and notes lie below 2 kHz. Does not: what
follows from the measures (sounding.py for tones and music, vad.py for speech). A frame is 30 ms; its spectrum is that
of the 64 ms around its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME = 240
"""Samples of a frame at 8 kHz."""
_STEP, _SIZE, _BEFORE = FRAME // 2, 256, 68
HERTZ = 4000 / _SIZE
"""The width of one bin."""
_WINDOW = np.hanning(_SIZE).astype(np.float32)
_VOICE_FROM, _VOICE_TO = 6, 110  # bins, 94 to 1700 Hz
_SHORTEST, _LONGEST = 10, 58  # periods of a voice in samples at 4 kHz: 70 to 400 Hz
_SPREAD = 3  # bins on either side that a steady tone fills through the window
_SECOND = 0.06  # a second peak with this share of the first one's power is a second tone
_NOTES_FROM, _NOTES_TO = 8, 124  # bins, 125 to 1900 Hz
NOTES = _NOTES_TO - _NOTES_FROM
_ROWS = 48  # multiplied at once: a larger product wakes threads, which costs more than it saves
_OVER_NEIGHBOURS_DB, _NEIGHBOURS = 4.0, 13
_QUIET = 1e3  # of int16 samples: below line noise
APART = 2
"""Notes are looked for in every second frame."""

Floats = NDArray[np.float32]


def _window_periods() -> Floats:
    """The window's own autocorrelation: a voice's is divided by it, so that low voices count as much as high ones."""
    whole = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, 2 * _SIZE)) ** 2)
    periods: Floats = (whole[_SHORTEST:_LONGEST] / whole[0]).astype(np.float32)
    return periods


def _periods() -> Floats:
    """A voice's bins times this: how much the frame repeats itself after each period, against the window's own."""
    bins, periods = np.arange(_VOICE_FROM, _VOICE_TO), np.arange(_SHORTEST, _LONGEST)
    waves: Floats = (np.cos(2 * np.pi / _SIZE * np.outer(bins, periods)) / _window_periods()).astype(np.float32)
    return waves


_PERIODS = _periods()


@dataclass(frozen=True, slots=True)
class Look:
    """Measures of consecutive frames, one entry each.

    `voice`: how much the frame repeats itself at the period of a voice, 0 to 1 and a little over. `share`: how much of
    its power is in its two strongest tones; `low`, `high`: their bins, `high` 0 where there is but one. Of every second
    frame, (frames, bins): `notes`, bins that stand out of their neighbours; `loudness`
    of each in dB; `weight`, its share.
    """

    voice: Floats
    share: Floats
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    notes: NDArray[np.bool_]
    loudness: Floats
    weight: Floats


class Spectra:
    """Feed it 8 kHz sound, then `finish`: a Look for each batch of frames. It holds 64 ms between two batches."""

    def __init__(self) -> None:
        self._rest = np.zeros(_BEFORE, np.float32)
        self._skip = 0

    def feed(self, sound: Floats) -> Look:
        """The frames that are complete with SOUND, an even number of samples, which may be none."""
        halved = sound[::2] + sound[1::2]  # folds 2 to 4 kHz over, muffled: hisses stay hisses, a fax stays a tone
        self._rest = np.concatenate((self._rest, halved))
        whole = max(0, (len(self._rest) - _SIZE) // _STEP + 1)
        if not whole:
            return _look(np.zeros((0, _SIZE // 2), np.float32), 0)
        frames = np.lib.stride_tricks.sliding_window_view(self._rest, _SIZE)[::_STEP][:whole]
        found = np.fft.rfft(frames * _WINDOW, axis=1)
        power = np.square(found.real[:, : _SIZE // 2])
        power += np.square(found.imag[:, : _SIZE // 2])
        self._rest = self._rest[whole * _STEP :].copy()
        skip, self._skip = self._skip, (self._skip + whole) % APART
        return _look(power.astype(np.float32, copy=False), skip)

    def finish(self) -> Look:
        """The last frames: silence follows."""
        return self.feed(np.zeros(2 * (_SIZE - _BEFORE - _STEP), np.float32))


def _look(power: Floats, skip: int) -> Look:
    share, low, high = _tones(power)
    inner = power[skip::APART, _NOTES_FROM:_NOTES_TO]
    loudness = 10 * np.log10(inner + np.float32(_QUIET))
    return Look(
        _voice(power), share, low, high, _stand_out(loudness), loudness, inner / (inner.sum(1, keepdims=True) + 1)
    )


def _voice(power: Floats) -> Floats:
    voiced = np.ascontiguousarray(power[:, _VOICE_FROM:_VOICE_TO])
    best = np.zeros(len(power), np.float32)
    for at in range(0, len(power), _ROWS):
        best[at : at + _ROWS] = (voiced[at : at + _ROWS] @ _PERIODS).max(1)
    best /= voiced.sum(1) + np.float32(0.1)
    return best.clip(0, 2)


def _tones(power: Floats) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    rest = power.copy()
    rest[:, :_VOICE_FROM] = 0
    total = rest.sum(1) + np.float32(_QUIET)
    first, one = _strongest(rest)
    second, two = _strongest(rest)
    has_second = two > _SECOND * one
    share = (one + np.where(has_second, two, 0)) / total
    low = np.where(has_second, np.minimum(first, second), first)
    return share, low, np.where(has_second, np.maximum(first, second), 0)


def _strongest(power: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The strongest bin of each frame and the power in and around it, which is taken out of POWER."""
    peak = power.argmax(1)
    around = (peak[:, None] + np.arange(-_SPREAD, _SPREAD + 1)).clip(0, power.shape[1] - 1)
    taken = np.take_along_axis(power, around, 1).sum(1)
    np.put_along_axis(power, around, 0, 1)
    return peak, taken


def _stand_out(loudness: Floats) -> NDArray[np.bool_]:
    """Bins over the mean of their neighbours."""
    half = _NEIGHBOURS // 2
    summed = np.cumsum(np.pad(loudness, ((0, 0), (half + 1, half)), mode="edge"), axis=1)
    around = (summed[:, _NEIGHBOURS:] - summed[:, :-_NEIGHBOURS]) / _NEIGHBOURS
    return loudness - around > _OVER_NEIGHBOURS_DB

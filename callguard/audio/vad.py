"""Which 30 ms of one channel are speech.

Belongs here: WebRTC's voice detector and what feeds it. Does not: what is kept around speech (trim.py). The detector
has thresholds of its own, made for a headset: a caller at -44 dBov is lost to it. So the level is followed, window by
window, and the detector hears a signal lifted towards the level that it expects.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import NamedTuple

import _webrtcvad  # type: ignore[import-untyped,import-not-found,unused-ignore]
import numpy as np
from numpy.typing import NDArray

from callguard.audio.closer import Closer
from callguard.errors import BadAudio

FRAME_S = 0.03
VAD_RATE = 8000
RATES = (8000, 16000, 24000, 32000, 48000)  # whole multiples of the detector's rate

_FRAME = 240  # samples of 30 ms at 8 kHz
_WINDOW = 333  # frames, about 10 s: long enough to hold both speech and a pause
_AHEAD = 2  # windows looked ahead
_FRAMES = [slice(at, at + 2 * _FRAME) for at in range(0, 2 * _FRAME * _WINDOW, 2 * _FRAME)]  # of a window's bytes
# The most tolerant mode that still rejects line noise; 2 and 3 lose the quiet ends of words.
_MODE = 1
# The loud parts (95th percentile of frames) are lifted to -17 dBov, but the floor (3rd percentile) never above -42
# dBov: lifting a silent leg's noise to the level of speech would make it speech.
_LOUD_DBOV, _FLOOR_DBOV, _MOST_DB = -17.0, -42.0, 30.0
_LOUD_PERCENT, _FLOOR_PERCENT = 95, 3
# A frame within 1 dB of the floor is noise, whatever the detector says; a floor above -38 dBov is no floor.
_OVER_FLOOR_DB, _HIGHEST_FLOOR_DBOV = 1.0, -38.0
_DIGITAL_SILENCE_DBOV = -90.0
_NOISY_DB = 18.0  # between loud parts and floor: less is speech in noise, which hides its quiet beginnings and ends
# Where most of the sound in this share of a window's frames lies below the voice (an offset of the line card, mains
# hum), what is slower than 5 ms is taken out: else that is the level, and who speaks quietly is lost under it.
_SLOW, _SLOW_FRAMES = 40, 0.25

Mono = NDArray[np.int16]
_Floats = NDArray[np.float32]


class _Level(NamedTuple):
    """Of one window, in dBov: its loud parts and its quiet ones. Digital silence has neither."""

    loud: float = -np.inf
    floor: float = np.inf


_OfLevel = Callable[[_Level], float]


class SpeechDetector:
    """Feed it one channel block by block, then `finish`: one flag per 30 ms. It holds a minute of sound at most, and
    the flags that nobody takes.

    `rate`: one of RATES. Raises BadAudio for any other. `closely`: tones, music and noise between phrases are told
    from speech by their spectrum; `mode`: of WebRTC's detector, 0 to 3.
    """

    def __init__(self, rate: int, *, closely: bool = True, mode: int = _MODE) -> None:
        if rate not in RATES:
            raise BadAudio(f"{rate} Hz is not supported: convert it to one of {', '.join(map(str, RATES))} Hz first")
        self._factor = rate // VAD_RATE
        self._rest = np.zeros(0, np.int16)
        self._waiting: list[tuple[_Floats, NDArray[np.float64]]] = []
        self._levels: list[_Level] = []
        self._done = 0
        self._flags: list[NDArray[np.bool_]] = []
        self._vad = _webrtcvad.create()
        _webrtcvad.init(self._vad)
        _webrtcvad.set_mode(self._vad, mode)
        self._closer = Closer() if closely else None

    def feed(self, block: Mono) -> None:
        """The next samples of the channel, at its own rate."""
        self._rest = np.concatenate((self._rest, block))
        size = _WINDOW * _FRAME * self._factor
        whole = len(self._rest) // size
        for window in self._rest[: whole * size].reshape(whole, size):
            self._push(window)
        self._rest = self._rest[whole * size :].copy()

    def take(self) -> NDArray[np.bool_]:
        """The flags that are known by now and were not taken yet, in order."""
        if self._closer:
            return self._closer.take()
        flags, self._flags = self._flags, []
        return np.concatenate((*flags, np.zeros(0, bool)))

    def finish(self) -> NDArray[np.bool_]:
        """All flags that were not taken yet. A last part shorter than 30 ms has none."""
        frame = _FRAME * self._factor
        self._push(self._rest[: len(self._rest) // frame * frame])
        while self._done < len(self._levels):
            self._judge()
        return self._closer.finish() if self._closer else self.take()

    def _push(self, window: Mono) -> None:
        # A box filter is enough to hear speech by; what is written is never resampled.
        if not len(window):
            return
        narrow = window.astype(np.float32)
        if self._factor > 1:
            narrow = narrow.reshape(-1, self._factor).mean(axis=1)
        narrow = _without_rumble(narrow)
        frames = narrow.reshape(-1, _FRAME)
        power = _power(frames)
        self._waiting.append((frames, power))
        dbov = _dbov(power)
        self._levels.append(_level(dbov))
        if self._closer:
            self._closer.hear(narrow, dbov.astype(np.float32))
        if len(self._levels) - self._done > _AHEAD:
            self._judge()

    def _judge(self) -> None:
        """Flag the oldest waiting window. Its neighbours' levels count: one window may hold nothing but a pause."""
        at, (frames, power) = self._done, self._waiting.pop(0)
        floor, gain = self._curve(at, len(frames), _capped_floor), self._curve(at, len(frames), _gain)
        lifted = frames * (10 ** (gain / 20)).astype(np.float32)[:, None]
        np.clip(np.rint(lifted, out=lifted), -32768, 32767, out=lifted)
        sounds = map(lifted.astype("<i2").tobytes().__getitem__, _FRAMES[: len(frames)])
        heard = map(_webrtcvad.process, repeat(self._vad), repeat(VAD_RATE), sounds, repeat(_FRAME))
        flags = np.fromiter(heard, bool, len(frames)) & (_smooth_dbov(power) > floor + _OVER_FLOOR_DB)
        level = self._around(at)
        noisy = level.loud - level.floor < _NOISY_DB
        self._closer.judge(flags, noisy=noisy) if self._closer else self._flags.append(flags)
        self._done += 1

    def _curve(self, at: int, length: int, value: _OfLevel) -> NDArray[np.float64]:
        """VALUE over the frames of window AT, running straight from the middle of one window to that of the next."""
        near = [k for k in (at - 1, at, at + 1) if 0 <= k < len(self._levels)]
        middles = [(k - at + 0.5) * _WINDOW for k in near]
        return np.interp(np.arange(length), middles, [value(self._around(k)) for k in near])

    def _around(self, at: int) -> _Level:
        near = self._levels[max(0, at - 1) : at + 2]
        return _Level(max(level.loud for level in near), min(level.floor for level in near))


def _without_rumble(sound: _Floats) -> _Floats:
    """SOUND, whole frames of it, without what is slower than _SLOW samples where there is much of that."""
    slow = np.einsum("ij->i", sound.reshape(-1, _SLOW)).reshape(-1, _FRAME // _SLOW) / np.float32(_SLOW)
    frames = sound.reshape(-1, _FRAME)
    most = _SLOW * np.einsum("ij,ij->i", slow, slow) > 0.5 * np.einsum("ij,ij->i", frames, frames)
    if most.mean() < _SLOW_FRAMES:
        return sound
    padded = np.pad(sound, _SLOW // 2, mode="edge")
    return sound - np.convolve(padded, np.full(_SLOW + 1, 1 / (_SLOW + 1), np.float32), "valid")


def _gain(level: _Level) -> float:
    """Decibels to lift by. A window of digital silence stays as it is."""
    return max(0.0, min(_LOUD_DBOV - level.loud, _FLOOR_DBOV - level.floor, _MOST_DB))


def _capped_floor(level: _Level) -> float:
    return min(level.floor, _HIGHEST_FLOOR_DBOV)


def _power(frames: _Floats) -> NDArray[np.float64]:
    """Mean square of each frame, full scale = 1."""
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", frames, frames).astype(np.float64)
    return squares / (_FRAME * 32768.0**2)


def _dbov(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return 10 * np.log10(power + 1e-12)


def _smooth_dbov(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `_dbov`, over three frames: one quiet frame inside a word is still the word."""
    return _dbov(np.convolve(power, np.full(3, 1 / 3), "same")[: len(power)]) if len(power) else power


def _level(dbov: NDArray[np.float64]) -> _Level:
    sounding = dbov[dbov > _DIGITAL_SILENCE_DBOV]
    if not len(sounding):
        return _Level()
    loud, floor = (round(percent / 100 * (len(sounding) - 1)) for percent in (_LOUD_PERCENT, _FLOOR_PERCENT))
    ordered = np.partition(sounding, (floor, loud))
    return _Level(float(ordered[loud]), float(ordered[floor]))

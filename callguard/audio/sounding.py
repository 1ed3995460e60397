"""What sounds and is not speech: tones of the network, keys, and music on hold.

Belongs here: telling them from voices. Does not: the spectra (spectrum.py), what is cut (trim.py). Both err towards
speech: a tone has to stand still for longer than a voice can, music has to hold its notes for seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from callguard.audio.spectrum import APART, HERTZ, NOTES, Look

_PURE, _KEY_PURE = 0.95, 0.8
"""Share of a frame's power in its two strongest tones, from which it is nothing else; a short key's edges spread."""
_STEADY = 12
"""Frames (360 ms) that a tone of the network stands still: ringback, busy, fax."""
_KEY = 2
"""Looks of 64 ms that see the same two tones of ITU-T Q.23: a key. None was seen in 33 minutes of speech."""
_KEY_ROWS, _KEY_COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_KEY_OFF = 0.018
"""How far off a key's tone may be (ITU-T Q.24): the overtones of a high voice come near, and not as near."""
_GLIDE = 2
"""Bins within which a tone of the network stays from its first frame to its last: a cry as pure as one glides."""
_ECHO = 6
"""Frames that the voice detector goes on after a tone."""
_LOOKS = 17
"""Looks of about a second: notes are counted by it."""
SECOND = _LOOKS * APART
"""The same in frames."""
_STRONGEST = 5
"""So many of the most held notes count."""
_CALM, _RESTLESS = 5.0, 0.35
"""Decibels by which music moves within 60 ms, and what each decibel more takes away."""
_MUSIC = 2.8
"""So much held, in two seconds or over eight of them, is music. Speech with a song behind it came to 2.7."""
_MINUTE, _USUALLY, _OVER_HUM_DB = 60, 0.25, 6.0
"""A note that even at its weakest sounds in three of four seconds of a minute is hum: only what is louder counts."""
_SMOOTH, _SHORTEST = 7, 4
"""Seconds: what is looked at together, and the shortest music."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]


class Sounding:
    """Feed it every Look of a channel in order; `flags`: frames that are tones or music, of those not forgotten."""

    def __init__(self) -> None:
        self._low: list[NDArray[np.uint8]] = []
        self._high: list[NDArray[np.uint8]] = []
        self._pure: list[Flags] = []
        self._music = _Music()

    def feed(self, look: Look) -> None:
        """The next frames."""
        nearly = look.share > _KEY_PURE
        self._low.append(np.where(nearly, look.low, 0).astype(np.uint8))
        self._high.append(np.where(nearly, look.high, 0).astype(np.uint8))
        self._pure.append(look.share > _PURE)
        self._music.feed(look)

    def flags(self) -> Flags:
        """One flag a frame."""
        low, high = np.concatenate(self._low).astype(np.int16), np.concatenate(self._high).astype(np.int16)
        flags = np.zeros(len(low), bool)
        still, pure = _still(low, high), np.concatenate(self._pure)
        keys = [run for run in _runs(still & _is_key(low, high)) if run[1] - run[0] >= _KEY - 1]
        tones = [run for run in _runs(still & pure) if run[1] - run[0] >= _STEADY - 1 and _stands(run, low, high)]
        for start, end in keys + tones:  # stillness is counted from the second frame
            flags[max(0, start - 2) : end + _ECHO] = True
        for start, end in self._music.spans():
            flags[start:end] = True
        return flags

    def forget(self, frames: int) -> None:
        """The oldest FRAMES, whole seconds of them, are asked for no more."""
        self._low, self._high = ([np.concatenate(held)[frames:].copy()] for held in (self._low, self._high))
        self._pure = [np.concatenate(self._pure)[frames:].copy()]
        self._music.forget(frames // SECOND)


def _still(low: NDArray[np.int16], high: NDArray[np.int16]) -> Flags:
    """Frames with the tones of the frame before. Two that are an octave apart are a voice and its first overtone."""
    still = np.zeros(len(low), bool)
    same = (np.abs(np.diff(low)) <= 1) & (np.abs(np.diff(high)) <= 1)
    octave = (high > 0) & (np.abs(high - 2 * low) <= 1)
    still[1:] = same & (low[1:] > 0) & (low[:-1] > 0) & ~octave[1:]
    return still


def _stands(run: tuple[int, int], *tones: NDArray[np.int16]) -> bool:
    """Whether each of TONES is the same at the end of RUN as at its beginning."""
    return all(np.ptp(each[slice(*run)]) <= _GLIDE for each in tones)


def _is_key(low: NDArray[np.int16], high: NDArray[np.int16]) -> Flags:
    return _near(low, _KEY_ROWS) & _near(high, _KEY_COLUMNS)


def _near(bins: NDArray[np.int16], tones: tuple[int, ...]) -> Flags:
    exact = np.array(tones)
    flags: Flags = (np.abs(bins[:, None] * HERTZ - exact) <= _KEY_OFF * exact + HERTZ / 2).any(1)
    return flags


def _runs(flags: Flags) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


class _Music:
    """How long notes are held, by the second: sung and spoken notes glide, played ones stand.

    After K. Seyerlehner et al., "Automatic music detection in television productions", DAFx 2007: the activity of each
    frequency over some seconds has high, narrow peaks for music alone.
    """

    def __init__(self) -> None:
        self._notes: list[NDArray[np.bool_]] = []
        self._weakest = np.zeros((0, NOTES), np.float32)
        self._change: list[NDArray[np.float32]] = []
        self._before: NDArray[np.float32] | None = None
        self._counted = np.zeros((0, NOTES), np.float32)
        self._moved = np.zeros((0, _LOOKS), np.float32)
        self._waiting = 0
        self._scores = np.zeros(0, np.float32)

    def feed(self, look: Look) -> None:
        """The next frames."""
        if not len(look.notes):
            return
        before = look.loudness[:1] if self._before is None else self._before
        known = np.concatenate((before, look.loudness))
        self._change.append((np.abs(np.diff(known, axis=0)) * look.weight).sum(1))
        self._before = known[-1:]
        self._notes.append(look.notes & (look.loudness > self._hum(look.loudness) + _OVER_HUM_DB))
        self._waiting += len(look.notes)
        if self._waiting >= _LOOKS:
            self._count()

    def _hum(self, loudness: Floats) -> Floats:
        """What each note does not fall below, in dB: mains hum or a whistle stands through speech and pauses alike."""
        whole = len(loudness) // _LOOKS
        weakest = loudness[: whole * _LOOKS].reshape(whole, _LOOKS, NOTES).min(1)
        self._weakest = np.concatenate((self._weakest, weakest))[-_MINUTE:]
        if not len(self._weakest):
            return np.full(NOTES, -np.inf, np.float32)
        usual: Floats = np.sort(self._weakest, axis=0)[round(_USUALLY * (len(self._weakest) - 1))]
        return usual

    def _count(self) -> None:
        """By the second; each is scored together with the one before it."""
        notes, change = np.concatenate(self._notes), np.concatenate(self._change)
        whole = len(notes) // _LOOKS * _LOOKS
        counted = np.concatenate((self._counted, notes[:whole].reshape(-1, _LOOKS, notes.shape[1]).sum(1, np.float32)))
        moved = np.concatenate((self._moved, change[:whole].reshape(-1, _LOOKS)))
        self._scores = np.concatenate(
            (self._scores, _held(counted[:-1] + counted[1:], np.concatenate((moved[:-1], moved[1:]), axis=1)))
        )
        self._counted, self._moved = counted[-1:], moved[-1:]
        self._notes, self._change, self._waiting = [notes[whole:]], [change[whole:]], len(notes) - whole

    def forget(self, seconds: int) -> None:
        """The oldest ones are asked for no more."""
        self._scores = self._scores[seconds:].copy()

    def spans(self) -> list[tuple[int, int]]:
        """Where music is, in frames."""
        scores = self._scores
        if len(scores) < _SMOOTH:
            return []
        mean = np.convolve(scores, np.full(_SMOOTH, 1 / _SMOOTH), "same")
        mean[: _SMOOTH // 2] = mean[len(mean) - _SMOOTH // 2 :] = 0
        found = []
        for start, end in _runs((mean > _MUSIC) | (scores > _MUSIC)):
            if end - start >= _SHORTEST and mean[start:end].max() > _MUSIC:  # the middle of a score is a second in
                found.append((round((start + 0.5) * SECOND), round((end + 0.5) * SECOND)))
        return found


def _held(counted: Floats, moved: Floats) -> Floats:
    """A score for each row: how much its most held notes are held, less what moves."""
    active = counted / (2 * _LOOKS)
    inner, middle = active[:, 1:-1], np.sort(active, axis=1)[:, active.shape[1] // 2, None]
    tops = np.where((inner >= active[:, :-2]) & (inner >= active[:, 2:]), inner - middle, 0)
    strongest = np.sort(tops, axis=1)[:, -_STRONGEST:].sum(1)
    score: Floats = strongest - _RESTLESS * (np.sort(moved, axis=1)[:, moved.shape[1] // 2] - _CALM)
    return score

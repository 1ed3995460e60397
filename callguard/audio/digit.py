"""Keys that sound: pairs of tones (ITU-T Q.23) in a finished recording, on either side.

Belongs here: where they are. Does not: which keys they were: nobody is to know; taking them out (blank.py).
A phone sends keys as events, which no recorder hears; a trunk that sends them as sound brings them into the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from callguard.audio.blank import Spans, within
from callguard.audio.wav import Samples, WavReader

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
"""Hertz: a key is one of each."""
HOP = 0.01
"""Seconds from one look to the next; two such make a window."""
MARGIN = 0.05
"""Seconds around what was found that go with it: the tone's own edges."""
_SHARE = 0.6  # of a window's power in the two tones, as much as 1.5 % beside theirs leave: speech has much elsewhere
_TWIST = 10.0  # by which one of the two may be stronger in power
_FLOOR = 100.0**2  # of power in int16 units, -50 dBFS: below that nobody can read a key
_LOOKS = 3  # windows in a row that have to agree: no key is shorter than 40 ms
_OVERLAP = 8  # hops that two blocks have in common: a key between them is whole in one


def find_digits(path: Path) -> Spans:
    """Where keys sound in the recording at PATH, (start, end) in samples. Raises BadAudio."""
    with WavReader(path) as reader:
        hop, margin = round(HOP * reader.rate), round(MARGIN * reader.rate)
        found: list[tuple[int, int]] = []
        for at in range(0, reader.frames, reader.block_frames):
            block = reader.span(at, at + reader.block_frames + _OVERLAP * hop)
            for side in range(reader.channels):
                found += [(at + start, at + end) for start, end in _keys(block[:, side], reader.rate, hop)]
        return within(((start - margin, end + margin) for start, end in found), reader.frames)


def _keys(sound: Samples, rate: int, hop: int) -> Iterator[tuple[int, int]]:
    """Runs of windows in which the same key sounds."""
    hops = sound[: len(sound) // hop * hop].reshape(-1, hop).astype(np.float32)
    if len(hops) <= _LOOKS:
        return
    keys = _key_of(hops, rate)
    edges = np.flatnonzero(np.diff(keys)) + 1
    for start, end in zip((0, *edges), (*edges, len(keys)), strict=True):
        if keys[start] >= 0 and end - start >= _LOOKS:
            yield int(start) * hop, (int(end) + 1) * hop


def _key_of(hops: NDArray[np.float32], rate: int) -> NDArray[np.int64]:
    """The number of the key in each window of two HOPS, -1 where there is none."""
    low, high = (_powers(hops, tones, rate) for tones in (LOW, HIGH))
    lows, highs = low.max(axis=1), high.max(axis=1)
    power = np.mean(hops * hops, axis=1)
    whole = (power[:-1] + power[1:]) / 2
    paired = (lows < highs * _TWIST) & (highs < lows * _TWIST)
    sounds = (whole > _FLOOR) & (lows + highs > _SHARE * whole) & paired
    key: NDArray[np.int64] = np.where(sounds, low.argmax(axis=1) * len(HIGH) + high.argmax(axis=1), -1)
    return key


def _powers(hops: NDArray[np.float32], tones: tuple[int, ...], rate: int) -> NDArray[np.float32]:
    """The power of each tone in each window: every hop is looked at once, and turned on by its own length."""
    turns = -2j * np.pi * np.asarray(tones) / rate
    waves = np.exp(np.arange(hops.shape[1])[:, None] * turns)
    seen = hops @ waves.real.astype(np.float32) + 1j * (hops @ waves.imag.astype(np.float32))
    both = seen[:-1] + seen[1:] * np.exp(hops.shape[1] * turns)
    powers: NDArray[np.float32] = 2 * np.abs(both) ** 2 / (2 * hops.shape[1]) ** 2
    return powers

"""A recording drawn: the waveform of each channel, what a trim keeps, and where events are.

Belongs here: the drawing. Does not: what is kept (trim.py). The file is read once, in blocks; one column of the picture
shows the highest and the lowest sample of its share of the file. The loudest sample of all fills its track.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from callguard.audio.timemap import TimeMap
from callguard.audio.wav import Raw, WavReader

WIDTH, TRACK, MARGIN = 1600, 160, 28
"""Pixels: the sound's width, the height of one channel, and the room around them."""
TICKS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
TICKS = 16
"""At most so many marks of time."""
_BACK, _KEPT, _WAVE, _GONE, _EVENT, _TEXT = "#ffffff", "#dcefdc", "#1f6f3f", "#a0a0a0", "#c02020", "#303030"

Extremes = NDArray[np.int16]
Shares = NDArray[np.float64]


def picture(source: Path, kept: TimeMap, events: Sequence[int] = (), raw: Raw | None = None) -> bytes:
    """A PNG of the recording at SOURCE: parts in KEPT green, the rest grey, EVENTS (sample numbers) as red lines.

    Raises BadAudio.
    """
    with WavReader(source, raw=raw) as reader:
        lows, highs = extremes(reader)
        image = Image.new("RGB", (WIDTH + 2 * MARGIN, reader.channels * TRACK + 2 * MARGIN), _BACK)
        draw = ImageDraw.Draw(image)
        bottom = MARGIN + reader.channels * TRACK
        for part in kept:
            first = _column(part.start, reader.frames)
            last = max(first, _column(part.end, reader.frames) - 1)
            draw.rectangle((MARGIN + first, MARGIN, MARGIN + last, bottom), fill=_KEPT)
        stays = _stays(kept, reader.frames)
        peak = max(int(highs.max()), -int(lows.min()), 1)
        for channel in range(reader.channels):
            edges = highs[:, channel] / peak, lows[:, channel] / peak
            _wave(draw, MARGIN + channel * TRACK + TRACK // 2, edges, stays)
        for at in events:
            x = MARGIN + _column(min(at, reader.frames), reader.frames)
            draw.line((x, MARGIN - 6, x, bottom), fill=_EVENT)
        _times(draw, reader.frames / reader.rate, bottom)
        removed = (reader.frames - kept.trimmed_samples) / reader.rate
        title = f"{reader.frames / reader.rate:.1f} s, {removed:.1f} s removed; green stays, grey goes, red: an event"
        draw.text((MARGIN, 6), title, fill=_TEXT)
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def extremes(reader: WavReader) -> tuple[Extremes, Extremes]:
    """The lowest and highest sample of each channel in each of WIDTH columns, (WIDTH, channels)."""
    lows = np.zeros((WIDTH, reader.channels), np.int16)
    highs = np.zeros((WIDTH, reader.channels), np.int16)
    at = 0
    for block in reader.blocks():
        columns = (np.arange(at, at + len(block)) * WIDTH) // reader.frames
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        first = columns[starts]
        lows[first] = np.minimum(lows[first], np.minimum.reduceat(block, starts, axis=0))
        highs[first] = np.maximum(highs[first], np.maximum.reduceat(block, starts, axis=0))
        at += len(block)
    return lows, highs


def _column(sample: int, frames: int) -> int:
    return sample * WIDTH // frames


def _stays(kept: TimeMap, frames: int) -> NDArray[np.bool_]:
    flags = np.zeros(WIDTH, np.bool_)
    for part in kept:
        flags[_column(part.start, frames) : _column(part.end - 1, frames) + 1] = True
    return flags


def _wave(draw: ImageDraw.ImageDraw, middle: int, edges: tuple[Shares, Shares], stays: NDArray[np.bool_]) -> None:
    half = TRACK / 2 - 4
    for column, (high, low, stay) in enumerate(zip(*map(np.ndarray.tolist, (*edges, stays)), strict=True)):
        x = MARGIN + column
        draw.line((x, middle - high * half, x, middle - low * half), fill=_WAVE if stay else _GONE)


def _times(draw: ImageDraw.ImageDraw, seconds: float, bottom: int) -> None:
    step = next((tick for tick in TICKS_S if seconds / tick <= TICKS), TICKS_S[-1])
    for at in range(0, int(seconds) + 1, step):
        x = MARGIN + round(at / seconds * WIDTH)
        draw.line((x, bottom, x, bottom + 4), fill=_TEXT)
        draw.text((x + 2, bottom + 6), f"{at // 60}:{at % 60:02}", fill=_TEXT)

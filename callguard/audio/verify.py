"""A finished stereo recording held against what the log says of it.

Belongs here: measuring the file. Does not: what follows from the verdict (core), watching a live file (PBX adapter).
Only the masked stretches and the neighbourhood of the line are read: an hour costs no more than a minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from callguard.audio.line import HEARD, Heard, find_line
from callguard.audio.wav import Samples, WavReader
from callguard.errors import BadAudio

PACKET = 160
"""Samples of one 20 ms packet at 8 kHz: what may still sound after a mask was acknowledged."""
LENGTH_SHARE, LENGTH_S = 0.01, 0.5
"""A length is wrong when it is off by more than this share and by more than so many seconds."""
AT_ONCE_S = 1.0
"""A recording that ended within this time is not asked for its length: packets may come later than it took."""
LATE_S = 0.5
"""How much later than its event a line may sound: a file that ends before it can be over is not asked for it."""
CLEAR = 0.5
"""Score from which the line is not looked for anywhere else."""
SEARCH_S = 2.5
"""How far around its expected place the line is searched: buffers, and events that come late."""
EARLY_S = 0.2
"""How much of a line may have been said before the file's first sample: its recorder had not taken a packet yet."""
_EDGE_S = 1.0  # how far around a mask its real edges are looked for

UNREADABLE = "unreadable"
NOT_STEREO = "not stereo"
LENGTH = "length differs"
MASK = "sound under mask"
LINE = "line not heard"
BLANK = "not blanked"
LOST_SIDE = "a side fell silent"
NO_SIDE = "a side was never heard"
SILENCE_DB = -100
WINDOWS = 60
LOST_SIDE_S = 5.0
"""A side that sounded before a mask and is digital silence for so long behind it, up to the end, was lost."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the log says. Offsets in samples, times in seconds from the start of the file.

    `seconds`: length, negative when not known. `masks`: (acknowledged, unmask requested), end -1 up to the end of the
    file. `line`: the prompt heard first, None when none was played; `line_seconds`: where it began. `slack`: samples by
    which sound may overlap the edges of a mask. `blanks`: (start, end) where silence is due to the sample.
    """

    seconds: float
    masks: tuple[tuple[int, int], ...] = ()
    line: Path | None = None
    line_seconds: float = 0.0
    slack: int = PACKET
    blanks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class MaskMeasure:
    """One mask as the file has it. `start`, `end`: the stretch that had to be silent, its slack taken off.

    `first_sound`: the first sample in it that is not zero on both sides, -1 when there is none; `silent_from`,
    `silent_to`: where silence really began and ended, looked for within 1 s of the edges; equal when `start` sounds.
    """

    start: int
    end: int
    first_sound: int
    silent_from: int
    silent_to: int

    @property
    def silent(self) -> bool:
        """Digital silence on both sides throughout."""
        return self.first_sound < 0


@dataclass(frozen=True, slots=True)
class AudioVerdict:
    """What the file shows. `findings`: our words; `places`: the sample of each; `line_offset`: sample,
    -1 when not heard or asked; `levels`: of left and right in whole dBFS, from windows all over the file."""

    findings: tuple[str, ...]
    length_samples: int = 0
    line_offset: int = -1
    line_score: float = 0.0
    masks: tuple[MaskMeasure, ...] = ()
    levels: tuple[int, int] = (SILENCE_DB, SILENCE_DB)
    places: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(path: Path, expected: Expectation) -> AudioVerdict:
    """Measure the recording at PATH. A file that cannot be read is a finding; a line that cannot be is BadAudio."""
    line = _load_line(expected.line) if expected.line else None
    try:
        with WavReader(path) as reader:
            return _measure(reader, expected, line)
    except BadAudio:
        return AudioVerdict((UNREADABLE,), places=(0,))


def _measure(reader: WavReader, expected: Expectation, line: Samples | None) -> AudioVerdict:
    if reader.channels != 2:
        return AudioVerdict((NOT_STEREO,), reader.frames, places=(0,))
    masks = tuple(_mask(reader, start, end, expected.slack) for start, end in expected.masks)
    blanks = tuple(_mask(reader, start, end, 0) for start, end in expected.blanks)
    heard = Heard(-1, 0.0) if line is None else _line(reader, line, expected.line_seconds)
    missing = line is not None and heard.score < HEARD and _had_time(reader, expected, line)
    places = {
        LENGTH: reader.frames if _length_differs(reader, expected.seconds) else -1,
        MASK: _first_of(masks),
        BLANK: _first_of(blanks),
        LINE: max(0, round(expected.line_seconds * reader.rate)) if missing else -1,
        LOST_SIDE: max(_lost_at(reader, side, masks, blanks) for side in (0, 1)),
        NO_SIDE: 0 if any(_was_never_heard(reader, side, masks + blanks) for side in (0, 1)) else -1,
    }
    found = {word: place for word, place in places.items() if place >= 0}
    offset = heard.offset if heard.score >= HEARD else -1
    levels, at = _levels(reader), tuple(found.values())
    return AudioVerdict(tuple(found), reader.frames, offset, heard.score, masks, levels, at)


def _had_time(reader: WavReader, expected: Expectation, line: Samples) -> bool:
    """Whether the line can be over in this file; else a hang-up may have cut it."""
    return reader.frames - (expected.line_seconds + LATE_S) * reader.rate >= len(line)


def _first_of(masks: tuple[MaskMeasure, ...]) -> int:
    return next((mask.first_sound for mask in masks if not mask.silent), -1)


def _length_differs(reader: WavReader, seconds: float) -> bool:
    off = abs(reader.frames / reader.rate - seconds)
    return seconds >= AT_ONCE_S and off > LENGTH_S and off > LENGTH_SHARE * seconds


# ---------------------------------------------------------------- masks
def _mask(reader: WavReader, acknowledged: int, unmask: int, slack: int) -> MaskMeasure:
    """Silence must hold from SLACK after the acknowledgement to SLACK before the unmask request."""
    to_end = unmask < 0 or unmask >= reader.frames
    start = min(max(0, acknowledged) + slack, reader.frames)
    end = reader.frames if to_end else max(start, unmask - slack)
    first = _first_sound(reader, start, end)
    if first == start:
        return MaskMeasure(start, end, first, start, start)
    edge = round(_EDGE_S * reader.rate)
    silent_from = _last_sound(reader, max(0, start - edge), start) + 1
    silent_to = first if first >= 0 else _first_sound(reader, end, end + edge)
    return MaskMeasure(start, end, first, silent_from, silent_to if silent_to >= 0 else min(end + edge, reader.frames))


def _first_sound(reader: WavReader, start: int, end: int) -> int:
    """The first sample in [START, END) that is not zero on both sides, or -1. In blocks: a mask can be long."""
    for at in range(start, end, reader.block_frames):
        sounding = np.flatnonzero(reader.span(at, min(end, at + reader.block_frames)).any(axis=1))
        if len(sounding):
            return at + int(sounding[0])
    return -1


def _last_sound(reader: WavReader, start: int, end: int) -> int:
    """The last sample in [START, END) that is not zero on both sides, or START - 1."""
    sounding = np.flatnonzero(reader.span(start, end).any(axis=1))
    return start + int(sounding[-1]) if len(sounding) else start - 1


def _lost_at(reader: WavReader, side: int, masks: tuple[MaskMeasure, ...], blanks: tuple[MaskMeasure, ...]) -> int:
    """Where SIDE ends with a mask although the recording goes on, or -1: a recorder may come back from one on one side
    only. A phone on a line makes noise even when nobody speaks."""
    enough = LOST_SIDE_S * reader.rate
    followed = [mask for mask in masks if _open_behind(mask, masks + blanks, reader.frames) >= enough]
    last = _last_of(reader, side) if followed else -1
    return last + 1 if last >= 0 and any(last < mask.end for mask in followed) else -1


def _was_never_heard(reader: WavReader, side: int, masks: tuple[MaskMeasure, ...]) -> bool:
    """Whether SIDE is digital silence throughout although more than LOST_SIDE_S of the recording is open."""
    covered = sum(max(0, mask.end - mask.start) for mask in masks)
    return reader.frames - covered >= LOST_SIDE_S * reader.rate and _last_of(reader, side) < 0


def _levels(reader: WavReader) -> tuple[int, int]:
    """The level of each side, from at most WINDOWS seconds spread over the file."""
    starts = np.linspace(0, max(0, reader.frames - reader.rate), WINDOWS, dtype=int)
    sound = np.concatenate([reader.span(int(at), int(at) + reader.rate) for at in dict.fromkeys(starts.tolist())])
    power = np.mean((sound.astype(np.float64) / 32768) ** 2, axis=0)
    left, right = (round(10 * math.log10(side)) if side > 0 else SILENCE_DB for side in power)
    return max(left, SILENCE_DB), max(right, SILENCE_DB)


def _open_behind(mask: MaskMeasure, masks: tuple[MaskMeasure, ...], frames: int) -> int:
    """Samples behind MASK that none of MASKS covers."""
    covered = sum(max(0, other.end - max(other.start, mask.end)) for other in masks)
    return frames - mask.end - covered


def _last_of(reader: WavReader, side: int) -> int:
    """The last sample of SIDE that is not zero, or -1. From the end, in blocks."""
    for end in range(reader.frames, 0, -reader.block_frames):
        start = max(0, end - reader.block_frames)
        sounding = np.flatnonzero(reader.span(start, end)[:, side])
        if len(sounding):
            return start + int(sounding[-1])
    return -1


# ---------------------------------------------------------------- the line
def _load_line(path: Path) -> Samples:
    with WavReader(path) as reader:
        return reader.read(reader.frames)


def _line(reader: WavReader, line: Samples, seconds: float) -> Heard:
    """The line may come on either side, or half on each: all three are searched."""
    start = max(0, round((seconds - SEARCH_S) * reader.rate))
    sound = reader.span(start, round((seconds + SEARCH_S) * reader.rate) + len(line))
    before = 0 if start else round(EARLY_S * reader.rate)
    sound = np.pad(sound, ((before, 0), (0, 0)))
    both = np.clip(sound.astype(np.int32).sum(axis=1), -32768, 32767).astype(np.int16)
    best = Heard(0, 0.0)
    for side in (sound[:, 0], sound[:, 1], both):
        best = max(best, find_line(side, line[:, 0]), key=lambda heard: heard.score)
        if best.score >= CLEAR:  # the search is the costly part, and fifty calls may end together
            break
    return Heard(max(0, start + best.offset - before), best.score)

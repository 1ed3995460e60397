"""Sound taken out of a finished recording: silence in its place, so that every later sample stays where it is.

Belongs here: the rewriting. Does not: what has to go (core), what is heard in a file (verify.py, digit.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from callguard.audio.shred import shredded_after
from callguard.audio.staged import staged
from callguard.audio.wav import Samples, WavReader, WavWriter
from callguard.errors import BadAudio, BadInput

Spans = tuple[tuple[int, int], ...]


def within(spans: Iterable[tuple[int, int]], frames: int) -> Spans:
    """SPANS, (start, end) in samples, end -1 up to the end, as they lie in a file of FRAMES: in order, joined where
    they touch, none empty."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), frames if end < 0 else min(end, frames)) for start, end in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif start < end:
            joined.append((start, end))
    return tuple(joined)


def blank(path: Path, spans: Spans) -> None:
    """Make both sides of the recording at PATH silent in SPANS. The file is exchanged whole or not at all, and what it
    was before is overwritten. Raises BadAudio where it cannot be read or written."""
    try:
        with WavReader(path) as reader, shredded_after(path), staged(path, "the recording") as file:
            writer = WavWriter(file, reader.rate, reader.channels)
            for block in reader.blocks():
                writer.write(silenced(block, writer.frames, spans))
            writer.finish()
    except (BadInput, OSError) as wrong:
        raise BadAudio(str(wrong)) from wrong


def silenced(block: Samples, at: int, spans: Spans) -> Samples:
    """BLOCK, whose first sample is number AT of its file, with nothing to be heard in SPANS."""
    sound = block.copy()
    for start, end in spans:
        sound[max(0, start - at) : max(0, end - at)] = 0
    return sound

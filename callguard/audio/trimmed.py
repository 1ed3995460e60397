"""A trimmed recording as one stream that says itself what it was made of: a WAV file whose last part is the time map.

What belongs here: writing and reading such a stream. What does not: what is cut (trim.py), the map's arithmetic
(timemap.py).
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from callguard.audio.riff import parse, pcm_header
from callguard.audio.trim import Segments, kept_blocks
from callguard.audio.wav import WavReader
from callguard.errors import BadAudio

CHUNK = b"cgtm"


def trimmed(reader: WavReader, segments: Segments, said: Mapping[str, Any]) -> Iterator[bytes]:
    """The kept SEGMENTS of what READER reads, unchanged, and SAID behind them, in blocks of about 1 MB."""
    size = sum(int(end - start) for start, end in segments) * reader.channels * 2
    text = json.dumps(said).encode()
    text += b" " * (len(text) % 2)
    head = pcm_header(reader.rate, reader.channels, size)
    yield head[:4] + struct.pack("<I", len(head) + size + len(text)) + head[8:]
    for block in kept_blocks(reader, segments):
        yield block.astype("<i2").tobytes()
    yield CHUNK + struct.pack("<I", len(text)) + text


def said_of(file: BinaryIO) -> dict[str, Any]:
    """What stands behind the sound. Raises BadAudio where nothing does."""
    riff = parse(file)
    file.seek(riff.data_at + riff.declared)
    name, length = struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
    if name != CHUNK:
        raise BadAudio("it carries no time map")
    found: dict[str, Any] = json.loads(file.read(length))
    file.seek(0, os.SEEK_SET)
    return found

"""The header of a WAV file: read it, doubt it, repair it.

Belongs here: chunks and lengths. Does not: samples (wav.py). Python's `wave` refuses mu-law, A-law and GSM and believes
a header whose length is 0, which is what Asterisk leaves behind until the recorder stops.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from callguard.errors import BadAudio

HEADER = 44
"""Bytes before the first sample of 16-bit PCM."""
_EXTENSIBLE = 0xFFFE
_MAX_CHUNKS = 64  # a real file has three or four; a hostile one may have millions


class Codec(Enum):
    """How samples are stored: the format tags of the WAV specification that a PBX writes."""

    PCM16 = 1
    ALAW = 6
    MULAW = 7
    GSM = 0x31


@dataclass(frozen=True, slots=True)
class Riff:
    """What a header says and what the file holds.

    `rate` in Hz; `block`: bytes of one frame; `data_at`: byte offset of the sound; `declared`, `present`: its bytes by
    the header and in truth; `complete`: both agree.
    """

    codec: Codec
    rate: int
    channels: int
    block: int
    data_at: int
    declared: int
    present: int
    complete: bool

    @property
    def frames(self) -> int:
        """Sample frames of a PCM file that are really there, whatever the header says."""
        return (self.declared if self.complete else self.present) // self.block


def parse(file: BinaryIO) -> Riff:
    """Read the header of FILE. Raises BadAudio: not a WAV file, no sound in it, a format that no PBX writes."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if size == 0:
        raise BadAudio("the file is empty (0 bytes)")
    if head[:4] == b"RF64":
        raise BadAudio("an RF64 file: only WAV files, of at most 4 GiB, can be read")
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise BadAudio("not a WAV file: it does not begin with a RIFF/WAVE header")
    form = b""
    for _ in range(_MAX_CHUNKS):
        name, length = _chunk(file)
        at = file.tell()
        if name == b"data":
            return _riff(form, at, length, size - at, _tail_is_chunks(file, at + length, size))
        if name == b"fmt ":
            form = file.read(min(length, 40))
        file.seek(at + length + length % 2)
    raise BadAudio("not a usable WAV file: no sound chunk among its first parts")


def _chunk(file: BinaryIO) -> tuple[bytes, int]:
    head = file.read(8)
    if len(head) < 8:
        raise BadAudio("truncated: the file ends before its sound begins")
    name, length = struct.unpack("<4sI", head)
    return name, length


def _tail_is_chunks(file: BinaryIO, at: int, size: int) -> bool:
    """True when what follows AT is nothing, or well-formed chunks: then the length of the sound is right."""
    for _ in range(_MAX_CHUNKS):
        at += at % 2
        if at >= size:
            return at <= size + 1  # a missing pad byte at the very end is common and harmless
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or not all(32 <= byte < 127 for byte in head[:4]):
            return False
        at += 8 + int(struct.unpack("<I", head[4:])[0])
    return False


def _riff(form: bytes, at: int, declared: int, present: int, tail_fits: bool) -> Riff:
    if len(form) < 16:
        raise BadAudio("not a usable WAV file: its format is missing")
    tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", form[:16])
    if tag == _EXTENSIBLE and len(form) >= 26:
        tag = int(struct.unpack("<H", form[24:26])[0])
    if tag not in {codec.value for codec in Codec} or (tag == Codec.PCM16.value and bits != 16):
        raise BadAudio(f"format {tag} with {bits} bits: only 16-bit PCM, mu-law, A-law and GSM can be read")
    if channels not in (1, 2):
        raise BadAudio(f"{channels} channels: only mono and stereo can be read")
    if rate == 0 or block == 0 or (tag == Codec.PCM16.value and block != 2 * channels):
        raise BadAudio("not a usable WAV file: its format contradicts itself")
    return Riff(Codec(tag), rate, channels, block, at, declared, present, declared <= present and tail_fits)


def repair_header(path: Path) -> bool:
    """Make the header agree with the file, in place, durably: True when it was wrong.

    For a recording whose recorder died: the length in the header is 0 or behind. Whole frames to the end of the file
    count as sound. Running it twice changes nothing. Raises BadAudio, OSError.
    """
    with path.open("r+b") as file:
        riff = parse(file)
        if riff.complete:
            return False
        sound = riff.present - riff.present % riff.block
        file.truncate(riff.data_at + sound)  # half a frame cannot be played
        file.seek(riff.data_at - 4)
        file.write(struct.pack("<I", sound))
        file.seek(4)
        file.write(struct.pack("<I", riff.data_at + sound - 8))
        file.flush()
        os.fsync(file.fileno())
    return True


def pcm_header(rate: int, channels: int, data_bytes: int) -> bytes:
    """The HEADER bytes before 16-bit PCM sound."""
    form = struct.pack("<HHIIHH", Codec.PCM16.value, channels, rate, rate * channels * 2, channels * 2, 16)
    length = struct.pack("<I", data_bytes)
    return b"RIFF" + struct.pack("<I", 36 + data_bytes) + b"WAVEfmt \x10\0\0\0" + form + b"data" + length

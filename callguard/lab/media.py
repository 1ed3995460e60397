"""What lab phones say, and how to find it again in a recording.

What belongs here: mu-law, sources of 20 ms packets, the counter that every packet of a `CounterTone` carries and its
decoder. What does not: sockets and pacing (rtp.py). Audio is int16 at 8 kHz, mono.
"""

from __future__ import annotations

import time
import wave
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE = 8000
PACKET = 160  # samples in 20 ms

# A packet of CounterTone: 4 marker samples, 16 counter bits of 9 samples, 4 check bits of 3 samples. Both levels are
# values that mu-law holds exactly; the marker's is one that no bit has.
_MARK, _CHIP = 8316, 1980
_MARK_LEN, _BIT_LEN, _CHECK_LEN = 4, 9, 3
_BLOCK = 1024


def _decode_table() -> Samples:
    code = ~np.arange(256, dtype=np.uint8)
    sign, exponent, mantissa = code & 0x80, (code >> 4) & 7, (code & 15).astype(np.int32)
    magnitude = (((mantissa << 3) + 132) << exponent) - 132
    return np.where(sign, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    value = np.arange(-32768, 32768)
    biased = np.minimum(np.abs(value), 32635) + 132
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    code = (exponent << 4) | ((biased >> (exponent + 3)) & 15) | np.where(value < 0, 0x80, 0)
    return np.asarray(~code & 0xFF, dtype=np.uint8)


_DECODE, _ENCODE = _decode_table(), _encode_table()


def from_mulaw(data: bytes) -> Samples:
    """Samples of G.711 mu-law bytes."""
    return _DECODE[np.frombuffer(data, dtype=np.uint8)]


def to_mulaw(samples: Samples) -> bytes:
    """G.711 mu-law bytes of samples."""
    return _ENCODE[samples.astype(np.int32) + 32768].tobytes()


class Source(Protocol):
    """Something that speaks: asked for 160 samples right before each packet is sent."""

    def packet(self) -> Samples:
        """The next 20 ms."""
        ...


class Silence:
    """Says nothing, in packets."""

    def packet(self) -> Samples:
        """Zeros."""
        return np.zeros(PACKET, dtype=np.int16)


@dataclass
class WavSource:
    """Plays samples, once or in a loop, then silence."""

    samples: Samples
    loop: bool = True
    position: int = 0

    @classmethod
    def open(cls, path: Path, loop: bool = True) -> WavSource:
        """From an 8 kHz mono 16-bit wav."""
        with wave.open(str(path), "rb") as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
                raise ValueError("a lab phone plays 8 kHz mono 16-bit wav only")
            return cls(np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16), loop)

    def packet(self) -> Samples:
        """The next 160 samples."""
        piece = self.samples[self.position : self.position + PACKET]
        self.position += PACKET
        if self.loop and self.position >= len(self.samples):
            self.position = 0
        return np.pad(piece, (0, PACKET - len(piece)))


@dataclass(frozen=True)
class SentAt:
    """When a packet left: seconds of the monotonic clock, and of the epoch."""

    monotonic: float
    wall: float


@dataclass
class CounterTone:
    """Every packet carries its number, 0 to 65535; `sent` says when each one left."""

    counter: int = 0
    sent: dict[int, SentAt] = field(default_factory=dict)

    def packet(self) -> Samples:
        """The samples of the next number; the moment is written down."""
        number = self.counter & 0xFFFF
        self.counter += 1
        self.sent[number] = SentAt(time.monotonic(), time.time())
        return counter_packet(number)


def _check(number: NDArray[np.int64] | int) -> NDArray[np.int64] | int:
    """Four bits that change whenever one of the number's do, and are never all equal to its low ones."""
    return ((number ^ (number >> 4) ^ (number >> 8) ^ (number >> 12)) + 5) & 15


def counter_packet(number: int) -> Samples:
    """The 160 samples that stand for `number`."""
    packet: Samples = _counter_packets(number // _BLOCK)[number % _BLOCK]
    return packet


@lru_cache
def _counter_packets(block: int) -> Samples:
    """A thousand packets at once, one a row: a hundred phones speak by looking them up."""
    numbers = np.arange(block * _BLOCK, (block + 1) * _BLOCK)
    bits = numbers[:, None] >> np.arange(15, -1, -1) & 1
    check = np.asarray(_check(numbers))[:, None] >> np.arange(3, -1, -1) & 1
    chips = np.concatenate([np.repeat(bits, _BIT_LEN, axis=1), np.repeat(check, _CHECK_LEN, axis=1)], axis=1)
    marks = np.full((_BLOCK, _MARK_LEN), _MARK)
    packets = np.concatenate([marks, np.where(chips, _CHIP, -_CHIP)], axis=1).astype(np.int16)
    packets.flags.writeable = False
    return packets


def find_counters(samples: Samples) -> list[tuple[int, int]]:
    """Every whole packet of a CounterTone in `samples`: (offset of its first sample, number), in order.

    Anything may lie before, after and between them. A quiet second sound on top is borne, a loud one is not.
    """
    if len(samples) < PACKET:
        return []
    level = samples.astype(np.int64)
    marked = level > (_MARK + _CHIP) // 2
    starts = np.flatnonzero(marked[:-3] & marked[1:-2] & marked[2:-1] & marked[3:])
    starts = starts[starts + PACKET <= len(samples)]
    if not len(starts):
        return []
    packets = level[starts[:, None] + np.arange(PACKET)]
    numbers, good = _read(packets)
    return [(int(start), int(number)) for start, number in zip(starts[good], numbers[good], strict=True)]


def _read(packets: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The number of each row, and whether it is one: every sample near a chip, the check bits right."""
    chips = packets[:, _MARK_LEN:]
    near = np.abs(np.abs(chips) - _CHIP) < _CHIP // 2
    bits = chips[:, : 16 * _BIT_LEN].reshape(len(packets), 16, _BIT_LEN).mean(axis=2) > 0
    check = chips[:, 16 * _BIT_LEN :].reshape(len(packets), 4, _CHECK_LEN).mean(axis=2) > 0
    numbers = (bits << np.arange(15, -1, -1)).sum(axis=1)
    return numbers, near.all(axis=1) & ((check << np.arange(3, -1, -1)).sum(axis=1) == _check(numbers))

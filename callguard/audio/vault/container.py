"""The container `.cgv`: one object, encrypted in chunks that can be opened alone. Its format is docs/vault.md.

What belongs here: bytes in, bytes out, and what is refused. What does not: whose key it is (keyring.py), where objects
lie (folder.py, bucket.py).
"""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from callguard.errors import BadContainer

MAGIC = b"CGV\x1a"
VERSION = 1
CHUNK = 64 * 1024
"""Bytes of plaintext in every chunk but the last."""
TAG = 16
SEALED_CHUNK = CHUNK + TAG
PREFIX = 7
KEY_BYTES = 32
HEADER = struct.Struct(f">4sBB16s{PREFIX}s3s")
"""Magic, version, format, key id, nonce prefix, three zero bytes: 32 bytes."""
_ZEROS = bytes(3)
MOST_CHUNKS = 1 << 32
"""The counter has 32 bits: 256 TiB."""


class Format(IntEnum):
    """What the plaintext is."""

    BYTES = 0
    WAV = 1
    JSON = 2


@dataclass(frozen=True, slots=True)
class Header:
    """The first 32 bytes. `prefix`: random, a part of every nonce. All of it is associated data of every chunk."""

    key_id: uuid.UUID
    format: Format
    prefix: bytes

    @classmethod
    def fresh(cls, key_id: uuid.UUID, format: Format) -> Self:
        """One for a new object."""
        return cls(key_id, format, os.urandom(PREFIX))

    def encode(self) -> bytes:
        """Its 32 bytes."""
        return HEADER.pack(MAGIC, VERSION, self.format, self.key_id.bytes, self.prefix, _ZEROS)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Raises BadContainer for anything that this release did not write."""
        if len(raw) != HEADER.size:
            raise BadContainer("it is shorter than a header")
        magic, version, format, key_id, prefix, zeros = HEADER.unpack(raw)
        if magic != MAGIC:
            raise BadContainer("it is no container: the magic is not there")
        if version != VERSION:
            raise BadContainer(f"its version is {version}; this release knows {VERSION}")
        if format not in list(Format) or zeros != _ZEROS:
            raise BadContainer("its header says what no release wrote")
        return cls(uuid.UUID(bytes=key_id), Format(format), prefix)


def new_key() -> bytes:
    """A fresh data key."""
    return AESGCM.generate_key(bit_length=KEY_BYTES * 8)


def seal(blocks: Iterable[bytes], key: bytes, header: Header) -> Iterator[bytes]:
    """The container of a plaintext that comes in BLOCKS of any size: its header, then chunk after chunk.

    KEY must be used for this one object alone. Holds two chunks in memory, whatever the length.
    """
    head, cipher = header.encode(), AESGCM(key)
    yield head
    waiting, counter = b"", 0
    for chunk in _chunks(blocks):
        if waiting:
            yield cipher.encrypt(_nonce(header.prefix, counter, last=False), waiting, head)
            counter += 1
        waiting = chunk
    yield cipher.encrypt(_nonce(header.prefix, counter, last=True), waiting, head)


def _chunks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """BLOCKS cut anew: every piece but the last is a whole chunk, none is empty."""
    gathered = bytearray()
    for block in blocks:
        gathered += block
        while len(gathered) >= CHUNK:
            yield bytes(gathered[:CHUNK])
            del gathered[:CHUNK]
    if gathered:
        yield bytes(gathered)


def _nonce(prefix: bytes, counter: int, *, last: bool) -> bytes:
    return prefix + counter.to_bytes(4, "big") + bytes([last])


Fetch = Callable[[int, int], bytes]
"""The bytes from the first position up to the second one, which are not read when nobody asks for them."""


class Container:
    """A stored object of SIZE bytes, opened with its KEY. Any range is read without the rest of it."""

    def __init__(self, fetch: Fetch, size: int, key: bytes, key_id: uuid.UUID) -> None:
        """Raises BadContainer when the header is not right, or names another key than KEY_ID."""
        self.header = Header.decode(fetch(0, min(size, HEADER.size)))
        if self.header.key_id != key_id:
            raise BadContainer("its header names another key", chunk=0)
        body = size - HEADER.size
        self.chunks = max(1, -(-body // SEALED_CHUNK))
        """How many there are by the object's size; that the last one is marked as such shows that none is missing."""
        if body - (self.chunks - 1) * SEALED_CHUNK < TAG + (self.chunks > 1) or self.chunks > MOST_CHUNKS:
            raise BadContainer("it is truncated", chunk=self.chunks - 1)
        self.size = body - self.chunks * TAG
        """Bytes of plaintext."""
        self._fetch, self._cipher, self._head = fetch, AESGCM(key), self.header.encode()

    def read(self, start: int, stop: int) -> bytes:
        """Bytes START to STOP of the plaintext, cut to what there is. Raises BadContainer naming the chunk."""
        start, stop = max(0, start), min(stop, self.size)
        if start >= stop:
            return b""
        first, last = start // CHUNK, (stop - 1) // CHUNK
        plain = b"".join(self._chunk(number) for number in range(first, last + 1))
        return plain[start - first * CHUNK : stop - first * CHUNK]

    def blocks(self) -> Iterator[bytes]:
        """All of the plaintext, a chunk at a time. Every chunk is looked at, of an empty plaintext too."""
        for number in range(self.chunks):
            yield self._chunk(number)

    def _chunk(self, number: int) -> bytes:
        start = HEADER.size + number * SEALED_CHUNK
        last = number == self.chunks - 1
        stop = HEADER.size + self.size + self.chunks * TAG if last else start + SEALED_CHUNK
        sealed = self._fetch(start, stop)
        if len(sealed) != stop - start:
            raise BadContainer("it became shorter while it was read", chunk=number)
        try:
            return self._cipher.decrypt(_nonce(self.header.prefix, number, last=last), sealed, self._head)
        except InvalidTag:
            raise BadContainer("it was altered, cut, reordered, or sealed under another key", chunk=number) from None

"""The container: what was sealed comes back, in ranges too; whatever was done to it is refused, and where."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callguard.audio.vault.container import (
    CHUNK,
    HEADER,
    PREFIX,
    SEALED_CHUNK,
    Container,
    Format,
    Header,
    new_key,
    seal,
)
from callguard.errors import BadContainer

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
KEY, KEY_ID = bytes(range(32)), uuid.UUID(int=7)
HEAD = Header(KEY_ID, Format.WAV, bytes(range(PREFIX)))


def sealed(plain: bytes, key: bytes = KEY, head: Header = HEAD) -> bytes:
    return b"".join(seal([plain], key, head))


def opened(raw: bytes, key: bytes = KEY, key_id: uuid.UUID = KEY_ID) -> Container:
    return Container(lambda start, stop: raw[start:stop], len(raw), key, key_id)


def refused(raw: bytes, key: bytes = KEY, key_id: uuid.UUID = KEY_ID) -> int | None:
    """The chunk at which RAW is refused; a test fails here where it is not."""
    with pytest.raises(BadContainer) as caught:
        for _ in opened(raw, key, key_id).blocks():
            pass
    return caught.value.chunk


def pattern(length: int) -> bytes:
    return random.Random(length).randbytes(length)


@pytest.mark.requirement("S86")
@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
def test_what_was_sealed_comes_back(length: int) -> None:
    plain = pattern(length)
    raw = sealed(plain)
    container = opened(raw)
    assert container.size == length and container.header.format is Format.WAV
    assert b"".join(container.blocks()) == plain and container.read(0, length) == plain
    assert len(raw) == HEADER.size + length + 16 * container.chunks
    assert length < 16 or plain[:16] not in raw


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, CHUNK + 3), max_size=5), st.integers(0, 3 * CHUNK), st.integers(0, 2 * CHUNK))
def test_any_range_of_any_blocks_is_the_plaintext(sizes: list[int], start: int, length: int) -> None:
    blocks = [pattern(size) for size in sizes]
    plain = b"".join(blocks)
    container = opened(b"".join(seal(blocks, KEY, HEAD)))
    assert container.read(start, start + length) == plain[start : start + length]


def test_a_range_is_read_without_the_rest() -> None:
    raw, asked = sealed(pattern(10 * CHUNK)), []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return raw[start:stop]

    Container(fetch, len(raw), KEY, KEY_ID).read(5 * CHUNK + 10, 5 * CHUNK + 20)
    at = HEADER.size + 5 * SEALED_CHUNK
    assert asked == [(0, HEADER.size), (at, at + SEALED_CHUNK)]


WHOLE = sealed(pattern(3 * CHUNK + 100))


def chunk_at(number: int) -> int:
    return HEADER.size + number * SEALED_CHUNK


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def swapped(raw: bytes) -> bytes:
    one, two, three = chunk_at(1), chunk_at(2), chunk_at(3)
    return raw[:one] + raw[two:three] + raw[one:two] + raw[three:]


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], int | None]] = {
    "a bit of the first chunk": (lambda raw: flipped(raw, chunk_at(0)), 0),
    "a bit of the third chunk": (lambda raw: flipped(raw, chunk_at(2) + 9), 2),
    "a bit of the last tag": (lambda raw: flipped(raw, len(raw) - 1), 3),
    "two chunks swapped": (swapped, 1),
    "a chunk left out": (lambda raw: raw[: chunk_at(1)] + raw[chunk_at(2) :], 1),
    "a chunk twice": (lambda raw: raw[: chunk_at(2)] + raw[chunk_at(1) :], 2),
    "cut between chunks": (lambda raw: raw[: chunk_at(3)], 2),
    "cut inside a chunk": (lambda raw: raw[: chunk_at(2) + 500], 2),
    "cut inside a tag": (lambda raw: raw[: chunk_at(2) + 7], 2),
    "cut behind the header": (lambda raw: raw[: HEADER.size], 0),
    "longer than it was": (lambda raw: raw + bytes(40), 3),
    "cut inside the header": (lambda raw: raw[:20], None),
    "nothing": (lambda raw: b"", None),
    "another magic": (lambda raw: b"RIFF" + raw[4:], None),
    "another version": (lambda raw: raw[:4] + b"\2" + raw[5:], None),
    "an unknown format": (lambda raw: raw[:5] + b"\x63" + raw[6:], None),
    "a known format that it was not": (lambda raw: raw[:5] + b"\2" + raw[6:], 0),
    "another prefix": (lambda raw: flipped(raw, 22), 0),
    "a zero that is none": (lambda raw: flipped(raw, 31), None),
    "another key's id": (lambda raw: flipped(raw, 6), 0),
}


@pytest.mark.requirement("S86")
@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_refused_and_placed(what: str) -> None:
    damage, chunk = DAMAGE[what]
    assert refused(damage(WHOLE)) == chunk


@pytest.mark.requirement("S86")
def test_keys_that_are_mixed_up_are_refused() -> None:
    assert refused(WHOLE, key=new_key()) == 0
    assert refused(WHOLE, key_id=uuid.uuid4()) == 0
    assert refused(sealed(pattern(10), key=new_key())) == 0


def test_a_chunk_of_another_object_under_the_same_key_is_refused() -> None:
    other = sealed(pattern(3 * CHUNK + 100), head=Header(KEY_ID, Format.WAV, bytes(PREFIX)))
    mixed = WHOLE[: chunk_at(1)] + other[chunk_at(1) : chunk_at(2)] + WHOLE[chunk_at(2) :]
    assert refused(mixed) == 1


def test_an_object_that_shrinks_while_it_is_read_is_refused() -> None:
    container = Container(lambda start, stop: WHOLE[start : min(stop, 40000)], len(WHOLE), KEY, KEY_ID)
    with pytest.raises(BadContainer, match="chunk 0: it became shorter"):
        container.read(0, 10)


def test_a_fresh_header_never_repeats_its_prefix() -> None:
    assert len({Header.fresh(KEY_ID, Format.BYTES).prefix for _ in range(100)}) == 100


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_vectors(vector: dict[str, str]) -> None:
    key, key_id = bytes.fromhex(vector["key"]), uuid.UUID(vector["key_id"])
    plain = bytes.fromhex(vector["plain"]) * int(vector["times"])
    raw = sealed(plain, key, Header(key_id, Format[vector["format"]], bytes.fromhex(vector["prefix"])))
    assert raw[: HEADER.size].hex() == vector["header"]
    assert raw[-16:].hex() == vector["last_tag"]
    assert hashlib.sha256(raw).hexdigest() == vector["sha256"]
    assert opened(raw, key, key_id).read(0, len(plain)) == plain


def test_the_header_has_thirty_two_bytes_in_the_order_of_the_document() -> None:
    raw = HEAD.encode()
    assert len(raw) == 32 and raw[:6] == b"CGV\x1a\x01\x01"
    assert struct.unpack(">16s7s3s", raw[6:]) == (KEY_ID.bytes, HEAD.prefix, bytes(3))

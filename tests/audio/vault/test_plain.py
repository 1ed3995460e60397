"""The plaintext of an object as a file: any place in it, its end, and a chunk that is not what was sealed."""

from __future__ import annotations

import os
import uuid

import pytest

from callguard.audio.vault.container import CHUNK, Container, Format, Header, new_key, seal
from callguard.audio.vault.plain import plain_of
from callguard.errors import BadContainer

PLAIN = os.urandom(2 * CHUNK + 77)


def container(change: int = -1) -> Container:
    key, key_id = new_key(), uuid.uuid4()
    sealed = bytearray(b"".join(seal([PLAIN], key, Header.fresh(key_id, Format.BYTES))))
    if change >= 0:
        sealed[change] ^= 1
    return Container(lambda start, stop: bytes(sealed[start:stop]), len(sealed), key, key_id)


def test_it_reads_as_a_file_does() -> None:
    with plain_of(container()) as file:
        assert file.read(10) == PLAIN[:10] and file.tell() == 10
        assert file.seek(CHUNK - 3) == CHUNK - 3 and file.read(9) == PLAIN[CHUNK - 3 : CHUNK + 6]
        assert file.seek(-5, os.SEEK_END) == len(PLAIN) - 5 and file.read() == PLAIN[-5:]
        assert file.seek(0) == 0 and file.read() == PLAIN and file.read(1) == b""


def test_what_is_not_what_was_sealed_is_not_read() -> None:
    with plain_of(container(change=CHUNK + 500)) as file:
        file.seek(CHUNK)
        with pytest.raises(BadContainer, match="chunk 1"):
            file.read(4)

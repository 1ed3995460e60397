"""Bytes become an object of the vault: sealed as a stream, stored, read back, compared.

What belongs here: that, for whatever is kept. What does not: rows and their order (ingest.py, derive.py), the format
(audio/vault/).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from callguard.audio.vault.container import Format, Header, seal
from callguard.audio.vault.port import Shelf
from callguard.audio.vault.reading import open_object
from callguard.errors import BadContainer
from callguard.jobs.spool import BLOCK
from callguard.store.artefact import Artefact, Measured


class Source:
    """A file's bytes, hashed as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._first = file.read(BLOCK)
        self.is_wav = self._first[:4] == b"RIFF"
        self.digest, self.length = hashlib.sha256(), 0

    def blocks(self) -> Iterator[bytes]:
        """All of it, once."""
        block = self._first
        while block:
            self.digest.update(block)
            self.length += len(block)
            yield block
            block = self._file.read(BLOCK)


def keep(shelf: Shelf, row: Artefact, source: Source, form: Format, key: bytes) -> Measured:
    """Seal SOURCE into the object of ROW, read it back, and compare. Raises BadContainer where the store gives back
    other bytes than it got, ShelfDown."""
    header, sealed = Header.fresh(row.key_id, form), hashlib.sha256()
    shelf.put(row.object, _hashed(seal(source.blocks(), key, header), sealed.update))
    opened = open_object(shelf, row.object, key, row.key_id)
    length, plain, container = opened.measure()
    if (length, plain, container) != (source.length, source.digest.digest(), sealed.digest()):
        raise BadContainer("what was read back is not what was stored")
    shelf.lock(row.object, row.expires_at)
    return Measured(opened.size, container, length, plain)


def _hashed(blocks: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for block in blocks:
        update(block)
        yield block

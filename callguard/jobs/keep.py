"""Bytes become an object of the vault: sealed as a stream, stored, read back, compared; and are opened again.

What belongs here: that, for whatever is kept. What does not: what is kept and when (ingest.py, trim.py, derive.py), the
format (audio/vault/).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from callguard.audio.shred import BLOCK
from callguard.audio.vault.container import Container, Format, Header, new_key, seal
from callguard.audio.vault.keyring import PublicKey
from callguard.audio.vault.port import Custody, Shelf
from callguard.audio.vault.reading import open_object
from callguard.errors import BadContainer, CallguardError, CannotDecrypt
from callguard.store.artefact import Artefact, Artefacts, Measured, Wrapped


class Busy(CallguardError):
    """Somebody else works on this recording: later."""


class Source:
    """Bytes that come in blocks, hashed as they are read."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._first = next(blocks, b"")
        self.is_wav = self._first[:4] == b"RIFF"
        self.digest, self.length = hashlib.sha256(), 0

    @classmethod
    def of(cls, file: BinaryIO) -> Source:
        """All of FILE."""
        return cls(iter(lambda: file.read(BLOCK), b""))

    def blocks(self) -> Iterator[bytes]:
        """All of it, once."""
        block = self._first
        while block:
            self.digest.update(block)
            self.length += len(block)
            yield block
            block = next(self._blocks, b"")


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


# ---------------------------------------------------------------- what is made of what is there
@dataclass(frozen=True)
class Room:
    """Where something is opened, and something else is kept: rows, objects, private and public key."""

    artefacts: Artefacts
    shelf: Shelf
    custody: Callable[[], Custody]
    public: Callable[[], PublicKey]

    def opened(self, row: Artefact) -> Container:
        """The plaintext of ROW. Raises BadContainer, BadInput, CannotDecrypt, NotThere, Unreachable."""
        wrapped = self.artefacts.key(row.key_id)
        if wrapped is None:
            raise CannotDecrypt(f"the key of artefact {row.artefact_id} is gone")
        key = self.custody().unwrap(wrapped.kid, wrapped.wrapped, wrapped.key_id)
        return open_object(self.shelf, row.object, key, row.key_id).container

    def keep(
        self, row: Artefact, begun: Artefact | None, source: Source, form: Format, settings: Mapping[str, Any]
    ) -> Artefact:
        """SOURCE, as ROW says; in the place of what was BEGUN and never finished. What it was made of and with which
        SETTINGS is told in the same transaction. Raises Busy, BadContainer, StoreRefused where the database does not
        allow it, Unreachable."""
        key, public = new_key(), self.public()
        name, key_id = f"{uuid.uuid4().hex}.cgv", uuid.uuid4()
        wrapped = Wrapped(key_id, public.kid, public.wrap(key, key_id))
        row = replace(begun or row, object=name, key_id=key_id)
        if begun:
            self.shelf.delete(begun.object)
            self.artefacts.begin_again(begun, name, wrapped)
        else:
            self.artefacts.begin(row, wrapped)
        found = keep(self.shelf, row, source, form, key)
        with self.artefacts.transaction():
            if not self.artefacts.stored(row.artefact_id, key_id, found):
                raise Busy(f"recording {row.recording_id} was taken over")
            self.artefacts.tell(row.artefact_id, "made", settings)
        return row

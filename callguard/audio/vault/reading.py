"""Objects read back from a shelf in few requests, and measured.

What belongs here: from a shelf to a container. What does not: the format (container.py), what is compared (jobs/).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from callguard.audio.vault.container import Container
from callguard.audio.vault.port import Shelf
from callguard.errors import NotThere

WINDOW = 4 << 20
"""Bytes of one request: a bucket is asked 25 times for an hour of stereo, not 1,800 times."""


class _Window:
    """The bytes of an object, fetched ahead. What is read in order is hashed as it comes."""

    def __init__(self, shelf: Shelf, name: str, size: int) -> None:
        self._shelf, self._name, self._size = shelf, name, size
        self._at, self._held = 0, b""
        self.digest = hashlib.sha256()
        self._hashed = 0

    def fetch(self, start: int, stop: int) -> bytes:
        if not self._at <= start <= stop <= self._at + len(self._held):
            self._at, self._held = (
                start,
                self._shelf.fetch(self._name, start, min(self._size, max(stop, start + WINDOW))),
            )
        found = self._held[start - self._at : stop - self._at]
        if start == self._hashed:
            self.digest.update(found)
            self._hashed += len(found)
        return found


@dataclass(frozen=True, slots=True)
class Opened:
    """An object that can be read. `container`: its plaintext by range."""

    container: Container
    size: int
    window: _Window

    def measure(self) -> tuple[int, bytes, bytes]:
        """Bytes and sha256 of the plaintext, and sha256 of the container: all of it is read. Raises BadContainer."""
        plain, length = hashlib.sha256(), 0
        for block in self.container.blocks():
            plain.update(block)
            length += len(block)
        return length, plain.digest(), self.window.digest.digest()


def open_object(shelf: Shelf, name: str, key: bytes, key_id: uuid.UUID) -> Opened:
    """Raises NotThere, BadContainer, ShelfDown."""
    size = shelf.size(name)
    if size is None:
        raise NotThere(f"object {name} is not in the vault")
    window = _Window(shelf, name, size)
    return Opened(Container(window.fetch, size, key, key_id), size, window)


def raw_sha256(shelf: Shelf, name: str) -> tuple[int, bytes]:
    """Bytes and sha256 of an object as it lies there: no key is needed. Raises NotThere, ShelfDown."""
    size = shelf.size(name)
    if size is None:
        raise NotThere(f"object {name} is not in the vault")
    digest = hashlib.sha256()
    for block in _raw(shelf, name, size):
        digest.update(block)
    return size, digest.digest()


def _raw(shelf: Shelf, name: str, size: int) -> Iterator[bytes]:
    for at in range(0, size, WINDOW):
        yield shelf.fetch(name, at, min(size, at + WINDOW))

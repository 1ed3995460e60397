"""What the vault asks of whoever keeps private keys and of whoever keeps objects: Protocols.

What belongs here: shapes. What does not: any one keeper (keyfile.py, folder.py, bucket.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol


class Custody(Protocol):
    """Who holds the private keys: a file, or a service that never shows them."""

    def kids(self) -> tuple[str, ...]:
        """The names of the keys, the newest last."""

    def unwrap(self, kid: str, wrapped: bytes, key_id: uuid.UUID) -> bytes:
        """The data key KEY_ID. Raises CannotDecrypt, Unreachable."""


class Shelf(Protocol):
    """Where objects lie. They are written once, under a name that says nothing, and never changed.

    Every method raises ShelfDown when the shelf cannot be reached.
    """

    def put(self, name: str, blocks: Iterable[bytes]) -> None:
        """Durable on return, and whole: what fails half-way leaves no object of that name."""

    def size(self, name: str) -> int | None:
        """Bytes of the object, None where there is none."""

    def fetch(self, name: str, start: int, stop: int) -> bytes:
        """Bytes START to STOP of the object. Raises NotThere."""

    def lock(self, name: str, until: datetime) -> None:
        """Have the store itself refuse to lose the object before UNTIL, where it can and is told to."""

    def delete(self, name: str) -> None:
        """Gone on return; one that is not there is gone already."""

    def names(self) -> Iterator[tuple[str, int]]:
        """Every object with its size, and nothing else."""

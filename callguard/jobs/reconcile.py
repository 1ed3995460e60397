"""Rows against objects: what the database says is in the vault, and what is.

What belongs here: finding and naming differences. What does not: what is found in the spool (sweep.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callguard.audio.vault.port import Custody, Shelf
from callguard.audio.vault.reading import open_object, raw_sha256
from callguard.errors import BadContainer, CannotDecrypt, NotThere
from callguard.store.artefact import Artefact, Artefacts

LONG_WRITTEN = timedelta(hours=1)
PRESENT = ("stored", "marked")
"""States in which an object has to be there; under `shredded` it may be."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is a closed word; `object`: its name in the vault; `artefact_id`: of its row, '' where it has none; `why`:
    of one that does not open, the chunk at which that shows."""

    what: str
    object: str
    artefact_id: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many rows want an object, how many objects there are, and what differs."""

    rows: int
    objects: int
    differences: tuple[Difference, ...]


def reconcile(artefacts: Artefacts, shelf: Shelf, now: datetime, *, hashes: bool = False) -> Reconciled:
    """Objects first, then rows: a row is written before its object, so that work under way is no difference."""
    objects = dict(shelf.names())
    rows = {row.object: row for row in artefacts.find(states=("writing", *PRESENT, "shredded"))}
    wanting = [row for row in rows.values() if row.state in PRESENT]
    found = [Difference("object_without_row", name) for name in objects if name.removesuffix(".part") not in rows]
    for row in wanting:
        found += _missing(row, objects, shelf)
        if hashes and row.object in objects:
            found += check_bytes(row, shelf)
    found += [
        Difference("never_finished", row.object, row.artefact_id)
        for row in rows.values()
        if row.state == "writing" and now - row.created_at > LONG_WRITTEN
    ]
    found += _keys(artefacts)
    return Reconciled(len(wanting), len(objects), tuple(found))


def _missing(row: Artefact, objects: dict[str, int], shelf: Shelf) -> Iterator[Difference]:
    size = objects.get(row.object)
    if size is None:
        size = shelf.size(row.object)  # it may have come since
    if size is None:
        yield Difference("object_missing", row.object, row.artefact_id)
    elif size != row.size:
        yield Difference("size_differs", row.object, row.artefact_id)


def _keys(artefacts: Artefacts) -> Iterator[Difference]:
    for row in artefacts.keyless():
        yield Difference("key_missing", row.object, row.artefact_id)
    for _ in artefacts.stray_keys():
        yield Difference("key_without_row", "")


def check_bytes(row: Artefact, shelf: Shelf) -> Iterator[Difference]:
    """Whether an object is, byte for byte, what was stored: no key is needed."""
    try:
        size, digest = raw_sha256(shelf, row.object)
    except NotThere:
        yield Difference("object_missing", row.object, row.artefact_id)
        return
    if (size, digest) != (row.size, row.sha256):
        yield Difference("hash_differs", row.object, row.artefact_id)


def check_opens(row: Artefact, artefacts: Artefacts, shelf: Shelf, custody: Custody) -> Iterator[Difference]:
    """Whether an object opens, and holds the audio that was put in."""
    wrapped = artefacts.key(row.key_id)
    if wrapped is None:
        yield Difference("key_missing", row.object, row.artefact_id)
        return
    try:
        key = custody.unwrap(wrapped.kid, wrapped.wrapped, wrapped.key_id)
        length, plain, _ = open_object(shelf, row.object, key, row.key_id).measure()
    except (BadContainer, CannotDecrypt, NotThere) as error:
        yield Difference("does_not_open", row.object, row.artefact_id, str(error))
        return
    if (length, plain) != (row.plain_size, row.plain_sha256):
        yield Difference("audio_differs", row.object, row.artefact_id)


def sample(rows: Sequence[Artefact], count: int) -> list[Artefact]:
    """COUNT of ROWS by chance, all where there are fewer."""
    return random.SystemRandom().sample(list(rows), min(count, len(rows)))

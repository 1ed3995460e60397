"""The register of activations: the row that continues it, and what its author said.

What belongs here: making an entry, holding what was said against its digest. What does not: proving the chain
(chain.py), keeping and sealing it (postgres.py, memory.py, statement.py).
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from callguard.ports import ActivationRow
from callguard.store.chain import FIRST_SEQ, GENESIS, canonical, row_hash

SALT_BYTES = 32
"""Without so much that nobody knows, an erased name could be guessed from its digest."""
ERASED = {"author": "erased", "reason": "erased"}
"""What is shown of an entry whose key was destroyed."""
UNREADABLE = {"author": "unreadable", "reason": "unreadable"}
"""What is read of an entry that its key does not open: it never has the digest of what was entered."""


def newest(register: Sequence[ActivationRow], kind: str) -> ActivationRow | None:
    """What is in force of KIND, or None."""
    return next((row for row in reversed(register) if row.kind == kind), None)


def following(
    register: Sequence[ActivationRow],
    *,
    tenant: str,
    at: datetime,
    kind: str,
    version: str,
    author: str,
    reason: str,
    content: Mapping[str, Any],
) -> ActivationRow:
    """The row that continues REGISTER, which holds every row of TENANT in order of seq."""
    last, before = register[-1] if register else None, newest(register, kind)
    said = {"salt": secrets.token_hex(SALT_BYTES), "author": author, "reason": reason}
    row = ActivationRow(
        tenant=tenant,
        seq=last.seq + 1 if last else FIRST_SEQ,
        at=at,
        kind=kind,
        version=version,
        previous=before.version if before else "",
        key_id=uuid.uuid4().hex,
        said_digest=digest(said),
        said=said,
        content=content,
        prev_hash=last.hash if last else GENESIS,
        hash=b"",
    )
    return replace(row, hash=row_hash(row.prev_hash, row))


def digest(said: Mapping[str, str]) -> bytes:
    """sha256 of what was SAID, its salt included."""
    return hashlib.sha256(canonical(said)).digest()


def forged(register: Sequence[ActivationRow]) -> Iterator[int]:
    """The seq of each entry whose author and reason are not those that its chain swears to. Erased ones are none."""
    return (row.seq for row in register if row.said and digest(row.said) != row.said_digest)

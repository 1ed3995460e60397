"""The register of activations: the row that continues it. Pure.

What belongs here: making an entry. What does not: proving the register (chain.py), keeping it (postgres.py, memory.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from callguard.ports import ActivationRow
from callguard.store.chain import FIRST_SEQ, GENESIS, row_hash


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
    row = ActivationRow(
        tenant=tenant,
        seq=last.seq + 1 if last else FIRST_SEQ,
        at=at,
        kind=kind,
        version=version,
        previous=before.version if before else "",
        author=author,
        reason=reason,
        content=content,
        prev_hash=last.hash if last else GENESIS,
        hash=b"",
    )
    return replace(row, hash=row_hash(row.prev_hash, row))

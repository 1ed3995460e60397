"""The hash chain of one call, or of the register: canonical bytes, the hash of a row, and where a chain breaks. Pure.

What belongs here: what is hashed and how it is checked. What does not: reading rows, judging what they say (verify).

A chain finds changed, missing, reordered and duplicated rows of one call, except rows missing at its end: for that, and
for a whole missing call, one needs the heads of all calls.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

from callguard.ports import ActivationRow, CallRow, EventRow

GENESIS = bytes(32)
"""`prev_hash` of the first row of every call."""
FIRST_SEQ = 1
"""`seq` of the first row of every call."""
Linked = EventRow | ActivationRow
"""A row that is chained."""
NOT_HASHED = ("hash", "prev_hash", "said")
"""The hashes themselves, and what can be erased: the chain proves without it, by its digest."""
HASHED = {
    kind: tuple(item.name for item in fields(kind) if item.name not in NOT_HASHED) for kind in (EventRow, ActivationRow)
}
"""Every column of a row that its hash covers, the decision included."""

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""What JSON knows, and nothing else."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_AS_IT_IS = frozenset({bool, int, str, type(None)})


def canonical(value: object) -> bytes:
    """VALUE as the one JSON text that stands for it: sorted keys, no spaces, UTF-8.

    Datetimes become RFC 3339 in UTC with microseconds and Z, bytes hex, whole floats integers, so that what comes back
    from Postgres gives the same bytes. Raises ValueError for what JSON cannot say.
    """
    return _ENCODER.encode(plain(value)).encode()


def plain(value: object) -> Plain:
    """VALUE in JSON's own types, the way it reads after a round trip through the store."""
    if type(value) in _AS_IT_IS:  # most values, and this runs for every row of every call
        return value  # type: ignore[return-value]
    match value:
        case dict():
            return _object(value)
        case list() | tuple():
            return [item if type(item) in _AS_IT_IS else plain(item) for item in value]
        case str():
            return str(value)
        case datetime():
            return instant(value)
        case float():
            return _number(value)
        case bytes():
            return value.hex()
        case date():
            return value.isoformat()
        case Mapping():
            return _object(value)
        case _:
            return _whole(value)


def _object(value: Mapping[Any, Any]) -> dict[str, Plain]:
    return {
        key if type(key) is str else _name(key): item if type(item) in _AS_IT_IS else plain(item)
        for key, item in value.items()
    }


def instant(at: datetime) -> str:
    """AT as RFC 3339 in UTC with microseconds and Z. Raises ValueError for a naive datetime."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone has no canonical form")
    there = at if at.tzinfo is UTC else at.astimezone(UTC)
    return there.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def row_hash(prev_hash: bytes, row: Linked) -> bytes:
    """sha256 over PREV_HASH and the canonical bytes of every column of ROW except its hashes."""
    return hashlib.sha256(prev_hash + canonical({name: getattr(row, name) for name in HASHED[type(row)]})).digest()


def head_digest(head: CallRow) -> str:
    """sha256 of the canonical bytes of every column of HEAD, hex: the first row of a call carries it, and the chain
    with it."""
    return hashlib.sha256(canonical({item.name: getattr(head, item.name) for item in fields(head)})).hexdigest()


def first_break(rows: Iterable[Linked]) -> tuple[int, str] | None:
    """Where a chain breaks first, as (seq, reason), or None. ROWS as stored, in the order to be proved.

    Reasons: missing, reordered, duplicated, foreign (a row of another chain), altered (that row, or the link to it).
    """
    chain: list[Linked] = list(rows)
    expected, prev_hash = FIRST_SEQ, GENESIS
    for position, row in enumerate(chain):
        reason = _out_of_order(row, expected, chain[position + 1 :]) or _not_linked(row, prev_hash, chain[0])
        if reason:
            return (expected if reason == "missing" else row.seq), reason
        expected, prev_hash = expected + 1, row.hash
    return None


def _out_of_order(row: Linked, expected: int, rest: list[Linked]) -> str:
    if row.seq < expected:
        return "duplicated"
    if row.seq > expected:
        return "reordered" if any(later.seq == expected for later in rest) else "missing"
    return ""


def _not_linked(row: Linked, prev_hash: bytes, first: Linked) -> str:
    if _whose(row) != _whose(first):
        return "foreign"
    linked = row.prev_hash == prev_hash and row.hash == row_hash(prev_hash, row)
    return "" if linked else "altered"


def _whose(row: Linked) -> tuple[object, ...]:
    return (row.call_id, row.call_month) if isinstance(row, EventRow) else (row.tenant,)


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{type(value).__name__} has no canonical form")
    return value


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise ValueError("a number that is not finite has no canonical form")
    return int(value) if value.is_integer() else value


def _name(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"a key of type {type(key).__name__} has no canonical form")
    return str(key)

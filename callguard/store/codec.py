"""Rows of a batch as JSON and back. Pure.

What belongs here: the shape of a row in a file: spool lines, exports. What does not: what is sealed in it (spool.py).
Strict: an unknown, missing or wrongly typed field is BadInput, so that a foreign line is never half understood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from callguard.errors import BadInput
from callguard.ports import (
    ActivationRow,
    AnswerRow,
    Batch,
    CallRow,
    EventRow,
    IncidentRow,
    PartyRow,
    RawRow,
    RecordingRow,
)
from callguard.store.chain import Plain, plain

Row = CallRow | EventRow | PartyRow | RawRow | RecordingRow | IncidentRow | AnswerRow | ActivationRow
R = TypeVar("R", CallRow, EventRow, PartyRow, RawRow, RecordingRow, IncidentRow, AnswerRow, ActivationRow)

HINTS: Mapping[type[Row], Mapping[str, Any]] = {kind: get_type_hints(kind) for kind in get_args(Row)}
LISTS: Mapping[str, type[Row]] = {
    "events": EventRow,
    "parties": PartyRow,
    "raw": RawRow,
    "recordings": RecordingRow,
    "incidents": IncidentRow,
    "answers": AnswerRow,
}
_LATER: Mapping[str, list[Any]] = {"answers": []}
"""Lists that lines of an earlier release do not have."""


def row_to_json(row: Row) -> dict[str, Plain]:
    """ROW as an object of JSON's own types; times as RFC 3339, hashes as hex."""
    return {item.name: plain(getattr(row, item.name)) for item in fields(row)}


def row_from_json(kind: type[R], value: object) -> R:
    """The row of KIND that VALUE describes. Raises BadInput with the field's name."""
    if not isinstance(value, dict):
        raise BadInput(f"a {kind.__name__} is an object, not {type(value).__name__}")
    hints = HINTS[kind]
    odd = sorted(map(str, value.keys() ^ hints.keys()))
    if odd:
        raise BadInput(f"{kind.__name__}: unknown or missing field {', '.join(odd)}")
    read: dict[str, Any] = {name: _read(f"{kind.__name__}.{name}", hints[name], value[name]) for name in hints}
    return kind(**read)


def batch_to_json(batch: Batch) -> dict[str, Plain]:
    """BATCH as an object: "call" an object or null, the others lists of objects."""
    lists = {name: [row_to_json(row) for row in getattr(batch, name)] for name in LISTS}
    return {"call": row_to_json(batch.call) if batch.call else None, **cast(dict[str, Plain], lists)}


def batch_from_json(value: object) -> Batch:
    """The batch that VALUE describes. Raises BadInput."""
    value = {**_LATER, **value} if isinstance(value, dict) else {}
    if value.keys() != {"call", *LISTS}:
        raise BadInput(f"a batch has a call, {', '.join(LISTS)}, and nothing else")
    lists = {name: tuple(_rows(kind, value[name])) for name, kind in LISTS.items()}
    call = None if value["call"] is None else row_from_json(CallRow, value["call"])
    return Batch(call=call, **cast(dict[str, Any], lists))


def _rows(kind: type[Row], value: object) -> list[Row]:
    if not isinstance(value, list):
        raise BadInput(f"a list of {kind.__name__} expected")
    return [row_from_json(cast(type[EventRow], kind), item) for item in value]


_READERS: Mapping[Any, Callable[[str], object]] = {
    bytes: bytes.fromhex,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
}


def _read(where: str, hint: Any, value: object) -> object:
    """VALUE as the type HINT names: one of JSON's, a Mapping, or one that has a reader."""
    if get_origin(hint) is UnionType:
        if value is None and NoneType in get_args(hint):
            return None
        hint = get_args(hint)[0]
    wanted = dict if get_origin(hint) is not None else str if hint in _READERS else hint
    if type(value) is not wanted:
        raise BadInput(f"{where}: {wanted.__name__} expected, not {type(value).__name__}")
    return _decoded(where, _READERS[hint], cast(str, value)) if hint in _READERS else value


def _decoded(where: str, reader: Callable[[str], object], value: str) -> object:
    try:
        return reader(value)
    except ValueError:
        raise BadInput(f"{where}: not in its format") from None

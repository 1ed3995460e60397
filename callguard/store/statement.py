"""What one batch comes to in SQL: named statements and their values, personal values sealed.

What belongs here: rows -> statements, and sealed rows -> rows. What does not: running them (postgres.py).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, date
from typing import Any, cast

from psycopg.types.json import Jsonb

from callguard.errors import CannotDecrypt, StoreRefused
from callguard.ports import ActivationRow, AnswerRow, Batch, EventRow, IncidentRow, PartyRow, RawRow, RecordingRow
from callguard.store.activation import UNREADABLE
from callguard.store.chain import canonical, plain
from callguard.store.codec import Row
from callguard.store.keys import MasterKey, decrypt, encrypt, new_data_key

Statement = tuple[str, dict[str, Any]]
"""The name of a query and its values."""
DECISION_COLUMNS = ("state", "effects", "reasons")
RAW_KEYS_KEPT = 1000


class Sealer:
    """Seals and opens what is personal: each party, and what each entry of the register says, under a key of its own,
    raw messages under one a call."""

    def __init__(self, master: MasterKey) -> None:
        """MASTER wraps every key that is made here."""
        self._master = master
        self._raw_keys: dict[str, tuple[str, bytes, bytes]] = {}

    def party(self, row: PartyRow) -> dict[str, Any]:
        """The columns of ROW, sealed; its key carries the party's own id."""
        key, key_id = new_data_key(), row.party_id
        return {
            **_columns(row, "values"),
            "key_id": key_id,
            "sealed": encrypt(key, row.values, _party_place(row)),
            "search_hmac": self._master.search_hmac(row.values.get("number", "")),
            "wrapped": self._master.wrap(key, key_id.encode()),
        }

    def raw(self, row: RawRow) -> dict[str, Any]:
        """The columns of ROW, sealed."""
        key_id, key, wrapped = self._raw_key(row.call_id)
        sealed = encrypt(key, row.payload, _raw_place(row))
        return {**_columns(row, "payload"), "key_id": key_id, "sealed": sealed, "wrapped": wrapped}

    def answer(self, row: AnswerRow) -> dict[str, Any]:
        """The columns of ROW: its number's code, which is None where there is no number."""
        return {**_columns(row, "number"), "search_hmac": self.search_hmac(row.number)}

    def search_hmac(self, number: str) -> bytes | None:
        """See MasterKey.search_hmac."""
        return self._master.search_hmac(number)

    def opened_party(self, row: Mapping[str, Any]) -> PartyRow:
        """The party in the clear; without values when its key was destroyed."""
        names = ("call_id", "call_month", "party_id", "channel_id", "role")
        found = PartyRow(values={}, **{name: row[name] for name in names})
        if row["wrapped"] is None or row["sealed"] is None:
            return found
        key = self._master.unwrap(row["wrapped"], row["key_id"].encode())
        return replace(found, values=cast(dict[str, str], decrypt(key, row["sealed"], _party_place(found))))

    def opened_raw(self, row: Mapping[str, Any]) -> RawRow:
        """The raw message in the clear."""
        found = RawRow(call_id=row["call_id"], call_month=row["call_month"], seq=row["seq"], payload={})
        key = self._master.unwrap(row["wrapped"], row["key_id"].encode())
        return replace(found, payload=decrypt(key, row["sealed"], _raw_place(found)))

    def activation(self, row: ActivationRow) -> dict[str, Any]:
        """The columns of ROW, what was said sealed."""
        key = new_data_key()
        return {
            **_columns(row, "content", "said"),
            "content": _jsonb(row.content),
            "sealed": encrypt(key, row.said, _activation_place(row)),
            "wrapped": self._master.wrap(key, row.key_id.encode()),
            "key_month": key_month(row),
        }

    def opened_activation(self, row: Mapping[str, Any]) -> ActivationRow:
        """The entry in the clear; nothing was said in it when its key was destroyed. One that does not open is
        UNREADABLE: the chain can be continued all the same."""
        columns = {item.name: row[item.name] for item in fields(ActivationRow) if item.name != "said"}
        found = ActivationRow(said={}, **columns)
        if row["wrapped"] is None:
            return found
        try:
            key = self._master.unwrap(row["wrapped"], found.key_id.encode())
            said = cast(dict[str, str], decrypt(key, row["sealed"], _activation_place(found)))
        except CannotDecrypt:
            said = UNREADABLE
        return replace(found, said=said)

    def _raw_key(self, call_id: str) -> tuple[str, bytes, bytes]:
        if call_id not in self._raw_keys:
            key_id, key = uuid.uuid4().hex, new_data_key()
            if len(self._raw_keys) >= RAW_KEYS_KEPT:
                self._raw_keys.pop(next(iter(self._raw_keys)))
            self._raw_keys[call_id] = (key_id, key, self._master.wrap(key, key_id.encode()))
        return self._raw_keys[call_id]


def statements(batch: Batch, sealer: Sealer) -> list[Statement]:
    """All of BATCH in the order in which the database wants it. Raises StoreRefused for what JSON cannot say."""
    try:
        return list(_statements(batch, sealer))
    except ValueError as error:
        raise StoreRefused(f"A row cannot be stored: {error}.") from None


def activation(row: ActivationRow, sealer: Sealer) -> Statement:
    """ROW as an entry of the register. Raises StoreRefused for what JSON cannot say."""
    try:
        return "insert_activation", sealer.activation(row)
    except ValueError as error:
        raise StoreRefused(f"A row cannot be stored: {error}.") from None


def months(batch: Batch) -> set[date]:
    """The partitions that BATCH needs."""
    rows: list[EventRow | PartyRow | RawRow | RecordingRow | IncidentRow | AnswerRow] = [
        *batch.events,
        *batch.parties,
        *batch.raw,
        *batch.recordings,
        *batch.incidents,
        *batch.answers,
    ]
    return {row.call_month for row in rows} | ({batch.call.call_month} if batch.call else set())


def event_from(row: Mapping[str, Any]) -> EventRow:
    """The event row, its decision put together again."""
    decision = None if row["extra"] is None else dict(row["extra"])
    if decision is not None:
        decision |= {name: row[name] for name in DECISION_COLUMNS if row[name] is not None}
    columns = {item.name: row[item.name] for item in fields(EventRow) if item.name != "decision"}
    return EventRow(decision=decision, **columns)


def _statements(batch: Batch, sealer: Sealer) -> Iterator[Statement]:
    if batch.call:
        yield "insert_call", {**_columns(batch.call, "policy"), "policy": _jsonb(batch.call.policy)}
    for event in batch.events:
        yield "insert_event", {**_columns(event, "data", "decision"), "data": _jsonb(event.data)}
        if event.decision is not None:
            yield "insert_decision", _decision(event, event.decision)
    for party in batch.parties:
        yield "insert_party", sealer.party(party)
    for raw in batch.raw:
        yield "insert_raw", sealer.raw(raw)
    for recording in batch.recordings:
        yield "upsert_recording", {**_columns(recording), "last_seq": _last_seq(batch, recording.call_id)}
    for incident in batch.incidents:
        yield "upsert_incident", _columns(incident)
    for answer in batch.answers:
        yield "keep_answer", sealer.answer(answer)


def _decision(event: EventRow, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Its columns; what has none, and what is null, goes to `extra`, so that it comes back as it was."""
    known = {name: decision.get(name) for name in DECISION_COLUMNS}
    extra = {name: value for name, value in decision.items() if known.get(name) is None}
    columns = {name: None if value is None else _jsonb(value) for name, value in known.items()}
    place = {"call_month": event.call_month, "call_id": event.call_id, "seq": event.seq}
    return {**place, **columns, "extra": _jsonb(extra)}


def _last_seq(batch: Batch, call_id: str) -> int | None:
    return max((event.seq for event in batch.events if event.call_id == call_id), default=None)


def _columns(row: Row, *but: str) -> dict[str, Any]:
    return {item.name: getattr(row, item.name) for item in fields(row) if item.name not in but}


def _jsonb(value: object) -> Jsonb:
    return Jsonb(plain(value), dumps=canonical)


def key_month(row: ActivationRow) -> date:
    """The month whose partition holds the key of ROW."""
    return row.at.astimezone(UTC).date().replace(day=1)


def _activation_place(row: ActivationRow) -> bytes:
    return json.dumps(["activation", row.tenant, row.seq]).encode()


def _party_place(row: PartyRow) -> bytes:
    return json.dumps(["party", row.call_id, row.party_id]).encode()


def _raw_place(row: RawRow) -> bytes:
    return json.dumps(["raw", row.call_id, row.seq]).encode()

"""Rows to put into a log: one call a call id, chained as the engine chains them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from callguard.core.rules import STRICTEST
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
from callguard.store.activation import following
from callguard.store.chain import FIRST_SEQ, GENESIS, row_hash

START = datetime(2025, 11, 3, 9, 30, 0, 123456, tzinfo=UTC)
MONTH = date(2025, 11, 1)
NUMBER = "+1 202-555-0143"
NAME = "O'Hara \x00 <b>"


def new_id() -> str:
    return str(uuid.uuid4())


def head(call_id: str, started_at: datetime = START, linked_id: str = "1762162200.1") -> CallRow:
    return CallRow(
        call_id=call_id,
        call_month=started_at.date().replace(day=1),
        tenant="acme",
        pbx_id="pbx1",
        direction="inbound",
        call_type="support",
        policy_version="3",
        rule_pack=STRICTEST.version,
        policy={"mode": "ask", "purpose": "qa", "retention_days": 90, "agents": ["PJSIP/agent*"]},
        started_at=started_at,
        linked_id=linked_id,
    )


def row(call_id: str, seq: int, prev_hash: bytes, month: date = MONTH) -> EventRow:
    fact = seq % 2 == 1
    blank = EventRow(
        call_id=call_id,
        call_month=month,
        seq=seq,
        event_id=new_id(),
        channel_id=f"chan-{call_id[:8]}",
        type="digit_pressed" if fact else "consent_granted",
        derived=not fact,
        at=START + timedelta(milliseconds=seq),
        recorded_at=START + timedelta(milliseconds=seq, microseconds=7),
        monotonic_ns=10**9 + seq,
        clock_sync=True,
        offset_samples=seq * 8000 if fact else None,
        data={"digit": "1", "nested": {"b": [1, 2.5, None, True], "a": "é"}},
        dedup="",
        decision={"state": {"mask": "off", "n": None}, "effects": [{"effect": "WakeAt", "seconds": 5.0}], "reasons": []}
        if fact
        else None,
        prev_hash=prev_hash,
        hash=b"",
    )
    return replace(blank, hash=row_hash(prev_hash, blank))


def chain(call_id: str, length: int, month: date = MONTH) -> list[EventRow]:
    rows: list[EventRow] = []
    for seq in range(FIRST_SEQ, FIRST_SEQ + length):
        rows.append(row(call_id, seq, rows[-1].hash if rows else GENESIS, month))
    return rows


def party(call_id: str, party_id: str, number: str = NUMBER) -> PartyRow:
    values = {"number": number, "name": NAME}
    return PartyRow(
        call_id=call_id, call_month=MONTH, party_id=party_id, channel_id="chan-1", role="far", values=values
    )


def raw(call_id: str, seq: int = FIRST_SEQ) -> RawRow:
    return RawRow(call_id=call_id, call_month=MONTH, seq=seq, payload={"type": "StasisStart", "caller": NUMBER})


def recording(call_id: str, recording_id: str, state: str = "requested", segment_no: int = 0) -> RecordingRow:
    return RecordingRow(
        recording_id=recording_id,
        call_id=call_id,
        call_month=MONTH,
        segment_no=segment_no,
        state=state,
        expires_at=START + timedelta(days=90),
    )


def incident(call_id: str, incident_id: str, closed_at: datetime | None = None) -> IncidentRow:
    return IncidentRow(
        incident_id=incident_id,
        call_id=call_id,
        call_month=MONTH,
        kind="mask_late",
        opened_at=START,
        closed_at=closed_at,
    )


def answer(call_id: str, word: str = "refused", days: int = 30, **values: Any) -> AnswerRow:
    """Given at the call's start by the party of `whole`."""
    defaults: dict[str, Any] = {"call_month": MONTH, "tenant": "acme", "number": NUMBER, "call_type": "support"}
    given = {"answer": word, "at": START, "until": START + timedelta(days=days), "call_id": call_id}
    return AnswerRow(**(defaults | given | values))


def whole(call_id: str, length: int = 4) -> Batch:
    """A batch with a row of every kind. Its party and incident carry ids made from the call's."""
    return Batch(
        call=head(call_id),
        events=tuple(chain(call_id, length)),
        parties=(party(call_id, f"p-{call_id}"),),
        raw=(raw(call_id),),
        recordings=(recording(call_id, f"r-{call_id}"),),
        incidents=(incident(call_id, f"i-{call_id}"),),
        answers=(answer(call_id),),
    )


def activation(register: Sequence[ActivationRow] = (), tenant: str = "acme", **values: Any) -> ActivationRow:
    """One that continues REGISTER."""
    version = hashlib.sha256(str(len(register)).encode()).hexdigest()
    defaults: dict[str, Any] = {
        "at": START + timedelta(days=len(register)),
        "kind": "policy",
        "version": version,
        "author": "user:root",
        "reason": "start",
        "content": {"call_type": {"sales": {"retention": {"audio": 90}}}, "text": "é"},
    }
    return following(register, tenant=tenant, **(defaults | values))

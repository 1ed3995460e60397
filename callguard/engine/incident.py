"""Incidents as entries of the register: one that is of no call, a dispute about one that is over, the closing of any.

What belongs here: making the entries. What does not: incidents of calls, which are rows of their own log (core/),
writing entries down (registrar.py).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from callguard.core.attesting import DISPUTE
from callguard.engine.registrar import Entry
from callguard.ports import CallRow, IncidentRow
from callguard.store.chain import canonical

OPENED, CLOSED = "incident_opened", "incident_closed"
OURSELVES = "callguard"
"""Who opens an incident that is of no call."""
_NAMES = uuid.UUID("6f1f1c4e-52b7-5b0c-9a55-5f6d3c1c7a10")


def disputed(head: CallRow, at: datetime, author: str, reason: str) -> Entry:
    """The call of HEAD, which is over, is in dispute, says AUTHOR. Said again after it was closed it is another one."""
    row = IncidentRow(
        incident_id=str(uuid.uuid4()), call_id=head.call_id, call_month=head.call_month, kind=DISPUTE, opened_at=at
    )
    return _entry(OPENED, row, at, author, reason)


def opened(tenant: str, kind: str, subject: str, at: datetime) -> Entry:
    """An incident of KIND that is of no call. SUBJECT: what it is about (a file's name, a channel's id), which is
    sealed: it may be anything. The same subject is one incident, however often it is seen."""
    row = IncidentRow(
        incident_id=str(uuid.uuid5(_NAMES, f"{tenant}/{kind}/{subject}")),
        call_id="",
        call_month=at.astimezone(UTC).date().replace(day=1),
        kind=kind,
        opened_at=at,
    )
    return _entry(OPENED, row, at, OURSELVES, subject)


def closed(row: IncidentRow, at: datetime, author: str, reason: str) -> Entry:
    """ROW is closed by AUTHOR for a REASON."""
    return _entry(CLOSED, replace(row, closed_at=at), at, author, reason)


def _entry(kind: str, row: IncidentRow, at: datetime, author: str, reason: str) -> Entry:
    content: Mapping[str, str] = {"incident": row.incident_id, "call_id": row.call_id, "kind": row.kind}
    version = hashlib.sha256(canonical(content)).hexdigest()
    return Entry(at=at, kind=kind, version=version, author=author, reason=reason, content=content, incident=row)

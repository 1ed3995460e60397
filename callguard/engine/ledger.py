"""One call's rows: numbered, chained, and gathered into the batch that becomes durable together.

What belongs here: turning a step into rows. What does not: hashing (store/chain.py), writing (store/), deciding
(core/).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any

from callguard.core.call import Call
from callguard.core.decision import decision_of, plain
from callguard.core.events import Event, OperatorActed, Outcome, PartyIdentified, RecordingEvent, Role
from callguard.core.outcome import Step
from callguard.engine.answer import answers_in
from callguard.engine.clock import Reading
from callguard.ports import Batch, CallRow, EventRow, IncidentRow, PartyRow, RawRow, RecordingRow
from callguard.store.chain import GENESIS, canonical, row_hash

OPERATOR, NOTE = "operator", "note"
"""The role under which an operator's own words are sealed beside the parties, and the name of that value."""


@dataclass
class Ledger:
    """Where one call's chain stands: `seq` of the last row, and its hash. `number`: the far party's, in memory only."""

    head: CallRow
    seq: int = 0
    hash: bytes = GENESIS
    begun: bool = False
    number: str = field(default="", repr=False)

    def enter(
        self, event: Event, done: Step, now: Reading, raw: Mapping[str, Any], values: Mapping[str, str] | None = None
    ) -> Batch:
        """All rows of one step. `values`: personal values of the party that EVENT identifies."""
        fact = self._row(event, now, decision_of(done))
        derived = tuple(
            self._chain(now, event, type=item.type.value, channel_id=item.channel_id, data=dict(item.data))
            for item in done.records
        )
        if isinstance(event, PartyIdentified) and event.role is Role.FAR and values is not None:
            self.number = values.get("number", "") or self.number
        opened = tuple(row for row in derived if row.type == Outcome.INCIDENT_OPENED)
        batch = Batch(
            call=None if self.begun else self.head,
            events=(fact, *derived),
            parties=tuple(self._parties(event, done.call, values)),
            raw=(RawRow(call_id=self.head.call_id, call_month=self.head.call_month, seq=fact.seq, payload=raw),)
            if raw
            else (),
            recordings=tuple(self._recordings(done.call)),
            incidents=tuple(self._incident(row) for row in opened),
            answers=answers_in(done, event, self.head, self.number),
        )
        self.begun = True
        return batch

    @cached_property
    def _space(self) -> uuid.UUID:
        return uuid.UUID(self.head.call_id)

    def _row(self, event: Event, now: Reading, decision: Mapping[str, Any]) -> EventRow:
        offset = event.offset_samples if isinstance(event, RecordingEvent) and event.offset_samples >= 0 else None
        return self._chain(
            now,
            event,
            type=event.type,
            channel_id=event.channel_id,
            data=plain(event.data()),
            decision=decision,
            offset_samples=offset,
            dedup=fingerprint(event),
        )

    def _chain(
        self,
        now: Reading,
        event: Event,
        *,
        type: str,
        channel_id: str,
        data: dict[str, Any],
        decision: Mapping[str, Any] | None = None,
        offset_samples: int | None = None,
        dedup: str = "",
    ) -> EventRow:
        """The next row: a fact with its DECISION, or, without one, what EVENT brought about."""
        seq = self.seq + 1
        row = EventRow(
            call_id=self.head.call_id,
            call_month=self.head.call_month,
            seq=seq,
            event_id=str(uuid.uuid5(self._space, f"event/{seq}")),
            channel_id=channel_id,
            type=type,
            derived=decision is None,
            at=event.at,
            recorded_at=now.wall,
            monotonic_ns=now.monotonic_ns,
            clock_sync=now.synchronised,
            offset_samples=offset_samples,
            data=data,
            dedup=dedup,
            decision=decision,
            prev_hash=self.hash,
            hash=b"",
        )
        chained = replace(row, hash=row_hash(self.hash, row))
        self.seq, self.hash = chained.seq, chained.hash
        return chained

    def _parties(self, event: Event, call: Call, values: Mapping[str, str] | None) -> Iterator[PartyRow]:
        """The party that EVENT identifies, or, beside it, what an operator said in words of their own."""
        match event:
            case PartyIdentified() if values is not None:
                yield self._party(event.party_id, event.channel_id, event.role.value, values)
            case OperatorActed() if values is not None:
                yield self._party(event.note, call.anchor, OPERATOR, values)

    def _party(self, party_id: str, channel_id: str, role: str, values: Mapping[str, str]) -> PartyRow:
        return PartyRow(
            call_id=self.head.call_id,
            call_month=self.head.call_month,
            party_id=party_id,
            channel_id=channel_id,
            role=role,
            values=values,
        )

    def _recordings(self, call: Call) -> list[RecordingRow]:
        expires = self.head.started_at + timedelta(days=call.call_type.retention_days)
        return [
            RecordingRow(
                recording_id=item.recording_id,
                call_id=self.head.call_id,
                call_month=self.head.call_month,
                segment_no=item.segment_no,
                state=item.shown,
                expires_at=expires,
                preflight_id=item.preflight,
            )
            for item in call.recordings
        ]

    def _incident(self, row: EventRow) -> IncidentRow:
        return IncidentRow(
            incident_id=row.event_id,
            call_id=row.call_id,
            call_month=row.call_month,
            kind=str(row.data["incident"]),
            opened_at=row.at,
        )


@lru_cache(maxsize=1)
def fingerprint(event: Event) -> str:
    """The same for the same fact said twice: type, channel, time and data. Asked when it is heard and when it is
    written."""
    parts = {"type": event.type, "channel": event.channel_id, "at": event.at, "data": plain(event.data())}
    return hashlib.sha256(canonical(parts)).hexdigest()[:32]

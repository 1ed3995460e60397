"""The event log in memory: the twin of postgres.py under the same contract suite, for tests and trials.

What belongs here: MemoryLog, which refuses what the database refuses. What does not: durability.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from callguard.core.events import CallMerged, Remembered, Role
from callguard.core.jurisdiction import RulePack
from callguard.core.policy import Mode
from callguard.core.purpose import Purpose
from callguard.errors import StoreDown, StoreRefused
from callguard.ports import (
    ActivationRow,
    AnswerRow,
    Batch,
    CallRow,
    EventRow,
    IncidentRow,
    KeptAnswer,
    PartyRow,
    RawRow,
    RecordingRow,
    StoredCall,
    Wanted,
)
from callguard.store.chain import FIRST_SEQ, GENESIS, Linked
from callguard.store.codec import row_from_json, row_to_json
from callguard.store.keys import KEY_BYTES, MasterKey

PURPOSES = frozenset(Purpose) - {Purpose.NONE}
R = TypeVar("R", ActivationRow, CallRow, EventRow, PartyRow, RawRow, RecordingRow, IncidentRow)


ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""As the domain callguard.id has it."""
_Asked = tuple[str, bytes, str]
"""Tenant, code of the number, call type."""


@dataclass
class _Kept:
    """All rows of one call."""

    call: CallRow
    events: list[EventRow] = field(default_factory=list)
    parties: dict[str, PartyRow] = field(default_factory=dict)
    raw: dict[int, RawRow] = field(default_factory=dict)
    recordings: dict[tuple[str, int], RecordingRow] = field(default_factory=dict)


class MemoryLog:
    """ports.EventLog, ports.Register and ports.Answers in memory.

    `cut` takes it away as a crash would, `mend` brings it back with what it had.
    """

    def __init__(self) -> None:
        """Empty, and there."""
        self._kept: dict[str, _Kept] = {}
        self._incidents: dict[str, IncidentRow] = {}
        self._erased: set[str] = set()
        self._packs: dict[str, RulePack] = {}
        self._register: list[ActivationRow] = []
        self._answers: dict[_Asked, KeptAnswer] = {}
        self._key = MasterKey(os.urandom(KEY_BYTES))
        self._lost = asyncio.Event()

    def cut(self) -> None:
        """From now on everything raises StoreDown."""
        self._lost.set()

    def mend(self) -> None:
        """It is back."""
        self._lost.clear()

    async def append(self, batches: Sequence[Batch]) -> None:
        """See PostgresLog.append: all of BATCHES, or StoreRefused and none."""
        self._there()
        trial = {call_id: _copy(kept) for call_id, kept in self._kept.items()}
        incidents = dict(self._incidents)
        for batch in batches:
            _add(trial, incidents, batch)
        self._kept, self._incidents = trial, incidents
        for answer in [row for batch in batches for row in batch.answers]:
            self._remember(answer)

    def _remember(self, row: AnswerRow) -> None:
        """Where a party of that call still has that number, and nothing newer stands."""
        code = self._key.search_hmac(row.number)
        parties = self._kept[row.call_id].parties.values() if row.call_id in self._kept else ()
        has = [party for party in parties if party.role == Role.FAR and party.party_id not in self._erased]
        if code is None or code not in [self._key.search_hmac(party.values.get("number", "")) for party in has]:
            return
        place = (row.tenant, code, row.call_type)
        if place not in self._answers or self._answers[place].at <= row.at:
            self._answers[place] = KeptAnswer(
                pseudonym=code,
                call_type=row.call_type,
                answer=Remembered(row.answer),
                at=row.at,
                until=row.until,
                call_id=row.call_id,
            )

    async def answer_of(self, tenant: str, number: str, call_type: str, at: datetime) -> Remembered:
        """See ports.Answers."""
        found = [row for row in await self.answers_of(tenant, number) if row.call_type == call_type and row.until > at]
        return found[0].answer if found else Remembered.NOTHING

    async def answers(self, tenant: str) -> tuple[KeptAnswer, ...]:
        """See ports.Answers."""
        self._there()
        found = [row for (owner, _, _), row in self._answers.items() if owner == tenant]
        return tuple(sorted(found, key=lambda row: (row.at, row.call_id), reverse=True))

    async def answers_of(self, tenant: str, number: str) -> tuple[KeptAnswer, ...]:
        """See ports.Answers."""
        code = self._key.search_hmac(number)
        return tuple(row for row in await self.answers(tenant) if row.pseudonym == code)

    async def forget_answers(self, tenant: str, number: str) -> int:
        """See ports.Answers."""
        code = self._key.search_hmac(number)
        return self._forget(lambda owner, row: owner == tenant and row.pseudonym == code)

    async def forget_expired(self, tenant: str, at: datetime) -> int:
        """See ports.Answers."""
        return self._forget(lambda owner, row: owner == tenant and row.until <= at)

    def _forget(self, goes: Callable[[str, KeptAnswer], bool]) -> int:
        """How many went."""
        self._there()
        before = len(self._answers)
        self._answers = {key: row for key, row in self._answers.items() if not goes(key[0], row)}
        return before - len(self._answers)

    async def load(self, call_id: str) -> StoredCall | None:
        """The call with this id, PBX unique id or linkedid, or None. Of several one that the channel does not merely
        visit, and of these the newest."""
        self._there()
        found = [kept for kept in self._kept.values() if call_id in _names(kept)]
        if not found:
            return None
        kept = max(found, key=lambda one: _nearness(one, call_id))
        incidents = [row for row in self._incidents.values() if row.call_id == kept.call.call_id]
        return StoredCall(
            kept.call,
            tuple(kept.events),
            tuple(sorted(kept.recordings.values(), key=lambda row: (row.segment_no, row.recording_id))),
            tuple(sorted(incidents, key=_by_opening)),
            self._packs.get(kept.call.rule_pack),
        )

    async def keep_rules(self, pack: RulePack) -> None:
        """The rules that calls refer to by their version."""
        self._there()
        self._packs[pack.version] = pack

    async def activate(self, row: ActivationRow, incident: IncidentRow | None = None) -> None:
        """See PostgresLog.activate."""
        self._there()
        chain = [known for known in self._register if known.tenant == row.tenant]
        if not any(known.hash == row.hash for known in chain):
            _continues(chain, row, "the register")
            self._register.append(_plain(row))
        if incident:
            _note(self._incidents, incident)

    async def known(self, recording_ids: Sequence[str]) -> frozenset[str]:
        """Which of RECORDING_IDS are recordings of ours."""
        self._there()
        ours = {row.recording_id for kept in self._kept.values() for row in kept.recordings.values()}
        return frozenset(recording_ids) & ours

    async def activations(self, tenant: str) -> tuple[ActivationRow, ...]:
        """The whole register of TENANT in order of seq; nothing was said in one whose key was destroyed."""
        self._there()
        rows = [row for row in self._register if row.tenant == tenant]
        return tuple(replace(row, said={}) if row.key_id in self._erased else row for row in rows)

    async def calls(self) -> AsyncIterator[CallRow]:
        """The heads of all calls, newest first."""
        self._there()
        heads = [kept.call for kept in self._kept.values()]
        for head in sorted(heads, key=lambda row: (row.started_at, row.call_id), reverse=True):
            yield head

    async def find_incidents(self, wanted: Wanted) -> tuple[IncidentRow, ...]:
        """Incidents of all calls and of none, oldest first."""
        self._there()
        return tuple(sorted((row for row in self._incidents.values() if _is(wanted, row)), key=_by_opening))

    async def party(self, call_id: str) -> tuple[PartyRow, ...]:
        """The parties of a call; an erased one has no values."""
        self._there()
        rows = self._kept[call_id].parties.values() if call_id in self._kept else ()
        return tuple(
            replace(row, values={}) if row.party_id in self._erased else row
            for row in sorted(rows, key=lambda row: row.party_id)
        )

    async def raw(self, call_id: str) -> tuple[RawRow, ...]:
        """The raw messages of a call."""
        self._there()
        rows = self._kept[call_id].raw if call_id in self._kept else {}
        return tuple(rows[seq] for seq in sorted(rows))

    async def erase_key(self, key_id: str) -> bool:
        """Erase a party, whose key has its id, or what was said in an entry. Whether it was there."""
        self._there()
        found = [(kept.call.tenant, kept.parties[key_id]) for kept in self._kept.values() if key_id in kept.parties]
        keys = {party.party_id for _, party in found} | {row.key_id for row in self._register}
        known = key_id in keys - self._erased
        for tenant, party in found:
            await self.forget_answers(tenant, party.values.get("number", ""))
        self._erased.add(key_id)
        return known

    async def wait_lost(self) -> None:
        """Return when `cut` was called."""
        await self._lost.wait()

    async def close(self) -> None:
        """Nothing to let go."""

    def _there(self) -> None:
        if self._lost.is_set():
            raise StoreDown("The event log in memory was cut.")


def _add(kept: dict[str, _Kept], incidents: dict[str, IncidentRow], batch: Batch) -> None:
    if batch.call:
        if not (_has_purpose(batch.call) or _never(batch.call)):
            raise StoreRefused("A call that may be recorded has no purpose of the closed list.")
        kept.setdefault(batch.call.call_id, _Kept(_plain(batch.call)))
    for event in batch.events:
        _chain(_call(kept, event).events, _plain(event))
    for party in batch.parties:
        if not ID.fullmatch(party.party_id):
            raise StoreRefused("A party has an odd id.")
        _call(kept, party).parties.setdefault(party.party_id, party)
    for raw in batch.raw:
        _call(kept, raw).raw.setdefault(raw.seq, _plain(raw))
    for recording in batch.recordings:
        _bounded(_call(kept, recording).call, recording)
        if not _is_past(_call(kept, recording), batch):
            _call(kept, recording).recordings[recording.recording_id, recording.segment_no] = recording
    for incident in batch.incidents:
        _note(incidents, incident)


def _note(incidents: dict[str, IncidentRow], incident: IncidentRow) -> None:
    known = incidents.get(incident.incident_id, incident)
    incidents[incident.incident_id] = replace(known, closed_at=known.closed_at or incident.closed_at)


def _is(wanted: Wanted, row: IncidentRow) -> bool:
    open_enough = row.closed_at is None or not wanted.open_only
    young_enough = wanted.since is None or row.opened_at >= wanted.since
    about = wanted.kind in ("", row.kind) and wanted.call_id in (None, row.call_id)
    return open_enough and young_enough and about


def _call(kept: dict[str, _Kept], row: EventRow | PartyRow | RawRow | RecordingRow) -> _Kept:
    found = kept.get(row.call_id)
    if found is None or found.call.call_month != row.call_month:
        raise StoreRefused("A row belongs to a call that is not there.")
    return found


def _chain(chain: list[EventRow], row: EventRow) -> None:
    """Add ROW if it continues CHAIN, skip it if it is there."""
    position = row.seq - FIRST_SEQ
    if 0 <= position < len(chain) and chain[position].hash == row.hash:
        return
    _continues(chain, row, f"the chain of call {row.call_id}")
    chain.append(row)


def _continues(chain: Sequence[Linked], row: Linked, what: str) -> None:
    if row.seq - FIRST_SEQ != len(chain) or row.prev_hash != (chain[-1].hash if chain else GENESIS):
        raise StoreRefused(f"Row {row.seq} does not continue {what}.")


def _has_purpose(head: CallRow) -> bool:
    return head.policy.get("purpose") in PURPOSES


def _never(head: CallRow) -> bool:
    return {head.policy.get("mode"), head.policy.get("internal", Mode.NEVER)} == {Mode.NEVER}


def _bounded(head: CallRow, row: RecordingRow) -> None:
    if not _has_purpose(head) or row.expires_at <= head.started_at:
        raise StoreRefused("A recording has no purpose, or expires before its call began.")


def _is_past(kept: _Kept, batch: Batch) -> bool:
    """Whether the call's chain has gone on since BATCH, so that its recordings are old news."""
    own = [event.seq for event in batch.events if event.call_id == kept.call.call_id]
    return bool(own) and kept.events[-1].seq > max(own)


def _plain(row: R) -> R:
    """ROW as it reads after a round trip through a store."""
    try:
        return row_from_json(type(row), row_to_json(row))
    except ValueError as error:
        raise StoreRefused(f"A row cannot be stored: {error}.") from None


def _copy(kept: _Kept) -> _Kept:
    return _Kept(kept.call, list(kept.events), dict(kept.parties), dict(kept.raw), dict(kept.recordings))


def _names(kept: _Kept) -> Iterator[str]:
    yield kept.call.call_id
    yield kept.call.linked_id
    yield from (event.channel_id for event in kept.events)


def _nearness(kept: _Kept, name: str) -> tuple[bool, bool, datetime]:
    visits = any(event.type == CallMerged.type and event.channel_id == name for event in kept.events)
    return kept.call.call_id == name, not visits, kept.call.started_at


def _by_opening(row: IncidentRow) -> tuple[object, ...]:
    return row.opened_at, row.incident_id

"""The simulated Postgres and the disk under the spool, with everything that can go wrong about them.

What belongs here: ports.EventLog that is slow, hangs, is lost, or commits without saying so; a spool whose disk is
full.
What does not: when (plot.py). It refuses what the database refuses of a chain; rows it keeps as they are.
"""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callguard.core.effects import ArmRecording, StartRecording, UnmaskRecording
from callguard.core.events import Bridged, DigitPressed, OperatorActed
from callguard.core.jurisdiction import RulePack
from callguard.errors import StoreDown, StoreRefused
from callguard.ports import Batch, CallRow, EventRow, IncidentRow, RecordingRow, StoredCall
from callguard.store.chain import FIRST_SEQ, GENESIS
from callguard.store.keys import MasterKey
from callguard.store.spool import Spool
from tests.simulate.timeline import Timeline

MASTER = MasterKey(bytes(range(32)))
GIVES_UP = 1.0
"""Seconds after which the store's client gives up on a statement."""
QUICK = 0.003
"""The most seconds that an answer takes where nothing is wrong."""
ANSWERS_LATE = 0.2
"""Part of the commits whose answer takes a while: who waits for it may die meanwhile."""
PERMITS = frozenset(kind.__name__ for kind in (StartRecording, ArmRecording, UnmaskRecording))


@dataclass
class Durable:
    """What is on a disk by now, in the log or in the spool: permissions by recording and kind, what people did by
    channel (an operator: by call and action) and time, and who was in which bridge."""

    permits: Counter[tuple[str, str]] = field(default_factory=Counter)
    keys: set[tuple[str, str]] = field(default_factory=set)
    rows: set[bytes] = field(default_factory=set)

    def take(self, batches: Iterable[Batch]) -> None:
        """They are durable."""
        for row in (row for batch in batches for row in batch.events if not row.derived):
            if row.hash in self.rows:
                continue
            self.rows.add(row.hash)
            if row.type in (DigitPressed.type, OperatorActed.type):
                who = row.channel_id if row.type == DigitPressed.type else f"{row.call_id} {row.data['action']}"
                self.keys.add((who, row.at.isoformat()))
            elif row.type == Bridged.type:
                self.keys.add((row.channel_id, row.data["bridge_id"]))
            decision = row.decision or {"effects": ()}
            for effect in decision["effects"]:
                if effect["effect"] in PERMITS:
                    self.permits[effect["recording_id"], effect["effect"]] += 1


@dataclass
class _Kept:
    call: CallRow
    events: list[EventRow] = field(default_factory=list)
    recordings: dict[str, RecordingRow] = field(default_factory=dict)
    incidents: dict[str, IncidentRow] = field(default_factory=dict)


@dataclass
class Postgres:
    """What is stored, whoever is connected. `down`: it is away; `hangs`: it does not answer; `slow`: the most seconds
    that an answer takes; `forgets`: so many commits lose their answer."""

    durable: Durable
    calls: dict[str, _Kept] = field(default_factory=dict)
    packs: dict[str, RulePack] = field(default_factory=dict)
    down: bool = False
    hangs: bool = False
    slow: float = QUICK
    forgets: int = 0

    @property
    def answers(self) -> bool:
        """Whether a statement comes back."""
        return not (self.down or self.hangs)

    @property
    def quick(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.answers and self.slow <= QUICK and not self.forgets

    def stored(self, call_id: str) -> StoredCall | None:
        """A call as it is."""
        kept = self.calls.get(call_id)
        if kept is None:
            return None
        recordings = tuple(sorted(kept.recordings.values(), key=lambda row: row.segment_no))
        incidents = tuple(kept.incidents.values())
        return StoredCall(kept.call, tuple(kept.events), recordings, incidents, self.packs.get(kept.call.rule_pack))

    def commit(self, batches: Sequence[Batch]) -> None:
        """All of BATCHES or none. Raises StoreRefused."""
        for batch in batches:
            self._refuse(batch)
            self._add(batch)
        self.durable.take(batches)

    def _refuse(self, batch: Batch) -> None:
        chains: dict[str, list[EventRow]] = {}
        for row in batch.events:
            known = self.calls.get(row.call_id)
            if known is None and batch.call is None:
                raise StoreRefused("A row belongs to a call that is not there.")
            chain = chains.setdefault(row.call_id, list(known.events[-1:]) if known else [])
            if known and row.seq <= len(known.events):
                if known.events[row.seq - FIRST_SEQ].hash != row.hash:
                    raise StoreRefused(f"Row {row.seq} is another one.")
                continue
            last = chain[-1] if chain else None
            if row.seq != (last.seq + 1 if last else FIRST_SEQ) or row.prev_hash != (last.hash if last else GENESIS):
                raise StoreRefused(f"Row {row.seq} does not continue the chain.")
            chain.append(row)

    def _add(self, batch: Batch) -> None:
        if batch.call:
            self.calls.setdefault(batch.call.call_id, _Kept(batch.call))
        kept = None
        for row in batch.events:
            kept = self.calls[row.call_id]
            if row.seq > len(kept.events):
                kept.events.append(row)
        if kept is None or kept.events[-1].seq != batch.events[-1].seq:
            return  # old news about recordings
        kept.recordings.update({row.recording_id: row for row in batch.recordings})
        kept.incidents.update({row.incident_id: row for row in batch.incidents})


class Log:
    """ports.EventLog: one controller's connection to POSTGRES."""

    def __init__(self, postgres: Postgres, time: Timeline, chance: Any) -> None:
        self.postgres, self.time, self.chance = postgres, time, chance
        self._lost = asyncio.Event()

    def cut(self) -> None:
        """The connection breaks."""
        self._lost.set()
        self._lost = asyncio.Event()

    async def append(self, batches: Sequence[Batch]) -> None:
        """See ports.EventLog."""
        await self._reach()
        if self.postgres.forgets > 0 and batches:
            self.postgres.forgets -= 1
            self.postgres.commit(batches)
            raise StoreDown("the connection broke after the commit")
        self.postgres.commit(batches)
        if self.chance.random() < ANSWERS_LATE:
            await asyncio.sleep(0.0005)

    async def _reach(self) -> None:
        if self.postgres.down:
            raise StoreDown("Postgres is away")
        seconds = self.chance.random() * self.postgres.slow
        if self.postgres.hangs or seconds > GIVES_UP:
            await asyncio.sleep(GIVES_UP)
            raise StoreDown("Postgres does not answer")
        await asyncio.sleep(seconds)
        if not self.postgres.answers:
            raise StoreDown("Postgres went away")

    async def keep_rules(self, pack: RulePack) -> None:
        """See ports.EventLog."""
        await self._reach()
        self.postgres.packs[pack.version] = pack

    async def known(self, recording_ids: Sequence[str]) -> frozenset[str]:
        """See ports.EventLog."""
        await self._reach()
        kept = {own for call in self.postgres.calls.values() for own in call.recordings}
        return frozenset(recording_ids) & kept

    async def load(self, call_id: str) -> StoredCall | None:
        """See ports.EventLog."""
        await self._reach()
        return self.postgres.stored(call_id)

    async def calls(self) -> AsyncIterator[CallRow]:
        """See ports.EventLog."""
        await self._reach()
        for kept in reversed(self.postgres.calls.values()):
            yield kept.call

    async def wait_lost(self) -> None:
        """See ports.EventLog."""
        if not self.postgres.down:
            await self._lost.wait()

    async def close(self) -> None:
        """Nothing to let go."""


class SimSpool(Spool):
    """The real spool on a real folder, whose disk may be FULL; what it took is DURABLE."""

    def __init__(self, folder: Path, durable: Durable) -> None:
        super().__init__(folder, MASTER)
        self.durable, self.full = durable, False

    def append(self, batches: Sequence[Batch]) -> None:
        """See Spool."""
        if self.full:
            raise OSError(errno.ENOSPC, "the disk is full")
        super().append(batches)
        self.durable.take(batches)

    def free_bytes(self) -> int:
        """See Spool."""
        return 0 if self.full else 1 << 40

"""A place where recordings have ended: rows in a real Postgres, files in a spool, an empty vault."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from callguard.audio.vault.container import Container
from callguard.audio.vault.folder import Folder
from callguard.audio.vault.keyring import Kind, PrivateKey
from callguard.audio.vault.port import Shelf
from callguard.audio.vault.reading import open_object
from callguard.audio.wav import WavWriter
from callguard.engine.registrar import Entry, enter
from callguard.jobs.deletion import Deletion
from callguard.jobs.incident import Incidents
from callguard.jobs.ingest import Ingest
from callguard.jobs.keep import Room
from callguard.jobs.retention import Retainer
from callguard.jobs.spool import Spool
from callguard.jobs.sweep import Sweep
from callguard.ports import Batch, EventRow
from callguard.store.artefact import Artefact, Artefacts, Measured, Wrapped
from callguard.store.chain import GENESIS, row_hash
from callguard.store.hold import Hold, Holds
from callguard.store.keys import MasterKey
from callguard.store.postgres import PostgresLog
from callguard.store.retention import Retention
from tests.store import rows

MASTER = MasterKey(bytes(range(32)))
PAIR = PrivateKey(Kind.X25519, bytes(range(32)))
"""The same in every process of a test."""
DAYS = 90
Story = Sequence[tuple[str, Mapping[str, str]]]
"""Events of one party, in order."""
Ending = tuple[str, str, str, str, datetime | None]
"""Recording, call, state, sha256 of its file, start of the call."""


def now() -> datetime:
    return datetime.now(UTC)


def write_wav(path: Path, seconds: float = 0.5, seed: int = 1) -> bytes:
    """Noise, stereo; its bytes."""
    noise = np.random.default_rng(seed).integers(-9000, 9000, (int(8000 * seconds), 2), np.int16)
    with path.open("wb") as file:
        writer = WavWriter(file, 8000, 2)
        writer.write(noise)
        writer.finish()
    return path.read_bytes()


@dataclass(frozen=True)
class Pair:
    """port.Custody with the tests' own pair."""

    def kids(self) -> tuple[str, ...]:
        return (PAIR.public.kid,)

    def unwrap(self, kid: str, wrapped: bytes, key_id: uuid.UUID) -> bytes:
        return PAIR.unwrap(wrapped, key_id)


@dataclass
class Place:
    """`told`: incidents by the way that is not Postgres."""

    dsn: str
    artefacts: Artefacts
    folder: Path
    shelf: Shelf
    told: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def open(cls, dsn: str, folder: Path, shelf: Shelf | None = None) -> Iterator[Place]:
        (folder / "spool").mkdir(parents=True, exist_ok=True)
        with Artefacts.open(dsn) as artefacts:
            yield cls(dsn, artefacts, folder, shelf or Folder(folder / "vault"))

    @property
    def spool(self) -> Spool:
        return Spool(self.folder / "spool")

    @property
    def incidents(self) -> Incidents:
        return Incidents(self.artefacts, "acme", self._enter, now, lambda kind, _: self.told.append(kind))

    @property
    def ingest(self) -> Ingest:
        return Ingest(self.spool, self.shelf, lambda: PAIR.public, self.artefacts, now, self.incidents)

    @property
    def room(self) -> Room:
        return Room(self.artefacts, self.shelf, Pair, lambda: PAIR.public)

    @property
    def deletion(self) -> Deletion:
        return Deletion(self.artefacts, self.shelf, now)

    @property
    def retention(self) -> Retention:
        return Retention(self.artefacts, "acme", MASTER)

    @property
    def retainer(self) -> Retainer:
        return Retainer(self.retention, self.deletion, self.incidents)

    @property
    def holds(self) -> Holds:
        return Holds(self.artefacts, "acme", MASTER)

    def hold(self, row: Artefact, case: str = "case-1") -> Hold:
        """A legal hold on the call of ROW."""
        said = {"reason": "a claim", "authority": "letter 7", "approved_by": "counsel", "by": "admin"}
        self.holds.place(case, [row.call_id], now().date() + timedelta(days=30), said)
        return next(hold for hold in self.holds.find(case) if hold.call_id == row.call_id)

    @property
    def sweep(self) -> Sweep:
        return Sweep(self.spool, self.artefacts, now, self.incidents)

    def _enter(self, entry: Entry) -> bool:
        async def work() -> bool:
            log = await PostgresLog.open(self.dsn, MASTER)
            try:
                return await enter(log, "acme", entry) is not None
            finally:
                await log.close()

        return asyncio.run(work())

    def ended(
        self,
        state: str = "verified",
        *,
        content: bytes | None = None,
        started: datetime | None = None,
        call_id: str = "",
        sha256: str = "",
        told: Story = (),
        policy: Mapping[str, Any] | None = None,
        recording_id: str = "",
    ) -> str:
        """A recording that is over, its file in the spool. Its id. TOLD: what its call's log says of the far party;
        POLICY: its call type."""
        recording_id, call_id = recording_id or str(uuid.uuid4()), call_id or str(uuid.uuid4())
        path = self.spool.path(recording_id, "whole")
        if content is None:
            content = write_wav(path)
        path.write_bytes(content)
        sha256 = sha256 or hashlib.sha256(content).hexdigest()
        asyncio.run(_append(self.dsn, [_batch((recording_id, call_id, state, sha256, started), told, policy)]))
        return recording_id

    def stored(self, *, started: datetime | None = None, call_id: str = "") -> Artefact:
        """A recording that is in the vault."""
        recording_id = self.ended(started=started, call_id=call_id)
        self.ingest.run(recording_id)
        return self.only(recording_id)

    def over(self, days: float = 0.5, call_id: str = "") -> Artefact:
        """A recording in the vault whose time was over so many days ago."""
        return self.stored(started=now() - timedelta(days=DAYS + days), call_id=call_id)

    def derived(self, parent: Artefact, **values: Any) -> Artefact:
        """A transcript of PARENT, in the vault."""
        row = replace(
            parent,
            **{
                "artefact_id": str(uuid.uuid4()),
                "kind": "transcript",
                "parent_id": parent.artefact_id,
                "key_id": uuid.uuid4(),
                "object": f"{uuid.uuid4().hex}.cgv",
                **values,
            },
        )
        self.artefacts.begin(row, Wrapped(row.key_id, "0" * 16, b"x"))
        self.shelf.put(row.object, [b"words"])
        self.artefacts.stored(row.artefact_id, row.key_id, Measured(5, bytes(32), 5, bytes(32)))
        return row

    def only(self, recording_id: str) -> Artefact:
        (row,) = self.artefacts.find(recording_id=recording_id)
        return row

    def opened(self, row: Artefact) -> Container:
        key = self.artefacts.key(row.key_id)
        assert key is not None
        return open_object(self.shelf, row.object, PAIR.unwrap(key.wrapped, key.key_id), row.key_id).container

    def heard(self, recording_id: str) -> bytes:
        """What the vault gives back of a recording to whoever has the private key."""
        return b"".join(self.opened(self.only(recording_id)).blocks())

    def left(self) -> list[str]:
        """Names in the spool."""
        return [path.name for path in self.spool.entries()]

    def objects(self) -> set[str]:
        """Names in the vault."""
        return {name for name, _ in self.shelf.names()}

    def kinds(self) -> list[str]:
        """The incidents that are in Postgres."""
        found = self.artefacts.connection.execute("SELECT kind FROM callguard.incident ORDER BY kind").fetchall()
        return [kind for (kind,) in found]


async def write_rows(dsn: str, endings: list[Ending]) -> None:
    """Each as a call whose log ends with the verdict."""
    await _append(dsn, [_batch(ending) for ending in endings])


async def _append(dsn: str, batches: list[Batch]) -> None:
    log = await PostgresLog.open(dsn, MASTER)
    try:
        await log.append(batches)
    finally:
        await log.close()


_VERDICTS = {"discarded": "recording_discarded", "lost": "recording_lost", "damaged": "recording_damaged"}


def _batch(ending: Ending, told: Story = (), policy: Mapping[str, Any] | None = None) -> Batch:
    recording_id, call_id, state, sha256, started = ending
    started = started or now() - timedelta(minutes=5)
    head = rows.head(call_id, started)
    verdict = (_VERDICTS.get(state, "recording_verified"), {"recording_id": recording_id, "sha256": sha256})
    events, before = list[EventRow](), GENESIS
    for seq, (kind, data) in enumerate([*told, verdict], 1):
        row = rows.row(call_id, seq, before, head.call_month)
        row = replace(row, type=kind, data=data, decision=None, channel_id="far")
        events.append(replace(row, hash=row_hash(before, row)))
        before = events[-1].hash
    until = started + timedelta(days=DAYS)
    recording = rows.recording(call_id, recording_id, state)
    return Batch(
        call=replace(head, policy=policy or head.policy),
        events=tuple(events),
        recordings=(replace(recording, call_month=head.call_month, expires_at=until),),
    )

"""From the spool into the vault: checked, sealed as a stream, stored, read back, compared; only then shredded.

What belongs here: that order, and going on after a kill anywhere in it. What does not: when it runs (worker.py), rows
(store/artefact.py), bytes (audio/vault/).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from callguard.audio.shred import shred
from callguard.audio.vault.container import Format, new_key
from callguard.audio.vault.keyring import PublicKey
from callguard.audio.vault.port import Shelf
from callguard.errors import BadInput, NotThere
from callguard.jobs.incident import Incidents
from callguard.jobs.keep import Busy, Source, keep
from callguard.jobs.spool import Spool, plain_file
from callguard.store.artefact import Artefact, Artefacts, Ended, Wrapped

KEPT = ("verified", "damaged")
"""Verdicts after which there is audio to keep."""


class Outcome(StrEnum):
    """What came of one recording."""

    STORED = "stored"
    WAS_STORED = "was stored"
    GONE = "gone"


@dataclass(frozen=True)
class Ingest:
    """`public`: the key to wrap with, asked for each time; `then`: what follows in the transaction that says stored."""

    spool: Spool
    shelf: Shelf
    public: Callable[[], PublicKey]
    artefacts: Artefacts
    now: Callable[[], datetime]
    incidents: Incidents
    then: Callable[[Artefact], None] = lambda row: None

    def run(self, recording_id: str) -> Outcome:
        """Bring one recording into the vault. Done twice, or after a kill, it comes to the same.

        Raises Busy; BadInput, ShelfDown, StoreDown: it stays in the spool, and is tried again.
        """
        ended = self.artefacts.recording(recording_id)
        if ended is None or ended.state not in KEPT:
            raise BadInput(f"recording {recording_id} is not one that ended with something to keep")
        with self.artefacts.turn(recording_id) as mine:
            if not mine:
                raise Busy(f"recording {recording_id} is being worked on")
            return self._run(ended)

    def _run(self, ended: Ended) -> Outcome:
        rows = {row.part: row for row in self.artefacts.find(recording_id=ended.recording_id) if row.kind == "audio"}
        here = self.spool.parts(ended.recording_id)
        if not here:
            return self._nothing_here(ended, rows)
        whole = "whole" in here
        done = [self._part(ended, part, rows.get(part)) for part in (("whole",) if whole else here)]
        for part in here if whole else ():  # what the whole was made of
            shred(self.spool.path(ended.recording_id, part)) if part != "whole" else None
        return Outcome.STORED if Outcome.STORED in done else Outcome.WAS_STORED

    def _nothing_here(self, ended: Ended, rows: dict[str, Artefact]) -> Outcome:
        if any(row.state != "writing" for row in rows.values()):
            return Outcome.WAS_STORED
        self.incidents.open("recording_gone", ended.recording_id, ended)
        return Outcome.GONE

    def _part(self, ended: Ended, part: str, row: Artefact | None) -> Outcome:
        path = self.spool.path(ended.recording_id, part)
        if row and row.state != "writing":
            return self._was_stored(ended, path, row)
        key, key_id = new_key(), uuid.uuid4()
        public = self.public()
        wrapped = Wrapped(key_id, public.kid, public.wrap(key, key_id))
        row = self._begun(ended, part, row, wrapped)
        with plain_file(path) as file:
            before = os.fstat(file.fileno())
            source = Source.of(file)
            found = keep(self.shelf, row, source, Format.WAV if source.is_wav else Format.BYTES, key)
            same = _mark(os.stat(path)) == _mark(before)
        if not same:
            raise BadInput(f"recording {ended.recording_id} changed while it was stored")
        if part == "whole" and ended.sha256 != found.plain_sha256.hex():
            self.incidents.open(
                "recording_changed", ended.recording_id, ended
            )  # kept as it is: somebody has to see why
        with self.artefacts.transaction():
            if not self.artefacts.stored(row.artefact_id, key_id, found):
                raise Busy(f"recording {ended.recording_id} was taken over")
            self.then(replace(row, state="stored"))
        shred(path)
        return Outcome.STORED

    def _begun(self, ended: Ended, part: str, row: Artefact | None, key: Wrapped) -> Artefact:
        """The row that says what is being written: whatever happens now, nothing in the vault is without a row."""
        name = f"{uuid.uuid4().hex}.cgv"
        if row:
            self.shelf.delete(row.object)
            self.artefacts.begin_again(row, name, key)
            return replace(row, object=name, key_id=key.key_id)
        row = new_artefact(ended, part, name, key.key_id, self.now())
        self.artefacts.begin(row, key)
        return row

    def _was_stored(self, ended: Ended, path: Path, row: Artefact) -> Outcome:
        """It is in the vault, and something lies in the spool all the same: a crash before the shredding, or a copy."""
        with plain_file(path) as file:
            source = Source.of(file)
            for _ in source.blocks():
                pass
        if row.plain_sha256 != source.digest.digest():
            self.incidents.open("spool_differs", ended.recording_id, ended)
            return Outcome.WAS_STORED
        if row.state == "stored" and self.shelf.size(row.object) != row.size:
            raise NotThere(f"object {row.object} is not in the vault as its row says; the spool's file is kept")
        shred(path)
        return Outcome.WAS_STORED


def new_artefact(ended: Ended, part: str, name: str, key_id: uuid.UUID, now: datetime) -> Artefact:
    """The row of an original before it is written. From its first moment it has an end."""
    return Artefact(
        artefact_id=str(uuid.uuid4()),
        tenant=ended.tenant,
        pbx_id=ended.pbx_id,
        call_month=ended.call_month,
        call_id=ended.call_id,
        recording_id=ended.recording_id,
        segment_no=ended.segment_no,
        part=part,
        kind="audio",
        parent_id=None,
        call_type=ended.call_type,
        purpose=ended.purpose,
        state="writing",
        object=name,
        key_id=key_id,
        size=None,
        sha256=None,
        plain_size=None,
        plain_sha256=None,
        began_at=ended.started_at,
        created_at=now,
        promised_until=ended.expires_at,
        expires_at=ended.expires_at,
    )


def _mark(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns

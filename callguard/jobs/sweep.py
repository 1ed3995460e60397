"""What lies in the spool although it should not: brought in, shredded, or told to a human.

What belongs here: one look at the folder, as a table of what may be found. What does not: bringing in (ingest.py).
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from callguard.audio.shred import is_going, shred
from callguard.jobs.incident import Incidents
from callguard.jobs.spool import Spool, is_staged, recording_of
from callguard.store.artefact import Artefacts, Ended

STRANGE_AFTER = timedelta(minutes=10)
"""How old a file is when somebody should know whose it is: a log that was away has long been loaded by then."""
STUCK_AFTER = timedelta(hours=24)
"""How long a recording may be without a verdict although nothing is written to its file any more."""


@dataclass
class Swept:
    """What one look found. `wanting`: recordings to be brought in; `shredded`, `incidents`: how many."""

    wanting: list[str] = field(default_factory=list)
    shredded: int = 0
    incidents: int = 0


@dataclass(frozen=True)
class Sweep:
    """Looks with the eyes of whoever may read the spool and the rows."""

    spool: Spool
    artefacts: Artefacts
    now: Callable[[], datetime]
    incidents: Incidents

    def run(self) -> Swept:
        """Look at everything in the spool once."""
        swept, seen = Swept(), set[str]()
        for path in self.spool.entries():
            recording_id = recording_of(path)
            if recording_id is None:
                self._stranger(path, swept)
            elif recording_id not in seen:
                seen.add(recording_id)
                self._recording(path, recording_id, swept)
        return swept

    def _recording(self, path: Path, recording_id: str, swept: Swept) -> None:
        ended = self.artefacts.recording(recording_id)
        match ended.state if ended else "":
            case "":
                self._incident_if_old(path, "unknown_file", STRANGE_AFTER, swept)
            case "verified" | "damaged":
                swept.wanting.append(recording_id)
            case "discarded" | "lost":
                self._leftover(recording_id, ended, swept)
            case _:
                self._incident_if_old(path, "recording_stuck", STUCK_AFTER, swept, ended)

    def _leftover(self, recording_id: str, ended: Ended | None, swept: Swept) -> None:
        """Nothing of this recording may be kept; that something is there somebody has to see."""
        if ended and ended.state == "lost":  # audio that turned up later is evidence: a human decides
            self._incident_if_old(self.spool.path(recording_id, "whole"), "recording_found", timedelta(0), swept, ended)
            return
        for part in self.spool.parts(recording_id):
            shred(self.spool.path(recording_id, part))
            swept.shredded += 1
        self._incident("spool_leftover", recording_id, swept, ended)

    def _stranger(self, path: Path, swept: Swept) -> None:
        """A name that no recording of ours has: renamed, copied here, or of somebody else."""
        if is_going(path) or is_staged(path):
            if is_going(path) or self._age(path) > STRANGE_AFTER:
                shred(path)
                swept.shredded += 1
            return
        self._incident_if_old(path, "unknown_file", STRANGE_AFTER, swept)

    def _incident_if_old(
        self, path: Path, kind: str, after: timedelta, swept: Swept, ended: Ended | None = None
    ) -> None:
        if self._age(path) >= after:
            self._incident(kind, path.name, swept, ended)

    def _incident(self, kind: str, name: str, swept: Swept, ended: Ended | None) -> None:
        swept.incidents += self.incidents.open(kind, name, ended)

    def _age(self, path: Path) -> timedelta:
        """Since it was last written to; a folder counts as old, and what is gone by now as new."""
        try:
            found = path.lstat()
        except FileNotFoundError:
            return timedelta(0)
        if not stat.S_ISREG(found.st_mode):
            return STUCK_AFTER
        return timedelta(seconds=self.now().timestamp() - found.st_mtime)

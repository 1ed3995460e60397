"""Incidents that jobs open: rows, entries of the register where they are of no call, and a human is told.

What belongs here: opening one once. What does not: what is an incident (ingest.py, sweep.py, worker.py), closing one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from callguard.engine.incident import opened
from callguard.engine.registrar import Entry
from callguard.store.artefact import Artefact, Artefacts, Ended


@dataclass(frozen=True)
class Incidents:
    """`enter`: puts an entry into the register, and says whether it is new; `tell`: by a way that is not Postgres."""

    artefacts: Artefacts
    tenant: str
    enter: Callable[[Entry], bool]
    now: Callable[[], datetime]
    tell: Callable[[str, str], None]

    def open(self, kind: str, subject: str, call: Ended | Artefact | None = None) -> bool:
        """Whether it is new. SUBJECT: what it is about; of one subject there is one incident of a kind."""
        if call:
            new = self.artefacts.open_incident(kind, subject, self.now(), call)
        else:
            new = self.enter(opened(self.tenant, kind, subject, self.now()))
        if new:
            self.tell(kind, call.call_id if call else "")
        return new

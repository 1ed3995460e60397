"""Deletions as rows: marked, key destroyed, object gone, tombstone.

What belongs here: SQL about deletions. What does not: their order (jobs/deletion.py), what is due (core/retention.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from callguard.store.artefact import Artefact, Artefacts


@dataclass(frozen=True)
class Deletions:
    """Over the connection of `rows`. Every method raises StoreDown, StoreRefused; Held under a legal hold."""

    rows: Artefacts

    def mark(self, row: Artefact, reason: str, at: datetime) -> bool:
        """ROW is going to be deleted for a REASON. Whether nobody had said so yet."""
        return self.rows.count("mark", artefact_id=row.artefact_id, reason=reason, at=at) == 1

    def shred(self, row: Artefact) -> None:
        """Destroy the key: nobody can open the object any more, nor any copy of it; what stays in its place says so."""
        with self.rows.transaction():
            self.rows.ask("delete_key", key_id=row.key_id)
            self.rows.ask("shredded", artefact_id=row.artefact_id)
            self.rows.ask("tell_shredded", artefact_id=row.artefact_id)

    def bury(self, row: Artefact) -> None:
        """The object is gone: a tombstone stands for it."""
        with self.rows.transaction():
            self.rows.ask("bury", artefact_id=row.artefact_id)
            self.rows.ask("deleted", artefact_id=row.artefact_id)

    def expire(self, row: Artefact, at: datetime) -> None:
        """ROW is over at that time, if it was not before."""
        if row.expires_at > at:
            self.rows.ask("set_end", artefact_id=row.artefact_id, at=at)

    def derived(self, row: Artefact) -> tuple[Artefact, ...]:
        """What came from ROW and is still there."""
        found = self.rows.ask("derived", artefact_id=row.artefact_id)
        return tuple(each for item in found for each in self.rows.find(artefact_id=item["artefact_id"]))

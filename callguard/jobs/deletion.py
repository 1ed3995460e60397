"""Deleting in steps, each of which a kill may follow: marked, key destroyed, object deleted, confirmed, tombstone.

What belongs here: that order. What does not: what is due (retention.py), whether it may be deleted (the database).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from callguard.audio.vault.port import Shelf
from callguard.errors import Held, ShelfDown
from callguard.store.artefact import Artefact, Artefacts
from callguard.store.deletion import Deletions

GOING = ("marked", "shredded")


@dataclass(frozen=True)
class Deletion:
    """Deletes from rows and shelf."""

    artefacts: Artefacts
    shelf: Shelf
    now: Callable[[], datetime]

    @property
    def rows(self) -> Deletions:
        """The same connection."""
        return Deletions(self.artefacts)

    def delete(self, row: Artefact, reason: str) -> None:
        """What was derived from it first. Raises Held, ShelfDown, StoreDown: `resume` finishes what was marked."""
        for child in self.rows.derived(row):
            self.delete(child, reason)
        if row.state in ("writing", "stored"):
            self.rows.mark(row, reason, self.now())
            row = replace(row, state="marked")
        self._finish(row)

    def delete_recording(self, recording_id: str, reason: str) -> int:
        """Everything that is kept of a recording. How much that was."""
        rows = [row for row in self.artefacts.find(recording_id=recording_id) if row.state != "deleted"]
        for row in rows:
            if row.parent_id is None:
                self.delete(row, reason)
        return len(rows)

    def resume(self) -> int:
        """Finish what was marked and not finished; what a legal hold keeps stays marked. How much was finished."""
        done = 0
        for row in sorted(self.artefacts.find(states=GOING), key=lambda row: row.parent_id is None):
            with suppress(Held):
                self._finish(row)
                done += 1
        return done

    def _finish(self, row: Artefact) -> None:
        if row.state == "marked":
            self.rows.shred(row)
        self.shelf.delete(row.object)
        if self.shelf.size(row.object) is not None:
            raise ShelfDown(f"Object {row.object} is still in the vault after it was deleted. Its key is destroyed.")
        self.rows.bury(row)

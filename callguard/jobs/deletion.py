"""Deleting in steps, each of which a kill may follow: marked, key destroyed, object deleted, confirmed, tombstone.

What belongs here: that order. What does not: what is due (retention.py), whether it may be deleted (the database).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from callguard.audio.vault.port import Shelf
from callguard.errors import Held, ShelfDown
from callguard.store.artefact import Artefact, Artefacts
from callguard.store.deletion import Deletions

GOING = ("marked", "shredded")
PATIENCE = 3
"""So many objects one after another that the store does not give up: the rest waits for the next time."""


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

    def replaced(self, row: Artefact, reason: str) -> None:
        """ROW goes, and what was made of it stays in its place. Raises Held, ShelfDown, StoreDown."""
        self.rows.mark(row, reason, self.now())
        self._finish(replace(row, state="marked"))

    def delete_recording(self, recording_id: str, reason: str) -> int:
        """Everything that is kept of a recording. How much that was."""
        rows = [row for row in self.artefacts.find(recording_id=recording_id) if row.state != "deleted"]
        there = {row.artefact_id for row in rows}
        for row in rows:
            if row.parent_id not in there:
                self.delete(row, reason)
        return len(rows)

    def going(self) -> tuple[Artefact, ...]:
        """What was marked and not finished, what was derived first."""
        return tuple(sorted(self.artefacts.find(states=GOING), key=lambda row: row.parent_id is None))

    def resume(self) -> int:
        """Finish what was marked and not finished; what a legal hold or the store keeps stays marked, for the next
        time. How much was finished. Raises StoreDown."""
        done, in_a_row = 0, 0
        for row in self.going():
            try:
                self._finish(row)
                done, in_a_row = done + 1, 0
            except Held:
                continue
            except ShelfDown:
                in_a_row += 1
                if in_a_row == PATIENCE:
                    break
        return done

    def expire(self, recording_id: str) -> None:
        """Everything that is kept of a recording is over from now on: it goes when no legal hold keeps it any more."""
        at = self.now()
        for row in self.artefacts.find(recording_id=recording_id, states=("writing", "stored")):
            self.rows.expire(row, at)

    def _finish(self, row: Artefact) -> None:
        if row.state == "marked":
            self.rows.shred(row)
        self.shelf.delete(row.object)
        if self.shelf.size(row.object) is not None:
            raise ShelfDown(f"Object {row.object} is still in the vault after it was deleted. Its key is destroyed.")
        self.rows.bury(row)

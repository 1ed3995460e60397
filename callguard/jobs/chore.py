"""What a worker looks after beside its jobs: leftovers in the spool, what is due.

What belongs here: that one process at a time does it. What does not: the chores themselves (sweep.py, retention.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from callguard.jobs.step import queue_of
from callguard.jobs.sweep import Sweep
from callguard.store.artefact import Artefacts
from callguard.store.job import Jobs

RETENTION = "retention"
"""Whose turn it is to delete what is over."""


@dataclass(frozen=True)
class Chores:
    """`sweep`: None on a host without a spool; `retain`: deletes what is due."""

    artefacts: Artefacts
    pbx_id: str
    sweep: Sweep | None
    retain: Callable[[], object]

    def run(self) -> None:
        """Each where nobody else is at it."""
        if self.sweep:
            with self.artefacts.turn(f"spool of {self.pbx_id}") as mine:
                self._sweep(self.sweep) if mine else None
        with self.artefacts.turn(RETENTION) as mine:
            self.retain() if mine else None

    def _sweep(self, sweep: Sweep) -> None:
        """What should be in the vault, and has no job any more, gets one."""
        for recording_id in sweep.run().wanting:
            Jobs(self.artefacts).enqueue("ingest", queue_of("ingest", self.pbx_id), recording_id)

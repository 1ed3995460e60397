"""Jobs as rows: what waits, what failed and why, doing it again.

What belongs here: SQL about jobs beside the queue's library. What does not: working on them (jobs/worker.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callguard.store.artefact import Artefacts


@dataclass(frozen=True, slots=True)
class Job:
    """`status`: todo, doing, failed; `attempts`: those that came to nothing; `reason`: why the last one did."""

    job_id: int
    queue: str
    task: str
    recording_id: str
    status: str
    attempts: int
    scheduled_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that came to nothing."""

    attempt: int
    at: datetime
    reason: str


@dataclass(frozen=True)
class Jobs:
    """Over the connection of `rows`. Every method raises StoreDown, StoreRefused."""

    rows: Artefacts

    def find(self, *, job_id: int | None = None, states: Sequence[str] | None = None) -> tuple[Job, ...]:
        """All that match everything that is given, oldest first."""
        wanted = None if states is None else list(states)
        return tuple(Job(**row) for row in self.rows.ask("find_jobs", job_id=job_id, states=wanted))

    def failures(self, job_id: int) -> tuple[Failure, ...]:
        """Every attempt that came to nothing, oldest first."""
        return tuple(Failure(**row) for row in self.rows.ask("job_failures", job_id=job_id))

    def note_failure(self, job_id: int, attempt: int, reason: str) -> None:
        """That attempt, from 1, came to nothing."""
        self.rows.ask("note_failure", job_id=job_id, attempt=attempt, reason=reason)

    def retry(self, job_ids: Sequence[int]) -> int:
        """Have them done at once, with all attempts before them. How many waited or had failed."""
        return self.rows.count("retry_jobs", job_ids=list(job_ids))

    def enqueue(self, task: str, queue: str, recording_id: str) -> bool:
        """Whether it is a new one: of a recording each task is there once."""
        return bool(self.rows.ask("enqueue", task=task, queue=queue, recording_id=recording_id))

"""Jobs as rows."""

from __future__ import annotations

import pytest
from psycopg import errors as pg

from callguard.store.job import Jobs
from tests.jobs.conftest import place
from tests.jobs.site import Place

__all__ = ["place"]


def test_a_job_is_enqueued_once_and_says_why_it_failed(place: Place) -> None:
    jobs = Jobs(place.artefacts)
    assert [jobs.enqueue("trim", "vault", "r1") for _ in range(2)] == [True, False]
    (job,) = jobs.find()
    assert (job.task, job.queue, job.recording_id, job.status, job.attempts) == ("trim", "vault", "r1", "todo", 0)
    for attempt in (1, 2):
        jobs.note_failure(job.job_id, attempt, f"reason {attempt}")
    assert [failure.reason for failure in jobs.failures(job.job_id)] == ["reason 1", "reason 2"]
    assert jobs.find(job_id=job.job_id)[0].reason == "reason 2" and jobs.find(states=["failed"]) == ()
    assert jobs.retry([job.job_id, 10**9]) == 1


def test_reasons_go_with_their_job_and_nobody_changes_one(place: Place) -> None:
    jobs = Jobs(place.artefacts)
    jobs.enqueue("trim", "vault", "r1")
    (job,) = jobs.find()
    jobs.note_failure(job.job_id, 1, "reason")
    with pytest.raises(pg.InsufficientPrivilege):
        place.artefacts.connection.execute("UPDATE callguard.job_failure SET reason = 'another'")
    place.artefacts.connection.execute("DELETE FROM callguard_jobs.procrastinate_jobs")
    assert jobs.failures(job.job_id) == ()

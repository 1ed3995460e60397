"""One process that works: each job once, capped attempts, the dead are taken over, a signal lets it finish."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from callguard.errors import BadInput, ShelfDown, StoreDown
from callguard.jobs.step import ATTEMPTS
from callguard.jobs.worker import DIED, Worker
from callguard.store.artefact import Artefacts
from callguard.store.job import Job, Jobs
from tests.jobs.site import Place


@dataclass
class Hall:
    """A worker and what it said."""

    place: Place
    lines: list[str] = field(default_factory=list)

    def worker(self, step: Callable[[Artefacts, str], str] | None = None) -> Worker:
        ingest = step or (lambda rows, recording_id: str(replace(self.place.ingest, artefacts=rows).run(recording_id)))
        return Worker(
            self.place.dsn,
            ("pbx.pbx1", "vault"),
            {"ingest": ingest},
            lambda rows: replace(self.place.incidents, artefacts=rows),
            told=self.lines.append,
            reap=0.1,
            poll=0.2,
        )

    def once(self, step: Callable[[Artefacts, str], str] | None = None) -> None:
        asyncio.run(self.worker(step).run(wait=False))

    def jobs(self) -> tuple[Job, ...]:
        return Jobs(self.place.artefacts).find()

    def only(self) -> Job:
        (job,) = self.jobs()
        return job

    def again(self) -> None:
        """Its time has come."""
        self.place.artefacts.connection.execute("UPDATE callguard_jobs.procrastinate_jobs SET scheduled_at = now()")


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def hall(place: Place) -> Hall:
    return Hall(place)


@pytest.mark.requirement("S5")
def test_what_ended_is_brought_in_by_the_job_that_its_verdict_caused(hall: Hall) -> None:
    ids = [hall.place.ended(), hall.place.ended("damaged")]
    assert [(job.task, job.queue, job.recording_id) for job in hall.jobs()] == [
        ("ingest", "pbx.pbx1", recording_id) for recording_id in ids
    ]
    hall.once()
    assert sorted(hall.lines) == sorted(f"ingest {recording_id}: stored" for recording_id in ids)
    assert hall.jobs() == () and hall.place.left() == [] and len(hall.place.objects()) == 2


def test_what_is_live_or_lost_has_no_job(hall: Hall) -> None:
    for state in ("growing", "lost"):
        hall.place.ended(state)
    assert hall.jobs() == ()
    hall.place.ended("discarded")
    assert (hall.only().task, hall.only().queue) == ("discard", "vault")


@pytest.mark.requirement("S5")
def test_attempts_are_capped_then_it_is_a_dead_letter_that_somebody_sees(hall: Hall) -> None:
    recording_id = hall.place.ended()
    tries: list[str] = []

    def fails(rows: Artefacts, recording_id: str) -> str:
        tries.append(recording_id)
        if len(tries) == 1:
            raise ValueError("a fault")
        raise ShelfDown("The vault is away.")

    for _ in range(ATTEMPTS + 3):
        hall.again()
        hall.once(fails)
    job = hall.only()
    assert tries == [recording_id] * ATTEMPTS
    assert (job.status, job.attempts, job.reason) == ("failed", ATTEMPTS, "The vault is away.")
    assert hall.place.kinds() == ["job_failed"] == hall.place.told
    reasons = [failure.reason for failure in Jobs(hall.place.artefacts).failures(job.job_id)]
    assert reasons[0] == "a fault of callguard's own: ValueError" and len(reasons) == ATTEMPTS
    assert Jobs(hall.place.artefacts).retry([job.job_id]) == 1
    hall.once()
    assert hall.jobs() == () and hall.place.left() == []


def test_one_that_fails_does_not_hold_the_others_up(hall: Hall) -> None:
    bad, good = hall.place.ended(), hall.place.ended()

    def picky(rows: Artefacts, recording_id: str) -> str:
        if recording_id == bad:
            raise BadInput("no such thing")
        return "done"

    hall.once(picky)
    assert hall.only().recording_id == bad and hall.only().status == "todo" and hall.only().scheduled_at
    assert f"ingest {good}: done" in hall.lines
    assert f"ingest {bad}: attempt 1 of {ATTEMPTS}: no such thing" in hall.lines


@pytest.mark.requirement("S5")
def test_a_job_of_a_dead_worker_is_taken_over(hall: Hall) -> None:
    recording_id = hall.place.ended()
    hall.place.artefacts.connection.execute(
        "UPDATE callguard_jobs.procrastinate_jobs SET status = 'doing', worker_id = NULL"
    )

    async def work() -> None:
        task = asyncio.create_task(hall.worker().run())
        async with asyncio.timeout(20):
            while hall.place.left():
                await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        await task

    asyncio.run(work())
    assert hall.lines == [f"ingest {recording_id}: stored"] and hall.jobs() == ()


def test_a_job_that_kills_its_worker_each_time_becomes_a_dead_letter(hall: Hall) -> None:
    hall.place.ended()
    hall.place.artefacts.connection.execute(
        "UPDATE callguard_jobs.procrastinate_jobs SET status = 'doing', worker_id = NULL, attempts = %s", [ATTEMPTS - 1]
    )
    asyncio.run(_until(hall, lambda: hall.only().status == "failed"))
    assert hall.only().reason == DIED and hall.place.kinds() == ["job_failed"]


async def _until(hall: Hall, holds: Callable[[], bool]) -> None:
    task = asyncio.create_task(hall.worker().run())
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.05)
    await ended(task)


@pytest.mark.requirement("S5")
def test_a_signal_lets_it_finish_what_it_has_begun_and_nothing_more(hall: Hall) -> None:
    first, second = hall.place.ended(), hall.place.ended()

    def slow(rows: Artefacts, recording_id: str) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return "done"

    asyncio.run(hall.worker(slow).run())
    assert hall.lines == [f"ingest {first}: done"] and hall.only().recording_id == second


def test_chores_go_on_beside_the_jobs_whatever_comes_of_them(hall: Hall) -> None:
    seen: list[int] = []

    def chore() -> None:
        seen.append(1)
        raise ShelfDown("The vault is away.")

    async def work() -> None:
        task = asyncio.create_task(replace(hall.worker(), chore=chore, every=0.01).run())
        async with asyncio.timeout(20):
            while len(seen) < 3:
                await asyncio.sleep(0.01)
        await ended(task)

    asyncio.run(work())
    assert "chores: The vault is away." in hall.lines


def test_without_postgres_it_is_one_sentence(hall: Hall) -> None:
    away = replace(hall.worker(), dsn="postgresql://callguard_app:x@127.0.0.1:9/none")
    with pytest.raises(StoreDown, match="not reachable"):
        asyncio.run(away.run(wait=False))

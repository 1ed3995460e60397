"""One process that works jobs off: takes one, does it, says what came of it; takes over from those that died.

What belongs here: the queue's library, attempts, dead letters. What does not: what a job does (step.py), how many
processes there are (cli/worker.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.retry import BaseRetryStrategy
from psycopg_pool import PoolTimeout

from callguard.errors import CallguardError, StoreDown
from callguard.jobs.incident import Incidents
from callguard.jobs.step import ATTEMPTS, pause
from callguard.store.artefact import Artefacts
from callguard.store.job import Jobs

HEARTBEAT = 10.0
STALLED = 30.0
"""Seconds without a heartbeat after which a worker counts as dead."""
REAP = 15.0
"""Seconds between two looks for jobs of the dead: they go on within a minute."""
ATTEMPT = ": attempt "
"""What stands in the line about one that came to nothing."""
DIED = "the process that worked on it died"
BROKEN = "a fault of callguard's own: {}"

Step = Callable[[Artefacts, str], str]
"""Does a job for a recording over fresh rows; says in a word what came of it. Raises CallguardError."""


@dataclass(frozen=True)
class Worker:
    """`steps`: what it can do, by name; `chore`: done every so many seconds beside the jobs; `told`: one line a job."""

    dsn: str
    queues: tuple[str, ...]
    steps: Mapping[str, Step]
    incidents: Callable[[Artefacts], Incidents]
    chore: Callable[[], None] = lambda: None
    told: Callable[[str], None] = lambda line: None
    every: float = 60.0
    stalled: float = STALLED
    reap: float = REAP
    poll: float = 5.0

    async def run(self, *, wait: bool = True) -> None:
        """Until SIGTERM or SIGINT, after which what is begun is finished; without WAIT until nothing is left to do.
        Raises StoreDown."""
        await asyncio.to_thread(self._reachable)
        app = self._app()
        try:
            async with app.open_async(), self._beside(app):
                await app.run_worker_async(
                    queues=list(self.queues),
                    wait=wait,
                    fetch_job_polling_interval=self.poll,
                    delete_jobs="successful",
                    update_heartbeat_interval=min(HEARTBEAT, self.stalled / 3),
                    stalled_worker_timeout=self.stalled,
                )
        except (ConnectorException, PoolTimeout):
            raise StoreDown("Postgres is not reachable, or lacks callguard's tables; jobs wait until it is.") from None

    def _reachable(self) -> None:
        """Raises StoreDown at once; the library would try for half a minute."""
        with Artefacts.open(self.dsn):
            pass

    def _app(self) -> App:
        options = {"options": "-c search_path=callguard_jobs -c timezone=UTC", "connect_timeout": 5}
        app = App(connector=PsycopgConnector(conninfo=self.dsn, min_size=1, max_size=4, timeout=10, kwargs=options))
        for name, step in self.steps.items():
            app.task(name=name, pass_context=True, retry=_Patience())(partial(self._do, step))
        return app

    def _do(self, step: Step, context: JobContext, recording_id: str, **_: Any) -> None:
        job = context.job
        try:
            with Artefacts.open(self.dsn) as rows:
                outcome = step(rows, recording_id)
        except Exception as error:  # whatever it was, it is one attempt: the queue goes on, and a human can read why
            reason = str(error) if isinstance(error, CallguardError) else BROKEN.format(type(error).__name__)
            self.told(f"{job.task_name} {recording_id}{ATTEMPT}{job.attempts + 1} of {ATTEMPTS}: {reason}")
            self._failed(job, reason)
            raise
        self.told(f"{job.task_name} {recording_id}: {outcome}")

    def _failed(self, job: Job, reason: str) -> None:
        """Written down; after the last attempt somebody is told."""
        assert job.id is not None
        recording_id = str(job.task_kwargs.get("recording_id", ""))
        with contextlib.suppress(StoreDown), Artefacts.open(self.dsn) as rows:
            Jobs(rows).note_failure(job.id, job.attempts + 1, reason)
            if pause(job.attempts + 1) is None:
                subject = f"{job.task_name} {job.id} {datetime.now(UTC):%Y-%m-%dT%H:%M}"
                self.incidents(rows).open("job_failed", subject, rows.recording(recording_id))

    # ------------------------------------------------------------ beside the jobs
    @contextlib.asynccontextmanager
    async def _beside(self, app: App) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._reap(app)), asyncio.create_task(self._chores())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _reap(self, app: App) -> None:
        while True:
            with contextlib.suppress(ConnectorException):
                for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self.stalled):
                    await self._take_over(app, job)
            await asyncio.sleep(self.reap)

    async def _take_over(self, app: App, job: Job) -> None:
        """A job of a dead worker: that was an attempt. Where another worker was quicker nothing is left to do."""
        with contextlib.suppress(ConnectorException):
            await asyncio.to_thread(self._failed, job, DIED)
            if pause(job.attempts + 1) is None:
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
            else:
                await app.job_manager.retry_job(job)

    async def _chores(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.chore)
            except CallguardError as error:
                self.told(f"chores: {error}")
            await asyncio.sleep(self.every)


class _Patience(BaseRetryStrategy):
    """When a job is tried again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        wait = pause(job.attempts + 1)
        return RetryDecision(retry_in={"seconds": int(wait.total_seconds())}) if wait else None

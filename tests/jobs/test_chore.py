"""What a worker looks after: leftovers get a job, what is due goes, one process at a time."""

from __future__ import annotations

from dataclasses import replace

from callguard.jobs.chore import Chores
from callguard.store.artefact import Artefacts
from callguard.store.job import Jobs
from tests.jobs.site import Place
from tests.store.conftest import Database


def test_what_has_no_job_gets_one_and_what_has_one_no_second(place: Place) -> None:
    chores = Chores(place.artefacts, "pbx1", place.sweep, lambda: None)
    recording_id = place.ended()
    chores.run()
    assert len(Jobs(place.artefacts).find()) == 1
    place.artefacts.connection.execute("DELETE FROM callguard_jobs.procrastinate_jobs")
    for _ in range(2):
        chores.run()
    (job,) = Jobs(place.artefacts).find()
    assert (job.task, job.queue, job.recording_id) == ("ingest", "pbx.pbx1", recording_id)


def test_one_process_at_a_time_and_a_host_without_a_spool_sweeps_nothing(place: Place, database: Database) -> None:
    ran: list[str] = []
    chores = Chores(place.artefacts, "pbx1", place.sweep, lambda: ran.append("retained"))
    place.ended("discarded")
    with Artefacts.open(database.app) as other, other.turn("spool of pbx1"), other.turn("retention"):
        chores.run()
    assert ran == [] and len(place.left()) == 1
    replace(chores, sweep=None).run()
    assert ran == ["retained"] and len(place.left()) == 1
    chores.run()
    assert place.left() == []

"""What a worker is made of: its steps do what they should on a real database."""

from __future__ import annotations

import pytest

from callguard.cli.bench import deletion_of, steps_of, worker_of
from callguard.settings import load_settings
from callguard.store.job import Jobs
from tests.cli.conftest import Left


@pytest.mark.requirement("S5")
def test_a_withdrawn_recording_leaves_the_vault_or_never_comes_there(left: Left) -> None:
    settings = load_settings(left.config)
    steps, rows = steps_of(settings), left.place.artefacts
    kept, late = left.place.ended(), left.place.ended()
    assert steps["ingest"](rows, kept) == "stored"
    rows.connection.execute("UPDATE callguard.recording SET state = 'discarded'")
    assert steps["discard"](rows, kept) == "1 deleted" and steps["ingest"](rows, late) == "discarded"
    assert left.place.objects() == set() and deletion_of(settings, rows).resume() == 0
    queued = [(job.task, job.recording_id) for job in Jobs(rows).find() if job.task == "discard"]
    assert {("discard", kept), ("discard", late)} <= set(queued)


def test_a_host_without_a_spool_brings_nothing_in(left: Left) -> None:
    settings = load_settings(left.config)
    assert worker_of(settings, print).queues == ("pbx.pbx1", "vault")
    left.place.spool.folder.rmdir()
    assert worker_of(settings, print).queues == ("vault",) and "ingest" not in worker_of(settings, print).steps

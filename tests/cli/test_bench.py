"""What a worker is made of: its steps do what they should on a real database."""

from __future__ import annotations

import pytest

from callguard.cli.bench import steps_of, worker_of
from callguard.cli.retaining import deletion_of, holds_of, retainer_of
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


@pytest.mark.requirement("S102")
def test_what_is_withdrawn_under_a_legal_hold_waits_for_the_release(left: Left) -> None:
    settings, rows = load_settings(left.config), left.place.artefacts
    row = left.place.stored()
    hold = left.place.hold(row)
    assert "legal hold" in steps_of(settings)["discard"](rows, row.recording_id)
    holds_of(settings, rows).release([hold], {"reason": "settled"})
    done = retainer_of(settings, rows).work()
    assert done and done.deleted == 1 and left.place.objects() == set()


def test_a_host_without_a_spool_brings_nothing_in(left: Left) -> None:
    settings = load_settings(left.config)
    assert worker_of(settings, print).queues == ("pbx.pbx1", "vault")
    left.place.spool.folder.rmdir()
    assert worker_of(settings, print).queues == ("vault",) and "ingest" not in worker_of(settings, print).steps

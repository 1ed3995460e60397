"""What a worker is made of: its steps do what they should on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.cli.bench import steps_of, worker_of
from callguard.cli.retaining import deletion_of, holds_of, retainer_of
from callguard.core.policy import parse_call_type
from callguard.settings import load_settings
from callguard.store.job import Jobs
from tests.audio.wordy import install
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


@pytest.mark.requirement("S108")
def test_a_transcript_follows_where_a_site_has_a_transcriber(
    left: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path / "site")))
    left.config.write_text(left.config.read_text() + '[transcriber]\nname = "wordy"\n')
    settings, rows = load_settings(left.config), left.place.artefacts
    assert "derive" not in worker_of(settings, print).queues  # there are no private keys here
    settings.path(settings.vault.public_key).unlink()
    assert left.call("vault", "keys", "create").status == 0 and "derive" in worker_of(settings, print).queues
    kind = parse_call_type(
        "support",
        {"purpose": "qa", "outputs": ["audio", "transcript"], "retention": {"audio": 90, "transcript": 9}},
    )
    told = (("notice_ended", {"script": "notice"}), ("consent_granted", {"how": "express_dtmf"}))
    recording_id = left.place.ended(told=told, policy=kind.as_data())
    steps = steps_of(settings)
    assert steps["ingest"](rows, recording_id) == "stored"
    assert [job.queue for job in Jobs(rows).find() if job.task == "derive"] == ["derive"]
    assert steps["derive"](rows, recording_id) == "transcribed"
    tree = left.json("artefacts", "tree", recording_id)["artefacts"][0]
    assert [child["kind"] for child in tree["derived"]] == ["transcript"]
    left.config.write_text(left.config.read_text().replace('"wordy"', '"nobody"'))
    done = left.call("worker", "--once")
    assert done.status == 2 and "no installed package brings" in done.err


@pytest.mark.requirement("S50")
def test_what_its_call_type_has_trimmed_is_trimmed_before_anything_is_made_of_it(left: Left) -> None:
    settings, rows = load_settings(left.config), left.place.artefacts
    assert "trim" not in worker_of(settings, print).queues
    settings.path(settings.vault.public_key).unlink()
    assert left.call("vault", "keys", "create").status == 0 and "trim" in worker_of(settings, print).queues
    kind = parse_call_type("support", {"purpose": "qa", "retention": {"audio": 90}, "trim": "instead"})
    recording_id = left.place.ended(policy=kind.as_data())
    steps = steps_of(settings)
    assert steps["ingest"](rows, recording_id) == "stored"
    assert [job.queue for job in Jobs(rows).find() if job.task != "ingest"] == ["trim"]
    assert steps["trim"](rows, recording_id).startswith(("trimmed", "not trimmed: nobody"))


def test_a_host_without_a_spool_brings_nothing_in(left: Left) -> None:
    settings = load_settings(left.config)
    assert worker_of(settings, print).queues == ("pbx.pbx1", "vault")
    left.place.spool.folder.rmdir()
    assert worker_of(settings, print).queues == ("vault",) and "ingest" not in worker_of(settings, print).steps

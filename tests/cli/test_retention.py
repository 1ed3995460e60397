"""callguard retention: due, forecast, run, apply, report, why."""

from __future__ import annotations

import pytest

from callguard.cli.approval import entry_of
from callguard.cli.option import with_log
from callguard.engine.registrar import enter
from callguard.settings import load_settings, read_policy
from tests.cli.conftest import Left


@pytest.mark.requirement("S85")
def test_what_is_due_is_deleted_and_the_report_adds_up(left: Left) -> None:
    old, kept, held = left.place.over(), left.place.stored(), left.place.over()
    left.place.hold(held)
    due = left.json("retention", "due")
    assert (due["due"], due["held"], due["unapplied"]) == (1, 1, 0)
    assert due["by_kind"] == [{"call_type": "support", "kind": "audio", "due": 1}]
    assert "1 due, 0 half deleted, 1 kept by legal holds" in left.call("retention", "due").text
    ahead = left.json("retention", "forecast", "--days", 91)
    assert (ahead["days"][0]["ends"], sum(day["ends"] for day in ahead["days"])) == (1, 2)
    assert "2 of 3 stored end within 91 day(s)" in left.call("retention", "forecast", "--days", 91).text
    run = left.json("retention", "run")
    assert (run["due"], run["deleted"], run["failed"], run["held"]) == (2, 1, 0, 1)
    said = left.json("retention", "report")
    assert said["findings"] == [] and said["deleted"] == said["tombstones"] == 1
    assert said["there"] == {"kept": 1, "held": 1, "going": 0, "writing": 0, "unexplained": 0}
    text = left.call("retention", "report", "--since", "1d").text
    assert "It adds up." in text and "p95" in text
    assert left.place.objects() == {kept.object, held.object}
    assert '"act":"retention_run"' in (left.config.parent / "data" / "operator.jsonl").read_text()
    gone = left.json("retention", "why", old.recording_id)
    assert gone["deleted"][0]["reason"] == "its time was over" and gone["artefacts"] == []
    assert "a legal hold keeps it: case-1" in left.call("retention", "why", held.recording_id).text
    assert left.json("retention", "why") == {"artefacts": [], "deleted": [], "unexplained": 0}


@pytest.mark.requirement("S103")
def test_what_has_no_reason_is_a_finding(left: Left) -> None:
    row = left.place.over(3)
    said = left.json("retention", "report", status=1)
    assert "1 without a reason: `retention why`" in said["findings"]
    (found,) = left.json("retention", "why", status=1)["artefacts"]
    assert found["artefact_id"] == row.artefact_id and found["reason"] == "unexplained"
    assert left.call("retention", "run").status == 0


@pytest.mark.requirement("S57")
def test_a_shorter_policy_is_shown_before_it_is_applied(left: Left) -> None:
    row = left.place.stored()
    file = left.config.with_name("policy.toml")
    done = left.call("retention", "apply")
    assert done.status == 2 and "policy activate" in done.err
    shorter = file.with_name("shorter.toml")
    shorter.write_text(file.read_text().replace("audio = 90", "audio = 30"))
    shown = left.json("retention", "apply", "--policy", shorter)
    assert (shown["changes"], shown["sooner"], shown["at_once"], shown["applied"]) == (1, 1, 0, False)
    assert left.call("retention", "apply", "--policy", shorter, "--yes").status == 2
    settings = load_settings(left.config)
    entry = entry_of(read_policy(shorter), "the owner", "less is enough")
    assert with_log(settings, lambda log: enter(log, settings.tenant, entry))
    assert left.json("retention", "due")["unapplied"] == 1
    assert "`callguard retention apply`" in left.call("retention", "due").text
    assert left.place.only(row.recording_id).expires_at == row.expires_at
    assert "nothing was changed (--yes)" in left.call("retention", "apply").text
    assert left.json("retention", "apply", "--yes")["applied"]
    assert (left.place.only(row.recording_id).expires_at - row.began_at).days == 30


def test_one_run_at_a_time_and_what_is_not_known_is_one_sentence(left: Left) -> None:
    with left.place.artefacts.turn("retention"):
        done = left.call("retention", "run")
    assert done.status == 1 and "a worker is deleting" in done.err
    done = left.call("retention", "why", "nobody")
    assert done.status == 2 and "Traceback" not in done.text + done.err

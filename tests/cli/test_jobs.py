"""callguard jobs: what waits, why something failed, doing it again."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Left


@pytest.mark.requirement("S5")
def test_why_a_job_failed_is_shown_and_it_is_done_again(left: Left) -> None:
    recording_id = left.place.ended()
    key = left.config.with_name("vault.pub")
    key.rename(aside := left.config.with_name("aside"))
    assert left.call("worker", "--once").status == 0 and len(left.place.left()) == 1
    (job,) = left.json("jobs", "list")["jobs"]
    assert (job["status"], job["attempts"]) == ("todo", 1) and "vault.pub" in job["reason"]
    shown = left.json("jobs", "show", job["job_id"])
    assert [item["attempt"] for item in shown["failures"]] == [1]
    assert "attempt 1" in left.call("jobs", "show", job["job_id"]).text
    aside.rename(key)
    left.place.artefacts.connection.execute("UPDATE callguard_jobs.procrastinate_jobs SET status = 'failed'")
    assert left.json("jobs", "list", "--failed", status=1)["jobs"][0]["recording_id"] == recording_id
    assert left.json("jobs", "retry", "--failed") == {"retried": 1}
    assert left.call("worker", "--once").status == 0 and left.place.left() == []


@pytest.mark.parametrize("arguments", [("show", 10**9), ("retry", 10**9), ("retry",), ("retry", 1, "--failed")])
def test_a_job_that_is_not_there_is_one_sentence(left: Left, arguments: tuple[object, ...]) -> None:
    done = left.call("jobs", *arguments)
    assert done.status == 2 and "Traceback" not in done.text

"""callguard worker: once, and as processes that run side by side."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tests.cli.conftest import Left


@pytest.mark.requirement("S5")
def test_what_has_ended_is_in_the_vault_after_the_worker_worked(left: Left) -> None:
    kept, late = left.place.ended(), left.place.ended("damaged")
    assert [job["recording_id"] for job in left.json("jobs", "list")["jobs"]] == [kept, late]
    assert "2 waiting, 0 running, 0 failed" in left.call("jobs", "list").text
    done = left.call("worker", "--once")
    assert done.status == 0 and f"ingest {kept}: stored" in done.err and left.place.left() == []
    assert left.json("jobs", "list") == {"jobs": []} and len(left.place.objects()) == 2


@pytest.mark.requirement("S5")
def test_workers_run_side_by_side_until_they_are_told_to_end(left: Left) -> None:
    command = [sys.executable, "-m", "callguard", "worker", "--processes", "2", "--config", str(left.config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
        ids = [left.place.ended() for _ in range(4)]
        end = time.monotonic() + 40
        while left.place.left() and time.monotonic() < end:
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        said = worker.communicate(timeout=30)[1]
    assert worker.returncode == 0 and "worker stopped" in said
    assert left.place.left() == [] and all(said.count(f"ingest {each}: stored") == 1 for each in ids)


def test_on_a_terminal_there_is_a_bar_instead_of_lines(left: Left) -> None:
    ids = [left.place.ended() for _ in range(3)]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "callguard", "worker", "--once", "--config", str(left.config)]
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL) as worker:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # what a terminal gives when the other side is gone
            while block := os.read(ours, 4096):
                said += block
    os.close(ours)
    assert worker.returncode == 0 and b"100%" in said and not any(each.encode() in said for each in ids)
    assert left.place.left() == []

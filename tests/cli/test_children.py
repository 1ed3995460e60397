"""Processes that are started again, and ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from callguard.cli import children
from callguard.cli.children import keep, worker_command

PATIENT = """
import signal, sys, time
def end(*_):
    time.sleep(0.3)
    open(sys.argv[1], "a").write("end")
    sys.exit()
signal.signal(signal.SIGTERM, end)
open(sys.argv[1], "a").write("x")
time.sleep(60 if open(sys.argv[1]).read() == "xxx" else 0)
"""


async def test_what_ends_is_started_again_and_what_runs_is_told_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(children, "LONGEST_PAUSE", 0.02)
    note = tmp_path / "note"
    task = asyncio.create_task(keep([sys.executable, "-c", PATIENT, str(note)], patient=True))
    async with asyncio.timeout(20):
        while not note.exists() or note.read_text() != "xxx":
            await asyncio.sleep(0.02)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert note.read_text() == "xxxend"


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import asyncio,os,subprocess,sys\n"
        "from callguard.cli.children import end_with_parent\n"
        "if len(sys.argv) > 1: print(os.getpid(), flush=True); asyncio.run(end_with_parent(0.05))\n"
        "else: subprocess.Popen([sys.executable, __file__, 'child']); import time; time.sleep(1)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, timeout=30, check=True)
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(done.stdout), 0)
            time.sleep(0.05)


def test_a_worker_of_a_parent_is_the_same_program() -> None:
    command = worker_command(Path("/etc/callguard/callguard.toml"))
    assert command[1:5] == ["-m", "callguard", "worker", "--child"] and command[-1] == "/etc/callguard/callguard.toml"

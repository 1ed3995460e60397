"""Processes of ours that are started again when they end.

What belongs here: keeping one alive, and ending it. What does not: what it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
LONG = 60.0
"""Seconds after which a process counts as one that ran."""


def worker_command(config: Path) -> list[str]:
    """One worker that ends with its parent."""
    return [sys.executable, "-m", "callguard", "worker", "--child", "--config", str(config.absolute())]


async def keep(command: Sequence[str], *, patient: bool) -> None:
    """Have COMMAND run until cancelled: then it is told to end, and waited for if PATIENT. One that ends by itself is
    started again, later each time."""
    pause = FIRST_PAUSE
    while True:
        began = time.monotonic()
        child = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, cwd=os.sep)
        try:
            await child.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            if patient:
                await child.wait()
        pause = FIRST_PAUSE if time.monotonic() - began > LONG else min(2 * pause, LONGEST_PAUSE)
        await asyncio.sleep(pause)


async def end_with_parent(every: float = 1.0) -> None:
    """When the process that started us is gone, end as if we had been told to."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(every)
    os.kill(os.getpid(), signal.SIGTERM)

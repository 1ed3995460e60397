"""What is left to do with a recording when its call is over, as a table.

What belongs here: the steps, their order, when one is tried again. What does not: what a step does (ingest.py, …), who
works (worker.py).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

ORDER = ("ingest", "observe", "blank", "trim", "derive")
"""One after another. A step that a site does not have is simply left out."""
ELSEWHERE = ("discard",)
"""Caused by something else than the step before it."""
ATTEMPTS = 10
"""After so many a job is left alone, and a human is told."""
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)


def following(step: str, there: Collection[str]) -> str | None:
    """The step after STEP among those that are THERE; None where that was the last."""
    if step not in ORDER:
        return None
    return next((name for name in ORDER[ORDER.index(step) + 1 :] if name in there), None)


def pause(attempt: int) -> timedelta | None:
    """How long to wait after ATTEMPT (from 1) came to nothing; None: it was the last. In all about five hours."""
    if attempt >= ATTEMPTS:
        return None
    wait: timedelta = FIRST_PAUSE * 3 ** (attempt - 1)
    return min(wait, LONGEST_PAUSE)


def queue_of(step: str, pbx_id: str) -> str:
    """Where a step is worked on: the spool is on the PBX's host, deleting is done anywhere, and each of the others
    where there is what it needs."""
    return {"ingest": f"pbx.{pbx_id}", "discard": "vault"}.get(step, step)

"""Times in which no controller stood by the PBX: calls of then were neither asked nor recorded, nor heard of.

What belongs here: how long such a time was, and that somebody is told. What does not: calls that were live before and
after it (recovery.py), which calls there were: only the PBX's own books know (`callguard reconcile`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from callguard.engine import clock

EVERY = 1.0
"""Seconds between two marks that a controller is there."""
LONGEST = 5.0
"""Seconds that may pass between two marks: one controller follows another within less."""
KIND = "no_controller"


@dataclass
class Absence:
    """`path`: its time is when a controller was last there; `there`: whether this one is, with the PBX in reach;
    `found`: hears of an incident and what it is about."""

    path: Path
    there: Callable[[], bool]
    found: Callable[[str, str], None]
    every: float = EVERY
    _last: float | None = None

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self.look(clock.read().wall.astimezone(UTC), time.monotonic())
            await asyncio.sleep(self.every)

    def look(self, now: datetime, ticks: float) -> None:
        """Mark that a controller is there, and tell of the time in which none was. TICKS: of a clock that nobody sets;
        the wall clock alone bridges two processes."""
        if not self.there():
            return
        since, away = self._since(), 0.0
        if since is not None:
            away = ticks - self._last if self._last is not None else (now - since).total_seconds()
        if since is not None and away > LONGEST:
            self.found(KIND, _told(since, now))
        self._last = ticks
        with suppress(OSError):  # unmarked, a time seems longer than it was
            self.path.touch(0o600)
            os.utime(self.path, (now.timestamp(), now.timestamp()))

    def _since(self) -> datetime | None:
        """When a controller was last there; None before the first one was."""
        try:
            return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        except OSError:
            return None


def _told(since: datetime, now: datetime) -> str:
    start, end = (moment.isoformat(timespec="seconds") for moment in (since, now))
    return (
        f"no controller from {start} to {end}: calls in that time were neither asked nor recorded; "
        f"callguard reconcile --since {start} --cdr FILE lists them"
    )

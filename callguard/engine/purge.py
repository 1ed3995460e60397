"""Once a day: raw PBX messages that are over their time lose their keys.

What belongs here: when, and what a failure brings about. What does not: what is deleted (store/), how long anything
else is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from callguard.engine import clock
from callguard.errors import CallguardError

RAW_DAYS = 14
"""How long raw messages can be opened: long enough to look into a fault."""
WINDOW = timedelta(days=31)
"""How far back a daily run looks: a controller that was away for longer leaves the rest to `db purge-raw`."""
FIRST_SECONDS = 600.0
DAY_SECONDS = 86_400.0

Purge = Callable[[datetime, datetime], Awaitable[int]]
"""Destroys what was written before the first time, of calls that began at the second or later."""


async def purge_daily(
    purge: Purge, alert: Callable[[str, str], None], *, first: float = FIRST_SECONDS, every: float = DAY_SECONDS
) -> None:
    """Until cancelled. No call waits for it; a failure is told and tried again a day later. FIRST, EVERY: seconds."""
    await asyncio.sleep(first)
    while True:
        before = clock.read().wall - timedelta(days=RAW_DAYS)
        try:
            await purge(before, before - WINDOW)
        except CallguardError:
            alert("raw_purge_failed", "")
        await asyncio.sleep(every)

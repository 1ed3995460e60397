"""Once a day, and whatever comes of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from callguard.engine.purge import RAW_DAYS, WINDOW, purge_daily
from callguard.errors import StoreDown


@pytest.mark.requirement("S81")
async def test_a_failure_is_told_and_the_next_day_it_is_tried_again() -> None:
    asked: list[tuple[datetime, datetime]] = []
    told: list[tuple[str, str]] = []
    twice = asyncio.Event()

    async def purge(before: datetime, since: datetime) -> int:
        asked.append((before, since))
        if len(asked) == 1:
            raise StoreDown("away")
        twice.set()
        return 0

    work = asyncio.create_task(purge_daily(purge, lambda kind, call_id: told.append((kind, call_id)), first=0, every=0))
    await asyncio.wait_for(twice.wait(), 5)
    work.cancel()
    assert told == [("raw_purge_failed", "")]
    before, since = asked[0]
    age = datetime.now(UTC) - before
    assert timedelta(days=RAW_DAYS) <= age < timedelta(days=RAW_DAYS, minutes=1) and before - since == WINDOW

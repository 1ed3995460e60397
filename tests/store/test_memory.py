from __future__ import annotations

import asyncio

import pytest

from callguard.errors import StoreDown
from callguard.ports import Wanted
from callguard.store.memory import MemoryLog
from tests.store import rows


async def test_a_cut_log_is_down_and_mended_has_what_it_had() -> None:
    log, batch = MemoryLog(), rows.whole(call_id := rows.new_id())
    await log.append([batch])
    lost = asyncio.create_task(log.wait_lost())
    await asyncio.sleep(0)
    assert not lost.done()
    log.cut()
    await lost
    asked = (log.append([]), log.load(call_id), log.find_incidents(Wanted()), log.party(call_id), log.erase_key("x"))
    for work in asked:
        with pytest.raises(StoreDown):
            await work
    with pytest.raises(StoreDown):
        [head async for head in log.calls()]
    log.mend()
    stored = await log.load(call_id)
    assert stored is not None and stored.events == batch.events

"""What was put into force is written down, sooner or later, and once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callguard.engine.registrar import Entry, Registrar, each_day, enter, to_midnight
from callguard.errors import StoreRefused
from callguard.ports import ActivationRow, IncidentRow
from callguard.store.chain import first_break
from callguard.store.memory import MemoryLog

FIRST = Entry(
    at=datetime(2026, 12, 14, tzinfo=UTC),
    kind="policy",
    version="a" * 64,
    author="user:root",
    reason="start",
    content={"call_type": {}},
)
SECOND = replace(FIRST, version="b" * 64, reason="reload")
RULES = replace(FIRST, kind="rules", version="c" * 64, content={})


@pytest.mark.requirement("S27")
async def test_a_version_is_entered_when_it_is_not_the_newest_one() -> None:
    log = MemoryLog()
    made = [await enter(log, "acme", entry) for entry in (FIRST, FIRST, RULES, SECOND, RULES, FIRST)]
    assert [row.seq if row else 0 for row in made] == [1, 0, 2, 3, 0, 4]
    rows = await log.activations("acme")
    assert [row.previous for row in rows] == ["", "", FIRST.version, SECOND.version]
    assert (rows[0].said["author"], rows[0].said["reason"]) == ("user:root", "start")
    assert rows[0].content == {"call_type": {}}
    assert first_break(rows) is None


@pytest.mark.requirement("S27")
async def test_the_rules_of_a_new_day_are_noted_when_it_begins() -> None:
    noted: list[int] = []
    twice = asyncio.Event()

    def note() -> None:
        noted.append(1)
        if len(noted) == 2:
            twice.set()

    work = asyncio.create_task(each_day(note, lambda: 0.001))
    await asyncio.wait_for(twice.wait(), 5)
    work.cancel()
    left = to_midnight()
    assert 0 < left <= 86_400 and (datetime.now(UTC) + timedelta(seconds=left + 1)).hour == 0


class Crowded(MemoryLog):
    """Somebody else enters something first, once."""

    async def activate(self, row: ActivationRow, incident: IncidentRow | None = None) -> None:
        if row.seq == 1 and row.said["reason"] == FIRST.reason:
            await enter(self, "acme", SECOND)
            raise StoreRefused("another one was quicker")
        await super().activate(row, incident)


async def until(log: MemoryLog, count: int) -> tuple[ActivationRow, ...]:
    async with asyncio.timeout(5):
        while len(rows := await log.activations("acme")) < count:
            await asyncio.sleep(0.005)
    return rows


@pytest.mark.parametrize("kind", [MemoryLog, Crowded])
async def test_what_cannot_be_entered_now_is_entered_later_and_told_once(kind: Any) -> None:
    log, told = kind(), []
    own = Registrar(log, "acme", lambda incident, call_id: told.append((incident, call_id)), retry=0.01)
    if kind is MemoryLog:
        log.cut()
    work = asyncio.create_task(own.run())
    own.note(FIRST)
    own.note(RULES)
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0.005)
    log.mend()
    rows = await until(log, 2 if kind is MemoryLog else 3)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert told == [("activation_not_recorded", "")]
    assert [row.version for row in rows][-2:] == [FIRST.version, RULES.version]

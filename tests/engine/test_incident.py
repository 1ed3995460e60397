"""Entries about incidents: once each, sealed, and with the incident itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callguard.engine.incident import OURSELVES, closed, opened
from callguard.engine.registrar import enter
from callguard.ports import Wanted
from callguard.proof import unanswered
from callguard.store.chain import first_break
from callguard.store.memory import MemoryLog

AT = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


@pytest.mark.requirement("S4")
async def test_what_is_of_no_call_is_opened_once_and_closed_by_somebody() -> None:
    log = MemoryLog()
    first = opened("acme", "unknown_file", "5551234.wav", AT)
    again = opened("acme", "unknown_file", "5551234.wav", AT + timedelta(days=9))
    other = opened("acme", "unknown_file", "another.wav", AT)
    made = [await enter(log, "acme", entry) for entry in (first, other, again)]
    assert [row.seq if row else 0 for row in made] == [1, 2, 0]
    there = await log.find_incidents(Wanted(open_only=True))
    assert [row.call_id for row in there] == ["", ""] and {row.call_month.day for row in there} == {1}
    assert first.incident is not None
    await enter(log, "acme", closed(first.incident, AT + timedelta(days=1), "user:ann", "a test file"))
    register = await log.activations("acme")
    assert first_break(register) is None and "5551234" not in repr([row.content for row in register])
    assert [row.said["author"] for row in register] == [OURSELVES, OURSELVES, "user:ann"]
    assert len(await log.find_incidents(Wanted(open_only=True))) == 1
    assert list(unanswered(await log.find_incidents(Wanted()), register)) == []

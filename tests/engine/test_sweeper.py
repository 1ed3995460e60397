"""Hang-ups that nobody told: found at the second look, and never at the first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from callguard.core.events import ChannelHungUp
from callguard.engine.sweeper import Sweeper
from callguard.errors import LinkDown
from callguard.ports import Heard, Said, Snapshot
from tests.engine.stage import endpoint

NOW = datetime(2026, 11, 26, tzinfo=UTC)


class Pbx:
    """Has the channels `there`, or cannot be asked."""

    def __init__(self, *there: str) -> None:
        self.there, self.down, self.known, self.told = set(there), False, {"a", "b"}, list[str]()
        self.listeners = dict[str, tuple[str, ...]]()
        self.sweeper = Sweeper(lambda: self.known, self.snapshot, self.hear, every=0.001)

    def hear(self, heard: Heard, raw: Mapping[str, Any]) -> None:
        assert isinstance(heard, Said) and isinstance(heard.event, ChannelHungUp) and heard.event.at == NOW
        self.told.append(heard.event.channel_id)

    async def snapshot(self) -> Snapshot:
        if self.down:
            raise LinkDown("away")
        return Snapshot(NOW, tuple(map(endpoint, sorted(self.there))), {}, frozenset(), self.listeners)


async def test_a_channel_that_is_missing_twice_is_gone_and_told_once() -> None:
    pbx = Pbx("a")
    missing = await pbx.sweeper.look(frozenset())
    assert missing == {"b"} and pbx.told == []
    assert await pbx.sweeper.look(missing) == frozenset() and pbx.told == ["b"]


async def test_one_that_comes_back_or_a_pbx_that_cannot_be_asked_is_not() -> None:
    pbx = Pbx("a")
    missing = await pbx.sweeper.look(frozenset())
    pbx.there.add("b")
    assert await pbx.sweeper.look(missing) == frozenset()
    pbx.there, pbx.down = set(), True
    assert await pbx.sweeper.look(missing) == frozenset()
    pbx.known, pbx.down = set(), False
    assert await pbx.sweeper.look(missing) == frozenset() and pbx.told == []


@pytest.mark.requirement("S6", "S73")
async def test_somebody_elses_snoop_is_there_for_as_long_as_it_listens() -> None:
    """It is no channel that could be recorded, so it is not among those."""
    pbx = Pbx("a")
    pbx.listeners = {"b": ("a",)}
    assert await pbx.sweeper.look(await pbx.sweeper.look(frozenset())) == frozenset() and pbx.told == []


async def test_it_looks_again_and_again() -> None:
    pbx = Pbx("a")
    watching = asyncio.create_task(pbx.sweeper.watch())
    async with asyncio.timeout(5):
        while not pbx.told:
            await asyncio.sleep(0.001)
    watching.cancel()
    assert set(pbx.told) == {"b"}

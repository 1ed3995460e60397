"""Channels that are gone although nobody said so: PBXs lose hang-ups, and a call would wait for its end for ever.

What belongs here: asking the PBX from time to time. What does not: what a hang-up means (core). What was missed while
a link was down is asked for at once when it is back (engine.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from callguard.core.events import ChannelHungUp
from callguard.errors import Unreachable
from callguard.ports import Heard, Said, Snapshot

EVERY = 20.0
"""Seconds between looks; a channel counts as gone when two in a row did not find it."""


@dataclass(frozen=True)
class Sweeper:
    """`known`: channels of live calls; `snapshot`: what the PBX has; `tell`: hears of the hang-up that was missed."""

    known: Callable[[], Iterable[str]]
    snapshot: Callable[[], Awaitable[Snapshot]]
    tell: Callable[[Heard, Mapping[str, Any]], None]
    every: float = EVERY

    async def watch(self) -> None:
        """Until cancelled."""
        missing: frozenset[str] = frozenset()
        while True:
            await asyncio.sleep(self.every)
            missing = await self.look(missing)

    async def look(self, missing: frozenset[str]) -> frozenset[str]:
        """Tell of those that are MISSING for the second time; those that are for the first. What begins or ends while
        the PBX answers is on its way to us: that is why once is not enough."""
        known = frozenset(self.known())
        if not known:
            return frozenset()
        try:
            now = await self.snapshot()
        except Unreachable:
            return frozenset()
        gone = known - frozenset(channel.channel_id for channel in now.channels) - now.listeners.keys()
        for channel_id in sorted(gone & missing):
            self.tell(Said(ChannelHungUp(at=now.at, channel_id=channel_id)), {})
        return gone - missing

"""Where rows go: the event log while it is there, the fsynced spool while it is not, and back.

What belongs here: noticing loss, spooling in order, loading later without loss or duplicates. What does not: SQL
(store/).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from callguard.core.events import Link
from callguard.errors import StoreDown
from callguard.ports import Batch, EventLog
from callguard.store.spool import Spool

RETRY = 0.5
"""Seconds between attempts to reach a lost event log."""
DISK_CHECK = 1.0
"""Seconds between looks at free space."""


@dataclass
class Evidence:
    """The event log with its spool. `lost`/`restored` are told of a link's fate; `floor`: bytes that must stay free."""

    log: EventLog
    spool: Spool
    directory: Path
    floor: int
    lost: Callable[[Link], None] = lambda link: None
    restored: Callable[[Link], None] = lambda link: None
    away: bool = False
    unsaved: list[Batch] = field(default_factory=list)

    async def keep(self, batch: Batch) -> bool:
        """Make BATCH durable. True: in the event log; False: spooled, or, with the spool gone too, held in memory."""
        if not self.away:
            try:
                await self.log.append([batch])
                return True
            except StoreDown:
                self._gone()
        await self._spool(batch)
        return False

    def _gone(self) -> None:
        if not self.away:
            self.away = True
            self.lost(Link.LOG)

    async def _spool(self, batch: Batch) -> None:
        self.unsaved.append(batch)
        try:
            while self.unsaved:
                await asyncio.to_thread(self.spool.append, [self.unsaved[0]])
                self.unsaved.pop(0)
        except OSError:
            self.lost(Link.SPOOL)
            return
        self.restored(Link.SPOOL)

    async def watch(self) -> None:
        """Until cancelled: notice a lost log at once, bring it back, and look at the disk."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_log())
            group.create_task(self._watch_disk())

    async def _watch_log(self) -> None:
        while True:
            if self.away:
                await self._return()
            else:
                await self._wait_lost()

    async def _wait_lost(self) -> None:
        with suppress(StoreDown):
            await self.log.wait_lost()
        self._gone()

    async def _return(self) -> None:
        await asyncio.sleep(RETRY)
        try:
            while not self.spool.is_empty():
                await self.spool.drain(self.log)
            if self.unsaved:
                return
            await self.log.append([])
        except (StoreDown, OSError):
            return
        if self.spool.is_empty():  # nothing was spooled while the last drain was under way
            self.away = False
            self.restored(Link.LOG)

    async def _watch_disk(self) -> None:
        while True:
            (self.restored if self._room() else self.lost)(Link.DISK)
            await asyncio.sleep(DISK_CHECK)

    def _room(self) -> bool:
        try:
            return shutil.disk_usage(self.directory).free >= self.floor
        except OSError:
            return False

"""Where rows go: the event log while it is there, the fsynced spool while it is not, and back.

What belongs here: noticing loss, spooling in order, loading later without loss or duplicates. What does not: SQL
(store/).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from callguard.core.call import Call
from callguard.core.events import Link
from callguard.core.jurisdiction import RulePack
from callguard.errors import StoreDown, StoreRefused, StoreUnfit
from callguard.ports import Batch, EventLog
from callguard.store.spool import Spool

RETRY = 0.5
"""Seconds between attempts to reach a lost event log."""
DISK_CHECK = 1.0
"""Seconds between looks at free space."""
SPOOL_FLOOR = 1_000_000
"""Bytes under which the spool's disk counts as full."""


@dataclass
class Evidence:
    """The event log with its spool. `floor`: bytes that must stay free; `sealable`: whether what ends can be sealed.

    `lost`/`restored` are told of a link's fate; `refused` of a call whose rows the log does not take: they lie in the
    spool's files aside. `unsaved`: what neither log nor spool took yet, in order.
    """

    log: EventLog
    spool: Spool
    directory: Path
    floor: int
    lost: Callable[[Link], None] = lambda link: None
    restored: Callable[[Link], None] = lambda link: None
    refused: Callable[[str], None] = lambda call_id: None
    sealable: Callable[[], bool] = lambda: True
    away: bool = False
    spool_failed: bool = False
    unsaved: list[Batch] = field(default_factory=list)
    noticed: asyncio.Event = field(default_factory=asyncio.Event)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    draining: asyncio.Lock = field(default_factory=asyncio.Lock)
    packs: dict[str, RulePack] = field(default_factory=dict)
    unkept: set[str] = field(default_factory=set)
    noticed_pack: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self) -> None:
        """Load what a controller that died left in the spool. Until that is done the log counts as lost."""
        if not self.sealable():
            self.lost(Link.VAULT)
        try:
            await self._drain()
        except (StoreDown, StoreRefused, OSError):
            self._gone()

    async def keep(self, batches: Sequence[Batch]) -> bool:
        """Make BATCHES of one call durable. True: in the event log; False: spooled, or, with the spool gone too, held
        in memory."""
        if not self.away:
            try:
                await self.log.append(batches)
                return True
            except (StoreDown, StoreUnfit):
                self._gone()
            except StoreRefused:
                if len(batches) > 1:  # nothing of them is stored: which one is it?
                    return all([await self.keep([each]) for each in batches])
                return await self._set_aside(*batches)
        await self._spool(batches)
        return False

    def holds(self, call: Call) -> bool:
        """Whether something that CALL has to be read with is in memory alone: rows, or its rules."""
        return call.pack.version in self.unkept or any(_call_of(batch) == call.call_id for batch in self.unsaved)

    def use(self, pack: RulePack) -> None:
        """Calls stand under PACK from now on: their rows name it, so it has to be in the log too."""
        if pack.version not in self.packs:
            self.packs[pack.version] = pack
            self.unkept.add(pack.version)
            self.noticed_pack.set()

    async def _keep_packs(self) -> None:
        """Until cancelled: what is used goes into the log, as soon as that is there."""
        while True:
            await self.noticed_pack.wait()
            self.noticed_pack.clear()
            try:
                for version in sorted(self.unkept):
                    await self.log.keep_rules(self.packs[version])
                    self.unkept.discard(version)
            except (StoreDown, StoreRefused):
                self.noticed_pack.set()
                await asyncio.sleep(RETRY)

    async def _set_aside(self, batch: Batch) -> bool:
        """The log is there and says no to these rows: the spool keeps them, and only their call suffers."""
        self.refused(_call_of(batch))
        await self._spool([batch])
        with suppress(StoreDown, StoreRefused, OSError):
            await self._drain()
        return False

    async def _drain(self) -> None:
        async with self.draining:
            await self.spool.drain(self.log, lambda batch: self.refused(_call_of(batch)))

    def _gone(self) -> None:
        if not self.away:
            self.away = True
            self.noticed.set()
            self.lost(Link.LOG)

    async def _spool(self, batches: Sequence[Batch]) -> None:
        self.unsaved.extend(batches)
        await self._write_spool()

    async def _write_spool(self) -> None:
        """All that is unsaved, in order. One writer at a time: who waits finds its rows written by the one before."""
        async with self.writing:
            taken = tuple(self.unsaved)
            try:
                await asyncio.to_thread(self.spool.append, taken)
            except OSError:
                self.spool_failed = True
                self.lost(Link.SPOOL)
                return
            del self.unsaved[: len(taken)]
            self.spool_failed = False
        self.restored(Link.SPOOL)

    async def watch(self) -> None:
        """Until cancelled: notice a lost log at once, bring it back, and look at the disk."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_log())
            group.create_task(self._watch_disk())
            group.create_task(self._keep_packs())

    async def _watch_log(self) -> None:
        while True:
            if self.away:
                await self._return()
            else:
                await self._wait_lost()

    async def _wait_lost(self) -> None:
        """Until the log is known to be lost. An append may notice first, and the log be back by then."""
        waits = [asyncio.ensure_future(self.log.wait_lost()), asyncio.ensure_future(self.noticed.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        self._gone()

    async def _return(self) -> None:
        await asyncio.sleep(RETRY)
        try:
            await self._drain()
            await self._load_unsaved()
            await self.log.append([])
        except (StoreDown, StoreRefused, OSError):
            return
        if self.spool.is_empty() and not self.unsaved:  # nothing was spooled, or is being, since the last drain
            self.away = False
            self.noticed.clear()
            self.restored(Link.LOG)

    async def _load_unsaved(self) -> None:
        """What the spool did not take goes straight into the log, behind all that it did take."""
        async with self.writing:
            while self.unsaved and self.spool.is_empty():
                try:
                    await self.log.append([self.unsaved[0]])
                except StoreUnfit:
                    raise
                except StoreRefused:  # no place takes these rows: that is said, and the others go on
                    self.refused(_call_of(self.unsaved[0]))
                self.unsaved.pop(0)

    async def _watch_disk(self) -> None:
        while True:
            (self.restored if self._room() else self.lost)(Link.DISK)
            (self.restored if self.sealable() else self.lost)(Link.VAULT)
            await self._check_spool()
            await asyncio.sleep(DISK_CHECK)

    async def _check_spool(self) -> None:
        """Whether the spool would take rows if the log went now: without that no recording starts."""
        try:
            room = self.spool.free_bytes() >= SPOOL_FLOOR
        except OSError:
            room = False
        if not room:
            self.lost(Link.SPOOL)
        elif self.spool_failed:
            await self._write_spool()
        else:
            self.restored(Link.SPOOL)

    def _room(self) -> bool:
        """Whether there is a folder that takes recordings. Its disk has an answer for a plain file in its place too."""
        if not self.directory.is_dir() or not os.access(self.directory, os.W_OK | os.X_OK):
            return False
        try:
            return shutil.disk_usage(self.directory).free >= self.floor
        except OSError:
            return False


def _call_of(batch: Batch) -> str:
    return batch.events[0].call_id if batch.events else batch.call.call_id if batch.call else ""

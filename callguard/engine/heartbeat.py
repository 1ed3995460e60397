"""The controller's side of the dead-man switch: it beats, the guard answers, and either's silence is noticed.

What belongs here: the beat over the guard's unix socket. What does not: what the guard does when it stops
(callguard/guard.py).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEAT = 0.2
"""Seconds between beats."""
SILENCE = 1.5
"""Seconds without an answer after which the guard counts as gone."""


@dataclass
class Heartbeat:
    """Beats to the guard at SOCKET. `changed(alive)`: the guard came or went; `acted()`: it tripped while we were
    away, or helpless. `helpless`: whether what runs is out of our reach, though not out of the guard's: then there is
    no beat."""

    socket: Path
    spawn: Callable[[], None]
    changed: Callable[[bool], None]
    acted: Callable[[], Awaitable[None]]
    helpless: Callable[[], bool] = lambda: False
    trips: int | None = None
    ended: bool = False

    async def run(self) -> None:
        """Until cancelled: connect, starting a guard where none listens, and beat."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self.socket))
            except OSError:
                self.spawn()
                await asyncio.sleep(0.3)
                continue
            try:
                await self._beat(reader, writer)
            except (OSError, ValueError, KeyError, TypeError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                self.changed(False)
            finally:
                writer.close()

    async def _beat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The first beat arms the guard; whoever is helpless then only asks whether it acted."""
        armed = relieved = False
        while True:
            silent = armed and self.helpless()
            answer = await self._asked(b"status\n" if silent else b"beat\n", reader, writer)
            self.changed(bool(answer["ready"]))
            if not silent:
                armed, relieved = True, False
                await self._trips(int(answer["trips"]))
            elif answer["trips"] != self.trips and not relieved:
                relieved = True
                await self.acted()
            await asyncio.sleep(BEAT)
            if self.ended:  # keep the connection: its end means that we died
                await asyncio.Event().wait()

    async def _asked(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        writer.write(line)
        await writer.drain()
        async with asyncio.timeout(SILENCE):  # wait_for, up to Python 3.11, can swallow the end of this task
            return json.loads(await reader.readuntil(b"\n"))

    async def end(self, handover: bool = False) -> bool:
        """We end in good order: the guard stops what still runs, sends on who waits, and ends too.

        HANDOVER: the next controller is about to beat; the guard lets recorders run for so long. False: no guard heard.
        """
        self.ended = True  # a beat after this would say that we live
        with suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_unix_connection(str(self.socket))
            writer.write(b"handover\n" if handover else b"quit\n")
            heard = await asyncio.wait_for(reader.readline(), SILENCE)
            writer.close()
            return bool(heard)
        return False

    async def _trips(self, trips: int) -> None:
        before, self.trips = self.trips, trips
        if before is not None and trips != before:
            await self.acted()

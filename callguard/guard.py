"""The guard: a process of its own that stops every recording of ours, and sends every waiting caller on, when the
controller dies.

What belongs here: hearing the beat, and acting on the register without the controller. What does not: deciding about
calls, and how a PBX is told (pbx/*/rescue.py). It has its own link to the PBX; what it did goes to a fsynced journal
that the controller reads when it returns.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from callguard.errors import Unreachable
from callguard.pbx.asterisk.register import LiveRecording, Register, read_register
from callguard.ports import Rescue

_log = logging.getLogger(__name__)
TICK = 0.05
"""Seconds between looks at the time since the last beat."""
HANDOVER = 1.8
"""Seconds that recorders may run between two controllers, one of which handed over."""
AGAIN = 0.5
"""Seconds between attempts, while tripped, to stop what the register still names."""


@dataclass(frozen=True, slots=True)
class _Act:
    """One thing that was done to WHAT. `kind`: stopped or sent_on."""

    at: str
    kind: str
    what: str


@dataclass
class Guard:
    """Armed by the first beat. `connect` makes its link to the PBX; `patience`: seconds without a beat after which it
    trips; a broken connection trips it at once. `absent`: recordings that the register names and the PBX did not know,
    with the time: a start may be on its way, so only the second look tells that one has ended."""

    connect: Callable[[], Awaitable[Rescue]]
    register: Path
    journal: Path
    socket: Path
    patience: float = 1.0
    link: Rescue | None = None
    trips: int = 0
    last_beat: float = 0.0
    armed: bool = False
    beater: asyncio.StreamWriter | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    done: set[str] = field(default_factory=set)
    absent: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled, or until a controller that ends in good order says so."""
        works = (self._listen(), self._keep_link(), self._watch())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            await self.ended.wait()
        finally:
            for task in tasks:
                task.cancel()

    async def _listen(self) -> None:
        """A socket that somebody removed is made anew: else no controller could reach us, nor start another guard."""
        while True:
            with suppress(OSError):  # its folder takes none: tried again
                await self._answer()
            await asyncio.sleep(TICK)

    async def _answer(self) -> None:
        """As long as the socket is there. Raises OSError."""
        server = await self._bound()
        try:
            while self.socket.exists():
                await asyncio.sleep(AGAIN)
        finally:
            server.close()  # who is connected stays so

    async def _bound(self) -> asyncio.Server:
        self.socket.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._serve, str(self.socket))
        finally:
            os.umask(before)

    # ------------------------------------------------------------ the beat
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One controller. A broken connection of the one that beat last trips at once; anybody may ask for `status`."""
        with suppress(OSError, ValueError):
            while not self.ended.is_set() and (line := await reader.readline()):
                await self._hear(line, writer)
        if self.armed and self.beater is writer:
            self.last_beat = 0.0
        writer.close()

    async def _hear(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        """One LINE of a controller, and our status for an answer."""
        match line:
            case b"beat\n":
                self._beaten(writer)
            case b"handover\n":
                self._handed_over()
            case b"quit\n":
                await self._stop_all()
        writer.write(json.dumps(self._status()).encode() + b"\n")
        await writer.drain()
        if line == b"quit\n":
            self.ended.set()

    def _beaten(self, writer: asyncio.StreamWriter) -> None:
        self.last_beat, self.armed, self.beater = time.monotonic(), True, writer
        self.done.clear()
        self.absent.clear()

    def _handed_over(self) -> None:
        """The next controller is about to beat: nobody's broken connection trips, only the time that it may take."""
        self.last_beat, self.armed, self.beater = time.monotonic() + HANDOVER - self.patience, True, None

    def _status(self) -> dict[str, object]:
        """Without a register nothing could be stopped."""
        ready = self.link is not None and self.register.is_file()
        return {"ready": ready, "trips": self.trips, "armed": self.armed}

    async def _stop_all(self) -> None:
        """The controller ends in good order: nothing of ours runs on without it."""
        self.armed = False
        await self.act()
        if self.absent:
            await self.act()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            if self.armed and time.monotonic() - self.last_beat > self.patience:
                self.armed = False
                self.trips += 1
                await self._act_until_beaten(self.trips)

    async def _act_until_beaten(self, trip: int) -> None:
        """Act on the register until the controller beats again: what fails once is tried again."""
        while await self.act_unless_beaten(trip):
            await asyncio.sleep(AGAIN)

    async def act_unless_beaten(self, trip: int) -> bool:
        """Act once, unless a controller beats; whether to go on."""
        if self.armed or trip != self.trips:
            return False
        await self.act()
        return True

    # ------------------------------------------------------------ acting
    async def act(self) -> None:
        """Stop what the register names as live, and send on who waits, known or not. Stops come first."""
        register = self._known()
        link = self.link
        if link is None:
            return
        live = [item for item in register.recordings.values() if item.recording_id not in self.done]
        self._note(await asyncio.gather(*(self._stop(link, item) for item in live)))
        await self._send_all_on(link, register.waiting)
        await self._send_all_on(link, await link.waiting())  # they came when nobody wrote them down any more

    def _known(self) -> Register:
        try:
            return read_register(self.register)
        except OSError as wrong:  # who waits is sent on all the same: the PBX knows them
            _log.warning("guard: %s cannot be read (%s)", self.register, wrong.strerror)
            return Register()

    async def _send_all_on(self, link: Rescue, waiting: Collection[str]) -> None:
        left = [item for item in waiting if item not in self.done]
        self._note(await asyncio.gather(*(self._send_on(link, item) for item in left)))

    async def _stop(self, link: Rescue, item: LiveRecording) -> _Act | None:
        done, at = await link.stop(item.recording_id, item.channel_id, item.mix_id), _now()
        if done is None:
            done, at = item.recording_id in self.absent, self.absent.setdefault(item.recording_id, at)
        return _Act(at, "stopped", item.recording_id) if done else None

    async def _send_on(self, link: Rescue, channel_id: str) -> _Act | None:
        return _Act(_now(), "sent_on", channel_id) if await link.send_on(channel_id) else None

    def _note(self, acts: Sequence[_Act | None]) -> None:
        """Write down, with one fsync, what was done and when: a recording's length is held against that."""
        done = [act for act in acts if act]
        if not done:
            return
        self.done.update(act.what for act in done)
        try:
            self._write("".join(json.dumps({"at": act.at, act.kind: act.what}) + "\n" for act in done).encode())
        except OSError as wrong:  # there is more to do; the controller will find out by the files
            _log.warning("guard: %s cannot be written (%s)", self.journal, wrong.strerror)

    def _write(self, lines: bytes) -> None:
        handle = os.open(self.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, lines)
            os.fsync(handle)
        finally:
            os.close(handle)

    # ------------------------------------------------------------ its own link
    async def _keep_link(self) -> None:
        delay = 0.2
        while True:
            try:
                self.link = await self.connect()
                delay = 0.2
                await self.link.closed
            except Unreachable:
                delay = min(delay * 2, 5.0)
            self.link = None
            await asyncio.sleep(delay)


def _now() -> str:
    return datetime.now(UTC).isoformat()

"""The register: what of ours runs on the PBX, on disk before it runs, so that the guard can end it when we are dead.

What belongs here: one append-only file of JSON lines, fsynced, compacted; reading it, also by another process. What
does not: what to do about its content (guard, recorder.py). Ids only: nothing personal.
"""

from __future__ import annotations

import asyncio
import errno
import json
import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

COMPACT_AFTER = 2000
"""Lines after which the file is written anew with its present content only."""
LOOK_SECONDS = 0.5
"""How often it is looked whether the file is still there as it was written."""


@dataclass(frozen=True, slots=True)
class LiveRecording:
    """A recorder that runs or is about to. `mix_id`: Asterisk's id of it, '' before it was acknowledged; `began`: when
    its sample 0 was written as far as is known, in monotonic seconds of this machine, so that whoever follows it next
    can tell how far it fell behind meanwhile."""

    recording_id: str
    channel_id: str
    mix_id: str = ""
    began: float | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """All recorders of ours and all channels that wait in our application."""

    recordings: Mapping[str, LiveRecording] = field(default_factory=lambda: MappingProxyType({}))
    waiting: frozenset[str] = frozenset()

    def after(self, line: object) -> Register:
        """This register after one line of the file; what is no line of ours changes nothing."""
        match line:
            case {
                "op": "record",
                "recording": str(recording_id),
                "channel": str(channel_id),
                "mix": str(mix_id),
                **more,
            }:
                live = LiveRecording(recording_id, channel_id, mix_id, _seconds(more.get("began")))
                return replace(self, recordings=MappingProxyType({**self.recordings, recording_id: live}))
            case {"op": "forget", "recording": str(recording_id)}:
                left = {key: live for key, live in self.recordings.items() if key != recording_id}
                return replace(self, recordings=MappingProxyType(left))
            case {"op": "enter", "channel": str(channel_id)}:
                return replace(self, waiting=self.waiting | {channel_id})
            case {"op": "leave", "channel": str(channel_id)}:
                return replace(self, waiting=self.waiting - {channel_id})
        return self

    def lines(self) -> list[dict[str, str]]:
        """The shortest list of lines that makes this register."""
        return [_record(live) for live in self.recordings.values()] + [
            {"op": "enter", "channel": channel_id} for channel_id in sorted(self.waiting)
        ]


def read_register(path: Path) -> Register:
    """What the file says, from any process, at any time. No file: an empty register; torn lines are skipped."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Register()
    register = Register()
    for line in data.splitlines():
        try:
            register = register.after(json.loads(line))
        except ValueError:  # torn by a crash: what it would have announced was never sent
            continue
    return register


class RegisterFile:
    """The writing side, one a process. Lines are written and fsynced by one thread, in the order of the calls.

    `content` is what will be on disk when the last returned future is done. Raises OSError where the folder is not
    writable.
    """

    def __init__(self, path: Path) -> None:
        self.content = read_register(path)
        self._path = path
        self._thread = ThreadPoolExecutor(1, "register")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._taken = 0
        self._written = self._size = 0
        self._file = self._compact()

    def record(
        self, recording_id: str, channel_id: str, mix_id: str = "", began: float | None = None
    ) -> asyncio.Future[None]:
        """A recorder is about to start, or more of it became known. The future is done when this is durable."""
        return self._put(_record(LiveRecording(recording_id, channel_id, mix_id, began)))

    def forget(self, recording_id: str) -> None:
        """A recorder is known to have ended."""
        if recording_id in self.content.recordings:
            self._put({"op": "forget", "recording": recording_id})

    def enter(self, channel_id: str) -> None:
        """A channel waits in our application."""
        if channel_id not in self.content.waiting:
            self._put({"op": "enter", "channel": channel_id})

    def leave(self, channel_id: str) -> None:
        """A channel waits no more."""
        if channel_id in self.content.waiting:
            self._put({"op": "leave", "channel": channel_id})

    async def keep(self) -> None:
        """Until cancelled: a file that somebody removed, cut or exchanged is written anew, for the guard knows no more
        than what stands in it. Where that fails the guard says that it is not ready, and nothing is recorded."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(OSError):
                await loop.run_in_executor(self._thread, self._mend, self.content)

    def close(self) -> None:
        """Write what is left and let go."""
        self._thread.shutdown(wait=True)
        rest, self._waiting = self._waiting[self._taken :], self._waiting[: self._taken]
        with suppress(OSError):
            self._write(b"".join(line for line, _ in rest), len(rest), None)
        os.close(self._file)

    def _put(self, line: dict[str, str]) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        self.content = self.content.after(line)
        durable: asyncio.Future[None] = loop.create_future()
        durable.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting.append((_encoded(line), durable))
        if len(self._waiting) == 1:  # else the write that is under way takes this line along when it is done
            self._flush(loop)
        return durable

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        taken = self._taken = len(self._waiting)
        data = b"".join(line for line, _ in self._waiting)
        snapshot = self.content if self._written + taken > COMPACT_AFTER else None
        write = loop.run_in_executor(self._thread, self._write, data, taken, snapshot)
        write.add_done_callback(lambda done: self._flushed(loop, taken, done))

    def _flushed(self, loop: asyncio.AbstractEventLoop, taken: int, done: asyncio.Future[None]) -> None:
        ready, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._taken = 0
        failure = None if done.cancelled() else done.exception()
        for _, durable in ready:
            if durable.done():
                continue
            durable.set_exception(failure) if failure else durable.set_result(None)
        if self._waiting and not loop.is_closed():
            self._flush(loop)

    # ------------------------------------------------------------ in the thread
    def _write(self, data: bytes, lines: int, snapshot: Register | None) -> None:
        block = b"\n" + data  # a line that a full disk tore must not swallow the next one
        written = os.write(self._file, block)
        self._size += written
        if written < len(block):
            raise OSError(errno.ENOSPC, "the register's disk is full")
        os.fsync(self._file)
        self._written += lines
        if snapshot is not None:
            self._exchange(snapshot)

    def _mend(self, content: Register) -> None:
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return self._exchange(content)
        if not os.path.samestat(there, os.fstat(self._file)) or there.st_size != self._size:
            self._exchange(content)

    def _exchange(self, content: Register) -> None:
        before, self._file = self._file, self._compact(content)
        os.close(before)

    def _compact(self, content: Register | None = None) -> int:
        """Write the file anew beside the old one and put it in its place, so that no reader ever sees half of it."""
        draft = self._path.with_suffix(".new")
        lines = (content or self.content).lines()
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            size = os.write(file, b"".join(_encoded(line) for line in lines))
            os.fsync(file)
            os.replace(draft, self._path)
        except OSError:
            os.close(file)
            raise
        folder = os.open(self._path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        self._written, self._size = len(lines), size
        return file


def _record(live: LiveRecording) -> dict[str, str]:
    line = {"op": "record", "recording": live.recording_id, "channel": live.channel_id, "mix": live.mix_id}
    return line if live.began is None else {**line, "began": f"{live.began:.3f}"}


def _seconds(text: object) -> float | None:
    """None: what is no number, and what a release before this one wrote."""
    try:
        seconds = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _encoded(line: dict[str, str]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"

"""The controller's unix socket: a line of JSON in, a line of JSON out, for the command line on the same machine.

What belongs here: listing live calls and acting on one; works while Postgres is down. What does not: stored calls
(cli/).
The socket is 0600: who may open it is an operator, and every act carries the account that did it.
"""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callguard.engine.acting import act, row
from callguard.engine.runner import Runner

LONGEST = 2**19
"""Bytes of a request: whatever a command line can hold (MAX_ARG_STRLEN), so that what is wrong with it can be said."""

Answer = dict[str, Any]


@dataclass
class Control:
    """Serves SOCKET over the live RUNNERS. `faults`: names of links that are lost now; `reload`: reads policy and
    prompts anew; `halt`: places, releases and lists halts for an operator."""

    path: Path
    runners: dict[str, Runner]
    faults: Callable[[], list[str]]
    reload: Callable[[], Answer] = lambda: {"error": "this controller reads nothing anew"}
    halt: Callable[[Answer, str], Awaitable[Answer]] | None = None
    drain: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until cancelled."""
        self.path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._serve, str(self.path), limit=LONGEST)
        finally:
            os.umask(before)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            answer = await self._answer(request, _account(writer))
        except (OSError, ValueError, KeyError, TypeError):
            answer = {"error": "not a request"}
        with suppress(OSError):  # who asked is gone
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _answer(self, request: Answer, operator: str) -> Answer:
        if request["do"] == "list":
            return {"calls": [row(runner) for runner in self.runners.values()], "faults": self.faults()}
        if request["do"] == "drain":
            self.drain.set()
            return {"calls": len(self.runners)}
        if request["do"] == "reload":
            return self.reload()
        if request["do"] == "halt" and self.halt:
            return await self.halt(request, operator)
        runner = self._find(str(request["call"]))
        if runner is None:
            return {"error": "no live call has this id"}
        return await act(runner, request, operator)

    def _find(self, name: str) -> Runner | None:
        """A live call by our id, a channel's id, or the PBX's linkedid. A channel names the call that it belongs to
        before one that it visits."""
        found = [(_nearness(runner, name), runner) for runner in self.runners.values()]
        nearness, runner = max(found, key=lambda each: each[0], default=(0, None))
        return runner if nearness else None


def _nearness(runner: Runner, name: str) -> int:
    """How well NAME names this call; 0: not at all."""
    channel = runner.call.channels.get(name)
    if name == runner.call.call_id or (channel and not channel.visits):
        return 3
    return 2 if name == runner.ledger.head.linked_id else int(channel is not None)


def account_of(uid: int) -> str:
    """An account of this machine as rows name it: "user:NAME" or "uid:N"."""
    try:
        return f"user:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"uid:{uid}"


def _account(writer: asyncio.StreamWriter) -> str:
    """Who is at the other end, as the kernel says (SO_PEERCRED): "user:NAME" or "uid:N"."""
    peer = writer.get_extra_info("socket")
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid = struct.unpack("3i", credentials)[1]
    return account_of(uid)

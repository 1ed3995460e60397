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
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callguard.core.call import Call
from callguard.core.events import Action, Event, OperatorActed
from callguard.core.quorum import wanted
from callguard.core.recording import Mask
from callguard.engine import clock
from callguard.engine.runner import Runner

PATIENCE = 2.0
"""Seconds in which an operator's act must have reached the recorder."""
LONGEST = 4096
"""Bytes of a request."""

Answer = dict[str, Any]


@dataclass
class Control:
    """Serves SOCKET over the live RUNNERS. `faults`: names of links that are lost now; `reload`: reads policy and
    prompts anew."""

    path: Path
    runners: dict[str, Runner]
    faults: Callable[[], list[str]]
    reload: Callable[[], Answer] = lambda: {"error": "this controller reads nothing anew"}
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
            return {"calls": [_row(runner) for runner in self.runners.values()], "faults": self.faults()}
        if request["do"] == "drain":
            self.drain.set()
            return {"calls": len(self.runners)}
        if request["do"] == "reload":
            return self.reload()
        runner = self._find(str(request["call"]))
        if runner is None:
            return {"error": "no live call has this id"}
        return await _act(runner, Action(request["action"]), operator)

    def _find(self, name: str) -> Runner | None:
        """A live call by our id, a channel's id, or the PBX's linkedid."""
        for runner in self.runners.values():
            if name in (runner.call.call_id, runner.ledger.head.linked_id) or name in runner.call.channels:
                return runner
        return None


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


def _row(runner: Runner) -> Answer:
    call, head = runner.call, runner.ledger.head
    far = call.far
    return {
        "call_id": head.call_id,
        "linked_id": head.linked_id,
        "call_type": head.call_type,
        "direction": head.direction,
        "started_at": head.started_at.isoformat(),
        "mode": call.mode.value,
        "standing": far.standing.value if far else "unnotified",
        "recording": call.recording.shown if call.recording else "none",
        "paused": call.paused,
        "reasons": list(wanted(call)[1]),
    }


async def _act(runner: Runner, action: Action, operator: str) -> Answer:
    """Feed the act in, and answer when the recorder obeyed, or say that it did not in time."""
    reached = asyncio.Event()

    def watch(call: Call, event: Event) -> None:
        if _obeys(call, action):
            reached.set()

    began = time.monotonic()
    runner.watchers.append(watch)
    runner.feed(OperatorActed(at=clock.read().wall, channel_id="", action=action, operator=operator))
    try:
        await asyncio.wait_for(reached.wait(), PATIENCE)
    except TimeoutError:
        return {
            "error": f"{action.value}: the recorder did not follow within {PATIENCE:g} s; see `callguard calls show`",
            "finding": True,
        }
    finally:
        runner.watchers.remove(watch)
    return _row(runner) | {"action": action.value, "milliseconds": round((time.monotonic() - began) * 1000, 1)}


def _obeys(call: Call, action: Action) -> bool:
    running = call.running
    match action:
        case Action.PAUSE:
            return call.paused and (running.mask is Mask.ON if running else not call.may_still_run)
        case Action.RESUME:
            return not call.paused and (running is None or running.mask in (Mask.OFF, Mask.ON))
        case Action.WITHDRAW:
            return not call.may_still_run

"""What the guard can do on FreeSWITCH without the controller: stop a recorder of ours, send a waiting channel on.

What belongs here: the commands. What does not: when to act (callguard/guard.py), the connection (esl.py). When a
controller dies its sockets close, and FreeSWITCH sends the channels on by itself within milliseconds; one that hangs
keeps them open, and whoever comes meanwhile is let in by the system and waits for a first word that nobody says. So the
guard asks for them, and moves a channel only where the snippet's own mark says that it still waits: whoever is in a
call stays there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Coroutine

from callguard.errors import BadInput, LinkDown, PbxRefused
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.outbound import CHANNEL_ID
from callguard.pbx.freeswitch.site import EslAddress
from callguard.pbx.freeswitch.survey import rows_of

WAITING = "callguard_waiting"
"""Channel variable that the snippet sets before `socket` and takes away behind it: true, or TOLD."""
TOLD, CALLER = "told", "callguard_caller"
"""Its value on a channel that was called and is to be bridged, and the variable there that names who called it."""
RESCUE = "callguard_rescue"
"""Channel variable by which the snippet names its own context: FusionPBX has one for each domain."""
UNRECORDED, CONTEXT = "callguard_unrecorded", "callguard"
"""Where the snippet goes on without a recording: extension, and context where the channel names none."""
ENDING = 0.3
"""Seconds in which the wait of who was called has to have ended."""
_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}\Z")
_PATH = re.compile(r"/[A-Za-z0-9_./-]+\Z")


class FreeSwitchRescue:
    """ports.Rescue on an inbound event socket. Make it with `connect`."""

    def __init__(self, esl: Esl) -> None:
        self._esl = esl
        self._door: asyncio.Server | None = None

    @classmethod
    async def connect(cls, address: EslAddress) -> FreeSwitchRescue:
        """Raises Unreachable with what is wrong where."""
        return cls(await Esl.connect(address, _ignore))

    @property
    def closed(self) -> Awaitable[None]:
        """Done when the link is lost."""
        return asyncio.shield(self._esl.closed)

    async def stop(self, recording_id: str, channel_id: str, mark: str) -> bool | None:
        """Stop a recorder by its file, MARK; without one every recorder on the channel."""
        what = mark if _PATH.match(mark) else "all"
        return await _done(self._ask(channel_id, "uuid_record", f"stop {what}"))

    async def waiting(self) -> tuple[str, ...]:
        """Channels in the snippet's `socket`. FreeSWITCH's list of channels is up to a second late."""
        try:
            listed = rows_of(await self._esl.ask("api show channels as json"))
            found = [row["uuid"] for row in listed if row.get("application") == "socket"]
            marks = await asyncio.gather(*(self._ask(item, "uuid_getvar", WAITING) for item in found))
        except (LinkDown, PbxRefused):  # one that is gone meanwhile: the next look is half a second away
            return ()
        return tuple(item for item, mark in zip(found, marks, strict=True) if mark in ("true", TOLD))

    async def send_on(self, channel_id: str) -> bool:
        """Send a channel that still waits to where the snippet goes on."""
        return await _done(self._move(channel_id)) is not False

    async def close(self) -> None:
        """Let go."""
        if self._door is not None:
            self._door.close()
        await self._esl.close()

    async def _move(self, channel_id: str) -> None:
        mark = await self._ask(channel_id, "uuid_getvar", WAITING)
        if mark == TOLD:
            await self._end_wait(channel_id)
        if mark != "true":
            return
        named = await self._ask(channel_id, "uuid_getvar", RESCUE)
        context = named if _CONTEXT.match(named) else CONTEXT
        await self._ask(channel_id, "uuid_transfer", f"{UNRECORDED} XML {context}")

    async def _end_wait(self, channel_id: str) -> None:
        """Let go who was called and waits: a transfer would take it out of the bridge that waits for it.

        Its `socket` ends with any other `socket` on that channel, and one to a door of ours ends at once. A controller
        that never said a word is waited for in another way: then both, once both are up, are bridged by hand.
        """
        await self._ask(channel_id, "uuid_break", "all")
        app = (
            ("call-command", "execute"),
            ("execute-app-name", "socket"),
            ("execute-app-arg", await self._open_door()),
        )
        await self._esl.ask(f"sendmsg {channel_id}", app)
        await asyncio.sleep(ENDING)
        if await self._ask(channel_id, "uuid_getvar", WAITING) == TOLD:
            caller = await self._ask(channel_id, "uuid_getvar", CALLER)
            await self._ask(caller, "uuid_answer", "")
            await self._ask(caller, "uuid_bridge", channel_id)

    async def _open_door(self) -> str:
        """Where whoever connects is turned away at once, as FreeSWITCH reaches it."""
        if self._door is None:
            self._door = await asyncio.start_server(_turn_away, self._esl.own_host, 0)
        host, port = self._door.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def _ask(self, channel_id: str, command: str, rest: str) -> str:
        if not CHANNEL_ID.match(channel_id):
            raise BadInput("a channel's id in the register is none")
        return await self._esl.ask(f"api {command} {channel_id} {rest}".rstrip())


async def _done(work: Coroutine[object, object, object]) -> bool | None:
    """Whether WORK is done; None: there is nothing to do: not running, channel gone, no channel at all."""
    try:
        await work
    except PbxRefused as refusal:  # an account that may not do this: that is not done then
        return False if refusal.reason == "no such command" else None
    except BadInput:
        return None
    except (LinkDown, TimeoutError):
        return False
    return True


async def _turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def _ignore(message: Message) -> None:
    """The guard listens to no event."""

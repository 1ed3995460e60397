"""What the guard can do on Asterisk without the controller: stop a recorder of ours, send a waiting channel on.

What belongs here: the AMI actions. What does not: when to act (callguard/guard.py), the connection (ami.py). A
controller that hangs keeps its application: who comes meanwhile waits in it, and nobody hears of them. So the guard
asks for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from functools import partial

from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.site import AmiAddress

CONTEXT, EXTEN, PRIORITY = "callguard", "s", "unrecorded"
"""Where the snippet goes on without a recording."""
ROW, LISTED = "CoreShowChannel", "CoreShowChannelsComplete"
NO_RIGHT = "Permission denied"
"""AMI's word when our account may not do something: that is not done then, and tried again."""
LIST_SECONDS = 1.0
"""How long a list of channels may take to its end."""
MIX_VARIABLE = "CALLGUARD_MIX"
"""The channel variable that MixMonitor's i() fills with its id."""


class AsteriskRescue:
    """ports.Rescue on AMI. Make it with `connect`. APP: our Stasis application."""

    def __init__(self, ami: Ami, app: str, listed: asyncio.Queue[Message]) -> None:
        self._ami, self._app, self._listed = ami, app, listed

    @classmethod
    async def connect(cls, address: AmiAddress, app: str) -> AsteriskRescue:
        """Raises Unreachable with what is wrong where."""
        listed: asyncio.Queue[Message] = asyncio.Queue()
        return cls(await Ami.connect(address, partial(_hear, listed)), app, listed)

    @property
    def closed(self) -> Awaitable[None]:
        """Done when the link is lost."""
        return asyncio.shield(self._ami.closed)

    async def stop(self, recording_id: str, channel_id: str, mark: str) -> bool | None:
        """Stop a MixMonitor by its id, MARK, which the channel remembers where the register does not."""
        return await _done(self._stop(channel_id, mark))

    async def waiting(self) -> tuple[str, ...]:
        """Channels that entered our application by the snippet, and are still there."""
        rows: list[Message] = []
        with suppress(LinkDown, PbxRefused, TimeoutError):  # who is known by then is sent on; the next look is at hand
            async with asyncio.timeout(LIST_SECONDS):
                await self._ami.action("CoreShowChannels")
                while (row := await self._listed.get()).get("Event") != LISTED:
                    rows.append(row)
        return tuple(row.get("Uniqueid") for row in rows if self._waits(row))

    async def send_on(self, channel_id: str) -> bool:
        """Redirect a channel to where the snippet goes on."""
        where = {"Context": CONTEXT, "Exten": EXTEN, "Priority": PRIORITY}
        return await _done(self._ami.action("Redirect", Channel=channel_id, **where)) is not False

    async def close(self) -> None:
        """Let go."""
        await self._ami.close()

    def _waits(self, row: Message) -> bool:
        return row.get("Application") == "Stasis" and row.get("ApplicationData").startswith(f"{self._app},1,")

    async def _stop(self, channel_id: str, mark: str) -> None:
        if not mark:
            answer = await self._ami.action("Getvar", Channel=channel_id, Variable=MIX_VARIABLE)
            mark = answer.get("Value") or "none"
        await self._ami.action("StopMixMonitor", Channel=channel_id, MixMonitorID=mark)


async def _done(work: Coroutine[object, object, object]) -> bool | None:
    """Whether WORK is done; None: there is nothing to do: not running, channel gone. A missing right is neither."""
    try:
        await work
    except PbxRefused as refusal:
        return False if refusal.reason == NO_RIGHT else None
    except (LinkDown, TimeoutError):
        return False
    return True


def _hear(listed: asyncio.Queue[Message], message: Message) -> None:
    """The guard listens to no event but the rows of a list that it asked for."""
    if message.get("Event") in (ROW, LISTED):
        listed.put_nowait(message)

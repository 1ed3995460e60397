"""What the guard can do on Asterisk without the controller: stop a recorder of ours, send a waiting channel on.

What belongs here: the two AMI actions. What does not: when to act (callguard/guard.py), the connection (ami.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine

from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.site import AmiAddress

CONTEXT, EXTEN, PRIORITY = "callguard", "s", "unrecorded"
"""Where the snippet goes on without a recording."""
NO_RIGHT = "Permission denied"
"""AMI's word when our account may not do something: that is not done then, and tried again."""
MIX_VARIABLE = "CALLGUARD_MIX"
"""The channel variable that MixMonitor's i() fills with its id."""


class AsteriskRescue:
    """ports.Rescue on AMI. Make it with `connect`."""

    def __init__(self, ami: Ami) -> None:
        self._ami = ami

    @classmethod
    async def connect(cls, address: AmiAddress) -> AsteriskRescue:
        """Raises Unreachable with what is wrong where."""
        return cls(await Ami.connect(address, _ignore))

    @property
    def closed(self) -> Awaitable[None]:
        """Done when the link is lost."""
        return asyncio.shield(self._ami.closed)

    async def stop(self, recording_id: str, channel_id: str, mark: str) -> bool:
        """Stop a MixMonitor by its id, MARK, which the channel remembers where the register does not."""
        return await _done(self._stop(channel_id, mark))

    async def send_on(self, channel_id: str) -> bool:
        """Redirect a channel to where the snippet goes on."""
        where = {"Context": CONTEXT, "Exten": EXTEN, "Priority": PRIORITY}
        return await _done(self._ami.action("Redirect", Channel=channel_id, **where))

    async def close(self) -> None:
        """Let go."""
        await self._ami.close()

    async def _stop(self, channel_id: str, mark: str) -> None:
        if not mark:
            answer = await self._ami.action("Getvar", Channel=channel_id, Variable=MIX_VARIABLE)
            mark = answer.get("Value") or "none"
        await self._ami.action("StopMixMonitor", Channel=channel_id, MixMonitorID=mark)


async def _done(work: Coroutine[object, object, object]) -> bool:
    """Whether WORK is done or there is nothing to do: not running, channel gone. A missing right is neither."""
    try:
        await work
    except PbxRefused as refusal:
        return refusal.reason != NO_RIGHT
    except (LinkDown, TimeoutError):
        return False
    return True


def _ignore(message: Message) -> None:
    """The guard listens to no event."""

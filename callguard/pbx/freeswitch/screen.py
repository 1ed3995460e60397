"""What FreeSWITCH shows of a recording's status: a prefix on the agent's phone, and channel variables.

What belongs here: the display, CALLGUARD_STATUS and CALLGUARD_ORDERS. What does not: whom to tell what (core), whispers
(prompter.py). A name is the caller's own text: only letters, digits and spaces of it go into a command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from callguard.core.effects import Indicate
from callguard.core.events import (
    ChannelHungUp,
    Event,
    MaskAcknowledged,
    RecordingOpened,
    StopAcknowledged,
    StopObserved,
    UnmaskAcknowledged,
)
from callguard.core.purpose import Indicator
from callguard.core.word import Script, Status
from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.asterisk.screen import ORDERS, VARIABLE, prefixed
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.outbound import CHANNEL_ID
from callguard.ports import Dialled, Entered, Heard, Said, Sighted

ANY_PHONE = "update_ignore_ua"
"""Channel variable that has FreeSWITCH send a name to every phone that allows UPDATE, and not to some makes alone."""
_STATUSES: Mapping[type[Event], Status] = {
    RecordingOpened: Status.RECORDED,
    UnmaskAcknowledged: Status.RECORDED,
    MaskAcknowledged: Status.PAUSED,
    StopAcknowledged: Status.NOT_RECORDED,
    StopObserved: Status.NOT_RECORDED,
}


class Screen:
    """Shows statuses; WHISPER says a script to an agent. What cannot be shown is a failed request and nothing more."""

    def __init__(self, whisper: Callable[[str, Script], Awaitable[None]]) -> None:
        self._whisper = whisper
        self._esl: Esl | None = None
        self._names: dict[str, str] = {}
        self._others: dict[str, str] = {}
        self._running: dict[str, Status] = {}

    def attach(self, esl: Esl | None) -> None:
        """Use ESL from now on; None: the link is down."""
        self._esl = esl

    def heard(self, heard: Heard) -> None:
        """Who calls whom, and facts about a recording: the variable on the far party's channel follows."""
        match heard:
            case Sighted(channel=channel):
                self._names[channel.channel_id] = channel.display or channel.number
            case Dialled(caller_id=caller_id, peer_id=peer_id):
                self._others |= {peer_id: caller_id, caller_id: peer_id}
            case Entered(channel=channel) if channel.channel_id not in self._running:
                self._set(channel.channel_id, Status.NOT_RECORDED)
            case Said(event=ChannelHungUp(channel_id=gone)):
                for about in (self._names, self._others, self._running):
                    about.pop(gone, None)
            case Said(event=event) if (status := _STATUSES.get(type(event))) is not None:
                self._follow(event, status)

    async def indicate(self, effect: Indicate) -> None:
        """Let the agent at this channel know. Raises PbxRefused, LinkDown."""
        channel_id = effect.channel_id
        await self._ask(channel_id, "uuid_setvar", f"{VARIABLE} {effect.status.value}")
        if effect.by is Indicator.NAME:
            name = self._names.get(self._others.get(channel_id, channel_id), "")
            await self._ask(channel_id, "uuid_setvar", f"{ANY_PHONE} true")
            await self._ask(channel_id, "uuid_display", prefixed(effect.status, name))
        elif effect.script is not None:
            await self._whisper(channel_id, effect.script)

    async def show_orders(self, channel_id: str, shown: str) -> None:
        """Whether orders may be taken on this far party's call: open or withheld. Raises PbxRefused, LinkDown."""
        await self._ask(channel_id, "uuid_setvar", f"{ORDERS} {shown}")

    # ------------------------------------------------------------ inside
    def _follow(self, event: Event, status: Status) -> None:
        where = event.channel_id
        if isinstance(event, RecordingOpened) and self._running.get(where) is Status.PAUSED:
            return  # the mask was faster than the file
        if status is Status.NOT_RECORDED:
            self._running.pop(where, None)
        else:
            self._running[where] = status
        self._set(where, status)

    async def _ask(self, channel_id: str, command: str, rest: str) -> None:
        if self._esl is None:
            raise LinkDown("the link to the PBX is down")
        if not CHANNEL_ID.match(channel_id):
            raise PbxRefused(f"ESL {command}", "no such channel")
        await self._esl.ask(f"api {command} {channel_id} {rest}")

    def _set(self, channel_id: str, status: Status) -> None:
        if self._esl is not None and CHANNEL_ID.match(channel_id):
            self._esl.send(f"api uuid_setvar {channel_id} {VARIABLE} {status.value}")

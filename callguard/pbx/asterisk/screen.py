"""What Asterisk shows of a recording's status: a prefix on the agent's phone, and a channel variable.

What belongs here: the connected line, CALLGUARD_STATUS and CALLGUARD_ORDERS. What does not: whom to tell what (core),
whispers (prompter.py). ARI answers 409 to a variable of a channel in a bridge of the dialplan: all go by AMI, whose
Setvar writes a value as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Mapping

from callguard.core.effects import Indicate
from callguard.core.events import (
    NOT_THERE,
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
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.translate import part, text
from callguard.ports import Entered, Heard, Said

VARIABLE = "CALLGUARD_STATUS"
"""Channel variable of the far party, and of agents who are shown anything: recorded, paused or not_recorded."""
ORDERS = "CALLGUARD_ORDERS"
"""Channel variable of the far party of a call that must be recorded: open or withheld."""
PREFIXES: Mapping[Status, str] = {
    Status.RECORDED: "[REC]",
    Status.PAUSED: "[PAUSED]",
    Status.STILL_PAUSED: "[STILL PAUSED]",
    Status.NOT_RECORDED: "[NOT REC]",
}
LONGEST = 40
"""Characters of the name that stay behind the prefix."""
_SAFE = " .-'"
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
        self._ari: Ari | None = None
        self._ami: Ami | None = None
        self._running: dict[str, Status] = {}

    def attach(self, ari: Ari | None, ami: Ami | None) -> None:
        """Use these links from now on; None: they are down."""
        self._ari, self._ami = ari, ami

    def heard(self, heard: Heard) -> None:
        """A far party entered, or a fact about its recording: the variable on its channel follows."""
        match heard:
            case Entered(channel=channel) if channel.channel_id not in self._running:
                self._set(channel.channel_id, Status.NOT_RECORDED)
            case Said(event=event) if (status := _STATUSES.get(type(event))) is not None:
                self._follow(event, status)

    async def indicate(self, effect: Indicate) -> None:
        """Let the agent at this channel know. Raises PbxRefused, LinkDown."""
        await self._write(effect.channel_id, VARIABLE, effect.status.value)
        if effect.by is Indicator.NAME:
            await self._show(effect)
        elif effect.script is not None:
            await self._whisper(effect.channel_id, effect.script)

    async def show_orders(self, channel_id: str, shown: str) -> None:
        """Whether orders may be taken on this far party's call: open or withheld. Raises PbxRefused, LinkDown."""
        await self._write(channel_id, ORDERS, shown)

    # ------------------------------------------------------------ inside
    async def _show(self, effect: Indicate) -> None:
        if self._ari is None:
            raise LinkDown("the link to the PBX is down")
        channel = await self._ari.channel(effect.channel_id)
        shown = prefixed(effect.status, text(part(channel, "connected"), "name"))
        await self._write(effect.channel_id, "CONNECTEDLINE(name)", shown)

    def _follow(self, event: Event, status: Status) -> None:
        where = event.channel_id
        if isinstance(event, RecordingOpened) and self._running.get(where) is Status.PAUSED:
            return  # the mask was faster than the file
        if status is Status.NOT_RECORDED:
            self._running.pop(where, None)
        else:
            self._running[where] = status
        self._set(where, status)

    async def _write(self, channel_id: str, name: str, value: str) -> None:
        if self._ami is None:
            raise LinkDown("the link to the PBX is down")
        answer = await self._ami.send("Setvar", Channel=channel_id, Variable=name, Value=value)
        if not answer.succeeded:
            raise PbxRefused("AMI Setvar", NOT_THERE)

    def _set(self, channel_id: str, status: Status) -> None:
        if self._ami is not None:
            self._ami.send("Setvar", Channel=channel_id, Variable=VARIABLE, Value=status.value)


def prefixed(status: Status, name: str) -> str:
    """STATUS before NAME as the phone is to show it. NAME is the caller's own text, or ours from before.

    Letters, marks, digits, spaces and . - ' of it stay, LONGEST at most: nothing in it can end a header, a dialplan
    argument or a quotation, turn the direction of writing, or look like a prefix of ours.
    """
    for prefix in PREFIXES.values():
        name = name.replace(prefix, " ")
    kept = "".join(char if char in _SAFE or unicodedata.category(char)[0] in "LMN" else " " for char in name)
    return " ".join([PREFIXES[status], *kept.split()])[: len(PREFIXES[status]) + 1 + LONGEST].rstrip()

"""The tone that says again and again that a call is recorded, mixed into what each party hears.

What belongs here: the requests, and what proves that it was heard. What does not: when it sounds (core/beeping.py), its
sound (audio/tone.py). A playback would take each other's voices away: `uuid_displace` mixes, and its media bug ends
when the file has been played to the last frame.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from callguard.core.events import Script
from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.outbound import CHANNEL_ID, channel_id_of
from callguard.ports import Playable

PATIENCE = 2.0
"""Seconds in which half a second of tone has to be over. It waits for sound that flows towards the party."""
FUNCTION = "displace"
"""What FreeSWITCH calls the media bug."""
_FIRST = "mf"
"""Mix, and before the other media bugs of the channel: so that the recorder there hears it too."""
_PATH = re.compile(r"/[A-Za-z0-9_./-]+\Z")


@dataclass(slots=True)
class _Tone:
    """One tone, on the channels where it has not ended."""

    path: str
    on: set[str]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    cut: str = ""


class Beeper:
    """Sounds it. AGREED: the prompt for a party, as it was agreed; PEERS: who else is in a channel's bridge."""

    def __init__(self, agreed: Callable[[str, Script], Awaitable[Playable]], peers: Callable[[str], list[str]]) -> None:
        self._agreed, self._peers = agreed, peers
        self._esl: Esl | None = None
        self._tones: list[_Tone] = []

    def attach(self, esl: Esl | None) -> None:
        """Use ESL from now on; None: the link is down, and nothing tells any more what was heard."""
        self._esl = esl
        for tone in self._tones if esl is None else ():
            tone.cut = tone.cut or "link lost"
            tone.over.set()

    async def sound(self, channel_id: str) -> None:
        """Let the party at this channel and everybody in its bridge hear the tone, to its end. Raises PbxRefused,
        LinkDown.
        """
        path, esl = str((await self._agreed(channel_id, Script.BEEP)).path), self._esl
        channels = [channel_id, *self._peers(channel_id)]
        if esl is None:
            raise LinkDown("the link to the PBX is down")
        if not _PATH.match(path) or not all(map(CHANNEL_ID.match, channels)):
            raise PbxRefused("prompt", "not playable")
        tone = _Tone(path, set(channels))
        self._tones.append(tone)
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(esl.ask(f"api uuid_displace {own} start {path} 0 {_FIRST}") for own in channels))
                await tone.over.wait()
        except TimeoutError:
            tone.cut = "not played"
            for own in tone.on:  # it would sound at some later time
                esl.send(f"api uuid_displace {own} stop {path}")
        finally:
            self._tones.remove(tone)
        if tone.cut:
            raise PbxRefused("uuid_displace", tone.cut)

    def heard(self, message: Message) -> None:
        """Any event: the end of a tone of ours, or of a channel that hears one."""
        match message.get("Event-Name"):
            case "MEDIA_BUG_STOP" if message.get("Media-Bug-Function") == FUNCTION:
                self._ended(channel_id_of(message), message.get("Media-Bug-Target", ""))
            case "CHANNEL_HANGUP":
                self._hung_up(channel_id_of(message))

    def _ended(self, channel_id: str, path: str) -> None:
        for tone in self._tones:
            if tone.path == path:
                tone.on.discard(channel_id)
                if not tone.on:
                    tone.over.set()

    def _hung_up(self, channel_id: str) -> None:
        for tone in self._tones:
            if channel_id in tone.on:
                tone.cut = tone.cut or "hung up"
                tone.over.set()

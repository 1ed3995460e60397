"""Recorders that are not ours: MixMonitors by their channel, ARI's own by their name, a conference's by its room.

What belongs here: which of them runs, and stopping it. What does not: which MixMonitor is ours (recorder.py), facts
about ARI's own (translate.py), whether they are stopped (core/). Names are somebody else's text: they go into a request
to the PBX, quoted, and nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from callguard.core.events import Bridged, Event, RogueRecordingSeen
from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.swap import Swap
from callguard.pbx.asterisk.translate import Json, part, recorded, text

_ENDED = ("RecordingFinished", "RecordingFailed")


@dataclass(frozen=True, slots=True)
class _Recorder:
    """One that runs. `kind`: "mixed", "own" (ARI's) or "room"; `name`: by which it is stopped."""

    kind: str
    name: str


class Rogues:
    """What records each channel and bridge, until it is stopped. TELL hears of those that ARI does not mention.

    More than one call may ask for the same one to be stopped, and a call may do so after the engine did: without this
    book the second request would end the recorder below it, which is ours.
    """

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._ami: Ami | None = None
        self._running: defaultdict[str, list[_Recorder]] = defaultdict(list)

    def attach(self, ami: Ami | None) -> None:
        """The manager connection, or none."""
        self._ami = ami

    def mixed(self, channel_id: str) -> None:
        """A MixMonitor that we did not ask for began."""
        self._running[channel_id].append(_Recorder("mixed", channel_id))
        self._tell(RogueRecordingSeen(at=datetime.now(UTC), channel_id=channel_id))

    def moved(self, swap: Swap) -> None:
        """What recorded those who are gone records who came in their place, and is told of and stopped there."""
        for gone in swap.gone:
            for recorder in self._running.pop(gone, ()):
                if recorder.kind == "mixed":
                    self.mixed(swap.came)
                else:
                    self._running[swap.came].append(recorder)
                    self._tell(RogueRecordingSeen(at=swap.at, channel_id=swap.came))

    def managed(self, message: Message) -> None:
        """An AMI event: a conference records itself, with a MixMonitor on a channel that no event is about."""
        bridge_id, room = message.get("BridgeUniqueid"), _Recorder("room", message.get("Conference"))
        if message.get("Event") == "ConfbridgeRecord" and bridge_id:
            self._running[bridge_id].append(room)
            self._tell(RogueRecordingSeen(at=datetime.now(UTC), bridge_id=bridge_id))
        elif message.get("Event") == "ConfbridgeStopRecord" and room in self._running.get(bridge_id, ()):
            self._running[bridge_id].remove(room)

    def heard(self, message: Json) -> None:
        """An ARI event: a recorder of ARI's own began or ended, or what was recorded is gone."""
        kind, one = text(message, "type"), _Recorder("own", text(part(message, "recording"), "name"))
        _, target = recorded(message)
        if kind == "RecordingStarted" and target and one.name:
            self._running[target].append(one)
        elif kind in _ENDED and one in self._running.get(target, ()):
            self._running[target].remove(one)
        elif kind in ("ChannelDestroyed", "BridgeDestroyed"):
            what = kind.removesuffix("Destroyed").lower()
            self._running.pop(text(part(message, what), "id"), None)

    def joins(self, event: Bridged) -> None:
        """Somebody is about to come into a bridge. Each of its recorders is told of, so that each can be stopped."""
        for _ in self._running.get(event.bridge_id, ()):
            self._tell(RogueRecordingSeen(at=event.at, channel_id=event.channel_id, bridge_id=event.bridge_id))

    async def stop(self, target: str, ari: Ari) -> None:
        """Stop the newest that records TARGET, a channel or a bridge. Where none does any more there is nothing to do.
        Raises PbxRefused, LinkDown."""
        if not (running := self._running.get(target)):
            return
        newest = running.pop()
        try:
            await self._end(newest, ari)
        except (PbxRefused, LinkDown):
            self._running[target].append(newest)
            raise

    async def _end(self, recorder: _Recorder, ari: Ari) -> None:
        if recorder.kind == "own":
            return await _end_own(recorder.name, ari)
        if self._ami is None:
            raise LinkDown("the link to the PBX is down")
        if recorder.kind == "room":
            await self._ami.action("ConfbridgeStopRecord", Conference=recorder.name)
        else:
            await self._ami.action("StopMixMonitor", Channel=recorder.name)


async def _end_own(name: str, ari: Ari) -> None:
    """One that has ended meanwhile is stopped."""
    try:
        await ari.stop_recording(name)
    except PbxRefused as refusal:
        if refusal.status != 404:
            raise

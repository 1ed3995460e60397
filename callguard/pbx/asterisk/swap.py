"""Who takes a channel's place without a word of that: by an attended transfer out of a conference, into one or into
another application, by an INVITE that replaces a call in a conference (RFC 3891), or by a pickup.

What belongs here: which bridge each channel is in, and who is in whose place. What does not: what comes of it (core/),
stopping the recorder that stays behind (recorder.py), who listens on (listening.py).

Asterisk lets nobody be moved out of an application. It exchanges the insides of two channels instead (a masquerade):
the newcomer goes on there under its own name, with whatever hung on the channel that it replaces: our recorder, and
whoever listens. Of a ConfBridge no event says that it entered (Asterisk 22: BridgeAttendedTransfer, destination_type
"application"; of an INVITE there is nothing at all). A channel that is gone without having left its bridge tells that
somebody may be in its place, and AMI's list of channels says who: ARI's list of bridges still names the one that is
gone. Of a pickup AMI tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callguard.core.events import Bridged, ChannelHungUp, Event, Unbridged
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.translate import Json, is_holding, moment, part, strings, text


@dataclass(frozen=True, slots=True)
class Swap:
    """`came` is in the place of those who are `gone`; in which bridge, where nobody else says so."""

    gone: tuple[str, ...]
    came: str
    at: datetime
    bridge_id: str = ""


def together(bridges: Iterable[Json]) -> dict[str, tuple[str, ...]]:
    """Who is in which bridge with others, {bridge id: channel ids}. BRIDGES: ARI's list."""
    return {text(bridge, "id"): strings(bridge.get("channels")) for bridge in bridges if not is_holding(bridge)}


@dataclass(slots=True)
class Swaps:
    """`bridges`: where each channel is; `left`: who is gone, but never left its bridge; `asked`: lists that are still
    to come."""

    bridges: dict[str, str] = field(default_factory=dict)
    left: dict[str, list[ChannelHungUp]] = field(default_factory=dict)
    asked: int = 0
    ami: Ami | None = None

    def attach(self, ami: Ami | None) -> None:
        """The manager connection, or none: what was asked of the last one is void."""
        self.ami, self.asked = ami, 0
        self.left.clear()

    def looked(self, members: Mapping[str, tuple[str, ...]]) -> None:
        """The PBX says who is in each bridge."""
        self.bridges = {channel_id: bridge for bridge, inside in members.items() for channel_id in inside}

    def heard(self, event: Event) -> None:
        """A fact that is about to be told."""
        match event:
            case Bridged():
                self.bridges[event.channel_id] = event.bridge_id
            case Unbridged() if self.bridges.get(event.channel_id) == event.bridge_id:
                del self.bridges[event.channel_id]
            case ChannelHungUp() if bridge_id := self.bridges.pop(event.channel_id, ""):
                self._ask(bridge_id, event)

    def _ask(self, bridge_id: str, gone: ChannelHungUp) -> None:
        if self.ami is not None:
            self.left.setdefault(bridge_id, []).append(gone)
            self.asked += 1
            self.ami.send("Status")

    def managed(self, message: Message, now: datetime) -> Swap | None:
        """What an AMI event says of a channel that is in the place of others: a pickup, or the list we asked for."""
        match message.get("Event"):
            case "Pickup" if (came := message.get("Uniqueid")) and (rang := message.get("TargetUniqueid")):
                return Swap((rang,), came, now)
            case "Status":
                return self._listed(message.get("Uniqueid"), message.get("BridgeID"))
            case "StatusComplete":
                self.asked -= 1
                if self.asked <= 0:
                    self.left.clear()
        return None

    def _listed(self, came: str, bridge_id: str) -> Swap | None:
        gone = self.left.get(bridge_id, []) if came not in self.bridges else []
        return Swap(tuple(one.channel_id for one in gone), came, gone[-1].at, bridge_id) if gone else None

    def transferred(self, message: Json, now: datetime) -> Swap | None:
        """Which channel is replaced by whom, and in which bridge, if in any. Of the two legs of who transfers, the one
        that Asterisk shows in no bridge is replaced by the peer of the other one. NOW stands in for a missing time."""
        kind, done = text(message, "destination_type"), text(message, "result") == "Success"
        if text(message, "type") != "BridgeAttendedTransfer" or kind != "application" or not done:
            return None
        inward = "transferer_first_leg_bridge" in message
        leg, peer = ("transferer_second_leg", "transferee") if inward else ("transferer_first_leg", "transfer_target")
        gone, came = text(part(message, leg), "id"), text(part(message, peer), "id")
        return Swap((gone,), came, moment(message, now), self.bridges.get(gone, "")) if gone and came else None

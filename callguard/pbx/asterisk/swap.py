"""Who takes a channel's place in a conference without a word of that: by an attended transfer out of it, or into it.

What belongs here: which bridge each channel is in, and who is in whose place. What does not: what comes of it (core/),
stopping the recorder that stays behind (recorder.py).

Asterisk lets nobody be moved out of a ConfBridge. It exchanges the insides of two channels instead (a masquerade): the
newcomer goes on in the room under its own name, with whatever hung on the channel that it replaces, our recorder too.
No event says that it entered (Asterisk 22: BridgeAttendedTransfer, destination_type "application").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callguard.core.events import Bridged, ChannelHungUp, Event, Unbridged
from callguard.pbx.asterisk.translate import Json, moment, part, text


@dataclass(slots=True)
class Swaps:
    """`bridges`: where each channel is."""

    bridges: dict[str, str] = field(default_factory=dict)

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
            case ChannelHungUp():
                self.bridges.pop(event.channel_id, None)

    def transferred(self, message: Json, now: datetime) -> tuple[str, Bridged] | None:
        """Which channel is replaced, and that its successor is in its bridge. Of the two legs of who transfers, the one
        that Asterisk shows in no bridge is replaced by the peer of the other one. NOW stands in for a missing time."""
        kind, done = text(message, "destination_type"), text(message, "result") == "Success"
        if text(message, "type") != "BridgeAttendedTransfer" or kind != "application" or not done:
            return None
        inward = "transferer_first_leg_bridge" in message
        leg, peer = ("transferer_second_leg", "transferee") if inward else ("transferer_first_leg", "transfer_target")
        gone, came = text(part(message, leg), "id"), text(part(message, peer), "id")
        bridge_id = self.bridges.get(gone, "")
        if not (came and bridge_id):
            return None
        return gone, Bridged(at=moment(message, now), channel_id=came, bridge_id=bridge_id)

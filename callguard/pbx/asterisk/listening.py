"""Who listens in: ChanSpy and its kin, and snoops of ARI, of which AMI tells; and who did before anybody told us.

What belongs here: pure reading of two AMI events and of ARI's list of channels. What does not: what a listener means
for a call (core).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from callguard.core.events import Event, ListeningEnded, ListeningStarted
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.site import OWN_PREFIX
from callguard.pbx.asterisk.translate import Json, part, text


def heard(message: Message, at: datetime) -> Event | None:
    """What an AMI event says about a listener, if anything. Our own snoops, by which we whisper, are none."""
    listener, listened = message.get("SpyerUniqueid"), message.get("SpyeeUniqueid")
    if listener.startswith(OWN_PREFIX):
        return None
    match message.get("Event"):
        case "ChanSpyStart" if listener and listened:
            return ListeningStarted(at=at, channel_id=listener, heard_id=listened)
        case "ChanSpyStop" if listener:
            return ListeningEnded(at=at, channel_id=listener)
    return None


def found(channels: Sequence[Json]) -> dict[str, tuple[str, ...]]:
    """Who listens by now, {channel id: ids of those it may hear}. CHANNELS: ARI's list, without our own snoops. ChanSpy
    is given the beginning of a name, and goes from one channel to the next: all of them count as heard."""
    heard = {text(channel, "id"): _heard(channel, channels) for channel in channels}
    return {listener: ids for listener, ids in heard.items() if ids}


def _heard(listener: Json, channels: Sequence[Json]) -> tuple[str, ...]:
    dialplan, name = part(listener, "dialplan"), text(listener, "name")
    app, wanted = text(dialplan, "app_name"), text(dialplan, "app_data").partition(",")[0].lower()
    others = [channel for channel in channels if channel is not listener]
    if name.startswith("Snoop/"):
        return tuple(text(item, "id") for item in others if name[6:].rpartition("-")[0] == text(item, "id"))
    if app == "ChanSpy":
        return tuple(text(item, "id") for item in others if text(item, "name").lower().startswith(wanted))
    return tuple(text(item, "id") for item in others) if app == "ExtenSpy" else ()  # whom, only its dialplan knows

"""Who listens in: ChanSpy and its kin, and snoops of ARI, of which AMI tells; and who did before anybody told us.

What belongs here: reading two AMI events and ARI's list of channels, and who listens in whose place. What does not:
what a listener means for a call (core).

A listener that hands its call over, or whose call is replaced, gives its place in ChanSpy to another channel, which
goes on listening: Asterisk says neither that the one stopped nor that the other began (see swap.py). Nor does it where
the channel that is listened to is the one whose place is taken: the listener hears the newcomer from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from callguard.core.events import ChannelHungUp, Event, ListeningEnded, ListeningStarted
from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.site import OWN_PREFIX
from callguard.pbx.asterisk.swap import Swap
from callguard.pbx.asterisk.translate import Json, is_own, part, text


class Listeners:
    """Who listens to which channels now. TELL hears of it."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._ari: Ari | None = None
        self._heard: dict[str, set[str]] = {}
        self._looking: set[asyncio.Task[None]] = set()

    def attach(self, ari: Ari | None) -> None:
        """The link by which channels are looked at, or none."""
        self._ari = ari

    def looked(self, channels: Sequence[Json]) -> dict[str, tuple[str, ...]]:
        """`found`, and from now on that is known."""
        now = found(channels)
        self._heard = {listener: set(ids) for listener, ids in now.items()}
        return now

    def managed(self, message: Message, at: datetime) -> None:
        """An AMI event."""
        match heard(message, at):
            case ListeningStarted() as event:
                self._heard.setdefault(event.channel_id, set()).add(event.heard_id)
                self._tell(event)
            case ListeningEnded() as event:
                self._heard.pop(event.channel_id, None)
                self._tell(event)

    def gone(self, event: ChannelHungUp) -> None:
        """A channel hung up. Of a listener that did not stop before, another one may be in the place."""
        ids = self._heard.pop(event.channel_id, set())
        if ids and self._ari is not None:
            task = asyncio.create_task(self._look(self._ari, ids, event.at))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    def moved(self, swap: Swap) -> None:
        """Whoever listened to those who are gone listens to who came in their place: nobody stopped."""
        for listener, ids in self._heard.items():
            if not ids.isdisjoint(swap.gone):
                self._heard[listener] = ids.difference(swap.gone) | {swap.came}
                self._tell(ListeningStarted(at=swap.at, channel_id=listener, heard_id=swap.came))

    async def _look(self, ari: Ari, ids: set[str], at: datetime) -> None:
        with suppress(LinkDown, PbxRefused):  # a link that is lost has everybody looked at when it is back
            now = found([channel for channel in await ari.channels() if not is_own(channel)])
            for message in _news(now, self._heard, ids, at):
                self._heard.setdefault(message.channel_id, set()).add(message.heard_id)
                self._tell(message)


def _news(
    now: Mapping[str, tuple[str, ...]], known: Mapping[str, set[str]], ids: set[str], at: datetime
) -> list[ListeningStarted]:
    """Who listens to one of IDS, and was not known to listen at all."""
    new = [(listener, id) for listener, heard in now.items() if listener not in known for id in heard if id in ids]
    return [ListeningStarted(at=at, channel_id=listener, heard_id=id) for listener, id in new]


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
    app, wanted = text(dialplan, "app_name"), _wanted(text(dialplan, "app_data"))
    others = [channel for channel in channels if channel is not listener]
    if name.startswith("Snoop/"):
        return tuple(text(item, "id") for item in others if name[6:].rpartition("-")[0] == text(item, "id"))
    if app == "ChanSpy":
        return tuple(text(item, "id") for item in others if _is_meant(item, wanted))
    return tuple(text(item, "id") for item in others) if app == "ExtenSpy" else ()  # whom, only its dialplan knows


def _wanted(data: str) -> str:
    """ChanSpy's first argument: nothing, or `all`, is everybody. Asterisk takes quotes and backslashes out of it."""
    wanted = data.partition(",")[0].translate({ord('"'): None, ord("\\"): None})
    return "" if wanted == "all" else wanted.lower()


def _is_meant(channel: Json, wanted: str) -> bool:
    """By the beginning of its name, or (option u) by its id."""
    return text(channel, "name").lower().startswith(wanted) or text(channel, "id").lower() == wanted

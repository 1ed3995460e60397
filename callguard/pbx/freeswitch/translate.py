"""FreeSWITCH's words into ours: one event becomes a list of what the engine hears.

What belongs here: reading foreign events, and what one event alone does not say: who is bridged, who waits, who
listens. What does not: sockets (esl.py), prompts' and recorders' own events (prompter.py, recorder.py). Total: no event
raises. The caller-supplied values (number, name) go into Endpoint and nowhere else. Time is an argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from callguard.core.events import (
    Bridged,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeft,
    ChannelUnheld,
    DigitPressed,
    Event,
    ListeningEnded,
    ListeningStarted,
    Unbridged,
    Unexpected,
)
from callguard.pbx.freeswitch import pausing
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.outbound import CHANNEL_ID, channel_id_of
from callguard.pbx.freeswitch.site import DIGIT_SOURCES
from callguard.pbx.words import WORDS, shaped
from callguard.ports import Dialled, Endpoint, Entered, Heard, Said, Sighted

BRIDGED = "bridged"
"""What the snippet writes on a channel that is called and has to be told in the bridge: the variable callguard_when."""
SILENT = "eavesdrop"
"""The application by which a channel listens in: a supervisor, of whom nobody in the call knows."""
LISTENING = (SILENT, "three_way")
"""Applications by which a channel hears another's call without being bridged to it; who is a third one talks, too."""
CAUSES: Mapping[str, int] = {
    "UNALLOCATED_NUMBER": 1,
    "NORMAL_CLEARING": 16,
    "USER_BUSY": 17,
    "NO_USER_RESPONSE": 18,
    "NO_ANSWER": 19,
    "CALL_REJECTED": 21,
    "DESTINATION_OUT_OF_ORDER": 27,
    "NORMAL_UNSPECIFIED": 31,
    "NETWORK_OUT_OF_ORDER": 38,
    "NORMAL_TEMPORARY_FAILURE": 41,
    "RECOVERY_ON_TIMER_EXPIRE": 102,
}
"""FreeSWITCH's words for Q.850 numbers: CHANNEL_HANGUP has the word alone."""
CONFERENCE = "conference-"
"""Begins the id of a bridge that is a conference."""
EAR = "ear-"
"""Begins the id of a listener of whom FreeSWITCH says no more than that there is one."""
_NAMELESS = ("Outbound Call", "Inbound Call")
"""What FreeSWITCH calls somebody who has no name."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,48}\Z")


class Translator:
    """Reads events in their order. DIGITS: sources of keys that count.

    `bridges`: which bridge a channel is in; `listens`: whom a listener hears; `silent`: who of them only listens;
    `inside`: who waits in our application.
    """

    def __init__(self, digits: tuple[str, ...] = DIGIT_SOURCES) -> None:
        self.bridges: dict[str, str] = {}
        self.listens: dict[str, str] = {}
        self.silent: set[str] = set()
        self.inside: set[str] = set()
        self.known: set[str] = set()
        self._digits = digits

    def entered(self, message: Message, now: datetime) -> list[Heard]:
        """The answer to `connect`: this channel waits in our application."""
        channel = endpoint(message)
        at = time_of(message, now)
        self.inside.add(channel.channel_id)
        signal = pausing.entered(message, channel.channel_id, at)
        paused = [Said(signal)] if signal else []
        return [*self._sight(channel, at), *paused, Entered(at, channel, _args(message, channel.channel_id))]

    def read(self, message: Message, now: datetime) -> list[Heard]:
        """What MESSAGE says, in order. NOW (aware) stands in for a missing time."""
        reader = _READERS.get(message.get("Event-Name", ""))
        channel_id = channel_id_of(message)
        return list(reader(self, message, time_of(message, now), channel_id)) if reader and channel_id else []

    def _sight(self, channel: Endpoint, at: datetime) -> Iterator[Heard]:
        if channel.channel_id not in self.known:
            self.known.add(channel.channel_id)
            yield Sighted(at, channel)

    # ------------------------------------------------------------ readers
    def _created(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        yield from self._sight(endpoint(message), at)
        other = message.get("Other-Leg-Unique-ID", "")
        if message.get("Other-Type") == "originator" and CHANNEL_ID.match(other):
            yield Dialled(at, other, channel_id)

    def _answered(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        """Who answers a call that the snippet said is bridged at once is told there: it does not wait."""
        yield Said(ChannelAnswered(at=at, channel_id=channel_id))
        outward = message.get("Call-Direction") == "outbound"
        if outward and message.get("variable_callguard_when") == BRIDGED:
            yield Entered(at, endpoint(message), _args(message, channel_id), waiting=False)

    def _bridged(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        legs = _legs(message)
        for leg in legs:
            yield from self._leave(leg, at)
        for leg in legs:
            yield from self._join(leg, bridge_of(*legs), at)

    def _unbridged(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        legs = _legs(message)
        for leg in legs:
            if self.bridges.get(leg) == bridge_of(*legs):
                yield from self._leave(leg, at)

    def _hung_up(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        if channel_id not in self.known:
            return
        yield from self._leave(channel_id, at)
        yield from self._left(message, at, channel_id)
        self.known.discard(channel_id)
        self.listens.pop(channel_id, None)
        self.silent.discard(channel_id)
        yield from self._ear_gone(EAR + channel_id, at)
        cause = CAUSES.get(message.get("Hangup-Cause", ""), 0)
        yield Said(ChannelHungUp(at=at, channel_id=channel_id, cause=cause))

    def _left(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        if channel_id in self.inside:
            self.inside.discard(channel_id)
            yield Said(ChannelLeft(at=at, channel_id=channel_id))

    def _executes(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        """Who is about to enter a conference is in it from now on: what it says there comes before its add-member."""
        if message.get("Application") == "conference":
            yield from self._leave(channel_id, at)
            yield from self._join(channel_id, conference(_room(message.get("Application-Data", ""))), at)
        if message.get("Application") in LISTENING:
            target = message.get("Application-Data", "").strip()
            self.listens[channel_id] = target
            if message.get("Application") == SILENT:
                self.silent.add(channel_id)
            yield from self._hears(channel_id, target, at)

    def _executed(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        match message.get("Application"):
            case "socket":
                yield from self._left(message, at, channel_id)
            case "conference" if self.bridges.get(channel_id, "").startswith(CONFERENCE):
                yield from self._leave(channel_id, at)
            case "eavesdrop" | "three_way":
                if channel_id in self.silent:
                    yield Said(ListeningEnded(at=at, channel_id=channel_id))
                self.listens.pop(channel_id, None)
                self.silent.discard(channel_id)
                yield from self._leave(channel_id, at)

    def _bug(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        """Somebody listens to this channel, now and in any bridge. Who, it does not say: a listener that we know, or an
        ear without a name.
        """
        if message.get("Media-Bug-Function") != "eavesdrop":
            return
        known = [ear for ear, target in self.listens.items() if target in (channel_id, "all")]
        if not known:
            self.listens[EAR + channel_id] = channel_id
            self.silent.add(EAR + channel_id)
        for ear in known or [EAR + channel_id]:
            yield from self._hears(ear, channel_id, at)

    def _hears(self, ear: str, target: str, at: datetime) -> Iterator[Heard]:
        """Who listens is in no bridge, who is a third one is in the bridge of whom it joins."""
        if ear in self.silent:
            if target in self.known:
                yield Said(ListeningStarted(at=at, channel_id=ear, heard_id=target))
        elif target in self.bridges:
            yield from self._join(ear, self.bridges[target], at)

    def listen_anew(self, listens: Mapping[str, str], silent: frozenset[str]) -> None:
        """Who listens to whom, as was asked for. Who was a third one is none of the SILENT: while we speak to it nobody
        says so.
        """
        third = self.listens.keys() - self.silent
        self.listens, self.silent = dict(listens), set(silent - third)

    def listening(self, at: datetime) -> Iterator[Heard]:
        """Who listens to whom now, once more: the engine may have begun, or missed something."""
        for ear in sorted(self.silent & self.listens.keys()):
            yield from self._hears(ear, self.listens[ear], at)

    def _bug_gone(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        if message.get("Media-Bug-Function") == "eavesdrop":
            yield from self._ear_gone(EAR + channel_id, at)

    def _ear_gone(self, ear: str, at: datetime) -> Iterator[Heard]:
        if self.listens.pop(ear, ""):
            self.silent.discard(ear)
            yield from self._leave(ear, at)
            yield Said(ChannelHungUp(at=at, channel_id=ear))

    def _custom(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        if message.get("Event-Subclass") != "conference::maintenance":
            return
        match message.get("Action"):
            case "add-member":
                room = conference(message.get("Conference-Name", ""))
                if self.bridges.get(channel_id) != room:
                    yield from self._leave(channel_id, at)
                yield from self._join(channel_id, room, at)
            case "del-member":
                yield from self._leave(channel_id, at)

    def _digit(self, message: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        """A key, unless a program may have made it: any client of the event socket can make one that says APP."""
        digit = message.get("DTMF-Digit", "")
        if message.get("DTMF-Source") not in self._digits:
            yield Said(Unexpected(at=at, channel_id=channel_id, what="DTMF"))
        else:
            known = len(digit) == 1 and digit in "0123456789*#ABCD"
            yield Said(DigitPressed(at=at, channel_id=channel_id, digit=digit if known else "x"))

    # ------------------------------------------------------------ who is where
    def _join(self, channel_id: str, bridge: str, at: datetime) -> Iterator[Heard]:
        """Into a bridge, and with it who is a third one there. After a gap who listens is put there as well."""
        if self.bridges.get(channel_id) != bridge:
            self.bridges[channel_id] = bridge
            yield Said(Bridged(at=at, channel_id=channel_id, bridge_id=bridge))
        third = [ear for ear in self.listens if ear not in self.silent or ear in self.bridges]
        for ear in [ear for ear in third if self.listens[ear] == channel_id and ear != channel_id]:
            yield from self._join(ear, bridge, at)

    def _leave(self, channel_id: str, at: datetime) -> Iterator[Heard]:
        bridge = self.bridges.pop(channel_id, None)
        if bridge is not None:
            yield Said(Unbridged(at=at, channel_id=channel_id, bridge_id=bridge))


def endpoint(message: Message) -> Endpoint:
    """A channel as its event tells it. What a caller claims to be never names an endpoint: an agent's is the user that
    it registered or was dialled as, a trunk's its gateway.
    """
    outward = message.get("Call-Direction") == "outbound"
    called = message.get("Caller-Callee-ID-Number") or message.get("Caller-Destination-Number", "")
    name = message.get("Caller-Callee-ID-Name", "") if outward else message.get("Caller-Caller-ID-Name", "")
    return Endpoint(
        channel_id=channel_id_of(message),
        name=_name(message),
        endpoint=_endpoint(message, outward),
        answered=message.get("Answer-State") == "answered",
        number=called if outward else message.get("Caller-Caller-ID-Number", ""),
        display="" if name in _NAMELESS else name,
        words=shaped({key: message.get(f"variable_callguard_{key}", "") for key in WORDS}),
    )


def stamp_of(message: Message) -> float | None:
    """The same in seconds of the epoch; None where the event has none."""
    stamp = message.get("Event-Date-Timestamp", "")
    return int(stamp) / 1e6 if re.fullmatch("[0-9]{1,18}", stamp) else None


def time_of(message: Message, now: datetime) -> datetime:
    """When the event was made, by FreeSWITCH's clock."""
    stamp = message.get("Event-Date-Timestamp", "")
    try:
        return _EPOCH + timedelta(microseconds=int(stamp)) if re.fullmatch("[0-9]{1,18}", stamp) else now
    except OverflowError:
        return now


def conference(name: str) -> str:
    """A conference as a bridge."""
    return f"{CONFERENCE}{name if _NAME.match(name) else 'other'}"


def _room(said: str) -> str:
    """The name in what the application `conference` was given: NAME@PROFILE+PIN+flags{...}."""
    return re.split("[@+]", said.strip(), maxsplit=1)[0]


def scrubbed(message: Message) -> Mapping[str, str]:
    """MESSAGE as the log may keep it: what tells a key is replaced by 'x', and no variable of the dialplan stays."""
    kept = {key: value for key, value in message.items() if not key.startswith("variable_")}
    return {**kept, "DTMF-Digit": "x"} if "DTMF-Digit" in kept else kept


def bridge_of(one: str, other: str) -> str:
    """The bridge of two channels: FreeSWITCH has no name for it."""
    return min(one, other)


def _args(message: Message, channel_id: str) -> tuple[str, ...]:
    """What the dialplan says about a call, as every adapter passes it on."""
    kind, way = (message.get(f"variable_callguard_{key}", "") for key in ("type", "direction"))
    return ("1", kind, way, message.get("Channel-Call-UUID", channel_id))


def _legs(message: Message) -> tuple[str, str] | tuple[()]:
    legs = (message.get("Bridge-A-Unique-ID", ""), message.get("Bridge-B-Unique-ID", ""))
    return legs if all(CHANNEL_ID.match(leg) for leg in legs) else ()


def _name(message: Message) -> str:
    """Its name; both halves of a loopback channel are called as the core calls such halves."""
    name, own = message.get("Channel-Name", ""), channel_id_of(message)
    if not name.startswith("loopback/"):
        return name
    other = message.get("variable_other_loopback_leg_uuid", "")
    return f"loopback/{min(own, other or own)};{'2' if other and other < own else '1'}"


def _endpoint(message: Message, outward: bool) -> str:
    user, domain = ("dialed_user", "dialed_domain") if outward else ("user_name", "domain_name")
    trusted = outward or message.get("variable_sip_authorized") == "true"
    if trusted and (name := message.get(f"variable_{user}")):
        return f"user/{name}@{message.get(f'variable_{domain}', '')}"
    if gateway := message.get("variable_sip_gateway_name") or message.get("variable_sip_gateway"):
        return f"gateway/{gateway}"
    name = message.get("Channel-Name", "")
    return name.partition("@")[0] if outward else name.rpartition("/")[0]


_Reader = Callable[[Translator, Message, datetime, str], Iterator[Heard]]


def _about(make: Callable[[datetime, str], Event]) -> _Reader:
    def read(_: Translator, __: Message, at: datetime, channel_id: str) -> Iterator[Heard]:
        yield Said(make(at, channel_id))

    return read


_READERS: Mapping[str, _Reader] = {
    "CHANNEL_CREATE": Translator._created,
    "CHANNEL_ANSWER": Translator._answered,
    "CHANNEL_HOLD": _about(lambda at, who: ChannelHeld(at=at, channel_id=who)),
    "CHANNEL_UNHOLD": _about(lambda at, who: ChannelUnheld(at=at, channel_id=who)),
    "CHANNEL_BRIDGE": Translator._bridged,
    "CHANNEL_UNBRIDGE": Translator._unbridged,
    "CHANNEL_HANGUP": Translator._hung_up,  # before RECORD_STOP: a recorder that ends then has not ended by itself
    "CHANNEL_HANGUP_COMPLETE": Translator._hung_up,
    "CHANNEL_DESTROY": Translator._hung_up,
    "CHANNEL_EXECUTE": Translator._executes,
    "CHANNEL_EXECUTE_COMPLETE": Translator._executed,
    "MEDIA_BUG_START": Translator._bug,
    "MEDIA_BUG_STOP": Translator._bug_gone,
    "CUSTOM": Translator._custom,
    "DTMF": Translator._digit,
}

"""Which channel belongs to which call, and in which role: what a PBX says becomes facts of calls.

What belongs here: grouping of channels by entry, dialling, bridges and Local pairs. No I/O. What does not: what a
fact means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from callguard.core.call import Call, Channel
from callguard.core.events import (
    Bridged,
    CallMerged,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelSeen,
    ChannelUnheld,
    DigitPressed,
    Event,
    ListeningEnded,
    ListeningStarted,
    PartyIdentified,
    PauseSignalled,
    RogueRecordingSeen,
    Role,
    Unbridged,
)
from callguard.core.policy import CallType
from callguard.ports import Dialled, Endpoint, Entered, EventRow, Sighted, Snapshot

Fact = tuple[str, Event]
"""A call's id and a fact of that call."""


@dataclass
class Switchboard:
    """All channels known, and the calls that they belong to. `new_party`: makes a random party id.

    A channel belongs to one call and may visit others: it is in a bridge with channels of theirs. `rogues`: channels
    that somebody else was seen to record; `signals`: pauses asked for on channels that were of no call yet;
    `listeners`: who listens to which channel; `held`: who holds; `unnamed`: channels of calls that were taken over, of
    which nothing more is known, `logged`: those that are known, as each call's log has them.
    """

    new_party: Callable[[], str]
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    visits: dict[str, set[str]] = field(default_factory=dict)
    bridges: dict[str, str] = field(default_factory=dict)
    dials: dict[str, str] = field(default_factory=dict)
    types: dict[str, CallType] = field(default_factory=dict)
    parties: dict[str, Endpoint] = field(default_factory=dict)
    rogues: dict[str, RogueRecordingSeen] = field(default_factory=dict)
    signals: dict[str, PauseSignalled] = field(default_factory=dict)
    listeners: dict[str, ListeningStarted] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    unnamed: dict[str, str] = field(default_factory=dict)
    logged: list[tuple[str, Channel]] = field(default_factory=list)

    # ------------------------------------------------------------ calls
    def open(self, call_id: str, call_type: CallType, channel: Endpoint) -> None:
        """A call begins with CHANNEL."""
        self.endpoints[channel.channel_id] = channel
        self.calls[channel.channel_id] = call_id
        self.types[call_id] = call_type

    def restore(self, call: Call, events: Iterable[EventRow], there: Mapping[str, Endpoint]) -> None:
        """A call that is taken over, as its log tells it. THERE: the channels that the PBX has. Where the log
        does not tell who somebody is, its controller died between two rows: `met` says it anew."""
        self.types[call.call_id] = call.call_type
        rows = list(events)
        visitors = {row.channel_id for row in rows if row.type == CallMerged.type}
        named = {call.anchor, *(row.channel_id for row in rows if row.type == PartyIdentified.type)}
        for channel in call.live():
            own = channel.channel_id
            self.logged.append((call.call_id, channel))
            self.endpoints[own] = there.get(own) or bare(own)
            if channel.bridge:
                self.bridges[own] = channel.bridge
            if channel.held:
                self.held.add(own)
            if own in visitors:
                self.visits.setdefault(own, set()).add(call.call_id)
            elif own in named or channel.role is Role.PLUMBING:
                self.calls[own] = call.call_id
            else:
                self.unnamed[own] = call.call_id

    def met(self, at: datetime) -> Iterator[Fact]:
        """Who is in a call, or visits one, by where everybody is: what the log of a call that was taken over lacks, and
        whoever came in before it was."""
        for call_id, channel in self.logged:
            yield from ((call_id, event) for event in self._moved(channel, at))
        self.logged.clear()
        for channel_id in list(self.unnamed):
            yield from self._join(channel_id, self.unnamed.pop(channel_id), at)
        for bridge in dict.fromkeys(self.bridges.values()):
            known = next((item for item, where in self.bridges.items() if where == bridge and item in self.calls), None)
            if known:
                yield from self._mates(bridge, Bridged(at=at, channel_id=known, bridge_id=bridge))
        for listener in list(self.listeners.values()):
            told = self._known_in(listener.channel_id)
            for call_id in [each for each in self._known_in(listener.heard_id) if each not in told]:
                yield from self._listens_in(call_id, listener)

    def _moved(self, known: Channel, at: datetime) -> Iterator[Event]:
        """What a log does not have of this channel, while that of another call may."""
        own, bridge = known.channel_id, self.bridges.get(known.channel_id, "")
        if bridge and bridge != known.bridge:
            yield Bridged(at=at, channel_id=own, bridge_id=bridge)
        elif bridge != known.bridge:
            yield Unbridged(at=at, channel_id=own, bridge_id=known.bridge)
        if own in self.held and not known.held:
            yield ChannelHeld(at=at, channel_id=own)

    def close(self, call_id: str) -> None:
        """Forget a call that is over, and its channels."""
        self.types.pop(call_id, None)
        self.visits = {key: rest for key, calls in self.visits.items() if (rest := calls - {call_id})}
        for channel_id in [key for key, value in self.calls.items() if value == call_id]:
            self.calls.pop(channel_id)
            if channel_id not in self.visits:
                self.endpoints.pop(channel_id, None)
                self.bridges.pop(channel_id, None)
                self.held.discard(channel_id)

    def call_of(self, channel_id: str) -> str | None:
        """The call that this channel belongs to."""
        return self.calls.get(channel_id)

    def dialled_number(self, channel_id: str) -> str:
        """The number by which a live call's first channel came in; '' where nobody knows it any more."""
        return self.endpoints.get(channel_id, bare(channel_id)).words.get("dialled", "")

    def values_of(self, party_id: str) -> dict[str, str]:
        """Personal values of a party, once: whoever asks has them sealed."""
        channel = self.parties.pop(party_id, None)
        if channel is None:
            return {}
        values = {"number": channel.number, "display": channel.display, "endpoint": channel.endpoint}
        return values | {key: word for key, word in channel.words.items() if key == "dialled"}

    # ------------------------------------------------------------ what the PBX says
    def sighted(self, heard: Sighted) -> list[Fact]:
        """A channel exists; the other half of a Local channel of a call belongs to that call."""
        self.endpoints[heard.channel.channel_id] = heard.channel
        pair = self._pair(heard.channel)
        call_id = self.calls.get(pair.channel_id) if pair else None
        return list(self._join(heard.channel.channel_id, call_id, heard.at)) if call_id else []

    def dialled(self, heard: Dialled) -> list[Fact]:
        """A channel that a call dials belongs to it; and so does the one that dialled a call's first channel."""
        self.dials[heard.peer_id] = heard.caller_id
        if call_id := self.calls.get(heard.caller_id):
            return list(self._join(heard.peer_id, call_id, heard.at))
        call_id = self.calls.get(heard.peer_id)
        return list(self._join(heard.caller_id, call_id, heard.at)) if call_id and heard.caller_id else []

    def entered(self, heard: Entered, call_id: str, call_type: CallType) -> list[Fact]:
        """A channel waits in our application: the first of a call. Facts about who it is follow the call's start."""
        self.open(call_id, call_type, heard.channel)
        facts: list[Fact] = [(call_id, self._identify(heard.channel, Role.FAR, heard.at))]
        dialler = self.dials.get(heard.channel.channel_id)
        rogue = self.rogues.get(heard.channel.channel_id)
        facts += [(call_id, rogue)] if rogue else []  # somebody recorded it before it came to us, and still may
        facts += self._signalled(heard.channel.channel_id, call_id)
        facts += self._heard_by(heard.channel.channel_id)
        return facts + (list(self._join(dialler, call_id, heard.at)) if dialler in self.endpoints else [])

    def said(self, event: Event) -> list[Fact]:
        """A fact about one channel: to the call that the channel belongs to, or that its bridge belongs to."""
        if isinstance(event, RogueRecordingSeen) and event.bridge_id:
            return list(self._recorded_bridge(event))
        if isinstance(event, RogueRecordingSeen):
            self.rogues[event.channel_id] = event
        if isinstance(event, PauseSignalled) and event.channel_id not in self.calls:
            self._set_aside(event)
        if isinstance(event, ListeningStarted):
            self.listeners[event.channel_id] = event
            return list(self._listens(event))
        self._holds(event)
        found = list(self._bridge_facts(event)) if isinstance(event, Bridged | Unbridged) else []
        if isinstance(event, ChannelAnswered) and event.channel_id in self.endpoints:
            self.endpoints[event.channel_id] = replace(self.endpoints[event.channel_id], answered=True)
        if not isinstance(event, Bridged):
            found += [(call_id, event) for call_id in self._concerned(event)]
        if isinstance(event, ChannelHungUp | ListeningEnded):
            self.listeners.pop(event.channel_id, None)
        if isinstance(event, ChannelHungUp):
            for about in (self.bridges, self.endpoints, self.visits, self.dials, self.rogues, self.signals):
                about.pop(event.channel_id, None)
        return found

    def _holds(self, event: Event) -> None:
        if isinstance(event, ChannelHeld):
            self.held.add(event.channel_id)
        elif isinstance(event, ChannelUnheld | ChannelHungUp):
            self.held.discard(event.channel_id)

    def _listens(self, event: ListeningStarted) -> Iterator[Fact]:
        """Who listens to a channel of a call is on that call, and on every other one that this channel visits."""
        for call_id in self._known_in(event.heard_id):
            yield from self._listens_in(call_id, event)

    def _listens_in(self, call_id: str, event: ListeningStarted) -> Iterator[Fact]:
        """Of this call: as a guest of it where the listener belongs to another one."""
        own = self.calls.get(event.channel_id)
        if own is None:
            yield from self._join(event.channel_id, call_id, event.at)
        elif own != call_id:
            yield from self._visit(event.channel_id, call_id, event.at)
        yield call_id, event

    def _heard_by(self, channel_id: str) -> list[Fact]:
        """Who listened to this channel before it belonged to a call is on that call."""
        return [fact for listener in self._listeners_of(channel_id) for fact in self._listens(listener)]

    def _listeners_of(self, channel_id: str) -> list[ListeningStarted]:
        return [item for item in self.listeners.values() if item.heard_id == channel_id]

    def _set_aside(self, event: PauseSignalled) -> None:
        """A dialplan may ask for a pause before it hands the call over, and take that back."""
        self.signals.pop(event.channel_id, None)
        if event.on:
            self.signals[event.channel_id] = event

    def _signalled(self, channel_id: str, call_id: str) -> list[Fact]:
        signal = self.signals.pop(channel_id, None)
        return [(call_id, signal)] if signal else []

    def _recorded_bridge(self, event: RogueRecordingSeen) -> Iterator[Fact]:
        """A bridge is recorded: each call with a channel in it hears so once: now, or before its first one is in it."""
        members = [channel_id for channel_id, bridge in self.bridges.items() if bridge == event.bridge_id]
        calls = {self.calls[item]: item for item in reversed(members) if item in self.calls}
        if event.channel_id:
            calls = {each: event.channel_id for each in self._concerned(event) if each not in calls}
        yield from ((call_id, replace(event, channel_id=item)) for call_id, item in calls.items())

    def _concerned(self, event: Event) -> list[str]:
        """The call of the event's channel, and those that it visits: they hear where it is, and what it types, but for
        keys of staff, which act on one call."""
        who, known = event.channel_id, self._known_in(event.channel_id)
        if not isinstance(event, DigitPressed):
            return known
        guest = {each for each in known if each in self.types and self._role(who, self.types[each]) is Role.GUEST}
        return [each for each in known if each in guest or each == self.calls.get(who)]

    def _known_in(self, channel_id: str) -> list[str]:
        """The call that this channel belongs to, and those that it visits."""
        own = self.calls.get(channel_id)
        return [*([own] if own else []), *sorted(self.visits.get(channel_id, ()))]

    def _bridge_facts(self, event: Bridged | Unbridged) -> Iterator[Fact]:
        if isinstance(event, Unbridged):
            if self.bridges.get(event.channel_id) == event.bridge_id:
                self.bridges.pop(event.channel_id)
                self.held.discard(event.channel_id)  # as in the core, a hold ends with its bridge
            return
        self.bridges[event.channel_id] = event.bridge_id
        members = [channel_id for channel_id, bridge in self.bridges.items() if bridge == event.bridge_id]
        call_id = self.calls.get(event.channel_id) or next(
            (self.calls[item] for item in members if item in self.calls), None
        )
        if call_id is None:
            return
        joined = [item for item in members if item not in self.calls]
        for channel_id in joined:
            yield from self._join(channel_id, call_id, event.at)
        if event.channel_id not in joined:
            yield from ((each, event) for each in self._concerned(event))
        yield from self._meet(members, event)

    def _meet(self, members: list[str], event: Bridged) -> Iterator[Fact]:
        """Channels of several calls in one bridge: each call hears of the others' channels, as guests of its own. A
        Local channel carries what it hears, and so do the calls that it visits."""
        calls = {self.calls[item] for item in members}
        calls |= {each for item in members if _is_half(self.endpoints.get(item)) for each in self.visits.get(item, ())}
        for call_id, channel_id in [(one, item) for one in sorted(calls) for item in members]:
            yield from self._visit(channel_id, call_id, event.at)

    def _visit(self, channel_id: str, call_id: str, at: datetime) -> Iterator[Fact]:
        """A call hears of a channel of another one, of whom a Local channel brings along, and of who listens to it."""
        own, visited = self.calls[channel_id], self.visits.get(channel_id, set())
        if own == call_id or call_id in visited:
            return
        self.visits[channel_id] = visited | {call_id}
        channel = self.endpoints.get(channel_id) or bare(channel_id)
        pair, role = self._pair(channel), self._role(channel_id, self.types[call_id])
        half = pair.channel_id if pair else ""
        yield call_id, ChannelSeen(at=at, channel_id=channel_id, role=role, pair=half)
        yield call_id, CallMerged(at=at, channel_id=channel_id, other_call_id=own)
        yield from self._where(channel_id, call_id, at)
        if half in self.calls:
            yield from self._visit(half, call_id, at)
        for listener in self._listeners_of(channel_id):
            yield from self._listens_in(call_id, listener)

    # ------------------------------------------------------------ joining
    def _join(self, channel_id: str, call_id: str, at: datetime) -> Iterator[Fact]:
        if channel_id in self.calls:
            return
        self.calls[channel_id] = call_id
        channel = self.endpoints.get(channel_id) or bare(channel_id)
        pair = self._pair(channel)
        role = self._role(channel_id, self.types[call_id])
        yield call_id, ChannelSeen(at=at, channel_id=channel_id, role=role, pair=pair.channel_id if pair else "")
        if role is not Role.PLUMBING:
            yield call_id, self._identify(channel, role, at)
        if channel_id in self.rogues:
            yield call_id, self.rogues[channel_id]
        yield from self._signalled(channel_id, call_id)
        if channel.answered:
            yield call_id, ChannelAnswered(at=at, channel_id=channel_id)
        yield from self._where(channel_id, call_id, at)
        if pair:
            yield from self._join(pair.channel_id, call_id, at)
            for visited in sorted(self.visits.get(pair.channel_id, ())):
                yield from self._visit(channel_id, visited, at)
        yield from self._heard_by(channel_id)

    def _where(self, channel_id: str, call_id: str, at: datetime) -> Iterator[Fact]:
        """A call that comes to hear of a channel hears whether it holds, where it is, and with whom."""
        if channel_id in self.held:
            yield call_id, ChannelHeld(at=at, channel_id=channel_id)
        if bridge := self.bridges.get(channel_id):
            there = Bridged(at=at, channel_id=channel_id, bridge_id=bridge)
            yield call_id, there
            yield from self._mates(bridge, there)

    def _mates(self, bridge: str, event: Bridged) -> Iterator[Fact]:
        """Who sat in this bridge before its newest member belonged to a call is on that call too."""
        members = [item for item, where in self.bridges.items() if where == bridge]
        for item in members:
            yield from self._join(item, self.calls[event.channel_id], event.at)
        yield from self._meet(members, event)

    def _identify(self, channel: Endpoint, role: Role, at: datetime) -> PartyIdentified:
        party_id = self.new_party()
        self.parties[party_id] = channel
        return PartyIdentified(at=at, channel_id=channel.channel_id, party_id=party_id, role=role)

    def _pair(self, channel: Endpoint) -> Endpoint | None:
        if not _is_half(channel):
            return None
        other = channel.name[:-1] + ("2" if channel.name.endswith("1") else "1")
        return next((item for item in self.endpoints.values() if item.name == other), None)

    def _role(self, channel_id: str, call_type: CallType) -> Role:
        """Staff that listens in is staff only where the notice says that it may."""
        channel = self.endpoints.get(channel_id) or bare(channel_id)
        if channel_id in self.listeners and not call_type.listeners_covered:
            return Role.GUEST
        if _is_half(channel) or channel.name.startswith("Snoop/"):
            return Role.PLUMBING
        return Role.AGENT if call_type.is_agent(channel.endpoint) else Role.GUEST

    # ------------------------------------------------------------ after a gap
    def difference(self, now: Snapshot) -> list[Sighted | Event]:
        """What must have happened between what we know and NOW, as the events that we missed."""
        there = {channel.channel_id: channel for channel in now.channels}
        bridged = {channel_id: bridge for bridge, members in now.bridges.items() for channel_id in members}
        gone = [known for known in self.endpoints if known not in there and known not in now.listeners]
        found: list[Sighted | Event] = [ChannelHungUp(at=now.at, channel_id=known) for known in gone]
        for channel in now.channels:
            known = self.endpoints.get(channel.channel_id)
            if known is None:
                found.append(Sighted(now.at, channel))
            elif channel.answered and not known.answered:
                found.append(ChannelAnswered(at=now.at, channel_id=channel.channel_id))
        return found + list(self._moves(bridged, now)) + list(self._unheard_of(now))

    def _unheard_of(self, now: Snapshot) -> Iterator[Event]:
        """Who began to listen while nobody told us. That one has stopped is not said here: if in doubt, it listens."""
        for listener, heard in now.listeners.items():
            known = self.listeners.get(listener)
            if known is None or known.heard_id not in heard:
                yield from (ListeningStarted(at=now.at, channel_id=listener, heard_id=each) for each in heard)

    def _moves(self, bridged: dict[str, str], now: Snapshot) -> Iterator[Event]:
        for channel_id in [channel.channel_id for channel in now.channels]:
            before, after = self.bridges.get(channel_id), bridged.get(channel_id)
            if before and before != after:
                yield Unbridged(at=now.at, channel_id=channel_id, bridge_id=before)
            if after and before != after:
                yield Bridged(at=now.at, channel_id=channel_id, bridge_id=after)


def _is_half(channel: Endpoint | None) -> bool:
    """Whether this is one half of a Local channel."""
    return channel is not None and channel.name[-2:] in (";1", ";2")


def bare(channel_id: str) -> Endpoint:
    """A channel of which nothing but its id is known."""
    return Endpoint(channel_id=channel_id, name="", endpoint="")

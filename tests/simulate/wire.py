"""Between the simulated PBX and one controller: the Pbx port, with everything that a wire does to messages.

What belongs here: latency, reordering, duplication, loss, links. What does not: the PBX (exchange.py), the watch over
the files (watch.py), when a wire breaks (fault.py).

News of one channel stay in order; news of several do not. Where a link is lost, what was on it is lost too, and
requests that wait for their answer fail, whether or not they had arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from callguard.core.effects import (
    Answer,
    ArmRecording,
    Effect,
    Indicate,
    LeaveOut,
    MaskRecording,
    OpenOrders,
    PlayPrompt,
    RecordingEffect,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
    StopRogue,
    UnmaskRecording,
    WithholdOrders,
)
from callguard.core.events import (
    LINK_LOST,
    NO_CHANNEL,
    NOT_RUNNING,
    Bridged,
    ChannelHeld,
    DigitPressed,
    EffectFailed,
    Event,
    ListeningStarted,
    MaskAcknowledged,
    NoticeFailed,
    RecordingAcknowledged,
    RecordingEvent,
    Script,
    StopAcknowledged,
    UnmaskAcknowledged,
)
from callguard.errors import LinkDown
from callguard.pbx.asterisk.watch import REFUSAL_SECONDS
from callguard.ports import Dialled, Entered, Heard, Link, Playable, Said, Snapshot
from tests.simulate.accounts import EVENT_MOST, REFUSED, REQUEST_MOST, STOP_REFUSED
from tests.simulate.exchange import Exchange
from tests.simulate.tape import SAMPLES
from tests.simulate.timeline import Loop, Timeline
from tests.simulate.watch import Register, Watch

Sink = Callable[[Heard, Mapping[str, Any]], None]
QUIET = (Answer, StopPrompt, Indicate, StopRogue, OpenOrders, WithholdOrders)


@dataclass
class Weather:
    """What the wire is like. `slow`: part of the news that take long, `twice`: part that comes twice; `refuse`: kinds
    of requests that are refused, each so often; `mute`: kinds whose answer never comes."""

    slow: float = 0.1
    twice: float = 0.0
    refuse: dict[str, int] = field(default_factory=dict)
    mute: dict[str, int] = field(default_factory=dict)
    losing: bool = False
    full: bool = False


class Wire:
    """ports.Pbx of one controller, whose loop is LOOP."""

    def __init__(
        self, time: Timeline, loop: Loop, exchange: Exchange, weather: Weather, register: Register, chance: Random
    ) -> None:
        self.time, self.loop, self.exchange = time, loop, exchange
        self.weather, self.register, self.chance = weather, register, chance
        self.on_perform: Callable[[Effect], None] = lambda effect: None
        self.on_digit: Callable[[DigitPressed], None] = lambda event: None
        self.on_entered: Callable[[str], None] = lambda channel_id: None
        self.on_bridges: Callable[[Mapping[str, str]], None] = lambda bridges: None
        self.up, self.reachable = False, True
        self.epoch = 0
        self._sink: Sink | None = None
        self._last: dict[str, float] = {}
        self._asked: dict[int, Effect] = {}
        self._count = 0
        self.files = Watch(time, loop, exchange, register, chance, self._said)

    # ------------------------------------------------------------ ports.Pbx
    async def run(self, sink: Sink) -> None:
        """Connect, and stay."""
        self._sink = sink
        for recording_id in list(self.register.recordings):
            self.files.watch(recording_id)
        self.connect()
        await asyncio.Event().wait()

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Playable]) -> None:
        """Every prompt has a length of its own here."""

    def perform(self, effect: Effect) -> None:
        """Send a request."""
        if self.loop.dead:
            return
        self.on_perform(effect)
        if not self.up:
            self._refuse(effect, LINK_LOST)
            return
        self._count += 1
        number = self._count
        self._asked[number] = effect
        key = effect.recording_id if isinstance(effect, RecordingEffect) else effect.channel_id
        if isinstance(effect, StartRecording | ArmRecording):
            self.register.recordings[effect.recording_id] = effect.channel_id
            self.files.expect(effect.recording_id)
        delay = self.chance.random() ** 3 * REQUEST_MOST
        when = max(self._last.get("to " + key, 0.0), self.time.now + delay)
        self._last["to " + key] = when
        self.time.at(when, self._arrive, number, effect, self.epoch)

    async def snapshot(self) -> Snapshot:
        """What is there, as it was when the PBX was asked. Raises LinkDown."""
        epoch = self.epoch
        await asyncio.sleep(self.chance.random() * REQUEST_MOST)
        there = self._there()
        await asyncio.sleep(self.chance.random() * REQUEST_MOST)
        if not self.up or epoch != self.epoch:
            raise LinkDown("the link to the PBX is down")
        self.on_bridges({who: bridge for bridge, channels in there.bridges.items() for who in channels})
        self.on_bridges({who: heard for who, (heard,) in there.listeners.items()})
        return there

    def _there(self) -> Snapshot:
        living = [party for party in self.exchange.parties.values() if party.alive]
        bridges: dict[str, tuple[str, ...]] = {}
        for party in living:
            if party.bridge:
                bridges[party.bridge] = (*bridges.get(party.bridge, ()), party.channel_id)
        waiting = frozenset(party.channel_id for party in living if party.waiting)
        listeners = {party.channel_id: (party.listens,) for party in living if party.listens}
        return Snapshot(self.exchange.wall(), tuple(map(self.exchange.endpoint, living)), bridges, waiting, listeners)

    # ------------------------------------------------------------ the link
    def connect(self) -> None:
        """Both links come up."""
        if not self.loop.dead and not self.up and self._sink and self.reachable:
            self.up = True
            self.epoch += 1
            known, waiting = self.register.waiting, [party.channel_id for party in self.exchange.waiting()]
            self.register.waiting = {who: known.get(who, self.loop.timeline.now) for who in waiting}
            self._tell(Link(self.exchange.wall(), up=True))

    def cut(self) -> None:
        """Both links are lost, with all that is on them."""
        if self.loop.dead or not self.up:
            return
        self.up = False
        self.epoch += 1
        waiting, self._asked = self._asked, {}
        for effect in waiting.values():
            self._refuse(effect, LINK_LOST)
        for channel_id, prompts in self.exchange.prompts.items():
            for prompt in prompts:
                self._said(NoticeFailed, channel_id, script=prompt.script, reason="link lost")
                self.exchange.accounts.cut_off(prompt.ears)
        self._tell(Link(self.exchange.wall(), up=False))

    def notice_gap(self) -> None:
        """News were lost, and that was noticed: the engine is told to ask what is true."""
        if self.up and not self.loop.dead:
            self._tell(Link(self.exchange.wall(), up=True))

    # ------------------------------------------------------------ news
    def say(self, heard: Heard) -> None:
        """The PBX says something."""
        if not self.up or self.loop.dead or self.weather.losing:
            return
        key = _about(heard)
        slow = self.chance.random() < self.weather.slow
        delay = self.chance.random() * EVENT_MOST * (0.5 if slow else 0.08)
        when = max(self._last.get(key, 0.0), self.time.now + delay)
        self._last[key] = when
        self._count += 1
        raw = {"n": self._count}
        self.time.at(when, self._hear, heard, raw, self.epoch, owner=self.loop)
        if self.chance.random() < self.weather.twice:
            again = self.time.now + self.chance.random() * EVENT_MOST
            self.time.at(max(when, again), self._hear, heard, raw, self.epoch, owner=self.loop)

    def _hear(self, heard: Heard, raw: Mapping[str, Any], epoch: int) -> None:
        if epoch == self.epoch:
            self._tell(heard, raw)

    def _tell(self, heard: Heard, raw: Mapping[str, Any] | None = None) -> None:
        if self._sink is not None and not self.loop.dead:
            self.loop.call_soon(self._deliver, heard, raw or {})

    def _deliver(self, heard: Heard, raw: Mapping[str, Any]) -> None:
        """The controller has read it from its socket."""
        if self._sink is None or self.loop.dead:
            return
        if isinstance(heard, Entered):
            self.on_entered(heard.channel.channel_id)
        elif isinstance(heard, Dialled):
            self.exchange.accounts.dialled(heard.caller_id, heard.peer_id)
        elif isinstance(heard, Said):
            if isinstance(heard.event, DigitPressed):
                self.on_digit(heard.event)
            elif isinstance(heard.event, ChannelHeld):
                self.exchange.accounts.knows_hold(heard.event.channel_id, self.time.now)
            elif isinstance(heard.event, Bridged):
                self.on_bridges({heard.event.channel_id: heard.event.bridge_id})
            elif isinstance(heard.event, ListeningStarted):
                self.on_bridges({heard.event.channel_id: heard.event.heard_id})
        self.register.note(heard)
        self._sink(heard, raw)

    def _said(self, kind: type[Event], channel_id: str, **values: Any) -> None:
        self._tell(Said(kind(at=self.exchange.wall(), channel_id=channel_id, **values)))

    def _refuse(self, effect: Effect, reason: str) -> None:
        """It was not done, or nobody knows."""
        if isinstance(effect, PlayPrompt):
            self._said(NoticeFailed, effect.channel_id, script=effect.script, reason=reason)
        else:
            own = effect.recording_id if isinstance(effect, RecordingEffect) else ""
            kind = type(effect).__name__
            self._said(EffectFailed, effect.channel_id, effect=kind, recording_id=own, reason=reason)

    # ------------------------------------------------------------ requests
    def _arrive(self, number: int, effect: Effect, epoch: int) -> None:
        """The PBX has a request: it may be on its way in when its link is cut."""
        if epoch != self.epoch and self.chance.random() < 0.5:
            return
        kind = type(effect).__name__
        if self.weather.refuse.get(kind, 0) > 0:
            self.weather.refuse[kind] -= 1
            self._mark(effect)
            waits = REFUSAL_SECONDS if isinstance(effect, StopRecording) else 0.0
            self._later(number, lambda: self._refuse(effect, "refused"), waits)
            return
        answer = self._carry_out(effect)
        if self.weather.mute.get(kind, 0) > 0:
            self.weather.mute[kind] -= 1
            self._mark(effect)
            self._asked.pop(number, None)
            return
        self._later(number, answer)

    def _mark(self, effect: Effect) -> None:
        tape = self.exchange.tapes.get(effect.recording_id) if isinstance(effect, RecordingEffect) else None
        if tape:
            tape.trouble += STOP_REFUSED if isinstance(effect, StopRecording) else REFUSED

    def _later(self, number: int, answer: Callable[[], None], waits: float = 0.0) -> None:
        """The answer travels back, behind earlier ones. WAITS: for so long the adapter holds it against the files."""
        delay = self.chance.random() ** 3 * REQUEST_MOST
        when = max(self._last.get("back", 0.0), self.time.now + delay)
        self._last["back"] = when
        when += waits
        self.time.at(when, self._answered, number, answer, owner=self.loop)

    def _answered(self, number: int, answer: Callable[[], None]) -> None:
        if self._asked.pop(number, None) is not None:
            answer()

    def _carry_out(self, effect: Effect) -> Callable[[], None]:
        """Do it; what is answered."""
        channel_id, there = effect.channel_id, self.exchange
        match effect:
            case PlayPrompt():
                wrong = there.play(channel_id, effect.script, to_all=effect.to_all)
                return lambda: self._refuse(effect, wrong) if wrong else None
            case StopPrompt(script=script):
                there.hush(channel_id, script)
            case Answer():
                there.answer(channel_id)
            case SendOn():
                return self._failing(effect, there.send_on(channel_id), "not there")
            case LeaveOut():
                there.hang_up(channel_id)
            case RecordingEffect():
                return self._record(effect)
            case _ if not isinstance(effect, QUIET):
                return lambda: self._refuse(effect, "not a request to a PBX")
        return lambda: None

    def _record(self, effect: RecordingEffect) -> Callable[[], None]:
        match effect:
            case ArmRecording() | StartRecording():
                return self._start(effect)
            case MaskRecording():
                return self._mute(effect, MaskAcknowledged, on=True)
            case UnmaskRecording():
                return self._mute(effect, UnmaskAcknowledged, on=False)
            case StopRecording():
                return self._stop(effect)
        return lambda: self._refuse(effect, "not a request to a PBX")

    def _failing(self, effect: Effect, fine: bool, reason: str) -> Callable[[], None]:
        return (lambda: None) if fine else (lambda: self._refuse(effect, reason))

    def _start(self, effect: ArmRecording | StartRecording) -> Callable[[], None]:
        armed = isinstance(effect, ArmRecording)
        own, channel_id = effect.recording_id, effect.channel_id
        waits = not armed or self.exchange.waits(channel_id)  # the snippet starts it where the channel goes on
        fine = waits and self.exchange.start(own, channel_id, muted=armed, full=self.weather.full)
        if not fine:
            self.register.recordings.pop(own, None)
            return lambda: self._refuse(effect, NO_CHANNEL if waits else "not there")
        if armed:
            self.exchange.send_on(channel_id)
        if not self.loop.dead:
            self.files.watch(own)
        return lambda: self._ack(RecordingAcknowledged, own, channel_id)

    def _mute(self, effect: RecordingEffect, kind: type[RecordingEvent], *, on: bool) -> Callable[[], None]:
        fine = self.exchange.mute(effect.recording_id, on)
        own, place = effect.recording_id, self._offset(effect.recording_id)
        why = NO_CHANNEL if own in self.register.recordings else NOT_RUNNING
        return lambda: self._ack(kind, own, effect.channel_id, place) if fine else self._refuse(effect, why)

    def _stop(self, effect: RecordingEffect) -> Callable[[], None]:
        own = effect.recording_id
        if own not in self.register.recordings:
            return lambda: self._refuse(effect, NOT_RUNNING)
        tape, ran = self.exchange.tapes.get(own), self.exchange.stop(own)
        place = self._offset(own) if tape is None or ran else round(tape.grown * SAMPLES)

        def answered() -> None:
            if tape and ran and self.exchange.parties[tape.channel_id].alive:
                tape.timed = True
            self._ack(StopAcknowledged, own, effect.channel_id, place)

        return answered

    def _offset(self, recording_id: str) -> int:
        tape = self.exchange.tapes.get(recording_id)
        return round((self.time.now - tape.started) * SAMPLES) if tape else -1

    def _ack(self, kind: type[RecordingEvent], own: str, channel_id: str, place: int = 0) -> None:
        self._said(kind, channel_id, recording_id=own, offset_samples=place)


def _about(heard: Heard) -> str:
    """Whose news: those about one channel stay in order."""
    match heard:
        case Said(event):
            return event.channel_id
        case Link():
            return ""
        case _ if hasattr(heard, "peer_id"):
            return str(heard.peer_id)
        case _:
            return heard.channel.channel_id

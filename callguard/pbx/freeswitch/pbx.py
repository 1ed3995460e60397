"""FreeSwitchPbx: the Pbx port on one inbound event socket and the outbound sockets of the channels that wait.

What belongs here: the link up or down, which request goes where, in which order; what is there now. What does not:
bytes and sockets (esl.py, outbound.py), recordings (recorder.py), prompts (prompter.py), meaning (translate.py). All
events are taken from the inbound link: an outbound socket hears nothing of an agent's leg, of a conference or of a
listener.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from callguard.core.effects import (
    Answer,
    Effect,
    Indicate,
    LeaveOut,
    OpenOrders,
    PlayPrompt,
    RecordingEffect,
    SendOn,
    SoundBeep,
    StopPrompt,
    StopRogue,
    WithholdOrders,
)
from callguard.core.events import LINK_LOST, Bridged, ChannelAnswered, ChannelHungUp, ChannelLeft, EffectFailed, Script
from callguard.errors import BadInput, LinkDown, PbxRefused, Unreachable
from callguard.pbx.asterisk.links import delays
from callguard.pbx.asterisk.register import RegisterFile
from callguard.pbx.freeswitch import pausing
from callguard.pbx.freeswitch.beeper import Beeper
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.outbound import Outbound
from callguard.pbx.freeswitch.prompter import Prompter
from callguard.pbx.freeswitch.recorder import Recorder
from callguard.pbx.freeswitch.screen import Screen
from callguard.pbx.freeswitch.sequence import Sequence
from callguard.pbx.freeswitch.site import FreeSwitchSettings, password_problem
from callguard.pbx.freeswitch.survey import Survey, survey
from callguard.pbx.freeswitch.translate import Translator, scrubbed, stamp_of, time_of
from callguard.pbx.lag import Lag
from callguard.ports import Entered, Heard, Link, Playable, Said, Sighted, Snapshot

Sink = Callable[[Heard, Mapping[str, Any]], None]
EVENTS = "event json all"
"""Every event: only then does a number that is missing mean anything. JSON: it is read three times as fast as text."""
_LOOK_EVERY = 0.25
_IN_FLIGHT = 0.5
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Queue:
    """Requests about one channel, one after the other. `dropped`: the channel was sent on, the rest is void."""

    last: asyncio.Task[None] | None = None
    dropped: bool = False


class FreeSwitchPbx:
    """One FreeSWITCH. Make it inside a running event loop. Raises BadInput where its folders cannot be used."""

    def __init__(self, settings: FreeSwitchSettings) -> None:
        self._settings = settings
        try:
            self._register = RegisterFile(settings.register)
        except OSError as wrong:
            raise BadInput(f"register: {settings.register} cannot be written ({wrong.strerror})") from wrong
        self._translator = Translator(settings.digits)
        self._sequence = Sequence(settings.look_every)
        self._lag = Lag()
        self._ringing: set[str] = set()
        self._recorder = Recorder(
            settings.recordings,
            self._register,
            lambda event: self._tell(Said(event)),
            lambda channel_id: channel_id not in self._ringing,
        )
        self._prompter = Prompter(
            lambda event, raw: self._tell(Said(event), scrubbed(raw)),
            self._peers,
            lambda channel_id: channel_id in self._translator.known,
        )
        self._beeper = Beeper(self._prompter.agreed, self._peers)
        self._screen = Screen(self._prompter.cue)
        self.outbound = Outbound(self._entered)
        self._sink: Sink | None = None
        self._esl: Esl | None = None
        self._queues: dict[str, _Queue] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._early: list[Message] | None = None

    # ------------------------------------------------------------ ports.Pbx
    async def run(self, sink: Sink) -> None:
        """Keep the link up until cancelled. Raises Unreachable when the first try fails, BadInput for an impossible
        setting.
        """
        self._sink = sink
        if problem := password_problem(self._settings.esl.host, self._settings.esl.password):
            _log.warning("freeswitch.password: %s", problem)
        watching = [*map(asyncio.create_task, (self._recorder.watch(), self._recorder.renew(), self._register.keep()))]
        try:
            await self._link(first=True)
            pace = delays()
            while True:
                await asyncio.sleep(next(pace))
                if await self._link(first=False):
                    pace = delays()
        finally:
            for task in watching:
                task.cancel()
            self._sink = None
            await self.outbound.close()
            self._register.close()

    def perform(self, effect: Effect) -> None:
        """Carry out EFFECT; never blocks, never raises. Recording requests reach the PBX in the order of the calls."""
        channel = effect.channel_id
        match effect:
            case OpenOrders() | WithholdOrders():
                shown = "open" if isinstance(effect, OpenOrders) else "withheld"
                self._queue(effect, lambda: self._screen.show_orders(channel, shown))
            case RecordingEffect():
                self._recorder.perform(effect)
            case PlayPrompt():
                self._queue(effect, self._prompter.playing(effect), lambda: self._prompter.drop(effect))
            case StopPrompt(script=script):
                self._queue(effect, self._prompter.ending(channel, script))
            case SendOn():
                self._leave(effect)
            case SoundBeep():
                self._aside(self._attempt(effect, lambda: self._beeper.sound(channel)))
            case _:
                self._ask(effect, channel)

    def _ask(self, effect: Effect, channel: str) -> None:
        """One request, in the channel's turn."""
        match effect:
            case Answer():
                self._queue(effect, lambda: self._answer(channel))
            case LeaveOut():
                self._queue(effect, lambda: self._hang_up(channel))
            case Indicate():
                self._queue(effect, lambda: self._screen.indicate(effect))
            case StopRogue():
                self._queue(effect, lambda: self._recorder.stop_rogue(effect))
            case _:
                self._failed(effect, "not a request to a PBX")

    async def snapshot(self) -> Snapshot:
        """What is there now. Raises LinkDown."""
        there = await self._survey()
        alive = {channel.channel_id for channel in there.channels}
        return Snapshot(_utc(), there.channels, there.bridges, self.outbound.waiting & alive)

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Playable]) -> None:
        """Which audio each script is for the party at this channel; to be given before its first PlayPrompt."""
        self._prompter.set_prompts(channel_id, prompts)

    # ------------------------------------------------------------ the link
    async def _link(self, *, first: bool) -> bool:
        """Bring the link up and stay until it is lost; whether it was up at all."""
        try:
            esl = await Esl.connect(self._settings.esl, self._hear, self._settings.heartbeat)
        except Unreachable as wrong:
            if first:
                raise
            _log.warning("the PBX is not back yet: %s", wrong)
            return False
        try:
            await self._settle(esl)
            await self._stay(esl)
        except (LinkDown, PbxRefused) as wrong:
            _log.warning("the link to the PBX failed: %s", wrong)
        finally:
            await self._let_go(esl)
        return True

    async def _settle(self, esl: Esl) -> None:
        """Events first, then what is there: between the two nothing is missed."""
        self._early = []
        self._lag.begin()
        await esl.ask(EVENTS)
        self._esl = esl
        asked = self._recorder.asked()
        there = await self._survey()
        self._seed(there)
        self._recorder.attach(esl, there.bugs, asked)
        for part in (self._prompter, self._beeper, self._screen):
            part.attach(esl)
        self._sequence.looked(asyncio.get_running_loop().time())
        self._up()
        await self.outbound.listen(self._settings.listen, self._settings.listen_port)

    def _seed(self, there: Survey) -> None:
        own = self._translator
        own.bridges = {leg: bridge for bridge, legs in there.bridges.items() for leg in legs}
        alive = {channel.channel_id for channel in there.channels}
        own.known = alive | (own.known - there.asked)  # who came while we asked is there too
        own.listen_anew(there.listens, there.silent)
        self._ringing = {channel.channel_id for channel in there.channels if not channel.answered}
        self._prompter.keep(own.known)
        for gone in self._register.content.waiting - self.outbound.waiting:
            self._register.leave(gone)

    async def _stay(self, esl: Esl) -> None:
        """Until the link is lost. A gap in the events has the engine ask what is true: Link(up) says so once more."""
        self._catch_up()
        loop = asyncio.get_running_loop()
        while not esl.closed.done():
            await asyncio.wait((esl.closed,), timeout=_LOOK_EVERY)
            if self._lag.hopeless:  # what is heard was true once; a new link begins with an empty queue
                raise LinkDown("its events come too late to act on")
            if self._sequence.due(loop.time()) and not esl.closed.done():
                await self._look_again(esl)

    async def _look_again(self, esl: Esl) -> None:
        """What is heard while we ask is heard afterwards: it may be newer than the answers."""
        self._sequence.looked(asyncio.get_running_loop().time())
        self._early = []
        asked = self._recorder.asked()
        there = await self._survey()
        self._seed(there)
        self._recorder.attach(esl, there.bugs, asked)
        self._up()
        self._catch_up()

    def _up(self) -> None:
        """Who listens is told before, for what the engine knows, and behind, for what it takes over then."""
        for heard in (*self._translator.listening(_utc()), Link(_utc(), up=True), *self._translator.listening(_utc())):
            self._tell(heard)

    def _catch_up(self) -> None:
        early, self._early = self._early or [], None
        for message in early:
            self._hear(message)

    async def _let_go(self, esl: Esl) -> None:
        """First that the link is lost, then what fails with it: an incident names the cause."""
        was_up, self._esl, self._early = self._esl is not None, None, None
        self._recorder.attach(None)
        if was_up:
            self._tell(Link(_utc(), up=False, silent_ms=self._settings.silent_ms))
        for part in (self._prompter, self._beeper, self._screen):
            part.attach(None)
        await self.outbound.release()
        await esl.close()

    async def _survey(self) -> Survey:
        try:
            own = self._translator
            there = await survey(self._need_esl(), own.known | self.outbound.waiting, own.listens)
        except PbxRefused as wrong:
            raise LinkDown(f"the PBX does not say what is there: {wrong}") from wrong
        now = asyncio.get_running_loop().time()
        for dump in there.dumps:
            self._sequence.heard(dump, now)
        return there

    # ------------------------------------------------------------ hearing
    def _entered(self, message: Message) -> None:
        for heard in self._translator.entered(message, _utc()):
            self._tell(heard, scrubbed(message))

    def _hear(self, message: Message) -> None:
        if self._early is not None:
            self._early.append(message)
            return
        if self._sequence.heard(message, asyncio.get_running_loop().time()):
            _log.warning("another FreeSWITCH answers at this address: its channels are new ones")
        if self._lag.heard(stamp_of(message), _utc().timestamp()):
            _log.warning("events of the PBX come %d ms late", self._lag.seconds * 1000)
        self._prompter.heard(message)
        self._beeper.heard(message)
        self._recorder.heard(message)
        if signal := pausing.heard(message, time_of(message, _utc())):
            self._tell(Said(signal), scrubbed(message))
        for heard in self._translator.read(message, _utc()):
            self._tell(heard, scrubbed(message))

    def _note(self, heard: Heard) -> None:
        match heard:
            case Sighted(channel=channel) if not channel.answered:
                self._ringing.add(channel.channel_id)
            case Entered(channel=channel):
                self._register.enter(channel.channel_id)
            case Said(event=ChannelAnswered(channel_id=channel_id)):
                self._ringing.discard(channel_id)
                self._recorder.answered(channel_id)
            case Said(event=Bridged() as coming):
                self._recorder.rogues.joins(coming)
            case Said(event=ChannelLeft(channel_id=channel_id)):
                self._register.leave(channel_id)
            case Said(event=ChannelHungUp(channel_id=channel_id)):
                self._ringing.discard(channel_id)
                self._register.leave(channel_id)
                self._recorder.channel_gone(channel_id)
                self._queues.pop(channel_id, None)

    def _tell(self, heard: Heard, raw: Mapping[str, Any] | None = None) -> None:
        self._note(heard)
        self._screen.heard(heard)
        if self._sink is not None:
            self._sink(heard, raw or {})

    def _peers(self, channel_id: str) -> list[str]:
        """Who else is in its bridge and hears what is played there. A listener hears what it listens to."""
        own = self._translator
        bridge = own.bridges.get(channel_id)
        legs = [leg for leg, where in own.bridges.items() if bridge and where == bridge and leg != channel_id]
        return [leg for leg in legs if leg in own.known and leg not in own.listens]

    # ------------------------------------------------------------ requests
    def _need_esl(self) -> Esl:
        if self._esl is None:
            raise LinkDown("the link to the PBX is down")
        return self._esl

    async def _answer(self, channel_id: str) -> None:
        esl = self._need_esl()
        if channel_id not in self._translator.known:  # FreeSWITCH takes requests for a channel that is gone
            raise PbxRefused("ESL sendmsg", "no such channel")
        await esl.ask(f"sendmsg {channel_id}", _ANSWER)

    async def _hang_up(self, channel_id: str) -> None:
        esl = self._need_esl()
        if channel_id not in self._translator.known:
            raise PbxRefused("ESL uuid_kill", "no such channel")
        await esl.ask(f"api uuid_kill {channel_id}")

    async def _send_on(self, channel_id: str) -> None:
        """What plays is stopped: it would hold the channel back until its end."""
        self._need_esl()
        await self._prompter.stop(channel_id)
        await self.outbound.send_on(channel_id)

    def _queue(
        self, effect: Effect, work: Callable[[], Awaitable[None]], dropped: Callable[[], None] | None = None
    ) -> None:
        """Start WORK when the channel's earlier request was taken."""
        queue = self._queues.setdefault(effect.channel_id, _Queue())
        before = queue.last

        async def in_turn() -> None:
            if before is not None:
                await asyncio.wait((before,))
            if not queue.dropped:
                await self._attempt(effect, work)
            elif dropped is not None:
                dropped()
            else:
                self._failed(effect, "sent on")

        queue.last = asyncio.create_task(in_turn())

    def _leave(self, effect: SendOn) -> None:
        """What was not sent yet is dropped: the channel does not wait for it."""
        queue = self._queues.pop(effect.channel_id, _Queue())
        queue.dropped = True

        async def in_turn() -> None:
            if queue.last is not None:  # a play that is under way has to be there before it can be stopped
                await asyncio.wait((queue.last,), timeout=_IN_FLIGHT)
            await self._attempt(effect, lambda: self._send_on(effect.channel_id))

        self._aside(in_turn())

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Have WORK done beside the channel's queue."""
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _attempt(self, effect: Effect, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except PbxRefused as refused:
            self._failed(effect, refused.reason)
        except LinkDown:
            self._failed(effect, LINK_LOST)

    def _failed(self, effect: Effect, reason: str) -> None:
        own = effect.recording_id if isinstance(effect, RecordingEffect) else ""
        kind = type(effect).__name__
        failed = EffectFailed(at=_utc(), channel_id=effect.channel_id, effect=kind, recording_id=own, reason=reason)
        asyncio.get_running_loop().call_soon(self._tell, Said(failed))


_ANSWER = (("call-command", "execute"), ("execute-app-name", "answer"))


def _utc() -> datetime:
    return datetime.now(UTC)

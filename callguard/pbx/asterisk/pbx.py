"""AsteriskPbx: the Pbx port on ARI and AMI.

What belongs here: both links up or both down, which request goes where, in which order. What does not: bytes and
sockets (ari.py, ami.py), recordings (recorder.py), prompts (prompter.py), meaning (translate.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from callguard.core.effects import (
    Answer,
    ArmRecording,
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
from callguard.core.events import (
    LINK_LOST,
    Bridged,
    ChannelHungUp,
    ChannelLeft,
    DigitPressed,
    EffectFailed,
    Script,
)
from callguard.errors import BadInput, LinkDown, PbxRefused, Unreachable
from callguard.pbx.asterisk import pausing
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.ari import ApplicationTaken, Ari
from callguard.pbx.asterisk.links import delays
from callguard.pbx.asterisk.listening import Listeners
from callguard.pbx.asterisk.prompter import Prompter
from callguard.pbx.asterisk.recorder import Recorder
from callguard.pbx.asterisk.register import RegisterFile
from callguard.pbx.asterisk.rogue import Rogues
from callguard.pbx.asterisk.screen import Screen
from callguard.pbx.asterisk.site import OWN_PREFIX, AsteriskSettings
from callguard.pbx.asterisk.skew import Skew, said_at
from callguard.pbx.asterisk.swap import Swap, Swaps, together
from callguard.pbx.asterisk.translate import Json, endpoint, held, is_own, is_snoop, scrubbed, text, translate, waits_in
from callguard.pbx.asterisk.version import TooOld, admit
from callguard.pbx.lag import Lag
from callguard.ports import Entered, Heard, Link, Playable, Said, Snapshot

Sink = Callable[[Heard, Mapping[str, Any]], None]
_log = logging.getLogger(__name__)
_IN_FLIGHT = 0.5
_CLOCK_EVERY = 30.0


@dataclass(slots=True)
class _Queue:
    """Requests to ARI about one channel, one after the other. `dropped`: the channel was sent on, the rest is void."""

    last: asyncio.Task[None] | None = None
    dropped: bool = False


class AsteriskPbx:
    """One Asterisk. Make it inside a running event loop. Raises BadInput where its folders cannot be used."""

    def __init__(self, settings: AsteriskSettings) -> None:
        self._settings = settings
        try:
            self._register = RegisterFile(settings.register)
        except OSError as wrong:
            raise BadInput(f"register: {settings.register} cannot be written ({wrong.strerror})") from wrong
        self._recorder = Recorder(settings.recordings, self._register, lambda event: self._tell(Said(event)))
        self._prompter = Prompter(settings.ari.app, lambda event, raw: self._tell(Said(event), raw))
        self._skew = Skew()
        self._lag = Lag()
        self._screen = Screen(self._prompter.cue)
        self._rogues = Rogues(lambda event: self._tell(Said(event)))
        self._swaps = Swaps()
        self._listeners = Listeners(lambda event: self._tell(Said(event)))
        self._sink: Sink | None = None
        self._ari: Ari | None = None
        self._queues: dict[str, _Queue] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ ports.Pbx
    async def run(self, sink: Sink) -> None:
        """Keep both links up until cancelled. Raises Unreachable when the first try fails, and whenever another
        controller takes our application: then giving up is right, and trying again would fight it. Raises TooOld.
        """
        self._sink = sink
        watching = [*map(asyncio.create_task, (self._recorder.watch(), self._register.keep()))]
        try:
            await self._links(first=True)
            pace = delays()
            while True:
                await asyncio.sleep(next(pace))
                if await self._links(first=False):
                    pace = delays()
        finally:
            for task in watching:
                task.cancel()
            self._sink = None
            self._register.close()

    def perform(self, effect: Effect) -> None:
        """Carry out EFFECT; never blocks, never raises. Recording requests reach the PBX in the order of the calls."""
        channel = effect.channel_id
        match effect:
            case OpenOrders() | WithholdOrders():
                shown = "open" if isinstance(effect, OpenOrders) else "withheld"
                self._queue(effect, lambda: self._screen.show_orders(channel, shown))
            case ArmRecording():
                self._recorder.arm(effect, partial(self._send_armed, effect))
            case RecordingEffect():
                self._recorder.perform(effect)
            case PlayPrompt():
                self._queue(effect, self._prompter.playing(effect), lambda: self._prompter.drop(effect))
            case StopPrompt(script=script):
                self._queue(effect, lambda: self._prompter.stop(channel, script))
            case SendOn():
                self._send_on(effect)
            case _:
                self._ask(effect, channel)

    def _ask(self, effect: Effect, channel: str) -> None:
        """One request, in the channel's turn."""
        match effect:
            case Answer():
                self._queue(effect, lambda: self._need_ari().answer(channel))
            case LeaveOut():
                self._queue(effect, lambda: self._need_ari().hang_up(channel))
            case Indicate():
                self._queue(effect, lambda: self._screen.indicate(effect))
            case SoundBeep():
                self._queue(effect, lambda: self._prompter.beep(channel))
            case StopRogue():
                self._queue(effect, lambda: self._rogues.stop(effect.bridge_id or channel, self._need_ari()))
            case _:
                self._failed(effect, "not a request to a PBX")

    async def snapshot(self) -> Snapshot:
        """What is there now; snoops are left out, but for whom somebody else's hear. Raises LinkDown."""
        channels, bridges = await self._read()
        seen = tuple(endpoint(channel) for channel in channels if not is_snoop(channel))
        return Snapshot(_utc(), seen, bridges, self._waiting(channels), self._listeners.looked(channels))

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Playable]) -> None:
        """Which audio each script is for the party at this channel; to be given before its first PlayPrompt."""
        self._prompter.set_prompts(channel_id, prompts)

    # ------------------------------------------------------------ links
    async def _links(self, *, first: bool) -> bool:
        """Bring both links up and stay until one is lost; whether they were up at all."""
        try:
            ari, ami = await self._connect()
        except Unreachable as wrong:
            if first or isinstance(wrong, ApplicationTaken):
                raise
            _log.warning("the PBX is not back yet: %s", wrong)
            return False
        try:
            await self._settle(ari, ami)
            self._tell(Link(_utc(), up=True))
            await self._listen(ari, ami)
        except (LinkDown, PbxRefused) as wrong:
            _log.warning("a link to the PBX failed: %s", wrong)
        finally:
            await self._let_go(ari, ami)
        return True

    async def _connect(self) -> tuple[Ari, Ami]:
        """AMI first: as soon as ARI is there, calls are handed over."""
        ami = await Ami.connect(self._settings.ami, self._manager_said, self._settings.heartbeat)
        try:
            await admit(ami)
            return await Ari.connect(self._settings.ari, self._settings.heartbeat), ami
        except (Unreachable, TooOld, asyncio.CancelledError):
            await ami.close()
            raise

    async def _settle(self, ari: Ari, ami: Ami) -> None:
        """Make what we know agree with what is there, before anybody is told that the links are up."""
        self._ari = ari
        self._lag.begin()
        await self._skew.measure(ami)
        await ari.subscribe()
        everything = await ari.channels()
        for leftover in everything:
            if text(leftover, "id").startswith(f"{OWN_PREFIX}{self._settings.ari.app}-"):
                with suppress(PbxRefused):
                    await ari.hang_up(text(leftover, "id"))
        alive = frozenset(text(channel, "id") for channel in everything)
        self._note_waiting(self._waiting(everything))
        self._recorder.attach(ami, alive)
        self._rogues.attach(ami)
        self._swaps.attach(ami)
        self._listeners.attach(ari)
        self._prompter.attach(ari)
        self._screen.attach(ari, ami)

    async def _listen(self, ari: Ari, ami: Ami) -> None:
        reading, asking = asyncio.create_task(self._hear_all(ari)), asyncio.create_task(self._follow_clock(ami))
        try:
            await asyncio.wait((reading, ami.closed), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
        finally:
            reading.cancel()
            asking.cancel()

    async def _follow_clock(self, ami: Ami) -> None:
        with suppress(LinkDown):
            while True:
                await asyncio.sleep(_CLOCK_EVERY)
                await self._skew.measure(ami)

    async def _hear_all(self, ari: Ari) -> None:
        async for message in ari.events():
            if isinstance(message, Mapping):
                self._hear(message)

    async def _let_go(self, ari: Ari, ami: Ami) -> None:
        was_up, self._ari = self._ari is not None, None
        self._recorder.attach(None)
        self._rogues.attach(None)
        self._swaps.attach(None)
        self._listeners.attach(None)
        self._prompter.attach(None)
        self._screen.attach(None, None)
        if was_up:
            self._tell(Link(_utc(), up=False, silent_ms=self._settings.silent_ms))
        await asyncio.gather(ari.close(), ami.close())

    # ------------------------------------------------------------ hearing
    def _manager_said(self, message: Message) -> None:
        if foreign := self._recorder.heard(message):
            self._rogues.mixed(foreign)
        self._rogues.managed(message)
        if swap := self._swaps.managed(message, _utc()):
            self._replaced(swap)
        self._listeners.managed(message, _utc())
        if (signal := pausing.heard(message, _utc())) is not None:
            self._tell(Said(signal))

    def _hear(self, message: Json) -> None:
        if self._lag.heard(said_at(message), _utc().timestamp()):
            _log.warning("events of the PBX come %d ms late", self._lag.seconds * 1000)
        message = self._skew.ours(message)
        self._prompter.heard(message)
        self._rogues.heard(message)
        raw = scrubbed(message)
        if swap := self._swaps.transferred(message, _utc()):
            self._replaced(swap, raw)
        for heard in translate(message, self._settings.ari.app, _utc()):
            self._tell(heard, raw)

    def _replaced(self, swap: Swap, raw: Mapping[str, Any] | None = None) -> None:
        """Somebody is in the place of others, with all recorders of them, and with whoever listens to them."""
        self._recorder.moved(swap.gone, swap.came)
        if swap.bridge_id:
            self._tell(Said(Bridged(at=swap.at, channel_id=swap.came, bridge_id=swap.bridge_id)), raw)
        self._listeners.moved(swap)
        self._rogues.moved(swap)

    def _note(self, heard: Heard, raw: Mapping[str, Any]) -> None:
        if isinstance(heard, Said):
            self._swaps.heard(heard.event)
        match heard:
            case Entered(channel=channel, waiting=True):
                self._register.enter(channel.channel_id)
            case Said(event=Bridged() as coming):
                self._rogues.joins(coming)
            case Said(event=DigitPressed(channel_id=channel_id)):
                self._recorder.typed(channel_id, held(raw))
            case Said(event=ChannelLeft(channel_id=channel_id)):
                self._register.leave(channel_id)
            case Said(event=ChannelHungUp(channel_id=channel_id) as gone):
                self._listeners.gone(gone)
                self._register.leave(channel_id)
                self._recorder.channel_gone(channel_id)
                self._queues.pop(channel_id, None)

    def _tell(self, heard: Heard, raw: Mapping[str, Any] | None = None) -> None:
        self._note(heard, raw or {})
        self._screen.heard(heard)
        if self._sink is not None:
            self._sink(heard, raw or {})

    def _waiting(self, channels: list[Json]) -> frozenset[str]:
        app = self._settings.ari.app
        return frozenset(text(each, "id") for each in channels if waits_in(each, app) and not is_snoop(each))

    def _note_waiting(self, waiting: frozenset[str]) -> None:
        for channel_id in self._register.content.waiting - waiting:
            self._register.leave(channel_id)
        for channel_id in waiting:
            self._register.enter(channel_id)

    async def _read(self) -> tuple[list[Json], dict[str, tuple[str, ...]]]:
        ari = self._need_ari()
        try:
            channels, bridges = await asyncio.gather(ari.channels(), ari.bridges())
        except PbxRefused as wrong:
            raise LinkDown(f"the PBX does not say what is there: {wrong}") from wrong
        members = together(bridges)
        self._swaps.looked(members)
        return [channel for channel in channels if not is_own(channel)], members

    # ------------------------------------------------------------ requests to ARI
    def _need_ari(self) -> Ari:
        if self._ari is None:
            raise LinkDown("the link to the PBX is down")
        return self._ari

    def _queue(
        self, effect: Effect, work: Callable[[], Awaitable[None]], dropped: Callable[[], None] | None = None
    ) -> None:
        """Start WORK when the channel's earlier request was answered: HTTP keeps no order of its own."""
        queue = self._queues.setdefault(effect.channel_id, _Queue())
        before = queue.last

        async def in_turn() -> None:
            if before is not None:
                await asyncio.wait((before,))
            if not queue.dropped:
                await _attempt(work, partial(self._failed, effect))
            elif dropped is not None:
                dropped()
            else:
                self._failed(effect, "sent on")

        queue.last = asyncio.create_task(in_turn())

    def _send_on(self, effect: SendOn) -> None:
        """What was not sent yet is dropped. What plays is stopped: it would hold the channel back until its end."""
        self._leave(effect, partial(self._failed, effect))

    def _send_armed(self, effect: ArmRecording, variables: Mapping[str, str]) -> None:
        """The same, and the snippet finds in VARIABLES what to record where."""
        self._leave(effect, partial(self._recorder.unarmed, effect), variables)

    def _leave(
        self,
        effect: SendOn | ArmRecording,
        failed: Callable[[str], None],
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        queue = self._queues.pop(effect.channel_id, _Queue())
        queue.dropped = True

        async def leave() -> None:
            ari = self._need_ari()
            for name, value in variables.items():
                await ari.set_variable(effect.channel_id, name, value)
            await asyncio.gather(self._prompter.stop(effect.channel_id), ari.send_on(effect.channel_id))

        async def in_turn() -> None:
            if queue.last is not None:  # a play that is under way has to be there before it can be stopped
                await asyncio.wait((queue.last,), timeout=_IN_FLIGHT)
            await _attempt(leave, failed)

        task = asyncio.create_task(in_turn())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _failed(self, effect: Effect, reason: str) -> None:
        event = EffectFailed(at=_utc(), channel_id=effect.channel_id, effect=type(effect).__name__, reason=reason)
        asyncio.get_running_loop().call_soon(self._tell, Said(event))


async def _attempt(work: Callable[[], Awaitable[None]], failed: Callable[[str], None]) -> None:
    try:
        await work()
    except PbxRefused as refusal:
        failed(refusal.reason)
    except LinkDown:
        failed(LINK_LOST)


def _utc() -> datetime:
    return datetime.now(UTC)

"""Recordings: requests to uuid_record, their answers, the dead man's switch, and the watch over the files.

What belongs here: commands of one recording, in order; who waits for which answer. What does not: what the files prove
(watch.py), the connection (esl.py). "+OK" is an acknowledgement and never a proof: FreeSWITCH says it of a full disk,
of a second start and of a path that it cut short. A stop always names its file or says `all`: stop_record_session
without an argument ends FreeSWITCH 1.11.2.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from callguard.core.effects import (
    MaskRecording,
    RecordingEffect,
    StartRecording,
    StopRecording,
    StopRogue,
    UnmaskRecording,
)
from callguard.core.events import (
    LINK_LOST,
    NOT_RUNNING,
    OVERTAKEN,
    EffectFailed,
    Event,
    MaskAcknowledged,
    RecordingAcknowledged,
    RecordingEvent,
    RecordingLost,
    StopAcknowledged,
    UnmaskAcknowledged,
)
from callguard.errors import BadInput, CallguardError
from callguard.pbx.asterisk.probe import Look
from callguard.pbx.asterisk.register import LiveRecording, RegisterFile
from callguard.pbx.asterisk.watch import Watch
from callguard.pbx.freeswitch.codec import Frame, Message
from callguard.pbx.freeswitch.deadman import DeadMan
from callguard.pbx.freeswitch.esl import Esl, refusal
from callguard.pbx.freeswitch.outbound import CHANNEL_ID
from callguard.pbx.freeswitch.probe import file_of, look
from callguard.pbx.freeswitch.rogue import Rogues

VARIABLES = "RECORD_STEREO=true,RECORD_PRE_BUFFER_FRAMES=1,enable_file_write_buffering=false"
"""One file of two sides; a media bug that holds one frame back instead of 25; every frame on disk at once."""
SWAP = "RECORD_STEREO_SWAP=true"
"""For a recorder on an agent's channel: what that channel says is the right side all the same."""
UNMASK_SECONDS = 0.6
"""How long an unmask waits: what FreeSWITCH writes then was spoken up to half a second before."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_FOLDER = re.compile(r"/[A-Za-z0-9_./-]*\Z")
_BUSY, _CALM, _BLIND = 0.01, 0.2, 1.0
_DOUBT, _LOOKS = 400, 5
"""FreeSWITCH writes every 20 ms, and loses some at each prompt: its clock is known to 50 ms, once five looks say so."""


@dataclass(slots=True)
class _Live:
    """A recorder of ours. `held`: requests that wait until it may start; `unmasking`: an unmask that waits its time."""

    recording_id: str
    channel_id: str
    path: Path
    watch: Watch
    held: list[RecordingEffect] | None = None
    unmasking: asyncio.TimerHandle | None = None
    unmask: UnmaskRecording | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)


class Recorder:
    """Carries out recording effects. TELL receives the facts; ANSWERED: whether a channel is up. Raises BadInput where
    the folder cannot go into a command.
    """

    def __init__(
        self, folder: Path, register: RegisterFile, tell: Callable[[Event], None], answered: Callable[[str], bool]
    ) -> None:
        if not _FOLDER.match(str(folder)):
            raise BadInput(f"recordings: {folder} has to be an absolute path of letters, digits, _ . - and /")
        self._folder, self._register, self._tell, self._answered = folder, register, tell, answered
        self._esl: Esl | None = None
        self._dead_man = DeadMan()
        self._live: dict[str, _Live] = {}
        self._waiting: dict[str, list[StartRecording]] = {}
        self._paths: dict[str, str] = {}  # every file that is ours, by the channel that it is of
        self.rogues = Rogues(tell, self._paths.__contains__)
        self._wake = asyncio.Event()
        for known in register.content.recordings.values():
            self._adopt(known)

    # ------------------------------------------------------------ for the adapter
    def asked(self) -> dict[str, str]:
        """Recordings whose start was sent, with their files."""
        return {live.recording_id: str(live.path) for live in self._live.values() if live.held is None}

    def attach(
        self, esl: Esl | None, bugs: Mapping[str, frozenset[str]] | None = None, asked: Mapping[str, str] | None = None
    ) -> None:
        """Use ESL from now on (None: the link is down). BUGS: files that each live channel is recorded into; ASKED:
        what `asked` said before FreeSWITCH was asked for them. A recorder of these that is not among them has ended,
        and what is no recorder of ours, before or now, is somebody else's.
        """
        self._esl = esl
        self._dead_man.attach(esl)
        if esl is None or bugs is None:
            return
        before = asked or {}
        own = {*before.values(), *self.asked().values()}
        for live in [live for live in self._live.values() if live.recording_id in before]:
            if not live.watch.begun:  # the answer to its start was lost with the link, and it was said to have failed
                self._insist(live)
                self._drop(live)
            elif str(live.path) in bugs.get(live.channel_id, frozenset()):
                self._dead_man.renew(live.recording_id, live.channel_id, live.path)
            else:
                self._end(live)
        for channel_id, paths in bugs.items():
            for path in sorted(paths - own):
                self.rogues.seen(channel_id, path)

    def perform(self, effect: RecordingEffect) -> None:
        """Write the request for EFFECT now, behind earlier ones; outcomes come as facts. Never raises."""
        live = self._live.get(effect.recording_id)
        match effect:
            case StartRecording():
                self._begin(effect, live)
            case _ if live is None:
                self._fail(effect, NOT_RUNNING)
            case _ if live.held is not None:
                live.held.append(effect)
            case StopRecording():
                self._overtake(live)
                self._ask(effect, partial(self._stopped, live), live, "stop")
            case MaskRecording():
                self._overtake(live)
                self._ask(effect, partial(self._masked, live, effect), live, "mask")
            case UnmaskRecording():
                self._unmask_later(live, effect)
            case _:
                self._fail(effect, "not a request to a PBX")

    def answered(self, channel_id: str) -> None:
        """The channel is up: what waited for that may start. Before, a recorder would force early media."""
        for live in list(self._live.values()):
            if live.channel_id == channel_id:
                live.asked.set()

    def channel_gone(self, channel_id: str) -> None:
        """The channel hung up, and its recorders with it."""
        self.rogues.gone(channel_id)
        for path in [path for path, where in self._paths.items() if where == channel_id]:
            del self._paths[path]
        for live in list(self._live.values()):
            if live.channel_id == channel_id:
                live.asked.set()
                self._overtake(live)
                self._end(live)

    def heard(self, message: Message) -> None:
        """An event: a recorder that we did not ask for is somebody else's; one of ours must write where we said."""
        self._own(message)
        self.rogues.heard(message)

    def _own(self, message: Message) -> None:
        if message.get("Event-Name") not in ("RECORD_START", "RECORD_STOP"):
            return
        own, path = message.get("Recording-Variable-callguard_id", ""), message.get("Record-File-Path", "")
        by_path = next((live for live in self._live.values() if str(live.path) == path), None)
        if message["Event-Name"] == "RECORD_STOP":
            if by_path is not None and by_path.held is None:
                self._end(by_path)
        elif by_path is None and own in self._live:
            self._paths[path] = self._live[own].channel_id
            self._elsewhere(self._live[own])

    async def stop_rogue(self, effect: StopRogue) -> None:
        """Stop somebody else's newest recorder of a channel or a conference. Raises PbxRefused, LinkDown."""
        await self.rogues.stop(effect.channel_id, effect.bridge_id, self._esl)

    async def watch(self) -> None:
        """Look at the files of every live recording, again and again, until cancelled."""
        looking: asyncio.Task[dict[str, tuple[float, Look]]] | None = None
        seen: dict[str, tuple[float, Look]] = {}
        while True:
            await self._pause()
            looking = looking or asyncio.create_task(asyncio.to_thread(_look_at, self._wanted()))
            done, _ = await asyncio.wait((looking,), timeout=_BLIND)
            if done:  # else the disk hangs: what was seen last is held against the clock
                seen, looking = looking.result(), None
            self._observe(seen)

    async def renew(self) -> None:
        """Keep the dead man's switch of every recording from acting, until cancelled."""
        while True:
            await asyncio.sleep(self._dead_man.every)
            for live in self._live.values():
                if live.held is None:
                    self._dead_man.renew(live.recording_id, live.channel_id, live.path)

    # ------------------------------------------------------------ start
    def _begin(self, effect: StartRecording, live: _Live | None) -> None:
        if live is not None:
            return self._fail(effect, "running already")
        if self._esl is None:
            return self._fail(effect, LINK_LOST)
        if not _ID.match(effect.recording_id) or not CHANNEL_ID.match(effect.channel_id):
            return self._fail(effect, "not an id")
        live = self._adopt(LiveRecording(effect.recording_id, effect.channel_id), found_running=False)
        live.held = []
        durable = self._register.record(live.recording_id, live.channel_id, str(live.path))
        durable.add_done_callback(partial(self._written_down, live, effect))

    def _written_down(self, live: _Live, effect: StartRecording, durable: asyncio.Future[None]) -> None:
        """The guard can find it now, and FreeSWITCH is to stop it by itself: it may start once the channel is up."""
        if durable.cancelled() or durable.exception():
            return self._never_ran(live, effect, "register not written")
        task = asyncio.create_task(self._start(live, effect))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _start(self, live: _Live, effect: StartRecording) -> None:
        if not self._answered(live.channel_id):
            await live.asked.wait()
        if self._esl is None:
            return self._never_ran(live, effect, LINK_LOST)
        wrong = await self._dead_man.arm(live.recording_id, live.channel_id, live.path)
        if wrong or self._esl is None:
            return self._never_ran(live, effect, wrong or LINK_LOST)
        held, live.held = live.held or [], None
        swap = f",{SWAP}" if effect.swapped else ""
        variables = f"{{callguard_id={live.recording_id},{VARIABLES}{swap}}}"
        self._ask(effect, partial(self._started, live, effect), live, "start", f" 0 {variables}")
        for later in held:
            self.perform(later)

    def _started(self, live: _Live, effect: StartRecording, answer: str) -> None:
        if not answer.startswith("+OK"):
            self._drop(live)
            return self._fail(effect, refusal(answer))
        live.watch.acknowledged(self._now())
        self._acknowledge(RecordingAcknowledged, live, 0)

    def _never_ran(self, live: _Live, effect: RecordingEffect, reason: str) -> None:
        """The start failed, and so does whatever waited for it: nobody is to wait for an answer that never comes."""
        held, live.held = live.held or [], None
        self._drop(live)
        self._fail(effect, reason)
        for later in held:
            self._fail(later, NOT_RUNNING)

    def _elsewhere(self, live: _Live) -> None:
        """It writes another file than we said: nobody would find that. Everything on this channel stops."""
        if self._esl is not None:
            self._esl.send(f"api uuid_record {live.channel_id} stop all")
        self._drop(live)
        about, where = live.recording_id, live.channel_id
        self._tell(RecordingLost(at=_utc(), channel_id=where, recording_id=about, reason="other file"))

    # ------------------------------------------------------------ mask, stop
    def _masked(self, live: _Live, effect: RecordingEffect, answer: str) -> None:
        if not answer.startswith("+OK"):
            return self._fail(effect, refusal(answer))
        live.watch.masked(self._now())
        self._acknowledge(MaskAcknowledged, live, live.watch.offset(self._now()))

    def _unmask_later(self, live: _Live, effect: UnmaskRecording) -> None:
        """What is in FreeSWITCH's buffer now was spoken under the mask: it has to be gone before sound comes back."""
        self._overtake(live)
        live.unmask = effect
        loop = asyncio.get_running_loop()
        live.unmasking = loop.call_later(UNMASK_SECONDS, self._unmask, live, effect)

    def _unmask(self, live: _Live, effect: UnmaskRecording) -> None:
        live.unmasking = live.unmask = None
        asked = self._now()  # sound may come back before the answer does
        live.watch.unmasking(asked)
        self._ask(effect, partial(self._unmasked, live, effect, asked), live, "unmask")

    def _unmasked(self, live: _Live, effect: RecordingEffect, asked: float, answer: str) -> None:
        if not answer.startswith("+OK"):
            return self._fail(effect, refusal(answer))
        self._acknowledge(UnmaskAcknowledged, live, live.watch.offset(asked))

    def _overtake(self, live: _Live) -> None:
        """An unmask that waits is not sent any more: the recording stays silent."""
        if live.unmasking is not None and live.unmask is not None:
            live.unmasking.cancel()
            self._fail(live.unmask, OVERTAKEN)
        live.unmasking = live.unmask = None

    def _stopped(self, live: _Live, answer: str) -> None:
        now = self._now()
        if answer.startswith("+OK"):
            live.watch.ending(now)
            self._acknowledge(StopAcknowledged, live, live.watch.offset(now))
        else:
            live.watch.refused(now)  # "cannot stop" may mean that it had ended: its file tells
        self._wake.set()

    # ------------------------------------------------------------ inside
    def _ask(
        self, effect: RecordingEffect, answered: Callable[[str], None], live: _Live, verb: str, rest: str = ""
    ) -> None:
        if self._esl is None:
            return self._fail(effect, LINK_LOST)
        answer = self._esl.send(f"api uuid_record {live.channel_id} {verb} {live.path}{rest}")

        def done(future: asyncio.Future[Frame]) -> None:
            if future.cancelled() or isinstance(future.exception(), CallguardError):
                self._fail(effect, LINK_LOST)
            else:
                answered(future.result().text)

        answer.add_done_callback(done)

    def _acknowledge(self, fact: type[RecordingEvent], live: _Live, offset: int) -> None:
        self._tell(fact(at=_utc(), channel_id=live.channel_id, recording_id=live.recording_id, offset_samples=offset))
        self._wake.set()

    def _fail(self, effect: RecordingEffect, reason: str) -> None:
        name, ids = type(effect).__name__, effect.recording_id
        failed = EffectFailed(at=_utc(), channel_id=effect.channel_id, effect=name, recording_id=ids, reason=reason)
        asyncio.get_running_loop().call_soon(self._tell, failed)

    def _adopt(self, known: LiveRecording, *, found_running: bool = True) -> _Live:
        ids = known.recording_id, known.channel_id
        watch = Watch(*ids, found_running=found_running, doubt=_DOUBT, looks=_LOOKS)
        live = _Live(known.recording_id, known.channel_id, file_of(self._folder, known.recording_id), watch)
        if found_running:
            watch.found(self._now())
        self._live[known.recording_id] = live
        self._paths[str(live.path)] = live.channel_id
        self._wake.set()
        return live

    def _end(self, live: _Live) -> None:
        live.watch.ending(self._now())
        self._wake.set()

    def _insist(self, live: _Live) -> None:
        """Nothing proves that it ended: what nobody watches any more must not run on."""
        if self._esl is not None:
            self._esl.send(f"api uuid_record {live.channel_id} stop {live.path}")

    def _drop(self, live: _Live) -> None:
        self._live.pop(live.recording_id, None)
        self._register.forget(live.recording_id)
        self._dead_man.disarm(live.recording_id)

    async def _pause(self) -> None:
        """Sleep as long as nothing can be due; a new request ends it."""
        urgent = any(live.watch.urgent for live in self._live.values())
        patience = _BUSY if urgent else _CALM if self._live else None
        self._wake.clear()
        try:
            async with asyncio.timeout(patience):
                await self._wake.wait()
        except TimeoutError:
            return

    def _wanted(self) -> dict[str, tuple[Path, int | None]]:
        return {name: (live.path, live.watch.since()) for name, live in self._live.items()}

    def _observe(self, seen: Mapping[str, tuple[float, Look]]) -> None:
        now, at = self._now(), _utc()
        for live in [item for item in self._live.values() if item.recording_id in seen or item.watch.unseen]:
            then, found = seen.get(live.recording_id, (now, Look()))
            for fact in live.watch.observe(now, at, found, then):
                self._tell(fact)
            if live.watch.done:
                if not live.watch.ended:
                    self._insist(live)
                self._drop(live)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _look_at(wanted: Mapping[str, tuple[Path, int | None]]) -> dict[str, tuple[float, Look]]:
    """The looks, and when each was made, by the clock of the event loop."""
    return {name: (time.monotonic(), look(path, since)) for name, (path, since) in wanted.items()}


def _utc() -> datetime:
    return datetime.now(UTC)

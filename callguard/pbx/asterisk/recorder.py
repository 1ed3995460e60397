"""Recordings: requests to Asterisk's MixMonitor, their answers, and the watch over the files.

What belongs here: AMI actions of one recording, in order; who waits for which answer. What does not: what the files
prove (watch.py), the connection (ami.py). "Success" is an acknowledgement and never a proof.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from callguard.core.effects import (
    ArmRecording,
    MaskRecording,
    RecordingEffect,
    StartRecording,
    StopRecording,
    UnmaskRecording,
)
from callguard.core.events import (
    LINK_LOST,
    NO_CHANNEL,
    NOT_RUNNING,
    NOT_THERE,
    OVERTAKEN,
    EffectFailed,
    Event,
    MaskAcknowledged,
    RecordingAcknowledged,
    RecordingEvent,
    StopAcknowledged,
    UnmaskAcknowledged,
)
from callguard.errors import BadInput, CallguardError
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message, refusal
from callguard.pbx.asterisk.probe import Files, Look, files_of, look_at
from callguard.pbx.asterisk.register import LiveRecording, RegisterFile
from callguard.pbx.asterisk.watch import Watch

VARIABLE = "CALLGUARD_MIX"
"""Channel variable that holds Asterisk's id of our recorder."""
RECORD, SILENT = "CALLGUARD_RECORD", "silent"
"""Channel variable that tells the snippet what to record, and its value once that is silent."""
ARMED_SECONDS = 3.0
"""After so long the snippet has started a recorder or never will: it waits one second for our answer."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_FOLDER = re.compile(r"[^,|()&;$\x00-\x1f\"']+\Z")
_BUSY, _CALM, _BLIND, _SWAP = 0.005, 0.2, 1.0, 0.01


@dataclass(slots=True)
class _Live:
    """A recorder of ours. `held`: requests that wait until the start was written down; `unnamed`: stops that wait for
    `mix_id`; `armed`: the snippet is to start it."""

    recording_id: str
    channel_id: str
    files: Files
    watch: Watch
    mix_id: str = ""
    held: list[RecordingEffect] | None = None
    answered: bool = False
    armed: ArmRecording | None = None
    unnamed: list[RecordingEffect] = field(default_factory=list)


class Recorder:
    """Carries out recording effects. TELL receives the facts. Raises BadInput where the folder cannot go into an AMI
    option."""

    def __init__(self, folder: Path, register: RegisterFile, tell: Callable[[Event], None]) -> None:
        if not folder.is_absolute() or not _FOLDER.match(str(folder)):
            raise BadInput(f"recordings: {folder} has to be an absolute path without , | ( ) & ; $ and quotes")
        self._folder, self._register, self._tell = folder, register, tell
        self._ami: Ami | None = None
        self._live: dict[str, _Live] = {}
        self._expected: Counter[str] = Counter()
        self._wake = asyncio.Event()
        for known in register.content.recordings.values():
            self._adopt(known)

    # ------------------------------------------------------------ for the adapter
    def attach(self, ami: Ami | None, channels: frozenset[str] = frozenset()) -> None:
        """Use AMI from now on (None: the link is down). CHANNELS: those alive; a recorder without its channel ended."""
        self._ami = ami
        self._expected.clear()
        for live in self._live.values() if ami else ():
            if live.channel_id not in channels:
                self._end(live)
            elif live.watch.astray:  # its stop was lost with the link
                self._stop(live, StopRecording(channel_id=live.channel_id, recording_id=live.recording_id))

    def perform(self, effect: RecordingEffect) -> None:
        """Write the request for EFFECT now, behind earlier ones; outcomes come as facts. Never raises."""
        live = self._live.get(effect.recording_id)
        match effect:
            case StartRecording():
                self._begin(effect, partial(self._start, effect))
            case _ if live is None:
                self._fail(effect, NOT_RUNNING)
            case _ if live.held is not None:
                live.held.append(effect)
            case StopRecording():
                self._stop(live, effect)
            case MaskRecording():
                self._mute(live, effect, "1", live.watch.masked, MaskAcknowledged)
            case UnmaskRecording():
                asked = self._now()  # sound may come back before the answer does
                live.watch.unmasking(asked)
                self._mute(live, effect, "0", lambda _: None, UnmaskAcknowledged, since=asked)
            case _:
                self._fail(effect, "not a request to a PBX")

    def channel_gone(self, channel_id: str) -> None:
        """The channel hung up: Asterisk ends its recorders and says nothing about it."""
        del self._expected[channel_id]
        for live in [item for item in self._live.values() if item.channel_id == channel_id]:
            if live.armed:
                self.unarmed(live.armed, NOT_THERE)
            else:
                self._end(live)

    def typed(self, channel_id: str, held: float) -> None:
        """A key, of so many seconds: there may be nothing for its recorders meanwhile."""
        for live in (item for item in self._live.values() if item.channel_id == channel_id):
            live.watch.typed(self._now(), held)

    def moved(self, gone: Sequence[str], other_id: str) -> None:
        """OTHER took the place of these channels, which are about to hang up. Our recorder goes on there, where nobody
        asks for it any more: it ends with its channel, as ever."""
        for live in [item for item in self._live.values() if item.channel_id in gone and item.mix_id]:
            stop = StopRecording(channel_id=other_id, recording_id=live.recording_id)
            self._silence(stop, lambda _: self._wake.set(), "StopMixMonitor", MixMonitorID=live.mix_id)

    def heard(self, message: Message) -> str:
        """An AMI event: the channel on which a recorder began that we did not ask for, else ''."""
        if message.get("Event") != "MixMonitorStart":
            return ""
        channel_id = message.get("Uniqueid")
        if self._expected[channel_id] > 0:
            self._expected[channel_id] -= 1
            self._armed_one_runs(channel_id)
            return ""
        return channel_id

    async def watch(self) -> None:
        """Look at the files of every live recording, again and again, until cancelled."""
        looking: asyncio.Task[dict[str, Look]] | None = None
        seen: dict[str, Look] = {}
        while True:
            await self._pause()
            looking = looking or asyncio.create_task(asyncio.to_thread(look_at, self._wanted()))
            done, _ = await asyncio.wait((looking,), timeout=_BLIND)
            if done:  # else the disk hangs: what was seen last is held against the clock
                seen, looking = looking.result(), None
            self._observe(seen)

    # ------------------------------------------------------------ start
    def _begin(self, effect: RecordingEffect, start: Callable[[_Live], None]) -> None:
        if effect.recording_id in self._live:
            return self._fail(effect, "running already")
        if self._ami is None:
            return self._fail(effect, LINK_LOST)
        if not _ID.match(effect.recording_id):
            return self._fail(effect, "not an id")
        live = self._adopt(LiveRecording(effect.recording_id, effect.channel_id), found_running=False)
        live.held = []
        durable = self._register.record(effect.recording_id, effect.channel_id)
        durable.add_done_callback(partial(self._written_down, live, effect, start))

    def _written_down(
        self, live: _Live, effect: RecordingEffect, start: Callable[[_Live], None], durable: asyncio.Future[None]
    ) -> None:
        """The guard can find it now: it may start."""
        held, live.held = live.held or [], None
        if durable.cancelled() or durable.exception():
            self._drop(live)
            return self._never_ran(effect, held, "register not written")
        self._expected[live.channel_id] += 1
        start(live)
        for later in held:
            self.perform(later)

    def _start(self, effect: StartRecording, live: _Live) -> None:
        own, others = (live.files.right, live.files.left) if effect.swapped else (live.files.left, live.files.right)
        options = f"r({own})t({others})i({VARIABLE})"
        self._request(effect, partial(self._started, live, effect), "MixMonitor", File="", Options=options)

    def _started(self, live: _Live, effect: RecordingEffect, answer: Message) -> None:
        live.answered = True
        if not answer.succeeded:
            self._expected[live.channel_id] -= 1
            self._drop(live)
            return self._never_ran(effect, live.unnamed, refusal(answer))
        live.watch.acknowledged(self._now())
        self._named(live, answer.get("MixMonitorID"))

    def _named(self, live: _Live, mix_id: str) -> None:
        live.mix_id = mix_id
        self._register.record(live.recording_id, live.channel_id, live.mix_id, live.watch.began)
        self._acknowledge(RecordingAcknowledged, live, 0)
        waiting, live.unnamed = live.unnamed, []
        for stop in waiting:
            self._stop(live, stop)

    def _never_ran(self, effect: RecordingEffect, waiting: list[RecordingEffect], reason: str) -> None:
        """The start failed, and so does whatever waited for it: nobody is to wait for an answer that never comes."""
        self._fail(effect, reason)
        for later in waiting:
            self._fail(later, NOT_RUNNING)

    # ------------------------------------------------------------ armed: the snippet starts it
    def arm(self, effect: ArmRecording, send_on: Callable[[Mapping[str, str]], None]) -> None:
        """SEND_ON is given what to tell the snippet, once the guard could find the recorder that this starts."""
        self._begin(effect, partial(self._go, effect, send_on))

    def _go(self, effect: ArmRecording, send_on: Callable[[Mapping[str, str]], None], live: _Live) -> None:
        live.armed = effect
        send_on({RECORD: str(self._folder / effect.recording_id)})
        asyncio.get_running_loop().call_later(ARMED_SECONDS, self._never_heard, live)

    def unarmed(self, effect: ArmRecording, reason: str) -> None:
        """The snippet starts no recorder, or one that it ends itself for want of an answer."""
        live = self._live.get(effect.recording_id)
        if live is not None:
            self._expected[effect.channel_id] -= live.armed is not None
            self._drop(live)
            self._fail(effect, OVERTAKEN if reason == NOT_THERE else reason)

    def _armed_one_runs(self, channel_id: str) -> None:
        """It is silenced before the snippet lets the call go on."""
        for live in self._live.values():
            if live.channel_id == channel_id and live.armed:
                effect, live.armed = live.armed, None
                muted = partial(self._silenced, live, effect)
                self._request(effect, muted, "MixMonitorMute", Direction="both", State="1")

    def _silenced(self, live: _Live, effect: ArmRecording, answer: Message) -> None:
        if not answer.succeeded:
            return self.unarmed(effect, refusal(answer))
        self._request(effect, partial(self._let_go, live, effect), "Getvar", Variable=VARIABLE)

    def _let_go(self, live: _Live, effect: ArmRecording, answer: Message) -> None:
        mix_id, live.answered = answer.get("Value"), True
        if not mix_id:
            return self.unarmed(effect, refusal(answer))
        self._request(effect, lambda _: None, "Setvar", Variable=RECORD, Value=SILENT)
        live.watch.acknowledged(self._now())
        live.watch.masked(self._now())
        self._named(live, mix_id)

    def _never_heard(self, live: _Live) -> None:
        """Whatever runs for it has been ended by the snippet: the files tell."""
        if self._live.get(live.recording_id) is live and not live.answered:
            live.armed, live.answered = None, True
            live.watch.acknowledged(self._now())
            self._end(live)

    # ------------------------------------------------------------ mask, stop
    def _mute(
        self,
        live: _Live,
        effect: RecordingEffect,
        state: str,
        note: Callable[[float], None],
        fact: type[RecordingEvent],
        since: float | None = None,
    ) -> None:
        def answered(answer: Message) -> None:
            if not answer.succeeded:
                return self._fail(effect, refusal(answer))
            note(self._now())
            self._acknowledge(fact, live, live.watch.offset(self._now() if since is None else since))

        ask = self._silence if state == "1" else self._request
        ask(effect, answered, "MixMonitorMute", Direction="both", State=state)

    def _silence(
        self, effect: RecordingEffect, answered: Callable[[Message], None], action: str, tries: int = 5, **headers: str
    ) -> None:
        """A channel that changes places with another one cannot be found for a moment: it is looked for again."""

        def heard(answer: Message) -> None:
            unfound = not answer.succeeded and refusal(answer) == NO_CHANNEL
            if unfound and tries > 1 and effect.recording_id in self._live:
                again = partial(self._silence, effect, answered, action, tries - 1, **headers)
                asyncio.get_running_loop().call_later(_SWAP, again)
            else:
                answered(answer)

        self._request(effect, heard, action, **headers)

    def _stop(self, live: _Live, effect: RecordingEffect) -> None:
        if live.mix_id:
            named = {"MixMonitorID": live.mix_id}
            self._request(effect, partial(self._stopped, live), "StopMixMonitor", **named)
        elif not live.answered:
            live.unnamed.append(effect)  # its name is in an answer that is under way
        else:
            self._request(effect, partial(self._renamed, live, effect), "Getvar", Variable=VARIABLE)

    def _renamed(self, live: _Live, effect: RecordingEffect, answer: Message) -> None:
        """We started it and died before its name was written down: the channel remembers it."""
        live.mix_id = answer.get("Value")
        if live.mix_id:
            self._stop(live, effect)
        else:
            self._request(effect, partial(self._stopped, live), "StopMixMonitor")

    def _stopped(self, live: _Live, answer: Message) -> None:
        now = self._now()
        if answer.succeeded:
            live.watch.ending(now)
            self._acknowledge(StopAcknowledged, live, live.watch.offset(now))
        else:
            live.watch.refused(now)  # "could not stop" may mean that it had ended: its files tell
        self._wake.set()

    # ------------------------------------------------------------ inside
    def _request(
        self, effect: RecordingEffect, answered: Callable[[Message], None], action: str, **headers: str
    ) -> None:
        if self._ami is None:
            return self._fail(effect, LINK_LOST)
        answer = self._ami.send(action, Channel=effect.channel_id, **headers)

        def done(future: asyncio.Future[Message]) -> None:
            if future.cancelled() or isinstance(future.exception(), CallguardError):
                self._fail(effect, LINK_LOST)
            else:
                answered(future.result())

        answer.add_done_callback(done)

    def _acknowledge(self, fact: type[RecordingEvent], live: _Live, offset: int) -> None:
        self._tell(fact(at=_utc(), channel_id=live.channel_id, recording_id=live.recording_id, offset_samples=offset))
        self._wake.set()

    def _fail(self, effect: RecordingEffect, reason: str) -> None:
        name, ids = type(effect).__name__, effect.recording_id
        failed = EffectFailed(at=_utc(), channel_id=effect.channel_id, effect=name, recording_id=ids, reason=reason)
        asyncio.get_running_loop().call_soon(self._tell, failed)

    def _adopt(self, known: LiveRecording, *, found_running: bool = True) -> _Live:
        watch = Watch(known.recording_id, known.channel_id, found_running=found_running)
        files = files_of(self._folder, known.recording_id)
        live = _Live(known.recording_id, known.channel_id, files, watch, known.mix_id, answered=found_running)
        if found_running:
            watch.found(self._now(), known.began)
        self._live[known.recording_id] = live
        self._wake.set()
        return live

    def _end(self, live: _Live) -> None:
        live.watch.ending(self._now())
        self._wake.set()

    def _drop(self, live: _Live) -> None:
        self._live.pop(live.recording_id, None)
        self._register.forget(live.recording_id)

    async def _pause(self) -> None:
        """Sleep as long as nothing can be due; a new request ends it."""
        watches = [live.watch for live in self._live.values()]
        patience = _BUSY if any(watch.urgent for watch in watches) else _CALM if watches else None
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._wake.wait()

    def _wanted(self) -> dict[str, tuple[Files, int | None, int]]:
        return {name: (live.files, live.watch.since(), live.watch.samples) for name, live in self._live.items()}

    def _observe(self, seen: Mapping[str, Look]) -> None:
        now, at = self._now(), _utc()
        for live in [item for item in self._live.values() if item.recording_id in seen or item.watch.unseen]:
            began = live.watch.began
            for fact in live.watch.observe(now, at, seen.get(live.recording_id, Look())):
                self._tell(fact)
            if live.watch.began != began and not live.watch.done:
                self._register.record(live.recording_id, live.channel_id, live.mix_id, live.watch.began)
            if live.watch.done and not live.watch.astray:
                self._drop(live)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _utc() -> datetime:
    return datetime.now(UTC)

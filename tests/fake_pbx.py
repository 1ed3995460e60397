"""A PBX in memory, for tests of what stands above the Pbx port: it remembers requests and says what the test wants
said.

What belongs here: an adapter of ports.Pbx without any wire; tests/pbx/test_contract.py holds it against a real
Asterisk. What does not: the conduct of one real PBX (tests/pbx/asterisk).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from callguard.core.effects import (
    Answer,
    Effect,
    Indicate,
    LeaveOut,
    MaskRecording,
    PlayPrompt,
    RecordingEffect,
    SendOn,
    SoundBeep,
    StartRecording,
    StopPrompt,
    StopRecording,
    StopRogue,
    UnmaskRecording,
)
from callguard.core.events import (
    Bridged,
    ChannelAnswered,
    ChannelHungUp,
    ChannelLeft,
    EffectFailed,
    Event,
    MaskAcknowledged,
    NoticeEnded,
    NoticeFailed,
    NoticeStarted,
    RecordingAcknowledged,
    RecordingEvent,
    RecordingGrowing,
    RecordingOpened,
    Script,
    StopAcknowledged,
    StopObserved,
    Unbridged,
    UnmaskAcknowledged,
)
from callguard.errors import LinkDown
from callguard.ports import Endpoint, Entered, Heard, Link, Playable, Said, Sighted, Snapshot

Sink = Callable[[Heard, Mapping[str, Any]], None]
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_OFFSET = 8000


@dataclass(frozen=True)
class SparePrompt:
    """A prompt without audio, named after its script."""

    id: str
    language: str = ""
    text_version: str = ""
    sha256: str = ""
    path: Path = Path()


class FakePbx:
    """Keeps every effect in `effects`. `auto`: answers each request as a PBX in good health would, never within
    `perform`; otherwise requests stay unanswered, as on a PBX that hangs.

    `now` is the time that its own facts carry; `plays_on`: a prompt only starts, and `end_prompt` ends it.
    `spares`: a script without a prompt from `set_prompts` has a spare one; a real PBX plays nothing then. `register`:
    recordings that an earlier controller left behind; None: whichever one is asked about, on a channel not heard of.
    What is there (`snapshot`) follows from what is heard; setting `snapshot_of` puts something else there.
    """

    def __init__(
        self,
        *,
        auto: bool = True,
        plays_on: bool = False,
        now: datetime = START,
        spares: bool = True,
        register: frozenset[str] | None = None,
    ) -> None:
        self.auto, self.plays_on, self.now, self._spares, self._register = auto, plays_on, now, spares, register
        self.effects: list[Effect] = []
        self.prompts: dict[str, Mapping[Script, Playable]] = {}
        self.playing: dict[str, tuple[Script, Playable]] = {}
        self.recordings: dict[str, str] = {}  # those that run, and the channel each hangs on
        self._up = False
        self._channels: dict[str, Endpoint] = {}
        self._bridges: dict[str, tuple[str, ...]] = {}
        self._waiting: set[str] = set()
        self._heard_of: set[str] = set()
        self._ended: set[str] = set()
        self._sink: Sink | None = None
        self._unheard: list[tuple[Heard, Mapping[str, Any]]] = []

    # ------------------------------------------------------------ ports.Pbx
    async def run(self, sink: Sink) -> None:
        """Say that the link is up, then whatever `hear` was given before and is given later."""
        self._sink = sink
        waiting, self._unheard = self._unheard, []
        self.mend()
        for heard, raw in waiting:
            self.hear(heard, raw)
        try:
            await asyncio.Event().wait()
        finally:
            self._sink, self._up = None, False

    def perform(self, effect: Effect) -> None:
        """Remember EFFECT and, if `auto`, answer it in a moment."""
        self.effects.append(effect)
        prompt = self._prompt_of(effect.channel_id, effect.script) if isinstance(effect, PlayPrompt) else None
        if self.auto:
            asyncio.get_running_loop().call_soon(self._carry_out, effect, prompt)

    async def snapshot(self) -> Snapshot:
        """What is there. Raises LinkDown."""
        if not self._up:
            raise LinkDown("the link to the PBX is down")
        return self.snapshot_of

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Playable]) -> None:
        """Remember which prompts a channel is to hear."""
        self.prompts[channel_id] = prompts

    # ------------------------------------------------------------ for the test
    @property
    def snapshot_of(self) -> Snapshot:
        """What is there, as far as it was heard of or set."""
        return Snapshot(self.now, tuple(self._channels.values()), dict(self._bridges), frozenset(self._waiting))

    @snapshot_of.setter
    def snapshot_of(self, there: Snapshot) -> None:
        self._channels = {channel.channel_id: channel for channel in there.channels}
        self._bridges, self._waiting = dict(there.bridges), set(there.waiting)

    def hear(self, heard: Heard, raw: Mapping[str, Any] | None = None) -> None:
        """The PBX says HEARD, after what always precedes it and before what follows; kept until somebody listens."""
        if self._sink is None:
            self._unheard.append((heard, raw or {}))
            return
        for event in self._preceding(heard):
            self._tell(Said(event), {})
        self._tell(heard, raw or {})
        for event in self._following(heard):
            self._tell(Said(event), {})

    def cut(self) -> None:
        """The link is lost: it is heard of, and no request passes. Merely hearing so cuts nothing."""
        self._up = False
        for channel_id in list(self.playing):
            for event in self._spoil(channel_id, "link lost"):
                self.say(event)
        self.hear(Link(self.now, up=False))

    def mend(self) -> None:
        """The link is back."""
        self._up = True
        self.hear(Link(self.now, up=True))

    def say(self, event: Event) -> None:
        """The PBX says a fact."""
        self.hear(Said(event))

    def end_prompt(self, channel_id: str) -> None:
        """The prompt on this channel was played to its end."""
        script, prompt = self.playing.pop(channel_id)
        self.say(NoticeEnded(at=self.now, channel_id=channel_id, script=script, prompt=prompt.id))

    def after(self, seconds: float) -> None:
        """Move the clock of the facts to come."""
        self.now += timedelta(seconds=seconds)

    def asked(self, kind: type[Effect]) -> list[Effect]:
        """The effects of one class, in order."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    # ------------------------------------------------------------ what is there
    def _tell(self, heard: Heard, raw: Mapping[str, Any]) -> None:
        self._note(heard)
        if self._sink is not None:
            self._sink(heard, raw)

    def _note(self, heard: Heard) -> None:
        match heard:
            case Sighted(channel=channel) | Entered(channel=channel):
                self._channels[channel.channel_id] = channel
                self._heard_of.add(channel.channel_id)
                if isinstance(heard, Entered) and heard.waiting:
                    self._waiting.add(channel.channel_id)
            case Said(event=event):
                self._note_fact(event)

    def _note_fact(self, event: Event) -> None:
        channel = event.channel_id
        match event:
            case ChannelAnswered() if channel in self._channels:
                self._channels[channel] = replace(self._channels[channel], answered=True)
            case ChannelLeft():
                self._waiting.discard(channel)
            case Bridged():
                self._bridges[event.bridge_id] = (*self._bridges.get(event.bridge_id, ()), channel)
            case Unbridged():
                members = self._bridges.get(event.bridge_id, ())
                self._bridges[event.bridge_id] = tuple(member for member in members if member != channel)
            case ChannelHungUp():
                self._channels.pop(channel, None)
                self.prompts.pop(channel, None)

    def _preceding(self, heard: Heard) -> Iterator[Event]:
        match heard:
            case Said(event=ChannelLeft(channel_id=channel)):
                yield from self._spoil(channel, "stopped")
            case Said(event=ChannelHungUp(channel_id=channel)):
                yield from self._spoil(channel, "hung up")
                for bridge, members in list(self._bridges.items()):
                    if channel in members:
                        yield Unbridged(at=self.now, channel_id=channel, bridge_id=bridge)
                if channel in self._waiting:
                    yield ChannelLeft(at=self.now, channel_id=channel)

    def _following(self, heard: Heard) -> Iterator[Event]:
        match heard:
            case Said(event=ChannelHungUp(channel_id=channel)) if self.auto and self._up:
                for recording_id in [own for own, where in self.recordings.items() if where == channel]:
                    self._end(recording_id)
                    yield _about(StopObserved, self.now, channel, recording_id, _OFFSET)

    # ------------------------------------------------------------ answers to requests
    def _carry_out(self, effect: Effect, prompt: Playable | None) -> None:
        for event in self._outcome(effect, prompt):
            self.hear(Said(event))

    def _outcome(self, effect: Effect, prompt: Playable | None) -> Iterator[Event]:
        channel = effect.channel_id
        match effect:
            case PlayPrompt():
                yield from self._play(effect, prompt)
            case StopPrompt():
                ends = effect.script in (None, *self.playing.get(channel, ())[:1])
                yield from self._spoil(channel, "stopped") if ends else ()
            case _ if not self._up:
                yield self._failed(effect, "link lost")
            case _:
                yield from self._answered(effect, channel)

    def _answered(self, effect: Effect, channel: str) -> Iterator[Event]:
        match effect:
            case RecordingEffect():
                yield from self._recording(effect)
            case Answer() if channel in self._waiting:
                if not self._channels[channel].answered:
                    yield ChannelAnswered(at=self.now, channel_id=channel)
            case SendOn() if channel in self._waiting:
                yield ChannelLeft(at=self.now, channel_id=channel)
            case Indicate() | SoundBeep():
                yield from self._indicate(effect)
            case LeaveOut() if channel in self._channels:
                yield ChannelHungUp(at=self.now, channel_id=channel, cause=16)
            case StopRogue() if channel in self._channels:
                return  # only a failure is heard of
            case Answer() | SendOn() | LeaveOut() | StopRogue():
                yield self._failed(effect, "not there")
            case _:
                yield self._failed(effect, "not a request to a PBX")

    def _failed(self, effect: Effect, reason: str) -> EffectFailed:
        own = effect.recording_id if isinstance(effect, RecordingEffect) else ""
        kind = type(effect).__name__
        return EffectFailed(at=self.now, channel_id=effect.channel_id, effect=kind, recording_id=own, reason=reason)

    def _indicate(self, effect: Indicate | SoundBeep) -> Iterator[Event]:
        """Shown, or whispered: only a failure is heard of."""
        script = effect.script if isinstance(effect, Indicate) else Script.BEEP
        if effect.channel_id not in self._channels:
            yield self._failed(effect, "not there")
        elif script and (wrong := self._no_cue(effect.channel_id, script)):
            yield self._failed(effect, wrong)

    def _no_cue(self, channel_id: str, script: Script) -> str:
        """Why this script cannot be whispered; '' when it can."""
        prompt = self._prompt_of(channel_id, script)
        return "no prompt" if prompt is None else _objection(prompt)

    def _prompt_of(self, channel_id: str, script: Script) -> Playable | None:
        own = self.prompts.get(channel_id, {}).get(script)
        return own or (SparePrompt(script.value) if self._spares else None)

    def _play(self, effect: PlayPrompt, prompt: Playable | None) -> Iterator[Event]:
        channel, script = effect.channel_id, effect.script
        wrong = "no prompt" if prompt is None else "" if self._up else "link lost"
        if prompt is None or wrong or (wrong := _objection(prompt)):
            yield NoticeFailed(at=self.now, channel_id=channel, script=script, reason=wrong)
            return
        self.playing[channel] = script, prompt
        yield NoticeStarted(
            at=self.now,
            channel_id=channel,
            script=script,
            prompt=prompt.id,
            language=prompt.language,
            text_version=prompt.text_version,
            audio_sha256=prompt.sha256,
        )
        if not self.plays_on:
            self.end_prompt(channel)

    def _spoil(self, channel_id: str, reason: str) -> Iterator[Event]:
        if channel_id in self.playing:
            script, _ = self.playing.pop(channel_id)
            yield NoticeFailed(at=self.now, channel_id=channel_id, script=script, reason=reason)

    def _recording(self, effect: RecordingEffect) -> Iterator[Event]:
        channel, own, starts = effect.channel_id, effect.recording_id, isinstance(effect, StartRecording)
        wrong = self._no_start(channel, own) if starts else "" if self._runs(channel, own) else "not running"
        if wrong:
            yield self._failed(effect, wrong)
            return
        if isinstance(effect, StopRecording):
            self._end(own)
        else:
            self.recordings[own] = channel
        for kind, offset in _RECORDING.get(type(effect), ()):
            yield _about(kind, self.now, channel, own, offset)

    def _no_start(self, channel_id: str, recording_id: str) -> str:
        """Why this recording cannot start; '' when it can."""
        if recording_id in self.recordings:
            return "running already"
        return "" if channel_id in self._channels else "no such channel"

    def _runs(self, channel_id: str, recording_id: str) -> bool:
        """Whether this recording runs: ours, or an earlier controller's that the register knows."""
        if recording_id in self.recordings or recording_id in self._ended:
            return recording_id in self.recordings
        left = self._register is None or recording_id in self._register
        return left and channel_id not in self._heard_of

    def _end(self, recording_id: str) -> None:
        self.recordings.pop(recording_id, None)
        self._ended.add(recording_id)


def _objection(prompt: Playable) -> str:
    """Why this prompt is not the one that its names promise; '' when it is."""
    if isinstance(prompt, SparePrompt):
        return ""
    try:
        same = hashlib.sha256(prompt.path.read_bytes()).hexdigest() == prompt.sha256
    except OSError:
        same = False
    return "" if same else "prompt changed"


def _about(kind: type[RecordingEvent], at: datetime, channel_id: str, recording_id: str, offset: int) -> RecordingEvent:
    return kind(at=at, channel_id=channel_id, recording_id=recording_id, offset_samples=offset)


_RECORDING: Mapping[type[RecordingEffect], tuple[tuple[type[RecordingEvent], int], ...]] = {
    StartRecording: ((RecordingAcknowledged, 0), (RecordingOpened, 0), (RecordingGrowing, _OFFSET)),
    MaskRecording: ((MaskAcknowledged, _OFFSET),),
    UnmaskRecording: ((UnmaskAcknowledged, _OFFSET),),
    StopRecording: ((StopAcknowledged, _OFFSET), (StopObserved, _OFFSET)),
}

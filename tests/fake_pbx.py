"""A PBX in memory, for tests of what stands above the Pbx port: it remembers requests and says what the test wants
said.

What belongs here: an adapter of ports.Pbx without any wire. What does not: the conduct of a real PBX (tests/pbx does
that).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from callguard.core.effects import (
    Answer,
    Effect,
    MaskRecording,
    PlayPrompt,
    RecordingEffect,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
    UnmaskRecording,
)
from callguard.core.events import (
    ChannelAnswered,
    ChannelLeft,
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
    UnmaskAcknowledged,
)
from callguard.ports import Heard, Link, Said, Snapshot

Sink = Callable[[Heard, Mapping[str, Any]], None]
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_OFFSET = 8000


class FakePbx:
    """Keeps every effect in `effects`. `auto`: answers each request at once, as a PBX in good health would.

    `now` is the time that its own facts carry; `plays_on`: a prompt only starts, and `end_prompt` ends it.
    `snapshot_of` is what `snapshot` returns; `prompts` what `set_prompts` was given.
    """

    def __init__(self, *, auto: bool = True, plays_on: bool = False, now: datetime = START) -> None:
        self.auto, self.plays_on, self.now = auto, plays_on, now
        self.effects: list[Effect] = []
        self.prompts: dict[str, Mapping[Script, Any]] = {}
        self.playing: dict[str, Script] = {}
        self.snapshot_of = Snapshot(now, (), {}, frozenset())
        self._sink: Sink | None = None
        self._unheard: list[tuple[Heard, Mapping[str, Any]]] = []

    # ------------------------------------------------------------ ports.Pbx
    async def run(self, sink: Sink) -> None:
        """Say that the link is up, then whatever `hear` was given before and is given later."""
        self._sink = sink
        sink(Link(self.now, up=True), {})
        waiting, self._unheard = self._unheard, []
        for heard, raw in waiting:
            sink(heard, raw)
        try:
            await asyncio.Event().wait()
        finally:
            self._sink = None

    def perform(self, effect: Effect) -> None:
        """Remember EFFECT and, if `auto`, let it succeed."""
        self.effects.append(effect)
        for event in self._outcome(effect) if self.auto else ():
            self.hear(Said(event))

    async def snapshot(self) -> Snapshot:
        """What the test says is there."""
        return self.snapshot_of

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Any]) -> None:
        """Remember which prompts a channel is to hear."""
        self.prompts[channel_id] = prompts

    # ------------------------------------------------------------ for the test
    def hear(self, heard: Heard, raw: Mapping[str, Any] | None = None) -> None:
        """The PBX says HEARD; kept until somebody listens."""
        if self._sink is None:
            self._unheard.append((heard, raw or {}))
        else:
            self._sink(heard, raw or {})

    def say(self, event: Event) -> None:
        """The PBX says a fact."""
        self.hear(Said(event))

    def end_prompt(self, channel_id: str) -> None:
        """The prompt on this channel was played to its end."""
        script = self.playing.pop(channel_id)
        self.say(NoticeEnded(at=self.now, channel_id=channel_id, script=script, prompt=script.value))

    def after(self, seconds: float) -> None:
        """Move the clock of the facts to come."""
        self.now += timedelta(seconds=seconds)

    def asked(self, kind: type[Effect]) -> list[Effect]:
        """The effects of one class, in order."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    # ------------------------------------------------------------ inside
    def _outcome(self, effect: Effect) -> Iterator[Event]:
        match effect:
            case Answer():
                yield ChannelAnswered(at=self.now, channel_id=effect.channel_id)
            case SendOn():
                yield ChannelLeft(at=self.now, channel_id=effect.channel_id)
            case PlayPrompt() | StopPrompt():
                yield from self._prompt(effect)
            case RecordingEffect():
                yield from self._recording(effect)

    def _prompt(self, effect: PlayPrompt | StopPrompt) -> Iterator[Event]:
        channel = effect.channel_id
        if isinstance(effect, StopPrompt):
            script = self.playing.pop(channel, None)
            if script is not None:
                yield NoticeFailed(at=self.now, channel_id=channel, script=script, reason="stopped")
            return
        self.playing[channel] = effect.script
        yield NoticeStarted(at=self.now, channel_id=channel, script=effect.script, prompt=effect.script.value)
        if not self.plays_on:
            del self.playing[channel]
            yield NoticeEnded(at=self.now, channel_id=channel, script=effect.script, prompt=effect.script.value)

    def _recording(self, effect: RecordingEffect) -> Iterator[Event]:
        for kind, offset in _RECORDING.get(type(effect), ()):
            yield kind(
                at=self.now, channel_id=effect.channel_id, recording_id=effect.recording_id, offset_samples=offset
            )


_RECORDING: Mapping[type[RecordingEffect], tuple[tuple[type[RecordingEvent], int], ...]] = {
    StartRecording: ((RecordingAcknowledged, 0), (RecordingOpened, 0), (RecordingGrowing, _OFFSET)),
    MaskRecording: ((MaskAcknowledged, _OFFSET),),
    UnmaskRecording: ((UnmaskAcknowledged, _OFFSET),),
    StopRecording: ((StopAcknowledged, _OFFSET), (StopObserved, _OFFSET)),
}

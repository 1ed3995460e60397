"""Prompts: play, whisper into a call, stop, and what PlaybackFinished proves.

What belongs here: playbacks of ours and the snoop channels that carry them. What does not: which prompt when (core),
the request itself (ari.py). Only "done" on a channel that is still up, and that nobody stopped, is a prompt played to
its end.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from callguard.core.effects import Indicate, PlayPrompt, SoundBeep
from callguard.core.events import EffectFailed, Event, NoticeEnded, NoticeFailed, NoticeStarted, Script
from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.site import OWN_PREFIX
from callguard.pbx.asterisk.translate import Json, part, text
from callguard.ports import Playable

SNOOP_SECONDS = 1.0


@dataclass(slots=True)
class _Playing:
    """One prompt for the party at `channel_id`. `spoiled`: why it cannot count as heard any more; `snoop` '' plays
    directly. `cue`: the effect that it is for, where it is no evidence of anything: only its failure is a fact.
    """

    channel_id: str
    script: Script
    prompt: Playable
    playback: str
    snoop: str = ""
    cue: str = ""
    started: bool = False
    spoiled: str = ""
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Prompter:
    """Plays prompts. TELL receives the facts with the raw message that they come from."""

    def __init__(self, app: str, tell: Callable[[Event, Json], None]) -> None:
        self._app, self._tell = app, tell
        self._ari: Ari | None = None
        self._prompts: dict[str, Mapping[Script, Playable]] = {}
        self._playing: dict[str, _Playing] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, ari: Ari | None) -> None:
        """Use ARI from now on; None: the link is down, and with it goes the proof of everything that plays."""
        self._ari = ari
        for playing in list(self._playing.values()) if ari is None else ():
            self._fail(playing, "link lost")

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Playable]) -> None:
        """What the party at this channel is to hear, in its language; forgotten when the channel is gone."""
        self._prompts[channel_id] = prompts

    def playing(self, effect: PlayPrompt) -> Callable[[], Coroutine[Any, Any, None]]:
        """How to have a prompt played, as it is chosen now: before its turn another call may choose for this party.
        Its facts follow; a failure is one of them."""
        return partial(self._have_played, effect, self._chosen(effect.channel_id, effect.script))

    async def _have_played(self, effect: PlayPrompt, prompt: Playable | None) -> None:
        whisper = "both" if effect.to_all else "out" if effect.whisper else ""
        try:
            await self._begin(effect.channel_id, effect.script, prompt, whisper)
        except PbxRefused as wrong:
            self.drop(effect, wrong.reason)

    async def cue(self, channel_id: str, script: Script) -> None:
        """Whisper to an agent. Only a failure is a fact. Raises PbxRefused when it cannot be begun."""
        await self._begin(channel_id, script, self._chosen(channel_id, script), "out", cue=Indicate.__name__)

    async def beep(self, channel_id: str) -> None:
        """Let both ends of a call hear the tone. Only a failure is a fact. Raises PbxRefused."""
        beep = self._chosen(channel_id, Script.BEEP)
        await self._begin(channel_id, Script.BEEP, beep, "both", cue=SoundBeep.__name__)

    def _chosen(self, channel_id: str, script: Script) -> Playable | None:
        return self._prompts.get(channel_id, {}).get(script)

    async def _begin(
        self, channel_id: str, script: Script, prompt: Playable | None, whisper: str, *, cue: str = ""
    ) -> None:
        if prompt is None or self._ari is None:
            raise PbxRefused("prompt", "no prompt" if prompt is None else "link lost")
        if not await asyncio.to_thread(_is_the_one_agreed, prompt):
            raise PbxRefused("prompt", "prompt changed")
        playing = _Playing(channel_id, script, prompt, self._own_id(), cue=cue)
        self._playing[playing.playback] = playing
        try:
            if whisper:
                await self._open_snoop(self._ari, playing, whisper)
            await self._ari.play(playing.snoop or playing.channel_id, playing.playback, prompt.path)
        except (PbxRefused, LinkDown, TimeoutError) as wrong:
            self._fail(playing, _word(wrong))

    def drop(self, effect: PlayPrompt, reason: str = "sent on") -> None:
        """This prompt will not be played."""
        at = _utc()
        self._tell(NoticeFailed(at=at, channel_id=effect.channel_id, script=effect.script, reason=reason), {})

    async def stop(self, channel_id: str, script: Script | None = None) -> None:
        """Stop what plays to the party at this channel, or SCRIPT alone: it does not count as heard."""
        ari, here = self._ari, [playing for playing in self._playing.values() if playing.channel_id == channel_id]
        now = [playing for playing in here if script in (None, playing.script) and not (script and playing.cue)]
        for playing in now:
            playing.spoiled = playing.spoiled or "stopped"
        for playing in now if ari else ():
            with suppress(PbxRefused, LinkDown):
                await ari.stop_playback(playing.playback) if ari else None

    def heard(self, message: Json) -> None:
        """Any ARI event: those about our playbacks, our snoops and the hang-up of a party matter here."""
        match text(message, "type"):
            case "PlaybackStarted":
                self._started(message)
            case "PlaybackFinished":
                self._finished(message)
            case "StasisStart":
                self._snoop_ready(text(part(message, "channel"), "id"))
            case "ChannelHangupRequest":
                self._spoil(text(part(message, "channel"), "id"))
            case "ChannelDestroyed":
                self._gone(text(part(message, "channel"), "id"))

    # ------------------------------------------------------------ inside
    def _own_id(self) -> str:
        return f"{OWN_PREFIX}{self._app}-{uuid.uuid4().hex}"

    async def _open_snoop(self, ari: Ari, playing: _Playing, whisper: str) -> None:
        playing.snoop = self._own_id()
        await ari.snoop(playing.channel_id, playing.snoop, whisper)
        async with asyncio.timeout(SNOOP_SECONDS):  # before its StasisStart a play is refused now and then
            await playing.ready.wait()

    def _snoop_ready(self, channel_id: str) -> None:
        for playing in self._playing.values():
            if playing.snoop == channel_id:
                playing.ready.set()

    def _started(self, message: Json) -> None:
        playing = self._of(message)
        if playing is None or playing.started:
            return
        playing.started = True
        if playing.cue:
            return
        prompt = playing.prompt
        fact = NoticeStarted(
            at=_at(message),
            channel_id=playing.channel_id,
            script=playing.script,
            prompt=prompt.id,
            language=prompt.language,
            text_version=prompt.text_version,
            audio_sha256=prompt.sha256,
        )
        self._tell(fact, message)

    def _finished(self, message: Json) -> None:
        playing = self._of(message)
        if playing is None:
            return
        done = text(part(message, "playback"), "state") == "done"
        if not done or playing.spoiled or not playing.started:
            return self._fail(playing, playing.spoiled or "not played", message)
        self._forget(playing)
        if not playing.cue:
            ended = NoticeEnded(
                at=_at(message), channel_id=playing.channel_id, script=playing.script, prompt=playing.prompt.id
            )
            self._tell(ended, message)

    def _of(self, message: Json) -> _Playing | None:
        return self._playing.get(text(part(message, "playback"), "id"))

    def _spoil(self, channel_id: str) -> None:
        for playing in self._playing.values():
            if channel_id in (playing.channel_id, playing.snoop):
                playing.spoiled = playing.spoiled or "hung up"

    def _gone(self, channel_id: str) -> None:
        self._prompts.pop(channel_id, None)
        for playing in list(self._playing.values()):
            if channel_id in (playing.channel_id, playing.snoop):
                self._fail(playing, playing.spoiled or "hung up")

    def _fail(self, playing: _Playing, reason: str, message: Json | None = None) -> None:
        if self._playing.get(playing.playback) is not playing:
            return
        self._forget(playing)
        at = _at(message) if message else _utc()
        failed: Event = NoticeFailed(at=at, channel_id=playing.channel_id, script=playing.script, reason=reason)
        if playing.cue:
            failed = EffectFailed(at=at, channel_id=playing.channel_id, effect=playing.cue, reason=reason)
        self._tell(failed, message or {})

    def _forget(self, playing: _Playing) -> None:
        self._playing.pop(playing.playback, None)
        if playing.snoop and self._ari is not None:
            task = asyncio.create_task(_hang_up(self._ari, playing.snoop))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _hang_up(ari: Ari, channel_id: str) -> None:
    with suppress(PbxRefused, LinkDown):
        await ari.hang_up(channel_id)


def _is_the_one_agreed(prompt: Playable) -> bool:
    """Whether the file still holds what its event will name: others can write to a PBX's sounds."""
    try:
        return hashlib.sha256(prompt.path.read_bytes()).hexdigest() == prompt.sha256
    except OSError:
        return False


def _word(wrong: PbxRefused | LinkDown | TimeoutError) -> str:
    match wrong:
        case PbxRefused():
            return wrong.reason
        case LinkDown():
            return "link lost"
    return "no snoop"


def _at(message: Json) -> datetime:
    try:
        at = datetime.fromisoformat(text(message, "timestamp"))
    except ValueError:
        return _utc()
    return at.astimezone(UTC) if at.tzinfo else _utc()


def _utc() -> datetime:
    return datetime.now(UTC)

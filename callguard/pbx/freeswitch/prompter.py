"""Prompts: play, to one party or to both, stop, and what PLAYBACK_STOP proves.

What belongs here: playbacks of ours. What does not: which prompt when (core), the connection (esl.py). `done` is a
prompt played to its end only on a channel that has not hung up: FreeSWITCH says `done` of one that was cut by a hang-up
too.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from callguard.core.effects import Indicate, PlayPrompt
from callguard.core.events import EffectFailed, Event, NoticeEnded, NoticeFailed, NoticeStarted, Script
from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.outbound import CHANNEL_ID, channel_id_of
from callguard.pbx.freeswitch.site import OWN_PREFIX
from callguard.pbx.freeswitch.translate import time_of
from callguard.ports import Playable

_PATH = re.compile(r"/[A-Za-z0-9_./-]+\Z")
WARM_SECONDS = 0.3
"""How long a bridge has to be old before something is played to both of its legs."""
_WHOLE = "%[playback_terminators=none]"
"""For one prompt alone, whatever the dialplan has set: FreeSWITCH ends what it plays at the key *, which begins *7."""


@dataclass(slots=True)
class _Playing:
    """One prompt for the party at `channel_id`; `on`: the channels that play it and have not ended, by the id of the
    playback; `begun`: those on which it sounds. `spoiled`: why it cannot count as heard any more. `cue`: it tells an
    agent something, and is no evidence. `unwanted`: it is to end, and nothing else that plays there; `cut`: where it
    was asked to.
    """

    channel_id: str
    script: Script
    prompt: Playable
    on: dict[str, str] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    cue: bool = False
    started: bool = False
    spoiled: str = ""
    unwanted: bool = False


class Prompter:
    """Plays prompts. TELL receives the facts with the event that they come from; PEERS: who else is in a channel's
    bridge; ALIVE: whether a channel is there. FreeSWITCH takes requests for one that hung up, and nothing happens.
    """

    def __init__(
        self,
        tell: Callable[[Event, Message], None],
        peers: Callable[[str], list[str]],
        alive: Callable[[str], bool],
    ) -> None:
        self._tell, self._peers, self._alive = tell, peers, alive
        self._esl: Esl | None = None
        self._prompts: dict[str, Mapping[Script, Playable]] = {}
        self._playing: list[_Playing] = []
        self._met: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, esl: Esl | None) -> None:
        """Use ESL from now on; None: the link is down, and with it goes the proof of everything that plays."""
        self._esl = esl
        for playing in list(self._playing) if esl is None else ():
            self._fail(playing, "link lost")

    def keep(self, alive: set[str]) -> None:
        """These channels are there: what plays on others was cut, though nobody said so."""
        for playing in list(self._playing):
            if not alive.issuperset(playing.on.values()):
                self._fail(playing, "hung up")

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Playable]) -> None:
        """What the party at this channel is to hear, in its language; forgotten when the channel is gone."""
        self._prompts[channel_id] = prompts

    def playing(self, effect: PlayPrompt) -> Callable[[], Coroutine[Any, Any, None]]:
        """How to have a prompt played, as it is chosen now: before its turn another call may choose for this party.
        Its facts follow; a failure is one of them."""
        return partial(self._have_played, effect, self._chosen(effect.channel_id, effect.script))

    async def _have_played(self, effect: PlayPrompt, prompt: Playable | None) -> None:
        peers = self._peers(effect.channel_id) if effect.to_all else []
        try:
            await self._begin(effect.script, prompt, [effect.channel_id, *peers])
        except PbxRefused as wrong:
            self.drop(effect, wrong.reason)

    async def cue(self, channel_id: str, script: Script) -> None:
        """Tell an agent something. Only a failure is a fact. Raises PbxRefused when it cannot be begun."""
        await self._begin(script, self._chosen(channel_id, script), [channel_id], cue=True)

    def drop(self, effect: PlayPrompt, reason: str = "sent on") -> None:
        """This prompt will not be played."""
        at = _utc()
        self._tell(NoticeFailed(at=at, channel_id=effect.channel_id, script=effect.script, reason=reason), {})

    async def agreed(self, channel_id: str, script: Script) -> Playable:
        """The prompt for the party at this channel, its file being what was agreed. Raises PbxRefused."""
        return await _agreed(self._chosen(channel_id, script))

    def _chosen(self, channel_id: str, script: Script) -> Playable | None:
        return self._prompts.get(channel_id, {}).get(script)

    async def _begin(self, script: Script, prompt: Playable | None, channels: list[str], *, cue: bool = False) -> None:
        """Play SCRIPT on CHANNELS; it is for the party at the first."""
        party = channels[0]
        prompt, esl = await _agreed(prompt), self._esl
        if esl is None:
            raise PbxRefused("prompt", "link lost")
        if not self._alive(party) or not all(CHANNEL_ID.match(item) for item in channels):
            raise PbxRefused("prompt", "no such channel")
        if not _PATH.match(str(prompt.path)):  # what is more than a path means something to FreeSWITCH
            raise PbxRefused("prompt", "not playable")
        playing = _Playing(party, script, prompt, cue=cue)
        playing.on = {f"{OWN_PREFIX}{uuid.uuid4().hex}": channel_id for channel_id in channels}
        self._playing.append(playing)
        await self._warmed(channels)
        if playing.spoiled:
            return self._fail(playing, playing.spoiled)
        asked = [_play(esl, channel_id, own, str(prompt.path)) for own, channel_id in list(playing.on.items())]
        for wrong in filter(None, await asyncio.gather(*asked)):
            self._fail(playing, wrong)

    async def _warmed(self, channels: list[str]) -> None:
        """Wait until FreeSWITCH plays to both legs of a bridge at once. It begins on a leg after ten frames of it, and
        while it plays on one it counts none of the other, which would hear it afterwards.
        """
        met = max((self._met.get(item, 0.0) for item in channels[1:]), default=0.0)
        await asyncio.sleep(max(0.0, met + WARM_SECONDS - asyncio.get_running_loop().time()))

    def ending(self, channel_id: str, script: Script | None = None) -> Callable[[], Coroutine[Any, Any, None]]:
        """How to stop what plays to the party at this channel, or SCRIPT alone. What FreeSWITCH was not yet asked to
        play, it is not asked any more."""
        self._forgo(channel_id, script)
        return lambda: self.stop(channel_id, script)

    def _forgo(self, channel_id: str, script: Script | None) -> list[_Playing]:
        """What does not count as heard any more."""
        here = [playing for playing in self._playing if playing.channel_id == channel_id]
        now = [playing for playing in here if script in (None, playing.script) and not (script and playing.cue)]
        for playing in now:
            playing.spoiled = playing.spoiled or "stopped"
        return now

    async def stop(self, channel_id: str, script: Script | None = None) -> None:
        """Stop what plays to the party at this channel, or SCRIPT alone: it does not count as heard."""
        now = self._forgo(channel_id, script)
        if script:
            for playing in now:
                playing.unwanted = True
            return self._cut()
        for where in {where for playing in now for where in playing.on.values()}:
            await self._break(where, " all")
        for playing in now:
            if not playing.begun:  # it was taken out of the queue, and nobody says so
                self._fail(playing, playing.spoiled)

    def _cut(self) -> None:
        """End what is unwanted on each leg where nothing plays inside it: FreeSWITCH plays a second file within the
        first, which goes on behind it, and ends the inner one."""
        for place, playing in enumerate(self._playing):
            inside = {leg for later in self._playing[place + 1 :] for leg in later.on.values()}
            for leg in playing.begun & set(playing.on.values()) - playing.cut - inside if playing.unwanted else ():
                playing.cut.add(leg)
                task = asyncio.create_task(self._break(leg))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _break(self, channel_id: str, what: str = "") -> None:
        with suppress(PbxRefused, LinkDown):
            await self._esl.ask(f"api uuid_break {channel_id}{what}") if self._esl else None

    def heard(self, message: Message) -> None:
        """Any event: those about our playbacks and the hang-up of a party matter here."""
        channel_id = channel_id_of(message)
        match message.get("Event-Name"):
            case "PLAYBACK_START":
                self._started(channel_id, message)
            case "PLAYBACK_STOP":
                self._stopped(channel_id, message)
            case "CHANNEL_EXECUTE_COMPLETE":
                self._executed(message)
                self._cut()
            case "CHANNEL_BRIDGE":
                for leg in ("Bridge-A-Unique-ID", "Bridge-B-Unique-ID"):
                    self._met[message.get(leg, "")] = asyncio.get_running_loop().time()
            case "CHANNEL_HANGUP":
                self._spoil(channel_id, "hung up")
            case "CHANNEL_HANGUP_COMPLETE":
                self._gone(channel_id)

    # ------------------------------------------------------------ inside
    def _of(self, channel_id: str, message: Message) -> list[_Playing]:
        """Those of ours on this channel that a message may be about. FreeSWITCH begins files in the order of the
        requests, the later one within the earlier one."""
        path = message.get("Playback-File-Path")
        return [item for item in self._playing if channel_id in item.on.values() and str(item.prompt.path) == path]

    def _started(self, channel_id: str, message: Message) -> None:
        playing = next((item for item in self._of(channel_id, message) if channel_id not in item.begun), None)
        if playing is None:
            return
        playing.begun.add(channel_id)
        self._cut()
        if playing.started:
            return
        playing.started = True
        if playing.cue:
            return
        prompt = playing.prompt
        fact = NoticeStarted(
            at=time_of(message, _utc()),
            channel_id=playing.channel_id,
            script=playing.script,
            prompt=prompt.id,
            language=prompt.language,
            text_version=prompt.text_version,
            audio_sha256=prompt.sha256,
        )
        self._tell(fact, message)

    def _stopped(self, channel_id: str, message: Message) -> None:
        playing = next((item for item in reversed(self._of(channel_id, message)) if channel_id in item.begun), None)
        if playing is None:
            return
        if message.get("Playback-Status") != "done" or message.get("Hangup-Cause"):
            playing.spoiled = playing.spoiled or ("hung up" if message.get("Hangup-Cause") else "stopped")
        playing.done.add(channel_id)

    def _executed(self, message: Message) -> None:
        """The application ended: only now it is known what came of it."""
        own = message.get("Application-UUID", "")
        playing = next((item for item in self._playing if own in item.on), None)
        if playing is None:
            return
        channel_id = playing.on.pop(own)
        if playing.unwanted and playing.on:  # it has not ended yet for the other party
            return None
        if playing.spoiled or channel_id not in playing.done:
            return self._fail(playing, playing.spoiled or "not played", message)
        if playing.on:  # the other party still hears it
            return
        self._playing.remove(playing)
        if playing.cue:
            return
        at = time_of(message, _utc())
        ended = NoticeEnded(at=at, channel_id=playing.channel_id, script=playing.script, prompt=playing.prompt.id)
        self._tell(ended, message)

    def _spoil(self, channel_id: str, reason: str) -> None:
        for playing in self._playing:
            if channel_id in playing.on.values():
                playing.spoiled = playing.spoiled or reason

    def _gone(self, channel_id: str) -> None:
        self._prompts.pop(channel_id, None)
        self._met.pop(channel_id, None)
        for playing in list(self._playing):
            if channel_id in playing.on.values():
                self._fail(playing, playing.spoiled or "hung up")

    def _fail(self, playing: _Playing, reason: str, message: Message | None = None) -> None:
        if playing not in self._playing:
            return
        self._playing.remove(playing)
        at = time_of(message or {}, _utc())
        failed: Event = NoticeFailed(at=at, channel_id=playing.channel_id, script=playing.script, reason=reason)
        if playing.cue:
            failed = EffectFailed(at=at, channel_id=playing.channel_id, effect=Indicate.__name__, reason=reason)
        self._tell(failed, message or {})


async def _play(esl: Esl, channel_id: str, own: str, path: str) -> str:
    """Why it cannot be played; '' when the request was taken."""
    what = (("call-command", "execute"), ("execute-app-name", "playback"), ("execute-app-arg", f"{_WHOLE}{path}"))
    try:
        await esl.ask(f"sendmsg {channel_id}", (*what, ("Event-UUID", own)))
    except PbxRefused as refused:
        return refused.reason
    except LinkDown:
        return "link lost"
    return ""


async def _agreed(prompt: Playable | None) -> Playable:
    """PROMPT, its file being what was agreed. Raises PbxRefused."""
    if prompt is None:
        raise PbxRefused("prompt", "no prompt")
    if not await asyncio.to_thread(_is_the_one_agreed, prompt):
        raise PbxRefused("prompt", "prompt changed")
    return prompt


def _is_the_one_agreed(prompt: Playable) -> bool:
    """Whether the file still holds what its event will name: others can write to a PBX's sounds."""
    try:
        return hashlib.sha256(prompt.path.read_bytes()).hexdigest() == prompt.sha256
    except OSError:
        return False


def _utc() -> datetime:
    return datetime.now(UTC)

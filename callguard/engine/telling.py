"""One voice at a time: who has to be told by several calls hears one after another, and each has its own answer.

What belongs here: whose turn it is at a channel, and for which calls a notice or question was heard: only who was told
what a call's own policy says has been told by that call. What does not: what is told and when (core/), playing (pbx/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from callguard.core.asking import EXPLAINING_PATIENCE, PROMPT_PATIENCE
from callguard.core.call import Call
from callguard.core.effects import Effect, PlayPrompt, SoundBeep, StopPrompt
from callguard.core.events import ChannelHungUp, Event, NoticeEnded, NoticeFailed, NoticeStarted, Script
from callguard.engine import clock
from callguard.engine.runner import Runner
from callguard.engine.switchboard import Fact
from callguard.ports import Pbx, Playable

_ASKS = (Script.NOTICE, Script.QUESTION, Script.LONG_NOTICE)
"""What an answer rests on. Everything else is short, and may be heard by the way."""
GRACE = 2.0
"""Seconds behind the patience of a prompt in which the PBX says that it ended."""


@dataclass(slots=True)
class _Turn:
    """One prompt, for these calls. `audio`: what is heard; `spoken`: it was asked of the PBX, `since` when in seconds
    of our clock; `started`: it plays."""

    effect: PlayPrompt
    audio: str
    calls: list[str]
    spoken: bool = False
    since: float = 0.0
    started: bool = False

    def is_like(self, other: _Turn) -> bool:
        """Whether who hears this from its beginning has heard OTHER too."""
        return not self.started and (self.effect, self.audio) == (other.effect, other.audio)

    @property
    def late_at(self) -> float:
        """When it should have ended, as the core counts it."""
        return self.since + (EXPLAINING_PATIENCE if self.effect.script is Script.LONG_NOTICE else PROMPT_PATIENCE)


@dataclass
class Telling:
    """The turns at every channel, and the calls whose line is spoken there. `prompts`: what a party of a call is to
    hear, by its channel; `runners`: of live calls."""

    pbx: Pbx
    prompts: Callable[[Call, str], Mapping[Script, Playable]]
    runners: Mapping[str, Runner]
    _turns: dict[str, list[_Turn]] = field(default_factory=dict)
    _lines: dict[str, list[str]] = field(default_factory=dict)

    def perform(self, call: Call, effect: Effect) -> None:
        """Have the PBX carry out EFFECT of CALL. A notice or question waits for its turn; calls that have the very same
        to say at the same moment say it once."""
        now: Effect | None = effect
        if isinstance(effect, PlayPrompt | StopPrompt) and effect.script is Script.RECORDING_ON:
            now = effect if self._speaks(call.call_id, effect) else None
        elif isinstance(effect, StopPrompt) and effect.script is None:
            now = self._own(call.call_id, effect)
        elif isinstance(effect, PlayPrompt) and effect.script in _ASKS and not self._may_play(call, effect):
            now = None
        if now is not None:
            self._perform(call, now)

    def heard(self, event: Event, facts: list[Fact]) -> list[Fact]:
        """Of FACTS, which EVENT was for every call that knows its channel, those of the calls that spoke."""
        if isinstance(event, ChannelHungUp):
            self._turns.pop(event.channel_id, None)
            self._lines.pop(event.channel_id, None)
        spoke = self._spoke(event) if isinstance(event, NoticeStarted | NoticeEnded | NoticeFailed) else None
        return facts if spoke is None else [(call_id, said) for call_id, said in facts if call_id in spoke]

    def leave(self, call_id: str) -> None:
        """This call is over: it has nothing more to say. What plays plays to its end, for nobody's answer."""
        for channel_id in list(self._turns):
            self._unsay(call_id, channel_id)
        for calls in self._lines.values():
            calls[:] = [each for each in calls if each != call_id]

    def put_off(self, call: Call, deadline: str) -> float:
        """For how many seconds this DEADLINE of CALL is to wait: where it is the watch over a prompt, that begins as
        the prompt has its turn, and the turn comes when what is said before has ended."""
        for channel in call.channels.values():
            if channel.playing and deadline == f"prompt:{channel.watch}":
                return self._to_go(call.call_id, channel.channel_id, channel.playing)
        return 0.0

    # ------------------------------------------------------------ inside
    def _perform(self, call: Call, effect: Effect) -> None:
        if isinstance(effect, PlayPrompt | SoundBeep):
            self.pbx.set_prompts(effect.channel_id, self.prompts(call, effect.channel_id))
        self.pbx.perform(effect)

    def _speaks(self, call_id: str, effect: PlayPrompt | StopPrompt) -> bool:
        """Whether the line of this call is spoken or stopped now. Where another call speaks its own at this channel, it
        is not: the PBX would stop both, and one that plays to its end is still true of the other."""
        calls = self._lines.setdefault(effect.channel_id, [])
        if isinstance(effect, StopPrompt):
            return all(each == call_id for each in calls)
        calls.append(call_id)
        return True

    def _spoke(self, event: NoticeStarted | NoticeEnded | NoticeFailed) -> list[str] | None:
        """The calls whose prompt EVENT is about; None where nobody knows. Of lines at one channel the first to begin is
        the first to end."""
        begins = isinstance(event, NoticeStarted)
        if event.script is Script.RECORDING_ON and (lines := self._lines.get(event.channel_id)):
            return lines if begins else [lines.pop(0)]
        turns = self._turns.get(event.channel_id)
        if not turns or event.script not in _ASKS:
            return None
        turn = turns[0]
        turn.started = True
        if not begins:
            self._next(event.channel_id, turns[1:])
        return turn.calls

    def _may_play(self, call: Call, effect: PlayPrompt) -> bool:
        """Whether nobody else speaks there. What a call says anew it says next."""
        prompt = self.prompts(call, effect.channel_id).get(effect.script)
        new = _Turn(effect, prompt.sha256 if prompt else "", [call.call_id])
        turns = self._turns.setdefault(effect.channel_id, [])
        same = next((turn for turn in turns if turn.is_like(new) and call.call_id not in turn.calls), None)
        if same is not None:
            same.calls.append(call.call_id)
            return False
        own = [turn.spoken and turn.calls == new.calls for turn in turns]
        new.spoken, new.since = all(own[:1]), _now()
        turns.insert([*own, False].index(False) if new.spoken else len(turns), new)
        return new.spoken

    def _own(self, call_id: str, stop: StopPrompt) -> StopPrompt | None:
        """STOP of what plays there now, if that is this call's alone, and of nothing else where another call knows the
        party: its line may be heard there by the way. What this call has not said yet it says no more."""
        turns = self._turns.get(stop.channel_id)
        if not turns:  # it was asked for by a controller that is dead, say: what is spoken now is another one's line
            return stop if self._speaks(call_id, stop) else None
        if turns[0].calls == [call_id]:
            known = sum(stop.channel_id in runner.call.channels for runner in self.runners.values())
            return replace(stop, script=turns[0].effect.script) if known > 1 else stop
        self._unsay(call_id, stop.channel_id)
        return None

    def _to_go(self, call_id: str, channel_id: str, script: Script) -> float:
        turns = self._turns.get(channel_id, [])
        own = [turn for turn in turns if call_id in turn.calls and turn.effect.script is script]
        if not own:
            return 0.0
        until = own[-1].late_at if own[-1].spoken else turns[0].late_at + GRACE
        return max(0.0, until - _now())

    def _unsay(self, call_id: str, channel_id: str) -> None:
        turns = self._turns[channel_id]
        for turn in turns:
            turn.calls = [each for each in turn.calls if each != call_id]
        self._next(channel_id, [turn for turn in turns if turn.calls or turn.spoken])

    def _next(self, channel_id: str, turns: list[_Turn]) -> None:
        """These are left: whoever is the first of them speaks."""
        self._turns[channel_id] = turns
        if not turns:
            del self._turns[channel_id]
        elif not turns[0].spoken:
            turns[0].spoken, turns[0].since = True, _now()
            if runner := self.runners.get(turns[0].calls[0]):
                self._perform(runner.call, turns[0].effect)


def _now() -> float:
    return clock.read().monotonic_ns / 1e9

"""Who is told by several calls hears one after another, and each call hears of its own notice alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from callguard.core.asking import EXPLAINING_PATIENCE, PROMPT_PATIENCE
from callguard.core.call import Call
from callguard.core.effects import Effect, PlayPrompt, StopPrompt
from callguard.core.events import ChannelHungUp, Event, NoticeEnded, NoticeFailed, NoticeStarted, Script
from callguard.engine import clock
from callguard.engine.telling import GRACE, Telling
from callguard.ports import Pbx, Playable
from tests.fake_pbx import START

NOTICE = PlayPrompt(channel_id="guest", script=Script.NOTICE, whisper=True)
STOP = StopPrompt(channel_id="guest")
STARTED, ENDED = (kind(at=START, channel_id="guest") for kind in (NoticeStarted, NoticeEnded))


class Clock:
    """Time stands still."""

    seconds = 100.0

    def read(self) -> clock.Reading:
        return clock.Reading(START, int(self.seconds * 1e9), True)

    def random(self, count: int) -> bytes:
        return bytes(count)


class Board:
    """Calls "a" and "b", and what the PBX was asked, with whose prompts."""

    def __init__(self, **audio: str) -> None:
        self.audio, self.whose, self.asked = audio, "", list[tuple[str, Effect]]()
        guest = SimpleNamespace(channel_id="guest", playing=Script.NOTICE, watch=7)
        self.calls = {name: cast(Call, SimpleNamespace(call_id=name, channels={"guest": guest})) for name in audio}
        runners: Any = {name: SimpleNamespace(call=call) for name, call in self.calls.items()}
        self.telling = Telling(cast(Pbx, self), self.prompts, runners)

    def prompts(self, call: Call, channel_id: str) -> Mapping[Script, Playable]:
        return dict.fromkeys(Script, cast(Playable, SimpleNamespace(sha256=self.audio[call.call_id], of=call.call_id)))

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Any]) -> None:
        self.whose = prompts[Script.NOTICE].of

    def perform(self, effect: Effect) -> None:
        self.asked.append((self.whose, effect))

    def ask(self, name: str, effect: Effect) -> None:
        self.telling.perform(self.calls[name], effect)

    def heard(self, event: Event) -> list[str]:
        return [name for name, _ in self.telling.heard(event, [(name, event) for name in self.calls])]


def test_two_notices_are_heard_one_after_another_and_each_is_its_own_calls() -> None:
    on = Board(a="generic", b="sensitive")
    on.ask("a", NOTICE)
    on.ask("b", NOTICE)
    assert on.asked == [("a", NOTICE)]
    assert on.heard(STARTED) == on.heard(ENDED) == ["a"]
    assert on.asked == [("a", NOTICE), ("b", NOTICE)]
    assert on.heard(STARTED) == on.heard(ENDED) == ["b"]
    assert on.heard(ENDED) == ["a", "b"]  # of nobody's turn


def test_the_very_same_notice_is_said_once_for_both_and_not_to_who_missed_its_beginning() -> None:
    on = Board(a="same", b="same", c="same")
    on.ask("a", NOTICE)
    on.ask("b", NOTICE)
    assert on.heard(STARTED) == ["a", "b"]
    on.ask("c", NOTICE)
    assert on.heard(ENDED) == ["a", "b"] and on.asked == [("a", NOTICE), ("c", NOTICE)]


def test_a_call_stops_what_it_says_itself_and_nothing_else() -> None:
    on = Board(a="generic", b="sensitive")
    on.ask("a", NOTICE)
    on.ask("b", NOTICE)
    on.ask("b", STOP)
    assert on.asked == [("a", NOTICE)]
    on.ask("a", STOP)
    on.ask("a", NOTICE)  # anew: it waits for nobody
    own = replace(STOP, script=Script.NOTICE)  # another call's line may play there
    assert [effect for _, effect in on.asked] == [NOTICE, own, NOTICE]
    stopped = NoticeFailed(at=START, channel_id="guest", reason="stopped")
    assert on.heard(stopped) == on.heard(ENDED) == ["a"] and len(on.asked) == 3


def test_a_stop_of_what_a_dead_controller_asked_for_leaves_the_line_of_another_call() -> None:
    on = Board(a="generic", b="sensitive")
    line = replace(NOTICE, script=Script.RECORDING_ON)
    on.ask("b", line)
    on.ask("a", STOP)
    assert on.asked == [("b", line)]
    on.ask("b", STOP)
    assert on.asked == [("b", line), ("b", STOP)]


def test_one_of_two_that_say_the_same_leaves_it_to_the_other() -> None:
    on = Board(a="same", b="same")
    on.ask("a", NOTICE)
    on.ask("b", NOTICE)
    on.ask("a", STOP)
    assert on.asked == [("a", NOTICE)] and on.heard(ENDED) == ["b"]


def test_what_plays_for_a_call_that_is_over_is_nobodys_and_the_next_one_waits_for_its_end() -> None:
    on = Board(a="generic", b="sensitive")
    on.ask("a", NOTICE)
    on.ask("b", NOTICE)
    on.telling.leave("a")
    assert on.asked == [("a", NOTICE)] and on.heard(ENDED) == []
    assert on.asked[1:] == [("b", NOTICE)]
    on.telling.heard(ChannelHungUp(at=START, channel_id="guest"), [])
    assert on.heard(STARTED) == ["a", "b"]


def test_a_line_is_its_own_calls() -> None:
    on = Board(a="same", b="same")
    line = replace(NOTICE, script=Script.RECORDING_ON)
    started, ended = (replace(event, script=Script.RECORDING_ON) for event in (STARTED, ENDED))
    on.ask("a", line)
    assert on.heard(started) == on.heard(ended) == ["a"]
    on.ask("b", line)
    on.ask("a", line)
    on.ask("b", replace(STOP, script=Script.RECORDING_ON))  # it would end that of the other
    assert [effect for _, effect in on.asked] == [line] * 3
    assert on.heard(started) == ["a", "b"] and on.heard(ended) == ["b"]
    on.ask("a", replace(STOP, script=Script.RECORDING_ON))
    assert len(on.asked) == 4 and on.heard(ended) == ["a"]
    assert on.heard(ended) == ["a", "b"]  # nobody here asked for it


def test_the_patience_with_a_prompt_begins_with_its_turn() -> None:
    time = Clock()
    before = clock.use(time)
    try:
        on = Board(a="generic", b="sensitive")

        def waits(name: str) -> float:
            return round(on.telling.put_off(on.calls[name], "prompt:7"), 3)

        on.ask("a", NOTICE)
        on.ask("b", NOTICE)
        assert on.telling.put_off(on.calls["a"], "prompt:6") == on.telling.put_off(on.calls["a"], "answer") == 0
        assert waits("a") == PROMPT_PATIENCE and waits("b") == PROMPT_PATIENCE + GRACE
        time.seconds += 9
        on.heard(ENDED)
        assert waits("a") == 0 and waits("b") == PROMPT_PATIENCE
        time.seconds += PROMPT_PATIENCE
        assert waits("b") == 0
    finally:
        clock.use(before)


def test_nobody_waits_for_a_prompt_that_should_have_ended_long_ago() -> None:
    time = Clock()
    before = clock.use(time)
    try:
        on = Board(a="generic", b="sensitive")
        on.ask("a", replace(NOTICE, script=Script.LONG_NOTICE))
        on.ask("b", NOTICE)
        time.seconds += EXPLAINING_PATIENCE
        assert on.telling.put_off(on.calls["b"], "prompt:7") == GRACE
        time.seconds += GRACE
        assert on.telling.put_off(on.calls["b"], "prompt:7") == 0
    finally:
        clock.use(before)

"""The line in every file: played once, and once more where its hearer was taken away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from callguard.core.asking import HUNG_UP, STOPPED
from callguard.core.effects import Effect, PlayPrompt, StopPrompt, StopRecording
from callguard.core.events import Action, Outcome, Presence, Role, Script
from callguard.core.line import settle
from tests.core.play import AGENT, FAR, OTHER_AGENT, Play, play

LINE = Script.RECORDING_ON


def in_the_line(talk: Play | None = None, to: str = AGENT) -> Play:
    talk = (talk or play().talking()).acknowledged().wait(0.1).opened().plays(LINE, to=to, whisper=True)
    return talk.wait(0.1).begins(LINE, to=to).wait(0.5)


@pytest.mark.requirement("S22")
def test_where_its_hearer_leaves_who_stays_hears_it_anew() -> None:
    talk = play().granted().sees(AGENT, Role.AGENT).sees(OTHER_AGENT, Role.AGENT).bridges(AGENT, OTHER_AGENT, FAR)
    talk = in_the_line(talk, to=OTHER_AGENT).unbridges(OTHER_AGENT).fails(LINE, to=OTHER_AGENT, reason="not played")
    talk.plays(LINE, to=AGENT, whisper=True)
    assert not talk.count(StopRecording)
    talk.wait(0.2).begins(LINE, to=AGENT)
    assert talk.file.line_at == talk.now and not talk.file.line_owed


def test_it_waits_for_somebody_to_hear_it() -> None:
    talk = in_the_line().fails(LINE, to=AGENT, reason=HUNG_UP).is_quiet()
    talk.hangs_up(AGENT)
    assert not [item for item in talk.last.effects if isinstance(item, PlayPrompt)]
    talk.joined_by(OTHER_AGENT, Role.AGENT).did(StopRecording).stopped().acknowledged().opened()
    talk.plays(LINE, to=FAR, whisper=True)


def test_nothing_is_owed_where_nothing_is_recorded() -> None:
    talk = in_the_line().hangs_up()
    talk.fails(LINE, to=AGENT, reason=HUNG_UP).is_quiet()
    assert settle(talk.call).call == talk.call


# ---------------------------------------------------------------- it ends with its recording
def hushes(talk: Play) -> list[Effect]:
    return [item for item in talk.last.effects if isinstance(item, StopPrompt)]


LINE_AT_THE_AGENT = [StopPrompt(channel_id=AGENT, script=LINE)]


STOPS: dict[str, Callable[[Play], Play]] = {
    "withdrawal": lambda talk: talk.presses("*7"),
    "cannot consent": lambda talk: talk.operator(Action.PRESENT, presence=Presence.CANNOT_CONSENT),
    "operator": lambda talk: talk.operator(Action.STOP),
    "no file": lambda talk: talk.lost(),
    "guard": lambda talk: talk.stopped(),
}


@pytest.mark.requirement("S43")
@pytest.mark.parametrize("how", STOPS)
def test_it_ends_when_its_recording_is_stopped(how: str) -> None:
    talk = in_the_line()
    STOPS[how](talk)
    assert hushes(talk) == LINE_AT_THE_AGENT and talk.last.effects[0].restrictive
    rows = len(talk.wrote)
    talk.fails(LINE, to=AGENT, reason=STOPPED).is_quiet()
    assert len(talk.wrote) == rows and not hushes(talk.wait(1).presses("5"))


def test_it_ends_before_the_withdrawal_sentence() -> None:
    talk = in_the_line().presses("*7").did(StopRecording, StopPrompt)
    talk.stopped().plays(Script.WITHDRAWAL, whisper=True)
    talk.fails(LINE, to=AGENT, reason=STOPPED).is_quiet()
    assert Outcome.INCIDENT_OPENED not in talk.wrote


def test_one_that_has_not_begun_ends_too() -> None:
    talk = play().talking().acknowledged().wait(0.1).opened().presses("*7")
    assert hushes(talk) == LINE_AT_THE_AGENT


def test_one_that_was_heard_has_nothing_to_end() -> None:
    assert not hushes(in_the_line().ends(LINE, to=AGENT).presses("*7"))


def test_one_that_failed_has_nothing_to_end() -> None:
    talk = in_the_line().fails(LINE, to=AGENT).incident("line_failed")
    assert talk.count(StopRecording) and not talk.count(StopPrompt)


def test_nobody_is_left_to_stop_it_for() -> None:
    assert not hushes(in_the_line().hangs_up())


def test_where_it_was_heard_to_its_end_meanwhile_nothing_failed() -> None:
    talk = in_the_line().presses("*7").ends(LINE, to=AGENT).is_quiet()
    assert not any(item.line_off for item in talk.call.recordings)


@pytest.mark.parametrize("reason", [STOPPED, "media"])
def test_the_end_of_an_earlier_line_is_no_failure_of_the_next(reason: str) -> None:
    talk = in_the_line().whole()
    assert hushes(talk) == LINE_AT_THE_AGENT
    talk.acknowledged().opened().plays(LINE, to=AGENT, whisper=True)
    talk.fails(LINE, to=AGENT, reason=reason)
    if reason == STOPPED:
        assert talk.is_quiet().call.running and not talk.call.barred
    else:
        talk.incident("line_failed")


def test_a_recorder_that_is_told_to_stop_while_it_gets_sound_plays_no_line() -> None:
    talk = play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).presses("*7").unmasked(16000)
    assert LINE not in [item.script for item in talk.effects if isinstance(item, PlayPrompt)]


def test_calls_from_before_it_ended_are_told_as_they_were() -> None:
    talk = play().starts(hushes=False).hears().presses("1").leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    talk = in_the_line(talk).presses("*7")
    assert not talk.count(StopPrompt)
    talk.stopped().ends(LINE, to=AGENT).is_quiet()

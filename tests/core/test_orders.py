"""Calls that must be recorded: no proof, no order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.consent import Standing
from callguard.core.effects import MaskRecording, OpenOrders, PlayPrompt, SendOn, UnmaskRecording, WithholdOrders
from callguard.core.events import Role, Script
from tests.core.play import AGENT, ASK, Play, play

DESK = replace(ASK, must_record=True)


def said(talk: Play) -> list[Script]:
    return [item.script for item in talk.last.effects if isinstance(item, PlayPrompt)]


def test_orders_open_when_the_file_grows_and_no_earlier() -> None:
    talk = play(DESK).talking().acknowledged().opened()
    assert not talk.count(OpenOrders)
    talk.growing().did(OpenOrders)
    assert talk.last.reasons == ("the recording is proved",)
    talk.growing().did()


def test_other_call_types_know_no_orders() -> None:
    assert not play().recording().count(OpenOrders)


def test_a_pause_withholds_orders_and_its_end_opens_them() -> None:
    talk = play(DESK).recording().presses("*8", by=AGENT).did(MaskRecording, WithholdOrders)
    talk.masked(8000).presses("*8", by=AGENT).did(UnmaskRecording).unmasked(9000).did(OpenOrders)


@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_a_recording_that_fails_withholds_orders_and_the_caller_hears_so_once(how: str) -> None:
    talk = getattr(play(DESK).recording(), how)()
    assert talk.count(WithholdOrders) == 1 and said(talk) == [Script.WITHHELD]
    assert not said(talk.stopped()) and talk.call.withheld


def test_who_refuses_or_says_nothing_hears_that_orders_are_withheld_and_goes_on() -> None:
    play(DESK).told().presses("2").plays(Script.WITHHELD).hears(Script.WITHHELD).did(SendOn).stands(Standing.REFUSED)
    silent = play(DESK).told().wait(5).passes("answer").hears(Script.QUESTION).wait(5).passes("last_answer")
    silent.plays(Script.WITHHELD)


def test_nobody_is_told_behind_the_hang_up() -> None:
    talk = play(DESK).recording().hangs_up()
    assert talk.count(WithholdOrders) == 1 and not said(talk)


def test_a_start_that_fails_is_told() -> None:
    talk = play(DESK).granted().sees(AGENT, Role.AGENT).bridges("far", AGENT)
    assert said(talk.lost()) == [Script.WITHHELD]

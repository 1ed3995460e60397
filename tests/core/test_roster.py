"""The roll call: nothing is recorded before somebody said who is on the line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.effects import MaskRecording, StartRecording, UnmaskRecording
from callguard.core.events import Action, Outcome, Presence, Role
from callguard.core.roster import is_unconfirmed
from callguard.core.word import Script
from tests.core.play import AGENT, ASK, FAR, OTHER_AGENT, Play, play

ROLL = replace(ASK, roll_call=True, all_present="*4", someone_else="*5")


def talking() -> Play:
    return play(ROLL).granted().sees(AGENT, Role.AGENT).bridges(FAR, AGENT)


@pytest.mark.requirement("S74")
def test_the_recording_waits_for_the_agent_to_say_who_is_there() -> None:
    talk = talking().did()
    assert is_unconfirmed(talk.call)
    talk.presses("*4", by=AGENT).did(StartRecording).said(Outcome.ROSTER_CONFIRMED, Outcome.RECORDING_REQUESTED)
    roll = [[AGENT, "agent", "exempt"], [FAR, "far", "granted"]]
    assert talk.last.records[0].data == {"by": AGENT, "present": sorted(roll)}


@pytest.mark.requirement("S74")
def test_whoever_comes_is_confirmed_anew_and_whoever_leaves_is_not() -> None:
    talk = talking().presses("*4", by=AGENT).acknowledged().opened().growing()
    talk.joined_by(OTHER_AGENT, Role.AGENT).did(MaskRecording)
    assert talk.last.reasons == ("who is on the line is not confirmed",)
    talk.masked().presses("*4", by=OTHER_AGENT).did(UnmaskRecording).unmasked()
    talk.unbridges(OTHER_AGENT).did()


def test_an_operator_may_confirm_too() -> None:
    talking().operator(Action.PRESENT, presence=Presence.ALL).did(StartRecording)


def test_somebody_else_makes_a_roll_call_void() -> None:
    talk = talking().presses("*4", by=AGENT).acknowledged().opened().growing().presses("*5", by=AGENT).masked()
    talk.begins(Script.NOTICE).ends(Script.NOTICE).presses("1").did()
    talk.presses("*4", by=AGENT).did(UnmaskRecording)


def test_an_outside_party_confirms_nothing_and_other_calls_need_no_roll_call() -> None:
    talking().presses("*4").is_unexpected().did()
    assert not is_unconfirmed(play().recording().call)

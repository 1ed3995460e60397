"""Least privilege: a recorder that the dialplan starts, silent, and which nobody can start again."""

from __future__ import annotations

import pytest

from callguard.core.arming import ARM_PATIENCE
from callguard.core.consent import Standing
from callguard.core.effects import (
    ArmRecording,
    DiscardRecording,
    MaskRecording,
    MeasureRecording,
    PlayPrompt,
    SendOn,
    StartRecording,
    StopRecording,
    UnmaskRecording,
    WakeAt,
)
from callguard.core.events import OVERTAKEN, Link, Outcome, Role, Script
from callguard.core.policy import CallType
from callguard.core.recording import Mask, Span, State
from tests.core.play import AGENT, ANNOUNCE, ASK, FAR, GUEST, NEVER, Play, play


def least(call_type: CallType = ASK) -> Play:
    """Told, in a call where only the dialplan can start a recorder."""
    return play(call_type).starts(least_privilege=True).hears()


@pytest.mark.requirement("S80")
def test_who_grants_is_sent_on_with_a_silent_recorder() -> None:
    talk = least().presses("1").did(ArmRecording).said(Outcome.CONSENT_GRANTED, Outcome.RECORDING_REQUESTED)
    assert talk.call.far and talk.call.far.waiting and not ArmRecording.restrictive
    assert WakeAt(name="arm:2", seconds=ARM_PATIENCE) in talk.last.effects
    talk.is_mask(Mask.ON).leaves().acknowledged().opened().did()
    assert talk.file.spans == (Span(start=0),) and talk.file.shown == "masked"
    talk.passes("arm").is_quiet().sent_on(0)


def test_sound_follows_the_bridge_and_the_line_follows_the_sound() -> None:
    talk = play().armed().sees(AGENT, Role.AGENT).bridges(AGENT).did().bridges(FAR).did(UnmaskRecording)
    talk.unmasked(24000).plays(Script.RECORDING_ON, to=AGENT, whisper=True)
    assert talk.file.spans == (Span(start=0, end=24000),)
    talk.begins(Script.RECORDING_ON, AGENT).ends(Script.RECORDING_ON, AGENT)
    talk.holds().did(MaskRecording).masked().unholds().did(UnmaskRecording).unmasked().did()
    assert talk.count(StartRecording) == 0 and talk.count(PlayPrompt) == 2


def test_no_line_where_nobody_is_left_to_hear_it() -> None:
    talk = play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).hangs_up(AGENT).unmasked()
    assert not [effect for effect in talk.last.effects if isinstance(effect, PlayPrompt)]


def test_who_cannot_be_recorded_beside_them_keeps_it_silent() -> None:
    talk = play().armed().sees(GUEST, Role.GUEST).bridges(FAR, GUEST).did(PlayPrompt).is_mask(Mask.ON)
    talk.plays(Script.NOTICE, to=GUEST, whisper=True)


def test_nobody_is_asked_for_a_recorder_that_was_never_armed() -> None:
    talk = play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).unmasked().whole().verified()
    assert talk.call.barred
    talk.joined_by(GUEST).did()


@pytest.mark.requirement("S13")
def test_an_announcement_arms_at_once_and_sounds_after_its_window() -> None:
    talk = least(ANNOUNCE).did(ArmRecording).leaves().acknowledged().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).did()
    talk.passes("last_answer").did(UnmaskRecording).stands(Standing.GRANTED)


def test_a_refusal_in_the_window_destroys_the_silence() -> None:
    talk = least(ANNOUNCE).leaves().acknowledged().opened().presses("2").did(StopRecording, PlayPrompt)
    talk.stopped().whole().did(DiscardRecording)


@pytest.mark.parametrize("start", ["never", "fault", "refused", "silent"])
def test_nothing_is_armed_for_anybody_else(start: str) -> None:
    talk = play(NEVER) if start == "never" else play()
    talk.starts(least_privilege=True, faults=(Link.LOG,) if start == "fault" else ())
    if start == "refused":
        talk.hears().presses("2").hears(Script.REFUSAL)
    if start == "silent":
        talk.hears().passes("answer").hears(Script.QUESTION).passes("last_answer").hears(Script.REFUSAL)
    talk.sent_on()
    assert not talk.count(ArmRecording) and not talk.call.recordings


def test_a_lost_log_at_the_grant_sends_on_at_once() -> None:
    least().loses(Link.LOG).presses("1").did(SendOn).never_recorded()


@pytest.mark.requirement("S1")
def test_a_slow_log_keeps_nobody_waiting() -> None:
    talk = least().presses("1").passes("arm").did(SendOn, StopRecording).incident("recording_gap")
    talk.refused(ArmRecording, segment=0, reason=OVERTAKEN).is_state(State.DISCARDED).sent_on()
    talk.leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).did()


def test_a_log_lost_before_the_commit_sends_on() -> None:
    talk = least().presses("1").loses(Link.LOG).did(StopRecording)
    talk.refused(ArmRecording, segment=0, reason=OVERTAKEN).did(SendOn).sent_on()
    talk.passes("arm").is_quiet()


def test_a_withdrawal_while_arming_is_not_a_gap() -> None:
    talk = least().presses("1").presses("*7").did(StopRecording)
    talk.passes("arm").did(SendOn)
    assert Outcome.INCIDENT_OPENED not in talk.wrote


def test_what_is_being_said_is_heard_to_its_end_first() -> None:
    talk = least(ANNOUNCE).presses("2").did(StopRecording, PlayPrompt)
    talk.refused(ArmRecording, segment=0, reason=OVERTAKEN).did().sent_on(0)
    talk.hears(Script.REFUSAL).did(SendOn).sent_on()


def test_a_pbx_that_refuses_is_an_incident_and_the_call_goes_on() -> None:
    talk = least().presses("1").refused(ArmRecording, segment=0).incident("start_failed").did(StopRecording, SendOn)
    talk.is_state(State.LOST).sent_on()


def test_who_hangs_up_before_it_started_leaves_nothing_to_explain() -> None:
    talk = least().presses("1").hangs_up().refused(ArmRecording, segment=0, reason=OVERTAKEN)
    talk.is_state(State.DISCARDED).sent_on(0)
    assert talk.call.over and Outcome.INCIDENT_OPENED not in talk.wrote


def test_silence_alone_is_not_kept() -> None:
    play().armed().hangs_up().did(StopRecording).stopped().whole().did(DiscardRecording)


def test_what_was_heard_is_measured() -> None:
    talk = play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).unmasked(8000).hangs_up().stopped().whole()
    talk.did(MeasureRecording)
    assert talk.measure.masks == ((0, 8000),)


def test_an_unmask_whose_answer_was_lost_may_have_let_sound_in_and_one_never_sent_has_not() -> None:
    unmasked = play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).did(UnmaskRecording).unbridges(AGENT)
    unmasked.masked().hangs_up().stopped().whole().did(MeasureRecording)
    never = play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).did(UnmaskRecording).hangs_up()
    never.refused(UnmaskRecording, segment=0, reason=OVERTAKEN).stopped().whole().did(DiscardRecording)


@pytest.mark.requirement("S80")
def test_there_is_no_second_start_and_somebody_is_told() -> None:
    talk = play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).unmasked(8000).stopped()
    kinds = [record.data.get("incident") for record in talk.last.records]
    assert kinds == ["stopped_by_guard", "recording_gap"] and talk.call.barred
    talk.unbridges(FAR).bridges(FAR, bridge="B1").did()
    assert talk.count(StartRecording) == 0 and talk.count(ArmRecording) == 1


def test_who_is_told_in_the_bridge_cannot_be_recorded() -> None:
    talk = play().starts(least_privilege=True, waiting=False).sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    talk.hears().presses("1").incident("recording_gap")
    assert talk.count(StartRecording) == talk.count(ArmRecording) == 0

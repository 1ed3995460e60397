"""Third parties: masked first, told and asked alone, and counted for as long as they are there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from callguard.core.asking import ANSWER_WINDOW, OPT_OUT_WINDOW
from callguard.core.consent import Standing
from callguard.core.effects import (
    DiscardRecording,
    LeaveOut,
    MaskRecording,
    MeasureRecording,
    PlayPrompt,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
    UnmaskRecording,
    WakeAt,
)
from callguard.core.events import (
    Bridged,
    CallMerged,
    ChannelEntered,
    DigitPressed,
    Link,
    ListeningEnded,
    ListeningStarted,
    Outcome,
    Role,
    Script,
)
from callguard.core.joining import may_ask, newcomers
from callguard.core.policy import CallType, Joins, Mode, OnRefusal
from callguard.core.recording import Mask, State
from callguard.core.step import redact, step
from tests.core.play import AGENT, ANNOUNCE, ASK, FAR, FIRM, GUEST, KEEP, MILD, OTHER_AGENT, STRICT, Play, play

CASUAL = replace(ANNOUNCE, override=None)
STRICT_DOOR = replace(ASK, on_refusal=OnRefusal.LEAVE_OUT)


def joined(talk: Play | None = None) -> Play:
    """A guest appears in a recorded call, which is masked."""
    return (talk or play().recording()).joined_by(GUEST).masked(9000)


def asked(talk: Play | None = None) -> Play:
    """It heard the notice."""
    return joined(talk).begins(to=GUEST).wait(3).ends(to=GUEST)


def agreed(talk: Play | None = None) -> Play:
    return asked(talk).presses("1", by=GUEST)


def window(talk: Play) -> float:
    return next(item.seconds for item in talk.last.effects if isinstance(item, WakeAt))


# ---------------------------------------------------------------- told and asked alone
@pytest.mark.requirement("S6", "S73")
def test_a_newcomer_is_masked_then_told_alone_then_asked_alone() -> None:
    talk = play().recording().joined_by(GUEST).did(MaskRecording, PlayPrompt)
    [prompt] = [item for item in talk.last.effects if isinstance(item, PlayPrompt)]
    assert (prompt.script, prompt.channel_id, prompt.whisper, prompt.to_all) == (Script.NOTICE, GUEST, True, False)
    talk.masked(9000).begins(to=GUEST).stands(Standing.NOTIFYING, GUEST).ends(to=GUEST)
    assert window(talk.stands(Standing.AWAITING, GUEST)) == ANSWER_WINDOW
    talk.presses("1", by=GUEST).stands(Standing.GRANTED, GUEST).did(UnmaskRecording)
    talk.said(Outcome.CONSENT_GRANTED, Outcome.UNMASK_REQUESTED).stands(Standing.GRANTED)
    talk.unmasked(40000).is_mask(Mask.OFF)


@pytest.mark.requirement("S42")
def test_a_newcomers_silence_is_asked_once_more_and_is_no_consent() -> None:
    talk = asked().wait(5).passes("party_answer").plays(Script.QUESTION, to=GUEST, whisper=True)
    talk.begins(Script.QUESTION, GUEST).ends(Script.QUESTION, GUEST).wait(5).passes("party_last_answer")
    talk.said(Outcome.CONSENT_SILENT).plays(Script.REFUSAL, to=GUEST, whisper=True).is_mask(Mask.ON)


@pytest.mark.requirement("S13")
@pytest.mark.parametrize("keys", ["2", "*7"])
def test_nothing_is_recorded_while_somebody_is_there_who_refused(keys: str) -> None:
    talk = asked().presses(keys, by=GUEST).stands(Standing.REFUSED, GUEST).is_state(State.GROWING).is_mask(Mask.ON)
    talk.plays(Script.REFUSAL, to=GUEST, whisper=True).said(Outcome.CONSENT_REFUSED)
    talk.begins(Script.REFUSAL, GUEST).ends(Script.REFUSAL, GUEST).is_quiet()
    talk.presses("1", by=GUEST).stands(Standing.REFUSED, GUEST).hangs_up(GUEST).did(UnmaskRecording)
    assert not talk.count(DiscardRecording)


@pytest.mark.requirement("S13")
def test_a_no_cuts_the_newcomers_own_notice_and_nobody_elses() -> None:
    talk = joined().begins(to=GUEST).presses("2", by=GUEST).did(StopPrompt, PlayPrompt)
    talk.fails(to=GUEST, reason="stopped").stands(Standing.REFUSED, GUEST).stands(Standing.GRANTED)


def test_keys_of_others_answer_nothing_for_a_newcomer() -> None:
    talk = asked().presses("1").presses("1", by=AGENT).presses("2").stands(Standing.AWAITING, GUEST)
    talk.stands(Standing.GRANTED).is_mask(Mask.ON)


def test_a_window_closes_for_the_party_that_it_was_opened_for() -> None:
    talk = asked().joined_by("second").begins(to="second").ends(to="second")
    talk.presses("1", by="second").stands(Standing.GRANTED, "second").passes("party_answer").is_quiet()
    talk.stands(Standing.AWAITING, GUEST).feed_deadline("party_answer:0").is_quiet()


@pytest.mark.requirement("S6")
def test_the_recording_goes_on_when_the_last_of_several_agreed() -> None:
    talk = agreed(asked().joined_by("second")).did()
    talk.begins(to="second").ends(to="second").presses("1", by="second").did(UnmaskRecording)


def test_a_newcomer_who_goes_and_comes_again_is_not_asked_again() -> None:
    agreed().unmasked(20000).unbridges(GUEST).bridges(GUEST).is_quiet().stands(Standing.GRANTED, GUEST)


@pytest.mark.requirement("S20")
def test_a_notice_that_failed_is_told_once_more_and_then_somebody_has_to_know() -> None:
    talk = joined().fails(to=GUEST).plays(Script.NOTICE, to=GUEST, whisper=True)
    talk.fails(to=GUEST).incident("notice_failed").stands(Standing.UNNOTIFIED, GUEST).is_mask(Mask.ON)
    talk.unbridges(GUEST).bridges(GUEST)
    assert [item.script for item in talk.effects if isinstance(item, PlayPrompt)].count(Script.NOTICE) == 3


def test_a_notice_that_does_not_end_counts_as_failed() -> None:
    talk = joined().begins(to=GUEST).wait(12).passes("prompt").did(StopPrompt, PlayPrompt)
    talk.stands(Standing.UNNOTIFIED, GUEST).is_mask(Mask.ON)


# ---------------------------------------------------------------- announced, and rules that grow
@pytest.mark.requirement("S42", "S46")
def test_an_announced_newcomer_may_object_within_its_window() -> None:
    talk = play(ANNOUNCE).told().leaves().wait(3).passes("last_answer").sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    talk.acknowledged().opened().sees(GUEST, Role.GUEST).learns(GUEST, MILD).bridges(GUEST).masked(8000)
    talk.begins(to=GUEST).ends(to=GUEST)
    assert window(talk) == OPT_OUT_WINDOW
    talk.passes("party_last_answer").stands(Standing.GRANTED, GUEST).did(UnmaskRecording)


@pytest.mark.requirement("S46")
def test_the_others_are_asked_only_where_the_rule_grew_stricter_for_them() -> None:
    talk = play(CASUAL).told().leaves().wait(3).passes("last_answer").sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    talk.acknowledged().opened().sees(GUEST, Role.GUEST).learns(GUEST, STRICT).bridges(GUEST)
    prompts = [(item.script, item.channel_id) for item in talk.last.effects if isinstance(item, PlayPrompt)]
    assert prompts == [(Script.QUESTION, FAR), (Script.NOTICE, GUEST)]
    assert not any(item.to_all for item in talk.last.effects if isinstance(item, PlayPrompt))
    talk.masked(9000).begins(to=GUEST).ends(to=GUEST).presses("1", by=GUEST).is_mask(Mask.ON)
    talk.hears(Script.QUESTION).presses("1").did(UnmaskRecording)
    joined(play().recording()).stands(Standing.GRANTED)


@pytest.mark.requirement("S2", "S46")
def test_a_key_that_was_pressed_before_the_question_began_is_no_answer_to_it() -> None:
    talk = play(CASUAL).told().leaves().wait(3).passes("last_answer").sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    talk.acknowledged().opened().sees(GUEST, Role.GUEST).learns(GUEST, STRICT).bridges(GUEST)
    pressed = talk.now + timedelta(seconds=0.5)
    talk.presses("1").stands(Standing.AWAITING)
    late = DigitPressed(at=pressed, channel_id=FAR, digit="1")
    assert redact(talk.call, late) == replace(late, digit="x")
    talk.wait(0.1).begins(Script.QUESTION)
    assert step(talk.call, late).call.channels[FAR].standing is Standing.AWAITING, "its news came late"
    talk.presses("1").stands(Standing.GRANTED)


def test_a_refusal_counts_before_the_question_and_an_answer_where_its_beginning_was_never_heard_of() -> None:
    talk = play(CASUAL).told().leaves().wait(3).passes("last_answer").learns(FAR, STRICT).stands(Standing.AWAITING)
    talk.presses("2").stands(Standing.REFUSED)
    talk = play(CASUAL).told().leaves().wait(3).passes("last_answer").learns(FAR, STRICT).ends(Script.QUESTION)
    talk.presses("1").stands(Standing.GRANTED)


def test_a_newcomer_who_had_stayed_on_is_asked_when_the_rule_grows() -> None:
    talk = play(CASUAL).told().leaves().wait(3).passes("last_answer").sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    talk.acknowledged().opened().sees(GUEST, Role.GUEST).learns(GUEST, MILD).bridges(GUEST).masked(8000)
    talk.begins(to=GUEST).ends(to=GUEST).passes("party_last_answer").unmasked(20000)
    talk.learns(GUEST, FIRM).stands(Standing.AWAITING, GUEST).stands(Standing.AWAITING)
    assert talk.call.mode is Mode.ASK


# ---------------------------------------------------------------- withdrawals
@pytest.mark.requirement("S16")
def test_a_guest_who_withdraws_takes_what_was_captured_along_and_recording_begins_anew_without_it() -> None:
    talk = agreed().unmasked(20000).presses("*7", by=GUEST).did(StopRecording).stands(Standing.REFUSED, GUEST)
    talk.stopped().plays(Script.WITHDRAWAL, to=GUEST, whisper=True).whole().did(DiscardRecording).discarded()
    talk.hangs_up(GUEST).did(StartRecording).is_state(State.REQUESTED, 1).stands(Standing.GRANTED)


def test_a_guest_who_withdraws_and_is_gone_hears_no_sentence() -> None:
    talk = agreed().unmasked(20000).presses("*7", by=GUEST).hangs_up(GUEST).stopped()
    assert not [item for item in talk.last.effects if isinstance(item, PlayPrompt)]


def test_a_call_type_may_keep_what_came_before_a_guests_withdrawal() -> None:
    talk = agreed(play(KEEP).recording()).unmasked(20000).presses("*7", by=GUEST).did(StopRecording)
    talk.stopped().whole().did(MeasureRecording)


# ---------------------------------------------------------------- who is left out
def test_who_refuses_may_be_left_out() -> None:
    talk = asked(play(STRICT_DOOR).recording()).presses("2", by=GUEST)
    talk.begins(Script.REFUSAL, GUEST).ends(Script.REFUSAL, GUEST).did(LeaveOut)
    talk.hangs_up(GUEST).did(UnmaskRecording)


def test_the_sentence_that_fails_leaves_out_too_and_who_hung_up_is_left_alone() -> None:
    asked(play(STRICT_DOOR).recording()).presses("2", by=GUEST).fails(Script.REFUSAL, GUEST).did(LeaveOut)
    gone = asked(play(STRICT_DOOR).recording()).presses("2", by=GUEST).hangs_up(GUEST)
    gone.fails(Script.REFUSAL, GUEST).did()


def test_neither_the_far_party_nor_one_with_a_call_of_its_own_is_left_out() -> None:
    play(STRICT_DOOR).told().presses("2").hears(Script.REFUSAL).sent_on()
    talk = play(STRICT_DOOR).recording().sees(GUEST, Role.GUEST).feed(CallMerged, GUEST, other_call_id="x")
    talk = talk.bridges(GUEST).masked(9000).begins(to=GUEST).ends(to=GUEST).presses("2", by=GUEST)
    talk.ends(Script.REFUSAL, GUEST).did()


@pytest.mark.requirement("S4")
def test_staff_of_another_call_brings_the_law_of_where_it_sits() -> None:
    talk = play(CASUAL).told().leaves().wait(3).passes("last_answer").sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    talk.acknowledged().opened().sees(OTHER_AGENT, Role.AGENT)
    talk.feed(CallMerged, OTHER_AGENT, other_call_id="x", codes=(STRICT,)).bridges(OTHER_AGENT)
    talk.said(Outcome.RULE_REEVALUATED, Outcome.MASK_REQUESTED)
    assert talk.call.mode is Mode.ASK and STRICT in talk.call.rule.jurisdictions


def test_nobody_else_of_another_call_is_taken_to_sit_where_staff_does() -> None:
    talk = play().recording().sees(GUEST, Role.GUEST).feed(CallMerged, GUEST, other_call_id="x", codes=(MILD,))
    assert talk.call.channels[GUEST].codes == ()


@pytest.mark.requirement("S13")
def test_a_withdrawal_that_was_begun_in_another_call_is_one_here() -> None:
    talk = play().recording().sees(GUEST, Role.GUEST).feed(CallMerged, GUEST, other_call_id="x", typed="*")
    talk.bridges(GUEST).presses("7", by=GUEST).stands(Standing.REFUSED, GUEST)


# ---------------------------------------------------------------- nobody is disturbed in vain
def test_staff_and_plumbing_are_not_told() -> None:
    play().recording().joined_by(OTHER_AGENT, Role.AGENT).is_quiet()
    assert newcomers(play().recording().joined_by("half", Role.PLUMBING).call) == ()


def test_who_cannot_hear_the_far_party_is_not_told() -> None:
    play().recording().sees(GUEST, Role.GUEST).bridges(GUEST, bridge="B2").is_quiet()


@pytest.mark.parametrize(
    "talk",
    [
        play().recording().loses(Link.PBX),
        play().recording().lost(),
        play().recording().presses("*7"),
        play().told(),
        play().recording().hangs_up(),
        play(),
        play().starts(pending=True),
    ],
)
def test_nobody_is_told_where_nothing_could_be_recorded(talk: Play) -> None:
    assert not may_ask(talk.call)


def test_a_newcomer_is_told_when_the_far_party_has_agreed() -> None:
    talk = play().starts(waiting=False).sees(AGENT, Role.AGENT).bridges(FAR, AGENT).joined_by(GUEST).did()
    talk.hears().presses("1").plays(Script.NOTICE, to=GUEST, whisper=True)


@pytest.mark.parametrize("heard", ["nothing yet", "its notice", "its notice to the end", "the question"])
def test_who_is_being_asked_as_the_far_party_withdraws_hears_no_more_of_it(heard: str) -> None:
    talk = joined()
    if heard != "nothing yet":
        talk.begins(to=GUEST)
    if heard in ("its notice to the end", "the question"):
        talk.ends(to=GUEST)
    if heard == "the question":
        talk.wait(5).passes("party_answer")
    talk.presses("*7").stands(Standing.UNNOTIFIED, GUEST)
    assert (talk.count(StopPrompt) == 0) == (heard == "its notice to the end")
    talk.fails(to=GUEST, reason="stopped").is_quiet()
    for window in [item.name for item in talk.effects if isinstance(item, WakeAt) and "answer" in item.name]:
        talk.feed_deadline(window).did()
    talk.presses("2", by=GUEST).stands(Standing.UNNOTIFIED, GUEST).did()
    talk.stopped().plays(Script.WITHDRAWAL, whisper=True)


# ---------------------------------------------------------------- who listens without being in the bridge
COVERED = replace(ASK, listeners_covered=True)


def spied(on: str = AGENT, role: Role = Role.GUEST, call_type: CallType = ASK) -> Play:
    """Somebody listens to this channel."""
    return play(call_type).recording().sees("spy", role).feed(ListeningStarted, "spy", heard_id=on)


@pytest.mark.requirement("S2", "S73")
@pytest.mark.parametrize("on", [AGENT, FAR])
def test_who_listens_in_is_masked_told_and_asked_like_anybody(on: str) -> None:
    talk = spied(on).did(MaskRecording, PlayPrompt).plays(Script.NOTICE, to="spy", whisper=True).masked(9000)
    talk.begins(to="spy").ends(to="spy").presses("1", by="spy").did(UnmaskRecording)


@pytest.mark.requirement("S73")
def test_when_the_listener_is_gone_the_recording_goes_on() -> None:
    spied().masked(9000).feed(ListeningEnded, "spy").did(UnmaskRecording)
    spied().masked(9000).hangs_up("spy").did(UnmaskRecording)


def test_staff_that_the_notice_covers_is_no_surprise() -> None:
    spied(role=Role.AGENT, call_type=COVERED).is_quiet()


@pytest.mark.requirement("S73")
def test_staff_that_was_in_the_call_and_then_only_listens_is_told_and_asked() -> None:
    talk = spied(role=Role.AGENT).did(MaskRecording, PlayPrompt)
    talk.plays(Script.NOTICE, to="spy", whisper=True).stands(Standing.UNNOTIFIED, "spy")


def test_a_listener_is_nobody_to_talk_to() -> None:
    talk = spied(FAR, Role.AGENT, COVERED).unbridges(AGENT).passes("alone").did(MaskRecording)
    assert talk.last.reasons == ("nobody to talk to",)


def test_a_listener_of_whom_nothing_is_known_is_written_down() -> None:
    play().recording().feed(ListeningStarted, "spy", heard_id=FAR).is_unexpected()
    play().recording().feed(ListeningEnded, "spy").is_unexpected()


# ---------------------------------------------------------------- who was told at a door of its own
GATED = replace(ASK, joins=Joins.GATE)


def came_in(talk: Play, agreed: bool = True) -> Play:
    """Somebody with a call of its own comes into the bridge."""
    return talk.sees(GUEST, Role.GUEST).feed(CallMerged, GUEST, other_call_id="x", agreed=agreed)


@pytest.mark.requirement("S73")
def test_behind_a_gate_who_agreed_is_in_the_file_from_its_first_word() -> None:
    talk = came_in(play(GATED).recording()).said(Outcome.CONSENT_GRANTED).stands(Standing.GRANTED, GUEST)
    assert talk.last.records[0].data == {"how": "express_prior"}
    talk.bridges(GUEST).did()
    talk.presses("*7", by=GUEST).said(Outcome.CONSENT_WITHDRAWN, Outcome.STOP_REQUESTED)


@pytest.mark.parametrize("talk", [came_in(play(GATED).recording(), agreed=False), came_in(play().recording())])
def test_without_agreement_or_gate_who_comes_in_is_masked(talk: Play) -> None:
    talk.bridges(GUEST).did(MaskRecording, PlayPrompt)


# ---------------------------------------------------------------- who is dialled into the call and waits at its gate
def at_the_gate(talk: Play | None = None, role: Role = Role.GUEST) -> Play:
    """The agent hands the far party on; whoever is dialled answers and waits in our application."""
    talk = (talk or play().recording()).hangs_up(AGENT)
    talk = talk.passes("alone") if talk.call.running else talk
    return talk.sees(GUEST, role).learns(GUEST, MILD).feed(ChannelEntered, GUEST)


@pytest.mark.requirement("S73")
def test_at_the_gate_a_party_is_told_and_asked_before_anybody_hears_it() -> None:
    talk = at_the_gate().plays(Script.NOTICE, to=GUEST)
    talk.begins(to=GUEST).ends(to=GUEST).did().presses("1", by=GUEST).did(SendOn).stands(Standing.GRANTED, GUEST)
    assert talk.file.mask is Mask.MASKING, "it was silent all the time"
    talk.masked(9000).feed(Bridged, FAR, bridge_id="B2").is_quiet()
    talk.feed(Bridged, GUEST, bridge_id="B2").did(StopRecording)
    talk.stopped().did(StartRecording)
    heard = [effect for effect in talk.effects if isinstance(effect, PlayPrompt) and effect.channel_id == GUEST]
    assert heard == [PlayPrompt(channel_id=GUEST, script=Script.NOTICE)], "in our application, by no whisper"


@pytest.mark.parametrize("outcome", ["refuses", "is silent"])
def test_who_says_no_at_the_gate_comes_in_and_nothing_is_recorded(outcome: str) -> None:
    talk = at_the_gate().begins(to=GUEST).ends(to=GUEST)
    if outcome == "refuses":
        talk.presses("2", by=GUEST)
    else:
        talk.passes("party_answer").ends(Script.QUESTION, to=GUEST).passes("party_last_answer")
    talk.plays(Script.REFUSAL, to=GUEST).ends(Script.REFUSAL, to=GUEST).did(SendOn)
    talk.masked(9000).bridges(FAR, GUEST, bridge="B2").did()
    assert talk.file.mask is Mask.ON


def test_the_policy_may_leave_out_who_refuses_at_the_gate() -> None:
    talk = at_the_gate(play(STRICT_DOOR).recording()).begins(to=GUEST).presses("2", by=GUEST)
    talk.ends(Script.REFUSAL, to=GUEST).did(LeaveOut)


@pytest.mark.parametrize(
    "talk",
    [
        at_the_gate(role=Role.PLUMBING),
        at_the_gate(play().recording().presses("*7").stopped()),
        at_the_gate(play().recording().loses(Link.GUARD)),
    ],
)
def test_whom_nobody_has_to_tell_comes_in_at_once(talk: Play) -> None:
    assert SendOn(channel_id=GUEST) in talk.last.effects
    assert PlayPrompt(channel_id=GUEST, script=Script.NOTICE) not in talk.effects


def test_staff_comes_in_at_once() -> None:
    play().recording().sees(OTHER_AGENT, Role.AGENT).feed(ChannelEntered, OTHER_AGENT).did(SendOn)


def test_nobody_is_kept_at_the_gate_for_a_question_that_is_none_any_more() -> None:
    at_the_gate().begins(to=GUEST).presses("*7").did(StopPrompt, SendOn, StopRecording)
    at_the_gate().begins(to=GUEST).loses(Link.GUARD).did(SendOn)


def test_a_notice_that_fails_at_the_gate_is_told_once_more_and_then_it_comes_in_untold() -> None:
    talk = at_the_gate().fails(to=GUEST).plays(Script.NOTICE, to=GUEST)
    talk.fails(to=GUEST).did(SendOn).incident("notice_failed")


def test_the_rule_of_who_waits_counts_already() -> None:
    talk = play(CASUAL).starts(codes=(MILD,)).hears().leaves().passes("last_answer").sees(AGENT, Role.AGENT)
    talk.bridges(FAR, AGENT).acknowledged().opened().hangs_up(AGENT).passes("alone").sees(GUEST, Role.GUEST)
    talk.feed(ChannelEntered, GUEST)
    assert talk.call.mode is Mode.ASK and talk.wrote.count(Outcome.RULE_REEVALUATED) == 1


def test_a_stranger_at_the_gate_goes_on() -> None:
    talk = play().recording().feed(ChannelEntered, "nobody").did(SendOn)
    assert "nobody" not in talk.call.channels and talk.last.reasons == ("not of this call",)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from callguard.core.asking import ANSWER_WINDOW, HUNG_UP, OPT_OUT_WINDOW, PROMPT_PATIENCE
from callguard.core.consent import Standing
from callguard.core.effects import (
    Answer,
    DiscardRecording,
    PlayPrompt,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
    WakeAt,
)
from callguard.core.events import Action, DeadlinePassed, Link, Outcome, Role, Script
from callguard.core.policy import CallType, OnWithdrawal
from tests.core.play import AGENT, ANNOUNCE, ASK, FAR, FIRM, GUEST, NEVER, Play, play


def order(talk: Play, *kinds: type[object]) -> list[str]:
    return [type(effect).__name__ for effect in talk.effects if isinstance(effect, kinds)]


def window(talk: Play) -> float:
    """Seconds of the newest answer window."""
    wakes = [effect for effect in talk.effects if isinstance(effect, WakeAt) and "answer" in effect.name]
    return wakes[-1].seconds


# ---------------------------------------------------------------- the beginning
def test_the_notice_begins_at_once_on_a_call_that_is_up() -> None:
    play().starts().plays(Script.NOTICE).did(PlayPrompt).said(Outcome.RULE_RESOLVED)


def test_a_call_is_answered_before_the_notice() -> None:
    talk = play().starts(answered=False).did(Answer)
    talk.answers().plays(Script.NOTICE)
    talk.answers().is_quiet()


@pytest.mark.parametrize("link", Link)
def test_a_call_that_cannot_be_recorded_is_not_asked(link: Link) -> None:
    play().starts(faults=(link,)).did(SendOn).incident("not_recordable").never_recorded()


def test_an_answer_that_fails_sends_the_caller_on() -> None:
    play().starts(answered=False).refused(Answer).did(SendOn).incident("notice_failed")


def test_who_refused_before_the_answer_is_not_told_afterwards() -> None:
    talk = play().starts(answered=False).operator(Action.WITHDRAW).stands(Standing.REFUSED)
    talk.answers().is_quiet()
    talk.hears(Script.REFUSAL).sent_on()


# ---------------------------------------------------------------- never
@pytest.mark.requirement("S1")
def test_never_is_no_notice_and_no_recording() -> None:
    talk = play(NEVER).starts().did(SendOn)
    talk.leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).presses("1").never_recorded().sent_on()
    assert not talk.count(PlayPrompt)


def test_never_does_not_answer_just_to_talk() -> None:
    talk = play(NEVER).starts(answered=False).did(SendOn)
    talk.answers().is_quiet()
    talk.sent_on()


# ---------------------------------------------------------------- ask
@pytest.mark.requirement("S44")
def test_notice_purpose_choice_then_recording() -> None:
    talk = play().talking()
    assert order(talk, PlayPrompt, SendOn, StartRecording) == ["PlayPrompt", "SendOn", "StartRecording"]
    assert talk.wrote == [Outcome.RULE_RESOLVED, Outcome.CONSENT_GRANTED, Outcome.RECORDING_REQUESTED]


@pytest.mark.requirement("S1", "S43")
def test_a_yes_counts_only_after_the_notice_was_heard_to_its_end() -> None:
    talk = play().starts().presses("1").begins().presses("1").stands(Standing.NOTIFYING)
    talk.ends().stands(Standing.AWAITING).presses("1").stands(Standing.GRANTED).did(SendOn)


@pytest.mark.requirement("S13")
def test_a_no_counts_from_the_first_moment_of_the_notice() -> None:
    talk = play().starts().begins().presses("2").stands(Standing.REFUSED).said(Outcome.CONSENT_REFUSED)
    talk.did(StopPrompt, PlayPrompt).plays(Script.REFUSAL)
    talk.fails(Script.NOTICE).is_quiet()  # we cut it short ourselves
    talk.hears(Script.REFUSAL).did(SendOn).leaves()
    talk.sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded().sent_on()


def test_a_no_that_crosses_the_notices_last_word_is_a_no() -> None:
    play().starts().begins().presses("2").ends(Script.NOTICE).is_quiet().stands(Standing.REFUSED)


def test_one_twice_is_one_consent() -> None:
    talk = play().told().presses("11")
    assert talk.wrote.count(Outcome.CONSENT_GRANTED) == 1
    talk.is_quiet().sent_on()


@pytest.mark.requirement("S42")
def test_silence_is_not_consent() -> None:
    talk = play().told()
    assert window(talk) == ANSWER_WINDOW == 5.0
    talk.wait(5).passes("answer").plays(Script.QUESTION).stands(Standing.AWAITING)
    talk.hears(Script.QUESTION)
    assert window(talk) == ANSWER_WINDOW
    talk.wait(5).passes("last_answer").said(Outcome.CONSENT_SILENT).stands(Standing.REFUSED).plays(Script.REFUSAL)
    talk.hears(Script.REFUSAL).did(SendOn).leaves()
    talk.sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded().sent_on()
    assert [item.script for item in talk.effects if isinstance(item, PlayPrompt)] == [
        Script.NOTICE,
        Script.QUESTION,
        Script.REFUSAL,
    ]


@pytest.mark.parametrize("key", ["1", "2"])
def test_an_answer_cuts_the_question_short(key: str) -> None:
    talk = play().told().wait(5).passes("answer").begins(Script.QUESTION).presses(key)
    assert StopPrompt in [type(effect) for effect in talk.last.effects]
    talk.fails(Script.QUESTION).is_quiet()


@pytest.mark.parametrize("key", ["1", "2"])
def test_an_answer_may_cross_the_questions_last_word(key: str) -> None:
    talk = play().told().wait(5).passes("answer").begins(Script.QUESTION).presses(key)
    talk.ends(Script.QUESTION).is_quiet()


@pytest.mark.parametrize("key", ["1", "2"])
def test_windows_that_close_after_the_answer_are_no_surprise(key: str) -> None:
    talk = play().told().wait(5).passes("answer").hears(Script.QUESTION).presses(key)
    talk.passes("answer").is_quiet()
    talk.passes("last_answer").is_quiet()


def test_a_question_that_fails_is_silence() -> None:
    talk = play().told().wait(5).passes("answer").fails(Script.QUESTION)
    talk.said(Outcome.CONSENT_SILENT).plays(Script.REFUSAL)


# ---------------------------------------------------------------- announce
@pytest.mark.requirement("S42")
def test_announce_needs_a_named_override() -> None:
    talk = play(replace(ANNOUNCE, override=None)).starts(codes=(FIRM,)).hears()
    talk.presses("1").stands(Standing.GRANTED).said(Outcome.CONSENT_GRANTED)


def test_staying_on_after_an_announcement_is_implied_consent() -> None:
    talk = play(ANNOUNCE).told().did(SendOn)
    assert window(talk) == OPT_OUT_WINDOW == 3.0
    talk.leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()
    talk.presses("1").is_quiet().stands(Standing.AWAITING)  # 1 means nothing
    talk.passes("last_answer").said(Outcome.CONSENT_GRANTED, Outcome.RECORDING_REQUESTED).did(StartRecording)
    assert talk.last.records[0].data == {"how": "implied"}


@pytest.mark.requirement("S13")
def test_two_within_three_seconds_of_an_announcement_refuses() -> None:
    talk = play(ANNOUNCE).told().leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    talk.wait(2).presses("2").said(Outcome.CONSENT_REFUSED).plays(Script.REFUSAL, whisper=True)
    talk.passes("last_answer").is_quiet()
    talk.never_recorded()


def test_two_during_an_announcement_refuses() -> None:
    talk = play(ANNOUNCE).starts().begins().presses("2").said(Outcome.CONSENT_REFUSED)
    talk.hears(Script.REFUSAL).did(SendOn)


def test_two_after_the_window_means_nothing() -> None:
    talk = play(ANNOUNCE).told().leaves().passes("last_answer").presses("2").is_quiet()
    talk.stands(Standing.GRANTED)


@pytest.mark.requirement("S13")
@pytest.mark.parametrize("call_type", [ANNOUNCE, replace(ANNOUNCE, on_withdrawal=OnWithdrawal.KEEP)])
def test_a_withdrawal_under_announce_destroys_everything_whatever_the_call_type_says(call_type: CallType) -> None:
    talk = play(call_type).told().leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).passes("last_answer")
    talk.acknowledged().opened().growing().presses("*7").did(StopRecording)
    talk.stopped().whole().did(DiscardRecording)


# ---------------------------------------------------------------- prompts that fail
@pytest.mark.requirement("S7", "S43")
@pytest.mark.parametrize("begun", [True, False])
def test_a_notice_that_fails_sends_the_caller_on_unrecorded(begun: bool) -> None:
    talk = play().starts()
    talk = (talk.begins() if begun else talk).fails().did(SendOn).incident("notice_failed")
    talk.stands(Standing.UNNOTIFIED).leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()


@pytest.mark.parametrize("begun", [True, False])
def test_a_notice_that_never_ends_keeps_nobody_waiting(begun: bool) -> None:
    talk = play().starts()
    assert any(isinstance(effect, WakeAt) and effect.seconds == PROMPT_PATIENCE == 12.0 for effect in talk.effects)
    (talk.begins() if begun else talk).wait(12).passes("prompt").did(StopPrompt, SendOn).sent_on()


def test_the_end_of_a_notice_that_was_never_heard_to_begin_proves_nothing() -> None:
    play().starts().ends().did(SendOn).incident("notice_failed").stands(Standing.UNNOTIFIED)


def test_the_pbx_refuses_to_play_the_notice() -> None:
    play().starts().refused(PlayPrompt).did(SendOn).incident("notice_failed")


def test_a_prompt_cut_by_a_hang_up_is_no_failure() -> None:
    talk = play().starts().begins().fails(reason=HUNG_UP).is_quiet()
    talk.hangs_up()
    assert talk.call.over and Outcome.INCIDENT_OPENED not in talk.wrote


def test_a_prompt_said_to_be_cut_by_a_hang_up_that_never_comes_keeps_nobody_waiting() -> None:
    play().starts().begins().fails(reason=HUNG_UP).wait(12).passes("prompt").did(StopPrompt, SendOn).sent_on()


def test_a_question_that_never_ends_is_silence() -> None:
    talk = play().told().wait(5).passes("answer").wait(12).passes("prompt")
    talk.did(StopPrompt, PlayPrompt).plays(Script.REFUSAL).said(Outcome.CONSENT_SILENT)
    talk.wait(12).passes("prompt").did(StopPrompt, SendOn).sent_on()


def test_a_refusal_that_fails_sends_the_caller_on() -> None:
    play().told().presses("2").fails(Script.REFUSAL).did(SendOn).sent_on()
    play().told().presses("2").refused(PlayPrompt).did(SendOn).sent_on()


def test_the_watch_of_an_earlier_prompt_means_nothing() -> None:
    talk = play().starts()
    first = talk.last.effects[-1]
    assert isinstance(first, WakeAt)
    talk.hears().wait(5).passes("answer")
    talk.feed(DeadlinePassed, "", name=first.name).is_quiet()


def test_the_watch_of_a_prompt_that_ended_means_nothing() -> None:
    play().told().passes("prompt").is_quiet()


# ---------------------------------------------------------------- who is told
@pytest.mark.parametrize("script", [Script.NOTICE, Script.QUESTION])
@pytest.mark.parametrize("role", [Role.AGENT, Role.PLUMBING])
def test_a_notice_to_who_is_not_asked_is_nobodys_notice(script: Script, role: Role) -> None:
    talk = play().starts().begins().sees("staff", role)
    before = talk.call.channels["staff"].standing
    for said in (talk.ends, talk.fails):
        said(script, to="staff").is_unexpected().stands(before, "staff")
    if script is Script.NOTICE:
        talk.begins(script, to="staff").is_unexpected()
    talk.stands(Standing.NOTIFYING).ends().stands(Standing.AWAITING)


def test_a_notice_to_another_party_is_that_partys_alone() -> None:
    talk = play().starts().sees(GUEST, Role.GUEST).begins(to=GUEST).ends(to=GUEST).stands(Standing.AWAITING, GUEST)
    talk.stands(Standing.UNNOTIFIED).presses("1").stands(Standing.UNNOTIFIED)


def test_prompts_without_a_meaning_of_their_own() -> None:
    play().recording().hears(Script.WITHDRAWAL).is_quiet()
    play().recording().begins(Script.QUESTION).is_quiet()
    play().recording().refused(PlayPrompt).is_quiet()  # a whisper to the far party


# ---------------------------------------------------------------- withdrawal
@pytest.mark.requirement("S16")
def test_the_withdrawal_sentence_follows_the_stops_answer() -> None:
    talk = play().recording().presses("*7").did(StopRecording).stands(Standing.REFUSED)
    talk.said(Outcome.CONSENT_WITHDRAWN, Outcome.STOP_REQUESTED)
    talk.wait(0.3).stopped().did(PlayPrompt).plays(Script.WITHDRAWAL, whisper=True)
    talk.hears(Script.WITHDRAWAL).is_quiet()


@pytest.mark.requirement("S16")
def test_the_withdrawal_sentence_waits_for_a_stop_that_was_asked_for_already() -> None:
    talk = play().recording().loses(Link.LOG).did(StopRecording)
    talk.presses("*7").said(Outcome.CONSENT_WITHDRAWN).did()
    talk.stopped().plays(Script.WITHDRAWAL, whisper=True)


@pytest.mark.requirement("S16")
def test_the_withdrawal_sentence_does_not_follow_another_segments_answer() -> None:
    talk = play().recording().whole().acknowledged().presses("*7").did(StopRecording, DiscardRecording)
    talk.stopped(segment=0).did()
    talk.stopped(segment=1).plays(Script.WITHDRAWAL, whisper=True)


@pytest.mark.requirement("S16")
def test_a_final_file_is_an_answer_too() -> None:
    talk = play().recording().presses("*7").whole()
    talk.did(DiscardRecording, PlayPrompt).plays(Script.WITHDRAWAL, whisper=True)
    talk.stopped().did()


@pytest.mark.requirement("S16")
@pytest.mark.parametrize("answer", [Play.stopped, Play.whole, lambda talk: talk.refused(StopRecording, segment=0)])
def test_a_lost_recordings_stop_is_waited_for_too(answer: Callable[[Play], Play]) -> None:
    talk = play().recording().lost().did(StopRecording).presses("*7").did()
    answer(talk).plays(Script.WITHDRAWAL, whisper=True)


def test_the_withdrawal_sentence_is_said_at_once_where_nothing_runs() -> None:
    play().granted().presses("*7").plays(Script.WITHDRAWAL, whisper=True).never_recorded()


def test_who_hung_up_hears_no_sentence() -> None:
    talk = play().recording().presses("*7").hangs_up().stopped()
    talk.did()
    assert not talk.call.channels[FAR].owed


def test_nothing_is_recorded_after_a_withdrawal() -> None:
    talk = play().recording().presses("*7").stopped().whole().discarded()
    talk.unbridges(AGENT).bridges(AGENT).operator(Action.RESUME).presses("1")
    assert talk.count(StartRecording) == 1


@pytest.mark.requirement("S13")
def test_an_operator_withdraws_for_the_party() -> None:
    play().recording().operator(Action.WITHDRAW).said(Outcome.CONSENT_WITHDRAWN, Outcome.STOP_REQUESTED)


def test_a_guests_refusal_does_not_cut_the_far_partys_notice() -> None:
    talk = play().starts().begins().sees(GUEST, Role.GUEST).presses("*7", by=GUEST).did(PlayPrompt)
    talk.ends(Script.REFUSAL, to=GUEST).is_quiet()
    talk.ends().stands(Standing.AWAITING).sent_on(0)


# ---------------------------------------------------------------- sending on
@pytest.mark.parametrize("call_type", [ASK, ANNOUNCE, NEVER])
def test_a_call_is_sent_on_once(call_type: CallType) -> None:
    talk = play(call_type).starts().begins().ends().presses("1").ends(Script.REFUSAL).fails(Script.REFUSAL)
    talk.fails().operator(Action.WITHDRAW).hears(Script.REFUSAL).sent_on()


def test_who_left_by_itself_is_not_sent_on() -> None:
    play().told().leaves().presses("1").said(Outcome.CONSENT_GRANTED).sent_on(0)


# ---------------------------------------------------------------- bridged first
def test_bridged_first_is_told_in_the_bridge_and_recorded_after_consent() -> None:
    talk = play().starts(waiting=False).did().joined_by(AGENT, Role.AGENT).did()
    talk.bridges(FAR)
    notice = next(effect for effect in talk.last.effects if isinstance(effect, PlayPrompt))
    assert (notice.channel_id, notice.script, notice.whisper, notice.to_all) == (FAR, Script.NOTICE, True, True)
    talk.hears().presses("1").did(StartRecording)


def test_bridged_first_a_refusal_is_answered_to_that_party_alone() -> None:
    talk = play().starts(waiting=False).joined_by(AGENT, Role.AGENT).bridges(FAR).hears().presses("2")
    said = next(effect for effect in talk.last.effects if isinstance(effect, PlayPrompt))
    assert (said.script, said.whisper, said.to_all) == (Script.REFUSAL, True, False)


def test_bridged_first_a_notice_that_fails_is_not_tried_again() -> None:
    talk = play().starts(waiting=False).joined_by(AGENT, Role.AGENT).bridges(FAR)
    talk.fails(reason="no prompt").said(Outcome.INCIDENT_OPENED)
    talk.bridges(FAR).did()

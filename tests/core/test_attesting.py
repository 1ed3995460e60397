"""Somebody else's word for a party: when it counts, and that it never counts for as much as the party's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.attesting import cannot_consent, why_not
from callguard.core.consent import Standing
from callguard.core.effects import (
    DiscardRecording,
    MaskRecording,
    PlayPrompt,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
    UnmaskRecording,
)
from callguard.core.events import Action, CallMerged, Outcome, Presence, Reason, Role
from callguard.core.policy import Category, Mode, OnWithdrawal
from callguard.core.word import Script
from tests.core.play import AGENT, ANNOUNCE, ASK, FAR, FIRM, GUEST, MILD, STRICT, Play, play


def silent(talk: Play) -> Play:
    """The far party hears everything and answers nothing: its call goes on."""
    talk.passes("answer").ends(Script.QUESTION).passes("last_answer").ends(Script.REFUSAL).leaves()
    return talk.sees(AGENT, Role.AGENT).bridges(FAR, AGENT)


def silenced() -> Play:
    """The far party answers nothing, and hears what that comes to."""
    return play().told().passes("answer").ends(Script.QUESTION).passes("last_answer").begins(Script.REFUSAL)


def attests(talk: Play, about: str = "") -> Play:
    return talk.operator(Action.CONSENT, about=about)


@pytest.mark.requirement("S41")
def test_consent_by_voice_after_silence_starts_the_recording_and_says_by_whom() -> None:
    talk = attests(silent(play().told())).stands(Standing.GRANTED).did(StartRecording)
    (granted,) = [row for row in talk.last.records if row.type is Outcome.CONSENT_GRANTED]
    assert (granted.channel_id, granted.data) == (FAR, {"how": "express_agent_attested", "by": "op1"})
    assert talk.call.channels[FAR].attested == "op1"
    attests(talk).is_unexpected()


def test_the_first_word_counts_while_the_party_is_still_asked() -> None:
    attests(play().told()).did(SendOn).stands(Standing.GRANTED)
    asked = attests(play().told().passes("answer")).did(StopPrompt, SendOn).stands(Standing.GRANTED)
    asked.feed_deadline("last_answer").is_quiet().stands(Standing.GRANTED)


@pytest.mark.requirement("S41", "S42")
@pytest.mark.parametrize(
    ("talk", "why"),
    [
        (play().starts(), "notice"),
        (play().starts().begins(), "notice"),
        (play().told().presses("2"), "own answer"),
        (play().recording().presses("*7"), "own answer"),
        (silent(play().told()).presses("*7"), "own answer"),
        (silenced().presses("2"), "own answer"),
        (play().talking(), "has agreed"),
        (play().starts(codes=(STRICT,)).hears(), "own answer is enough"),
        (play(replace(ASK, category=Category.HEALTH)).told(), "own answer is enough"),
        (play(replace(ASK, attested=False)).told(), "call type"),
        (play(ANNOUNCE).told(), "nobody is asked"),
        (play(replace(ASK, mode=Mode.NEVER)).starts(), "notice"),
        (play().told().hangs_up(), "no party"),
        (play(), "no party"),
    ],
)
def test_where_it_does_not_count(talk: Play, why: str) -> None:
    before = {key: channel.standing for key, channel in talk.call.channels.items()}
    assert why in why_not(talk.call, talk.call.anchor)
    if not talk.call.over:
        attests(talk).is_unexpected()
    assert {key: channel.standing for key, channel in talk.call.channels.items()} == before


def test_a_key_behind_the_sentence_that_a_silence_was_a_refusal_is_no_answer_any_more() -> None:
    talk = silenced().ends(Script.REFUSAL).presses("2")
    assert talk.call.channels[FAR].silent
    attests(talk).stands(Standing.GRANTED)
    assert silenced().presses("1").stands(Standing.REFUSED).call.channels[FAR].silent


def test_of_staff_and_strangers_nothing_is_attested() -> None:
    talk = play().recording()
    for who in (AGENT, "nobody"):
        attests(talk, who).is_unexpected()


def test_a_third_party_that_did_not_answer_agrees_by_voice() -> None:
    talk = play().recording().sees(GUEST, Role.GUEST).learns(GUEST, MILD).bridges(GUEST).masked(9000)
    talk.begins(to=GUEST).ends(to=GUEST)
    attests(talk, GUEST).stands(Standing.GRANTED, GUEST).did(UnmaskRecording)


@pytest.mark.requirement("S6")
def test_a_stricter_rule_asks_whose_consent_was_attested_and_nobody_else() -> None:
    talk = attests(silent(play().told())).acknowledged().opened().growing()
    talk.learns(FAR, FIRM).stands(Standing.GRANTED)
    talk.learns(FAR, STRICT).stands(Standing.AWAITING)
    assert talk.call.running is not None and talk.count(MaskRecording) == 1
    talk.begins(Script.QUESTION).presses("1").stands(Standing.GRANTED)
    assert talk.call.channels[FAR].attested == ""
    play().recording().learns(FAR, STRICT).stands(Standing.GRANTED)


# ---------------------------------------------------------------- who is on the line
@pytest.mark.requirement("S74")
def test_that_nobody_else_is_there_is_a_row() -> None:
    talk = play().recording()
    before = talk.call
    assert talk.operator(Action.PRESENT, presence=Presence.ALL).is_quiet().call == before


@pytest.mark.requirement("S73")
def test_somebody_who_was_never_told_silences_the_recording_and_both_are_told_and_asked() -> None:
    talk = play().recording().operator(Action.PRESENT, presence=Presence.SOMEONE_ELSE).did(MaskRecording, PlayPrompt)
    talk.plays(Script.NOTICE, whisper=True).masked(9000).operator(Action.RESUME, Reason.MISTAKE).did()
    talk.begins().ends().presses("1").stands(Standing.GRANTED).did(UnmaskRecording)


@pytest.mark.requirement("S2", "S73")
def test_the_end_of_the_notice_that_the_second_one_took_the_place_of_is_not_the_second_ones() -> None:
    talk = play().starts(waiting=True).begins().operator(Action.PRESENT, presence=Presence.SOMEONE_ELSE)
    talk.did(StopPrompt, PlayPrompt).ends().begins().presses("1").stands(Standing.NOTIFYING)
    talk.ends().presses("1").stands(Standing.GRANTED)


@pytest.mark.requirement("S13")
def test_an_operator_may_say_that_the_far_party_cannot_consent() -> None:
    talk = play().recording().operator(Action.PRESENT, presence=Presence.CANNOT_CONSENT).did(StopRecording)
    assert talk.last.records[0].data == {"said_by": "op1"} and talk.call.barred
    talk.stopped().whole().did(DiscardRecording)


# ---------------------------------------------------------------- the agent's keys
KEYED = replace(ASK, someone_else="*5", cannot_consent="*6")


@pytest.mark.requirement("S73")
def test_someone_else_is_masked_told_and_asked_by_one_key() -> None:
    talk = play(KEYED).recording().presses("*5", by=AGENT).did(MaskRecording, PlayPrompt).stands(Standing.NOTIFYING)
    talk.plays(Script.NOTICE, whisper=True).masked()
    talk.begins().ends().presses("1").stands(Standing.GRANTED).did(UnmaskRecording)
    talk.presses("*5", by=AGENT).begins().presses("2").said(Outcome.CONSENT_REFUSED, Outcome.STOP_REQUESTED)


def test_who_is_being_asked_is_told_anew_and_who_refused_is_left_alone() -> None:
    silent(play(KEYED).told()).presses("*5", by=AGENT).stands(Standing.REFUSED).did()


@pytest.mark.requirement("S13", "S43")
@pytest.mark.parametrize("keeps", list(OnWithdrawal))
def test_who_cannot_consent_is_not_recorded_and_nothing_stays(keeps: OnWithdrawal) -> None:
    talk = play(replace(KEYED, on_withdrawal=keeps)).recording().presses("*6", by=AGENT).did(StopRecording)
    talk.said(Outcome.CONSENT_VOID, Outcome.CONSENT_WITHDRAWN, Outcome.STOP_REQUESTED)
    assert talk.last.records[0].data == {"said_by": AGENT}
    talk.stopped().whole().did(DiscardRecording)
    talk.presses("*6", by=AGENT).is_quiet()
    assert talk.call.barred


@pytest.mark.requirement("S13", "S41", "S43")
def test_nobody_attests_for_a_silent_party_that_cannot_consent() -> None:
    talk = silent(play(KEYED).told()).presses("*6", by=AGENT).said(Outcome.CONSENT_VOID).stands(Standing.REFUSED)
    assert talk.call.barred and "own answer" in why_not(talk.call, FAR)
    attests(talk).is_unexpected()
    talk.presses("*6", by=AGENT).is_quiet()


@pytest.mark.requirement("S13", "S43")
def test_what_was_kept_of_who_withdrew_goes_once_it_turns_out_that_it_could_not_consent() -> None:
    talk = play(replace(KEYED, on_withdrawal=OnWithdrawal.KEEP)).recording().presses("*7").stopped().whole().verified()
    assert talk.count(DiscardRecording) == 0
    talk.presses("*6", by=AGENT).said(Outcome.CONSENT_VOID).did(DiscardRecording)
    assert talk.call.barred
    talk.presses("*6", by=AGENT).is_quiet()


@pytest.mark.parametrize("keys", ["*5", "*6"])
def test_an_outside_party_cannot_say_so(keys: str) -> None:
    play(KEYED).recording().presses(keys).is_unexpected().did()


def test_keys_that_are_not_wanted_mean_nothing() -> None:
    talk = play().recording()
    talk.presses("*5", by=AGENT).presses("*6", by=AGENT).is_quiet()


def test_without_a_caller_there_is_nobody_to_speak_for() -> None:
    assert cannot_consent(play().call, "", AGENT).records == ()


@pytest.mark.requirement("S41", "S73")
def test_what_one_did_not_answer_alone_nobody_attests_for_two() -> None:
    talk = silent(play().told()).operator(Action.PRESENT, presence=Presence.SOMEONE_ELSE)
    assert "never told" in why_not(talk.call, FAR)
    attests(talk).is_unexpected()


# ---------------------------------------------------------------- a party that has a call of its own as well
def visited() -> Play:
    """A guest with a call of its own came in, was told and agreed."""
    talk = play().recording().sees(GUEST, Role.GUEST).feed(CallMerged, GUEST, other_call_id="x").bridges(GUEST)
    return talk.masked(9000).begins(to=GUEST).ends(to=GUEST).presses("1", by=GUEST).unmasked().stands(FINE, GUEST)


FINE = Standing.GRANTED


@pytest.mark.requirement("S13", "S73")
def test_what_is_said_of_a_visitor_in_its_own_call_is_about_the_visitor() -> None:
    talk = visited().operator(Action.PRESENT, about=GUEST, presence=Presence.SOMEONE_ELSE)
    talk.did(MaskRecording, PlayPrompt)
    talk.plays(Script.NOTICE, to=GUEST, whisper=True).stands(FINE)
    talk = visited().operator(Action.WITHDRAW, about=GUEST).did(StopRecording).stands(FINE)
    assert talk.call.channels[GUEST].withdrew


@pytest.mark.requirement("S13", "S43")
def test_a_visitor_who_cannot_consent_leaves_nothing_and_bars_nothing_behind_it() -> None:
    talk = visited().operator(Action.PRESENT, about=GUEST, presence=Presence.CANNOT_CONSENT).did(StopRecording)
    talk.said(Outcome.CONSENT_VOID, Outcome.CONSENT_WITHDRAWN, Outcome.STOP_REQUESTED).stands(FINE)
    talk.stopped().whole().did(DiscardRecording)
    talk.hangs_up(GUEST).did(StartRecording)


@pytest.mark.requirement("S13")
def test_a_visitor_who_never_agreed_and_cannot_consent_destroys_nothing_of_what_was_before_it() -> None:
    talk = play().recording().sees(GUEST, Role.GUEST).feed(CallMerged, GUEST, other_call_id="x").bridges(GUEST)
    talk.masked(9000).begins(to=GUEST).presses("2", by=GUEST).stands(Standing.REFUSED, GUEST)
    talk.operator(Action.PRESENT, about=GUEST, presence=Presence.CANNOT_CONSENT).is_quiet()
    assert not any(item.condemned for item in talk.call.recordings)


# ---------------------------------------------------------------- a call that people argue about
@pytest.mark.requirement("S75")
def test_in_a_dispute_nobody_elses_word_counts_and_somebody_answers_for_it() -> None:
    talk = silent(play().told()).operator(Action.DISPUTE).incident("dispute")
    assert "in dispute" in why_not(talk.call, FAR)
    attests(talk).is_unexpected()
    assert talk.operator(Action.DISPUTE).last.records == ()


@pytest.mark.requirement("S75")
def test_whose_consent_was_attested_is_asked_in_a_dispute_and_whose_own_it_was_is_not() -> None:
    talk = attests(silent(play().told())).acknowledged().opened().growing()
    talk.operator(Action.DISPUTE).stands(Standing.AWAITING)
    assert talk.count(MaskRecording) == 1
    talk.masked().begins(Script.QUESTION).presses("1").stands(Standing.GRANTED).did(StopPrompt, UnmaskRecording)
    play().recording().operator(Action.DISPUTE).did().stands(Standing.GRANTED)

"""Somebody else's word for a party: when it counts, and that it never counts for as much as the party's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.attesting import why_not
from callguard.core.consent import Standing
from callguard.core.effects import MaskRecording, SendOn, StartRecording, StopPrompt, UnmaskRecording
from callguard.core.events import Action, Outcome, Presence, Reason, Role
from callguard.core.policy import Category, Mode
from callguard.core.word import Cause, Script
from tests.core.play import AGENT, ANNOUNCE, ASK, FAR, FIRM, GUEST, MILD, STRICT, Play, play


def silent(talk: Play) -> Play:
    """The far party hears everything and answers nothing: its call goes on."""
    talk.passes("answer").ends(Script.QUESTION).passes("last_answer").ends(Script.REFUSAL).leaves()
    return talk.sees(AGENT, Role.AGENT).bridges(FAR, AGENT)


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
    talk.presses("1").stands(Standing.GRANTED)
    assert talk.call.channels[FAR].attested == ""
    play().recording().learns(FAR, STRICT).stands(Standing.GRANTED)


# ---------------------------------------------------------------- who is on the line
@pytest.mark.requirement("S74")
def test_that_nobody_else_is_there_is_a_row() -> None:
    talk = play().recording()
    before = talk.call
    assert talk.operator(Action.PRESENT, presence=Presence.ALL).is_quiet().call == before


def test_somebody_who_was_never_told_silences_the_recording_until_a_person_ends_that() -> None:
    talk = play().recording().operator(Action.PRESENT, presence=Presence.SOMEONE_ELSE).did(MaskRecording)
    assert talk.call.causes == {Cause.OPERATOR}
    talk.masked(9000).operator(Action.RESUME, Reason.MISTAKE).did(UnmaskRecording)

"""The rule of a call as people come and go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.core.consent import Standing
from callguard.core.effects import MaskRecording, PlayPrompt, SendOn, StopPrompt, WakeAt
from callguard.core.events import Action, DeadlinePassed, OperatorActed, Outcome, Remembered, Role, Script
from callguard.core.lawful import is_sampled
from callguard.core.policy import Mode
from callguard.core.recording import Mask
from tests.core.play import AGENT, ANNOUNCE, ASK, CALL_ID, FAR, FIRM, GUEST, MILD, NEVER, PACK, STRICT, Play, play

CASUAL = replace(ANNOUNCE, override=None)


def written(talk: Play, outcome: Outcome) -> dict[str, Any]:
    """What the last fact wrote down of this kind."""
    return next(dict(item.data) for item in talk.last.records if item.type is outcome)


def announced() -> Play:
    """An announced call between mild places that is being recorded."""
    return (
        (play(CASUAL).told().leaves().wait(3).passes("last_answer").sees(AGENT, Role.AGENT).bridges(FAR, AGENT))
        .acknowledged()
        .opened()
    )


@pytest.mark.requirement("S9", "S12")
def test_the_rule_is_resolved_from_the_far_party_and_where_agents_sit() -> None:
    talk = play(CASUAL).starts(codes=(FIRM,), site=(MILD,), evidence=("number",))
    told = written(talk, Outcome.RULE_RESOLVED)
    assert (told["mode"], told["jurisdictions"], told["evidence"]) == ("ask", [MILD, FIRM], ["number"])
    assert told["rule_pack"] == PACK.version and told["preflight"] and told["reasons"]
    assert talk.call.mode is Mode.ASK


@pytest.mark.requirement("S50")
@given(st.uuids(), st.integers(1, 100))
def test_who_is_in_a_small_sample_is_in_every_larger_one(call_id: UUID, percent: int) -> None:
    chosen = [is_sampled(str(call_id), more) for more in range(percent, 101)]
    assert chosen[-1] and chosen == sorted(chosen)


@pytest.mark.requirement("S50")
def test_a_sample_is_as_large_as_it_says() -> None:
    chosen = sum(is_sampled(str(UUID(int=number)), 20) for number in range(5000))
    assert 900 < chosen < 1100


@pytest.mark.requirement("S50")
def test_a_call_outside_the_sample_is_neither_asked_nor_recorded() -> None:
    missed = next(percent for percent in range(2, 101) if is_sampled(CALL_ID, percent))
    talk = play(replace(CASUAL, sample_percent=missed)).starts(codes=(MILD,), site=(MILD,))
    assert talk.call.mode is Mode.ANNOUNCE
    talk = play(replace(CASUAL, sample_percent=missed - 1)).starts(codes=(MILD,), site=(MILD,))
    assert talk.call.mode is Mode.NEVER and not any(isinstance(item, PlayPrompt) for item in talk.last.effects)
    assert written(talk, Outcome.RULE_RESOLVED)["reasons"][-1] == f"not among the {missed - 1} % that are recorded"


@pytest.mark.parametrize("missing", ["codes", "site"])
def test_who_is_nowhere_is_asked(missing: str) -> None:
    assert play(CASUAL).starts(**{missing: ()}).call.mode is Mode.ASK


@pytest.mark.requirement("S46")
def test_a_ringing_agent_of_another_place_changes_nothing_until_it_is_bridged() -> None:
    talk = play(CASUAL).told().leaves().sees(AGENT, Role.AGENT).learns(AGENT, STRICT)
    assert talk.call.mode is Mode.ANNOUNCE and not talk.last.records
    talk.bridges(FAR, AGENT)
    told = written(talk, Outcome.RULE_REEVALUATED)
    assert (told["old_mode"], told["mode"]) == ("announce", "ask")
    assert (told["old_jurisdictions"], told["jurisdictions"]) == ([MILD], [MILD, STRICT])
    talk.plays(Script.QUESTION, whisper=True).stands(Standing.AWAITING)


@pytest.mark.requirement("S46")
def test_who_had_stayed_on_is_masked_and_asked_when_the_rule_grows() -> None:
    talk = announced().learns(AGENT, STRICT).did(MaskRecording, PlayPrompt).stands(Standing.AWAITING)
    talk.masked(9000).hears(Script.QUESTION).presses("1").stands(Standing.GRANTED).unmasked(20000).is_mask(Mask.OFF)


@pytest.mark.requirement("S46")
def test_a_stricter_place_that_asks_no_more_of_anybody_is_only_written_down() -> None:
    talk = play().recording().learns(AGENT, STRICT).said(Outcome.RULE_REEVALUATED)
    assert not talk.last.effects and talk.call.rule.jurisdictions == (MILD, STRICT)
    assert talk.call.rule.preflight != talk.file.preflight


@pytest.mark.requirement("S46")
def test_a_strict_party_that_leaves_does_not_relax_the_rule() -> None:
    talk = announced().joined_by().learns(GUEST, STRICT).hangs_up(GUEST)
    assert talk.call.mode is Mode.ASK and not talk.count(SendOn) > 1
    talk.stands(Standing.AWAITING)


def test_who_refused_is_not_asked_when_the_rule_grows() -> None:
    talk = play(CASUAL).told().presses("2").hears(Script.REFUSAL).leaves()
    talk.sees(AGENT, Role.AGENT).bridges(FAR, AGENT).learns(AGENT, STRICT).stands(Standing.REFUSED)
    assert not talk.last.effects


@pytest.mark.requirement("S46")
def test_a_telling_that_is_under_way_becomes_a_question() -> None:
    bridged = play(CASUAL).starts(waiting=False).sees(AGENT, Role.AGENT).bridges(FAR, AGENT).begins()
    bridged.learns(AGENT, STRICT).did(StopPrompt, PlayPrompt).plays(Script.NOTICE, whisper=True)
    bridged.fails(reason="stopped").stands(Standing.NOTIFYING)
    bridged.hears().stands(Standing.AWAITING).wait(5).passes("answer").plays(Script.QUESTION, whisper=True)


def test_the_window_of_an_announcement_does_not_end_a_question() -> None:
    talk = play(CASUAL).told().leaves().sees(AGENT, Role.AGENT).learns(AGENT, STRICT).bridges(FAR, AGENT)
    talk.feed(DeadlinePassed, "", name="last_answer").stands(Standing.AWAITING)
    talk.hears(Script.QUESTION).wait(5).passes("last_answer").stands(Standing.REFUSED)


def test_what_is_never_recorded_has_no_rule_to_grow() -> None:
    assert not play(NEVER).starts().learns(FAR, STRICT).last.records


# ---------------------------------------------------------------- look-ups
def looking_up(call_type: Any = CASUAL) -> Play:
    return play(call_type).starts(pending=True)


@pytest.mark.requirement("S9")
def test_nothing_is_played_before_a_look_up_is_over() -> None:
    talk = looking_up()
    assert talk.last.effects == (WakeAt(name="look_up", seconds=0.35),) and not talk.last.records
    talk.learns(FAR, FIRM, evidence=("crm",)).plays(Script.NOTICE)
    assert written(talk, Outcome.RULE_RESOLVED)["evidence"] == ["crm"] and talk.call.mode is Mode.ASK


def test_who_it_is_does_not_end_a_look_up() -> None:
    assert not looking_up().learns(FAR, MILD, party_id="p1").last.effects


def test_a_late_look_up_is_unknown_and_strict() -> None:
    talk = looking_up().passes("look_up").plays(Script.NOTICE)
    assert talk.call.mode is Mode.ASK and talk.call.rule.jurisdictions == (MILD, "ZZ")
    assert written(talk, Outcome.RULE_RESOLVED)["evidence"] == ["look_up_late"]


def test_a_look_up_in_time_leaves_nothing_to_its_deadline() -> None:
    looking_up().learns(FAR, MILD).passes("look_up").is_quiet()


def test_who_hangs_up_meanwhile_is_told_nothing() -> None:
    talk = looking_up().hangs_up()
    assert not [effect for effect in talk.passes("look_up").last.effects if isinstance(effect, PlayPrompt)]


@pytest.mark.requirement("S21")
def test_a_remembered_refusal_is_honoured_without_asking() -> None:
    talk = looking_up(ASK).learns(FAR, MILD, answer=Remembered.REFUSED).did(SendOn).stands(Standing.REFUSED)
    assert written(talk, Outcome.CONSENT_REFUSED) == {"how": "remembered"}
    talk.leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()
    assert not talk.count(PlayPrompt) and talk.count(SendOn) == 1


def test_a_remembered_refusal_is_honoured_in_a_bridge() -> None:
    talk = play(ASK).starts(waiting=False, pending=True).sees(AGENT, Role.AGENT)
    talk.learns(FAR, MILD, answer=Remembered.REFUSED).stands(Standing.REFUSED).bridges(FAR, AGENT).never_recorded()
    assert not talk.count(PlayPrompt)


def test_who_refuses_during_a_look_up_is_not_told_afterwards() -> None:
    talk = looking_up(ASK).feed(OperatorActed, "", action=Action.WITHDRAW).plays(Script.REFUSAL)
    talk.learns(FAR, MILD).stands(Standing.REFUSED)
    assert talk.count(PlayPrompt) == 1


def test_a_remembered_grant_is_asked_again() -> None:
    talk = looking_up(ASK).learns(FAR, MILD, answer=Remembered.GRANTED, known=True).plays(Script.NOTICE)
    assert talk.call.known


@pytest.mark.parametrize(
    "said", [{"known": True}, {"answer": Remembered.GRANTED}, {"known": True, "answer": Remembered.REFUSED}]
)
def test_only_who_is_on_record_and_agreed_before_is_known(said: dict[str, Any]) -> None:
    assert not looking_up(ASK).learns(FAR, MILD, **said).call.known

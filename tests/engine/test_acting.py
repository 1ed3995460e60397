"""What an operator does to a live call, and what has to be said with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from callguard.core.effects import PlayPrompt
from callguard.core.word import GIVEN, Script
from callguard.engine.acting import LONGEST_WORDS, act
from callguard.engine.ledger import NOTE, OPERATOR
from callguard.engine.runner import Runner
from callguard.store.memory import MemoryLog
from tests.engine.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Stage(tmp_path).running() as own:
        await own.talk()
        yield own


def runner(stage: Stage) -> Runner:
    return stage.engine.runners[stage.engine.board.calls["far"]]


@pytest.mark.requirement("S82")
async def test_a_resume_needs_a_reason(stage: Stage) -> None:
    assert (await act(runner(stage), {"action": "pause"}, "user:x"))["pause_causes"] == ["operator"]
    for unsaid in ({}, {"reason": ""}, {"reason": "  "}):
        answer = await act(runner(stage), {"action": "resume", **unsaid}, "user:x")
        assert "needs a reason" in answer["error"] and all(word in answer["error"] for word in GIVEN)
    assert stage.call("far").paused
    too_long = await act(runner(stage), {"action": "resume", "reason": "x" * (LONGEST_WORDS + 1)}, "user:x")
    assert "300 at most" in too_long["error"] and stage.call("far").paused
    assert not (await act(runner(stage), {"action": "resume", "reason": "payment_done"}, "user:x"))["paused"]
    stored = await stage.finish("far", "agent1")
    acted = [row.data["reason"] for row in stored.events if row.type == "operator_acted"]
    assert acted == ["", "payment_done"]


async def test_words_of_ones_own_are_sealed_and_in_no_row(stage: Stage) -> None:
    said = "Mrs Smith's card, $(reboot)"
    await act(runner(stage), {"action": "pause"}, "user:x")
    await act(runner(stage), {"action": "resume", "reason": said}, "user:x")
    assert runner(stage).notes == {}
    stored = await stage.finish("far", "agent1")
    row = [row for row in stored.events if row.type == "operator_acted"][-1]
    ended = next(row for row in stored.events if row.type == "pause_ended")
    assert row.data["reason"] == ended.data["reason"] == "other" and row.data["note"]
    assert "Smith" not in str(stored)
    assert isinstance(stage.log, MemoryLog)
    kept = {party.party_id: party for party in await stage.log.party(stored.call.call_id)}
    assert (kept[row.data["note"]].role, kept[row.data["note"]].values) == (OPERATOR, {NOTE: said})


@pytest.mark.parametrize("text", ["paid \udcff", "paid\0"])
async def test_what_no_row_can_hold_is_refused_before_it_is_a_fact(stage: Stage, text: str) -> None:
    await act(runner(stage), {"action": "pause"}, "user:x")
    for key in ("reason", "channel"):
        said = {"action": "resume", "reason": "mistake", key: text}
        assert (await act(runner(stage), said, "user:x"))["error"].startswith(f"{key}: it must be UTF-8")
    assert stage.call("far").paused and runner(stage).notes == {}


async def test_an_act_that_there_is_not(stage: Stage) -> None:
    with pytest.raises(ValueError, match="erase"):
        await act(runner(stage), {"action": "erase"}, "user:x")


# ---------------------------------------------------------------- what is said for a party
@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Stage]:
    """A caller who has heard the notice, somewhere where an agent's word for it is enough."""
    async with Stage(tmp_path).running() as own:
        await own.enter()
        first = runner(own)
        first.call = replace(first.call, rule=replace(first.call.rule, express=False))
        yield own


@pytest.mark.requirement("S41")
async def test_attested_consent_says_whose_word_it_is(asked: Stage) -> None:
    answer = await act(runner(asked), {"action": "consent"}, "user:x")
    assert (answer["standing"], answer["action"]) == ("granted", "consent")
    stored = await asked.finish("far")
    (granted,) = [row for row in stored.events if row.type == "consent_granted"]
    assert granted.data == {"how": "express_agent_attested", "by": "user:x"}


@pytest.mark.requirement("S41")
async def test_attested_consent_that_does_not_count_changes_nothing_and_says_why(stage: Stage, asked: Stage) -> None:
    again = await act(runner(stage), {"action": "consent"}, "user:x")
    assert "does not count: it has agreed" in again["error"]
    staff = await act(runner(stage), {"action": "consent", "channel": "agent1"}, "user:x")
    assert "no party" in staff["error"]
    first = runner(asked)
    first.call = replace(first.call, rule=replace(first.call.rule, express=True))
    strict = await act(first, {"action": "consent"}, "user:x")
    assert "own answer" in strict["error"]
    stored = await asked.finish("far")
    assert "operator_acted" not in [row.type for row in stored.events]


@pytest.mark.requirement("S74")
async def test_who_is_on_the_line_is_written_down_and_changes_what_is_recorded(stage: Stage) -> None:
    unsaid = await act(runner(stage), {"action": "present"}, "user:x")
    assert "say who is on the line: all, someone_else or cannot_consent" in unsaid["error"]
    everybody = await act(runner(stage), {"action": "present", "presence": "all"}, "user:x")
    assert not everybody["paused"] and everybody["recording"] == "growing"
    other = await act(runner(stage), {"action": "present", "presence": "someone_else"}, "user:x")
    assert not other["paused"] and other["recording"] == "masked"
    anew = PlayPrompt(channel_id="far", script=Script.NOTICE, whisper=True, to_all=True)
    assert stage.pbx.asked(PlayPrompt)[-1] == anew
    child = await act(runner(stage), {"action": "present", "presence": "cannot_consent"}, "user:x")
    assert child["standing"] == "refused" and "a party refused" in child["reasons"]
    stored = await stage.finish("far", "agent1")
    acted = [row.data["presence"] for row in stored.events if row.type == "operator_acted"]
    assert acted == ["all", "someone_else", "cannot_consent"]
    assert [item.state for item in stored.recordings] == ["discarded"]

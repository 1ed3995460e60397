"""Halts: what they cover stops at once and begins no more, also under the next controller; somebody answers for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callguard.core.effects import Answer, PlayPrompt, SendOn, StopRecording
from callguard.core.events import Link
from callguard.engine.halt import Halt, Halting, Halts, digits
from callguard.engine.registrar import Entry
from callguard.errors import BadInput
from callguard.ports import Entered, Sighted
from callguard.proof import prove
from callguard.store.memory import MemoryLog
from tests.engine.stage import POLICY, Stage, endpoint
from tests.fake_pbx import START


class Desk:
    """Somebody who halts and releases on a stage. `entries`: what was written down."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.entries, own = stage, list[Entry](), stage.engine
        self.halts = Halts(stage.data / "halts.json")
        self.halting = Halting(
            self.halts,
            own.runners,
            lambda: POLICY.call_types,
            own.board.dialled_number,
            self.entries.append,
            lambda: own.adopted,
        )
        own.entrance.halted = self.halts.covers

    async def place(self, **what: str) -> dict[str, Any]:
        return await self.halting.answer({"halt": "place", "reason": "a complaint", **what}, "user:x")

    async def release(self, halt_id: str) -> dict[str, Any]:
        return await self.halting.answer({"halt": "release", "id": halt_id, "reason": "settled"}, "user:y")

    async def listed(self) -> list[dict[str, Any]]:
        return list((await self.halting.answer({}, "user:x"))["halts"])


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Stage(tmp_path).running() as stage:
        yield Desk(stage)


@pytest.mark.requirement("S110")
async def test_what_is_covered_stops_and_the_rest_goes_on(desk: Desk) -> None:
    stage = desk.stage
    await stage.talk()
    await stage.talk("other", "agent2", "kept")
    answer = await desk.place(call_type="support")
    assert answer["stopped"] == [stage.call("far").call_id] and answer["milliseconds"] < 2000
    assert [effect.channel_id for effect in stage.pbx.asked(StopRecording)] == ["far"]
    assert stage.call("other").running and not stage.call("far").may_still_run
    stored = await stage.finish("far", "agent1")
    assert [item.state for item in stored.recordings] == ["verified"] and prove(stored) == []
    (acted,) = [row.data for row in stored.events if row.type == "operator_acted"]
    assert (acted["action"], acted["operator"]) == ("stop", "user:x")


@pytest.mark.requirement("S110")
async def test_a_call_that_comes_meanwhile_is_put_through_without_a_word(desk: Desk) -> None:
    stage = desk.stage
    halt = await desk.place()
    await stage.enter()
    assert SendOn(channel_id="far") in stage.pbx.effects
    assert not stage.pbx.asked(PlayPrompt) and not stage.pbx.asked(Answer)
    stage.join("b", "far", "agent1")
    await stage.settled()
    assert not stage.call("far").recordings
    await desk.release(halt["halt_id"])
    await stage.settled()
    assert not stage.call("far").recordings, "whoever was stopped stays unrecorded"
    stored = await stage.finish("far", "agent1")
    assert stored.events[0].data["halted"] and prove(stored) == [] and not stored.incidents
    await stage.enter("next")
    assert stage.pbx.asked(PlayPrompt)


async def called(stage: Stage, far: str, number: str) -> None:
    channel = replace(endpoint(far), words={"dialled": number})
    stage.pbx.hear(Sighted(START, channel))
    stage.pbx.hear(Entered(START, channel, ("1", "support", "inbound")))
    await stage.settled()


@pytest.mark.requirement("S110")
async def test_a_number_is_halted_on_live_calls_and_new_ones(desk: Desk) -> None:
    stage = desk.stage
    await called(stage, "one", "+15550100")
    await called(stage, "two", "5550199")
    await desk.place(number="+1 (555) 0100")
    assert stage.call("one").barred and not stage.call("two").barred
    await called(stage, "three", "15550100")
    await called(stage, "four", "5550199")
    assert stage.call("three").barred and not stage.call("four").barred
    assert [entry.content["scope"] for entry in desk.entries] == ["number"]
    assert "15550100" in desk.entries[0].reason and "15550100" not in str(desk.entries[0].content)


def test_a_number_that_nobody_knows_may_be_any() -> None:
    halt = Halt(halt_id="1", at="", operator="", number="15550100")
    assert halt.covers("support", "") and not halt.covers("support", "5550199")
    assert digits("+1 (555) 0100") == "15550100"


@pytest.mark.requirement("S110")
async def test_it_stands_until_somebody_releases_it_under_any_controller(desk: Desk) -> None:
    halt = await desk.place(call_type="kept")
    path = desk.stage.data / "halts.json"
    assert path.stat().st_mode & 0o077 == 0 and Halts(path).covers("kept", "") and not Halts(path).covers("support", "")
    assert [each["call_type"] for each in await desk.listed()] == ["kept"]
    assert "no halt has this id" in (await desk.release("nobody"))["error"]
    assert (await desk.release(halt["halt_id"]))["call_type"] == "kept"
    assert await desk.listed() == [] and not Halts(path).covers("kept", "")
    assert [(entry.kind, entry.author, entry.reason) for entry in desk.entries] == [
        ("halt_placed", "user:x", "a complaint"),
        ("halt_released", "user:y", "settled"),
    ]
    assert desk.entries[0].version == desk.entries[1].version


async def test_a_call_type_that_there_is_not_is_refused(desk: Desk) -> None:
    assert "they are kept, support" in (await desk.place(call_type="suport"))["error"]
    assert await desk.listed() == [] and desk.entries == []


async def test_a_recorder_that_does_not_obey_and_a_disk_that_does_not_write_are_findings(desk: Desk) -> None:
    await desk.stage.talk()
    desk.stage.pbx.auto = False
    desk.halts.path = desk.stage.data / "no" / "halts.json"
    answer = await desk.place()
    assert answer["finding"] and "did not follow" in answer["error"] and "cannot be written" in answer["error"]
    assert desk.halts.covers("support", ""), "it stands all the same, for as long as this controller lives"
    kept = await desk.release((await desk.listed())[0]["halt_id"])
    assert kept["finding"] and desk.halts.covers("support", "")


@pytest.mark.parametrize("text", ["{", "[1]", '[{"halt_id": "1"}]', '[{"halt_id": "1", "odd": 1}]'])
def test_what_cannot_be_read_halts_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "halts.json").write_text(text)
    with pytest.raises(BadInput, match="what is halted is unknown"):
        Halts(tmp_path / "halts.json")


@pytest.mark.requirement("S110")
async def test_who_takes_over_stops_what_is_halted_though_no_row_says_so(tmp_path: Path) -> None:
    log = MemoryLog()
    async with Stage(tmp_path, log).running() as first:
        await first.talk()
    Halts(tmp_path / "halts.json").put({"1": Halt(halt_id="1", at="", operator="user:x", call_type="support")})
    second = Stage(tmp_path, log)
    desk = Desk(second)
    second.there("far", "agent1", bridge="bridge-far")
    log.cut()
    work = asyncio.create_task(second.engine.run())
    second.engine.guard_changed(True)
    try:
        await second.until(lambda: second.engine.faults == {Link.LOG})
        unread = await desk.place(call_type="kept")
        assert unread["finding"] and "calls of the controller before" in unread["error"]
        log.mend()
        await second.until(lambda: second.pbx.asked(StopRecording))
        assert "error" not in await desk.place(call_type="kept")
        stored = await second.finish("far", "agent1")
    finally:
        for task in (work, *second.engine.tasks):
            task.cancel()
        await asyncio.gather(work, *second.engine.tasks, return_exceptions=True)
    (acted,) = [row.data for row in stored.events if row.type == "operator_acted"]
    assert (acted["action"], acted["operator"]) == ("stop", "callguard") and prove(stored) == []
    assert [item.state for item in stored.recordings] == ["verified"]

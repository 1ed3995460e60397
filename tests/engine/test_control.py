"""The controller's socket: one line in, one line out, whatever comes in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callguard.core.effects import MaskRecording, StopRecording, UnmaskRecording
from callguard.engine.control import LONGEST, Control
from callguard.store.memory import MemoryLog
from tests.engine.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Stage(tmp_path).running() as own:
        control = Control(tmp_path / "control.sock", own.engine.runners, lambda: sorted(own.engine.faults))
        serving = asyncio.create_task(control.run())
        await own.until(control.path.exists)
        yield own
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def ask(stage: Stage, request: object) -> dict[str, Any]:
    line = request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n"
    reader, writer = await asyncio.open_unix_connection(str(stage.data / "control.sock"))
    writer.write(line)
    answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 5))
    writer.close()
    return answer


async def test_who_asks_for_a_hand_over_learns_how_many_calls_are_live(stage: Stage) -> None:
    await stage.talk()
    own = Control(stage.data / "other.sock", stage.engine.runners, list)
    assert not own.drain.is_set()
    assert await own._answer({"do": "drain"}, "user:x") == {"calls": 1} and own.drain.is_set()


async def test_who_asks_for_a_reload_learns_what_came_of_it(stage: Stage) -> None:
    assert "error" in await ask(stage, {"do": "reload"})
    own = Control(stage.data / "other.sock", stage.engine.runners, list, lambda: {"policy": "a" * 64})
    assert await own._answer({"do": "reload"}, "user:x") == {"policy": "a" * 64}


def act(action: str, call: str = "far", **said: str) -> dict[str, str]:
    return {"do": "act", "call": call, "action": action, **said}


@pytest.mark.requirement("S82")
@pytest.mark.parametrize("name", ["far", "agent1", "linked-far"])
async def test_a_call_is_paused_and_resumed_by_any_of_its_ids(stage: Stage, name: str) -> None:
    await stage.talk()
    paused = await ask(stage, act("pause", name))
    assert (paused["paused"], paused["recording"], paused["reasons"]) == (True, "masked", ["paused"])
    assert len(stage.pbx.asked(MaskRecording)) == 1
    again = await ask(stage, act("pause", name))
    assert again["paused"] and len(stage.pbx.asked(MaskRecording)) == 1
    resumed = await ask(stage, act("resume", name, reason="mistake"))
    assert not resumed["paused"] and len(stage.pbx.asked(UnmaskRecording)) == 1


@pytest.mark.requirement("S82")
async def test_a_channel_names_its_own_call_and_not_an_older_one_that_it_visits(stage: Stage) -> None:
    await stage.talk()
    await stage.grant("guest")
    stage.join("bridge-far", "guest")
    await stage.settled()
    assert stage.call("far").channels["guest"].visits
    assert (await ask(stage, act("pause", "guest")))["call_id"] == stage.call("guest").call_id
    assert not stage.call("far").paused and stage.call("guest").paused


@pytest.mark.requirement("S82")
async def test_a_pause_works_while_the_log_is_away(tmp_path: Path, stage: Stage) -> None:
    await stage.talk(call_type="kept")
    log = stage.log
    assert isinstance(log, MemoryLog)
    log.cut()
    await stage.until(lambda: stage.pbx.asked(UnmaskRecording))
    await stage.settled()
    assert (await ask(stage, act("pause")))["recording"] == "masked"
    assert (await ask(stage, {"do": "list"}))["faults"] == ["log"]


async def test_a_withdrawal_on_the_callers_behalf(stage: Stage) -> None:
    await stage.talk()
    assert (await ask(stage, act("withdraw")))["standing"] == "refused"
    assert len(stage.pbx.asked(StopRecording)) == 1


async def test_a_pause_that_the_recorder_does_not_obey_is_said_to_be_one(stage: Stage) -> None:
    await stage.talk()
    stage.pbx.auto = False
    answer = await ask(stage, act("pause"))
    assert answer["finding"] is True and "did not follow" in answer["error"]


@pytest.mark.parametrize(
    "request_line",
    [
        b"\n", b"{}\n", b"[]\n", b"null\n", b'"list"\n', b"\xff\xfe\n", b'{"do":"act"}\n', b"x" * LONGEST * 3 + b"\n",
        b'{"do":"act","call":"far","action":"erase"}\n', b'{"do":["list"],"call":{}}\n',
    ],
)  # fmt: skip
async def test_what_is_no_request_is_answered_and_nothing_happens(stage: Stage, request_line: bytes) -> None:
    await stage.talk()
    before = len(stage.pbx.effects)
    assert "error" in await ask(stage, request_line)
    assert len(stage.pbx.effects) == before
    assert len((await ask(stage, {"do": "list"}))["calls"]) == 1


async def test_of_words_that_are_too_many_it_is_said_that_they_are(stage: Stage) -> None:
    await stage.talk()
    await ask(stage, act("pause"))
    answer = await ask(stage, act("resume", reason="\u20ac" * 40_000))  # 120 kB on a command line, 240 kB in JSON
    assert answer == {"error": "reason: 40000 characters, 300 at most"}


async def test_who_hangs_up_before_the_answer_does_no_harm(stage: Stage) -> None:
    await stage.talk()
    for _ in range(3):
        _, writer = await asyncio.open_unix_connection(str(stage.data / "control.sock"))
        writer.write(b'{"do":"list"}\n')
        writer.transport.abort()
    assert len((await ask(stage, {"do": "list"}))["calls"]) == 1


async def test_only_this_account_may_open_it_and_the_watchers_are_let_go(stage: Stage) -> None:
    await stage.talk()
    await ask(stage, act("pause"))
    assert (stage.data / "control.sock").stat().st_mode & 0o077 == 0
    assert [runner.watchers for runner in stage.engine.runners.values()] == [[]]

"""callguard halt, as an operator runs it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from callguard.engine.control import Control
from tests.cli.command import Done, callguard, site
from tests.engine.stage import Stage
from tests.engine.test_halt import Desk

WHY = ("--reason", "a complaint")


@pytest.mark.requirement("S110")
async def test_halting_listing_and_releasing(tmp_path: Path) -> None:
    config = site(tmp_path)
    async with Stage(tmp_path / "data").running() as stage:
        own, desk = stage.engine, Desk(stage)
        control = Control(tmp_path / "data" / "control.sock", own.runners, list, halt=desk.halting.answer)
        serving = asyncio.create_task(control.run())
        await stage.talk()

        async def run(*words: str) -> Done:
            return await asyncio.to_thread(callguard, "halt", *words, "--config", config)

        placed = await run("place", "--call-type", "support", *WHY)
        assert placed.status == 0 and "halted call type support; 1 live call(s) unrecorded after" in placed.text
        number = await run("place", "--number", "+1 555 0100", *WHY, "--json")
        assert json.loads(number.out)["number"] == "15550100"
        assert "halted everything" in (await run("place", "--everything", *WHY)).text
        assert (await run("list")).text.endswith("3 halt(s)\n")
        for each in json.loads((await run("list", "--json")).out)["halts"]:
            assert "released" in (await run("release", each["halt_id"], *WHY)).text
        assert (await run("list")).text == "0 halt(s)\n"
        for words, says in (
            (("place", *WHY), "say what to halt"),
            (("place", "--everything", "--number", "1", *WHY), "say what to halt"),
            (("place", "--number", "abc", *WHY), "has no digit"),
            (("place", "--everything", "--reason", " "), "must say something"),
            (("place", "--call-type", "x", *WHY), "no call type has this name"),
            (("release", "x", *WHY), "no halt has this id"),
        ):
            done = await run(*words)
            assert done.status == 2 and says in done.err and done.out == b""
        serving.cancel()


def test_without_a_controller_nothing_is_recorded_and_nothing_halted(tmp_path: Path) -> None:
    done = callguard("halt", "list", "--config", site(tmp_path))
    assert done.status == 3 and "no controller answers" in done.err

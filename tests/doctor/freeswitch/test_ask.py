"""What is asked of FreeSWITCH, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest_asyncio

from callguard.doctor.freeswitch.ask import ask
from callguard.doctor.site import SwitchSeen
from tests.doctor.freeswitch.healthy import SEEN, Asked, switch_plan


@pytest_asyncio.fixture
async def switch() -> AsyncIterator[Asked]:
    async with Asked() as own:
        yield own


async def test_everything_that_the_checks_need_is_asked(switch: Asked, tmp_path: Path) -> None:
    plan = switch_plan(tmp_path, switch.port)
    seen = await ask(plan)
    assert seen.ahead is not None and abs(seen.ahead) < 2
    for name in ("version", "modules", "apps", "commands", "dialplan", "same_folder", "prompts", "scheduled"):
        assert getattr(seen, name) == getattr(SEEN, name), name
    assert seen.configuration["event_socket.conf"] == SEEN.configuration["event_socket.conf"]
    assert seen.configuration["fifo.conf"] == "" and seen.constants["callguard_socket"] == "127.0.0.1:8084"
    assert list(plan.recordings.iterdir()) == [] and seen.outside == ()


async def test_nothing_is_changed_there(switch: Asked, tmp_path: Path) -> None:
    await ask(switch_plan(tmp_path, switch.port))
    words = {line.split()[1] for line in switch.asked if line.startswith("api ")}
    assert words <= set("version strepoch show xml_locate global_getvar file_exists sched_del uptime".split())
    assert not [line for line in switch.asked if line.startswith(("event", "bgapi", "sendmsg"))]


async def test_a_folder_that_it_does_not_see_and_one_that_cannot_be_asked_for(switch: Asked, tmp_path: Path) -> None:
    plan = switch_plan(tmp_path, switch.port)
    switch.refuse["file_exists"] = "false"
    seen = await ask(plan)
    assert seen.same_folder is False and seen.prompts is False
    odd = tmp_path / "a b"
    odd.mkdir()
    assert (await ask(replace(plan, recordings=odd))).same_folder is None
    assert (await ask(replace(plan, recordings=tmp_path / "none"))).same_folder is None


async def test_what_is_refused_or_strange_is_not_known(switch: Asked, tmp_path: Path) -> None:
    for word in ("version", "strepoch", "show", "xml_locate", "global_getvar", "file_exists", "sched_del"):
        switch.refuse[word] = "-ERR no reply\n"
    seen = await ask(switch_plan(tmp_path, switch.port))
    assert (seen.version, seen.ahead, seen.modules, seen.dialplan, seen.scheduled) == ("", None, None, "", False)


async def test_a_link_that_fails_is_a_fact(switch: Asked, tmp_path: Path) -> None:
    plan = switch_plan(tmp_path, switch.port)
    wrong = await ask(replace(plan, esl=replace(plan.esl, password="not-this-word")))
    assert "refuses the password" in wrong.link and "not-this-word" not in repr(wrong)
    everybodys = await ask(replace(plan, esl=replace(plan.esl, host="192.0.2.1", password="ClueCon")))
    assert "ClueCon" in everybodys.link
    await switch.kill()
    assert "not reachable" in (await ask(plan)).link and (await ask(plan)).modules is SwitchSeen().modules

"""The dead man's switch: one is always set, and two never act."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from callguard.pbx.freeswitch.deadman import SECONDS, DeadMan
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.site import EslAddress
from tests.pbx.freeswitch.capture import messages
from tests.pbx.freeswitch.scripted import PASSWORD
from tests.pbx.freeswitch.session import Exchange

FILE = Path("/recordings/r1.wav")


@pytest_asyncio.fixture(loop_scope="session")
async def pair() -> AsyncIterator[tuple[Exchange, DeadMan, Esl]]:
    async with Exchange() as switch:
        esl = await Esl.connect(EslAddress(host="127.0.0.1", port=switch.port, password=PASSWORD), lambda _: None)
        own = DeadMan()
        own.attach(esl)
        yield switch, own, esl
        await esl.close()


def test_a_real_one_stopped_the_recording_of_a_dead_controller() -> None:
    seen = [item["Event-Name"] for item in messages("controller-death-deadman-bridged.inbound")]
    assert seen.index("RECORD_STOP") < seen.index("CHANNEL_HANGUP")  # the conversation went on


async def test_the_next_is_set_before_the_last_is_taken_back(pair: tuple[Exchange, DeadMan, Esl]) -> None:
    switch, own, esl = pair
    assert await own.arm("r1", "u1", FILE) == ""
    for _ in range(3):
        own.renew("r1", "u1", FILE)
        await esl.ask("api uptime")
        await asyncio.sleep(0.05)
        assert len(switch.schedule) == 1
    asked = [line.split()[1:4] for line in switch.asked if "sched" in line]
    assert [line[0] for line in asked] == ["sched_api"] + ["sched_api", "sched_del"] * 3
    assert [line[2] for line in asked if line[0] == "sched_api"] == [f"callguard-r1-{turn}" for turn in (0, 1, 0, 1)]
    assert {line[1] for line in asked if line[0] == "sched_api"} == {f"+{SECONDS}"}


async def test_those_of_a_controller_before_are_taken_back(pair: tuple[Exchange, DeadMan, Esl]) -> None:
    switch, own, esl = pair
    await own.arm("r1", "u1", FILE)
    own.renew("r1", "u1", FILE)  # its last one is the second
    await asyncio.sleep(0.05)
    next_one = DeadMan()
    next_one.attach(esl)
    next_one.renew("r1", "u1", FILE)
    await esl.ask("api uptime")
    await asyncio.sleep(0.05)
    assert list(switch.schedule) == ["callguard-r1-0"]


async def test_one_that_cannot_be_set_leaves_the_last(pair: tuple[Exchange, DeadMan, Esl]) -> None:
    switch, own, esl = pair
    await own.arm("r1", "u1", FILE)
    switch.refuse["sched_api"] = "-ERR no\n"
    own.renew("r1", "u1", FILE)
    await esl.ask("api uptime")
    await asyncio.sleep(0.05)
    assert list(switch.schedule) == ["callguard-r1-0"]
    assert await own.arm("r2", "u1", FILE) == "refused"


async def test_what_ended_is_taken_back_whole(pair: tuple[Exchange, DeadMan, Esl]) -> None:
    switch, own, esl = pair
    await own.arm("r1", "u1", FILE)
    own.renew("r1", "u1", FILE)
    own.disarm("r1")
    await asyncio.sleep(0.05)
    await esl.ask("api uptime")
    assert not switch.schedule


async def test_without_a_link_nothing_is_set(pair: tuple[Exchange, DeadMan, Esl]) -> None:
    switch, own, _ = pair
    own.attach(None)
    assert await own.arm("r1", "u1", FILE) == "link lost"
    own.renew("r1", "u1", FILE)
    own.disarm("r1")
    assert not switch.schedule

"""The tone on FreeSWITCH: mixed into what every party of the bridge hears, and what proves that it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.core.effects import Effect, SoundBeep
from callguard.core.events import EffectFailed, Script
from tests.pbx.freeswitch.station import Station, station_on
from tests.pbx.rig import make_prompt

SOON = 0.7


@pytest_asyncio.fixture(loop_scope="session")
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with station_on(tmp_path) as own:
        yield own


def displaced(station: Station) -> list[str]:
    return [line for line in station.switch.asked if line.startswith("api uuid_displace")]


async def failure(station: Station, effect: Effect) -> str:
    station.pbx.perform(effect)
    return (await station.wait(EffectFailed, lambda fact: fact.effect == type(effect).__name__)).reason


async def test_it_is_mixed_into_what_each_of_them_hears(station: Station) -> None:
    far, agent = await station.talk()
    station.pbx.perform(SoundBeep(channel_id=far))
    await asyncio.sleep(SOON)
    path = station.prompt.path
    assert displaced(station) == [f"api uuid_displace {own} start {path} 0 mf" for own in (far, agent)]
    assert station.of(EffectFailed) == []


async def test_one_that_does_not_end_was_not_heard_and_comes_no_more(station: Station) -> None:
    far, agent = await station.talk()
    station.switch.deaf = True
    assert await failure(station, SoundBeep(channel_id=far)) == "not played"
    stops = [f"api uuid_displace {own} stop {station.prompt.path}" for own in (far, agent)]
    assert sorted(displaced(station)[-2:]) == sorted(stops)


async def test_a_hang_up_a_refusal_and_a_lost_link_are_told(station: Station) -> None:
    far, _ = await station.talk()
    station.switch.refuse["uuid_displace"] = "-ERR nobody may\n"
    assert await failure(station, SoundBeep(channel_id=far)) == "refused"
    station.switch.refuse.clear()
    station.heard.clear()
    beep = SoundBeep(channel_id=far)
    station.pbx.perform(beep)
    await asyncio.sleep(0.2)
    station.switch.hang_up(station.switch.channels[far])
    assert (await station.wait(EffectFailed)).reason == "hung up"
    other, _ = await station.talk()
    station.heard.clear()
    station.pbx.perform(SoundBeep(channel_id=other))
    await asyncio.sleep(0.2)
    station.switch.cut()
    assert (await station.wait(EffectFailed)).reason == "link lost"
    station.heard.clear()
    assert await failure(station, SoundBeep(channel_id=other)) == "link lost"


@pytest.mark.parametrize("wrong", ["none", "changed", "path"])
async def test_a_file_that_is_not_the_one_agreed_is_not_played(station: Station, wrong: str, tmp_path: Path) -> None:
    far, _ = await station.talk()
    match wrong:
        case "none":
            station.pbx.set_prompts(far, {})
        case "changed":
            station.prompt.path.write_bytes(b"other")
        case _:
            station.pbx.set_prompts(far, {Script.BEEP: make_prompt(tmp_path / "a tone.wav")})
    reason = {"none": "no prompt", "changed": "prompt changed", "path": "not playable"}[wrong]
    assert await failure(station, SoundBeep(channel_id=far)) == reason and displaced(station) == []

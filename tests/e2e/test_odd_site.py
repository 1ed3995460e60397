"""Sites that are set up unlike others: odd names, a clock that is off, folders that cannot be written."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.e2e.site import Site, incidents, states

NAME = "HQ 1/PBX#2+50%_\u00e9&b;?x=y"
"""A systemname begins every channel's id: in paths of ARI, in AMI, in the register, in the log."""


@pytest.mark.requirement("S1", "S124")
async def test_a_recordings_folder_that_is_not_there_at_the_start_and_then_goes_mid_call(folder: Path) -> None:
    """As root too, whom no mode stops: what is missing, or no folder, takes no files."""
    async with await Site.open(folder, controller=False) as site, site.controller(site.stand.config):
        place = site.stand.recordings
        place.rmdir()
        await until(site, ["disk"])
        async with site.talk() as talk:
            await talk.meets()
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert not stored.recordings and incidents(stored) == {"not_recordable"}
        place.write_text("in the way")
        await asyncio.sleep(1.2)  # a look at the disk
        assert await faults(site) == ["disk"] and "kind=disk_lost" in site.printed()
        place.unlink()
        place.mkdir()
        await until(site, [])
        async with site.talk() as talk:
            await talk.recorded()
            await talk.row("recording_growing")
            place.rename(place.with_name("away"))
            went = time.time()
            opened = await talk.row("incident_opened", seconds=6)
            assert opened.at.timestamp() - went < 5
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert states(stored) in (["lost"], ["damaged"]) and "recording_lost" in incidents(stored)


async def faults(site: Site) -> list[str]:
    """Links that the controller says are lost."""
    try:
        return list((await site.stand.ask({"do": "list"}))["faults"])
    except OSError:
        return ["not there yet"]


async def until(site: Site, expected: list[str]) -> None:
    """Wait until these links are lost, and no other."""
    async with asyncio.timeout(15):
        while await faults(site) != expected:
            await asyncio.sleep(0.1)


@pytest.mark.requirement("S29")
async def test_a_system_name_of_odd_characters_hinders_nothing(folder: Path) -> None:
    async with await Site.open(folder, system_name=NAME.replace(";", "\\;")) as site:
        async with site.talk() as talk, site.talk("spoken") as waiting:
            await talk.recorded()
            await talk.call.press("*8")
            await talk.says(0.3)
            await talk.answered.press("*8")
            await talk.row("mask_acknowledged")
            await talk.answered.press("*8")
            await talk.row("unmask_acknowledged")
            await talk.says(0.5)
            # a guard's own way to the same channels
            await site.stand.stop_controller(9)
            await talk.says(2)
            await waiting.meets()
            await site.stand.start_controller()
            await talk.row("recording_opened", nth=1)
            assert await talk.hears_each_other() and await waiting.hears_each_other()
            await waiting.ends()
            stored = await talk.ends()
        assert stored.events[0].channel_id.startswith(NAME)
        assert states(stored) == ["verified", "verified"] and incidents(stored) <= {"stopped_by_guard", "pbx_lost"}
        for command in (("calls", "show", stored.events[0].channel_id), ("verify", stored.call.call_id)):
            status, out, err = await site.stand.run(*command, "--config", str(site.stand.config), check=False)
            assert status == 0, out + err

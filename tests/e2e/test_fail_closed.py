"""When something is missing, the call goes on and nothing is recorded; somebody is told within seconds."""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.quick import LANGUAGE
from tests.e2e.site import Site, Talk, incidents, states, types


async def goes_on_unrecorded(site: Site, talk: Talk) -> None:
    """Put through, heard by each other, and no recorder on it."""
    await talk.meets()
    assert await talk.hears_each_other()
    assert not list(site.stand.recordings.glob("*"))


@pytest.mark.requirement("S1", "S123")
async def test_fault_no_application_without_a_controller_calls_are_put_through_unrecorded(folder: Path) -> None:
    async with await Site.open(folder, controller=False) as site, site.talk() as talk:
        began = time.monotonic()
        await goes_on_unrecorded(site, talk)
        assert time.monotonic() - began < 2


@pytest.mark.requirement("S1")
async def test_emergency_calls_never_reach_callguard(own_site: Site) -> None:
    site = own_site
    async with site.talk("911") as talk:
        await site.stand.asterisk.cli(f"dialplan set global LAST {talk.number}")
        await talk.call.hangup()
        began = time.monotonic()
        talk.call = await talk.caller.dial("911", media=talk.far)
        await goes_on_unrecorded(site, talk)
        assert time.monotonic() - began < 2
        assert await site.live() == []
    assert [head async for head in site.log.calls()] == []


@pytest.mark.requirement("S1", "S7")
@pytest.mark.parametrize("damage", ["missing", "not a sound"])
async def test_a_notice_that_cannot_be_played_means_no_recording(own_site: Site, damage: str) -> None:
    site = own_site
    notice = site.stand.work / "prompts" / LANGUAGE / "notice-short.wav"
    if damage == "missing":
        notice.unlink()
    else:
        notice.write_bytes(b"RIFF nothing that anybody could play")
    async with site.talk() as talk:
        await goes_on_unrecorded(site, talk)
        stored = await talk.ends()
    assert not stored.recordings and "notice_failed" in incidents(stored)
    assert "consent_granted" not in types(stored)


@pytest.mark.requirement("S1", "S15")
async def test_a_notice_that_was_exchanged_is_not_taken_for_the_one_agreed(own_site: Site) -> None:
    """Another sound under the same name: what the caller hears is not the text that the event would name."""
    site = own_site
    prompts = site.stand.work / "prompts" / LANGUAGE
    shutil.copy(prompts / "refusal.wav", prompts / "notice-short.wav")
    async with site.talk() as talk:
        await goes_on_unrecorded(site, talk)
        stored = await talk.ends()
    assert not stored.recordings and "notice_failed" in incidents(stored)


@pytest.mark.requirement("S124")
async def test_a_directory_that_cannot_be_written_is_an_incident_within_5_seconds(own_site: Site) -> None:
    """The lab runs as root, whom no mode stops: a file in the place of the directory does. It comes after the grant."""
    site = own_site
    async with site.talk(answer_after=2) as talk:
        await talk.grants()
        site.stand.recordings.rmdir()
        site.stand.recordings.write_text("in the way")
        await talk.meets()
        async with asyncio.timeout(3):
            while "kind=disk_lost" not in site.printed():
                await asyncio.sleep(0.1)
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert "consent_granted" in types(stored) and states(stored) in ([], ["lost"])
    site.stand.recordings.unlink()


async def no_recording_and_an_incident(site: Site, talk: Talk) -> None:
    """Within 5 s of the bridge somebody is told; the conversation knows nothing of it."""
    bridged = await talk.row("bridged", nth=1)
    opened = await talk.row("incident_opened", seconds=6)
    assert (opened.at - bridged.at).total_seconds() < 5
    assert str(opened.data["incident"]) in site.printed()
    assert await talk.hears_each_other()
    stored = await talk.ends()
    assert states(stored) in (["lost"], ["damaged"], [])


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A disk of 1 MB; None where we may not mount one."""
    place = folder / "small"
    place.mkdir()
    mount = shutil.which("mount") or "false"
    command = [mount, "-t", "tmpfs", "-o", "size=1m,mode=0755", "none", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(site: Site, disk: Path | None) -> None:
    """Not a byte is left on the disk; without one of our own, no file of this Asterisk may grow beyond a block."""
    if disk is None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(site.stand.asterisk.pid, resource.RLIMIT_FSIZE, (32_768 + 44, hard))
        return
    with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


@pytest.mark.requirement("S124")
async def test_a_disk_that_is_full_at_the_start_is_an_incident_within_5_seconds(
    folder: Path, small_disk: Path | None
) -> None:
    async with await Site.open(folder / "site", floor_mb=0, directory_is=small_disk) as site:
        fill(site, small_disk)
        async with site.talk() as talk:
            await talk.grants()
            await talk.meets()
            if small_disk is None:  # the first block still fits
                await talk.row("recording_growing")
                await talk.row("incident_opened", seconds=6)
            else:
                await no_recording_and_an_incident(site, talk)


@pytest.mark.requirement("S124")
async def test_a_disk_that_fills_up_under_a_recording_is_an_incident_within_5_seconds(
    folder: Path, small_disk: Path | None
) -> None:
    async with await Site.open(folder / "site", floor_mb=0, directory_is=small_disk) as site, site.talk() as talk:
        await talk.recorded()
        await talk.row("recording_growing")
        fill(site, small_disk)
        full = time.time()
        opened = await talk.row("incident_opened", seconds=6)
        assert opened.at.timestamp() - full < 5
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert states(stored) == ["damaged"] and incidents(stored) == {"recording_damaged"}


@pytest.mark.requirement("S124")
async def test_under_its_floor_of_free_space_nothing_is_recorded(folder: Path) -> None:
    idle = await Site.open(folder / "site", controller=False, floor_mb=1_000_000_000)
    async with idle as site, site.controller(site.stand.config):
        async with asyncio.timeout(15):
            while await faults(site) != ["disk"]:
                await asyncio.sleep(0.1)
        async with site.talk() as talk:
            await goes_on_unrecorded(site, talk)
            stored = await talk.ends()
    assert not stored.recordings and incidents(stored) == {"not_recordable"}


async def faults(site: Site) -> list[str]:
    """Links that the controller says are lost."""
    try:
        return list((await site.stand.ask({"do": "list"}))["faults"])
    except OSError:
        return ["not there yet"]

"""What fails on a real FreeSWITCH: the call goes on, nothing records in doubt, and somebody is told."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest

from callguard.audio.wav import WavReader
from callguard.lab.media import find_counters
from tests.e2e.site import Talk, incidents, states, types
from tests.e2e.test_controller_lost import guard
from tests.e2e.test_fail_closed import goes_on_unrecorded, no_recording_and_an_incident, small_disk  # noqa: F401
from tests.live.measure import note
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio


def file_of(site: LiveSite, talk: Talk) -> Path:
    """The recording of a call."""
    assert talk.stored is not None
    return site.stand.recordings / f"{talk.stored.recordings[0].recording_id}.wav"


def caller_in(path: Path) -> list[int]:
    """The caller's packets in a file, finished or not."""
    with WavReader(path, lenient=True) as reader:
        return [number for _, number in find_counters(reader.read(reader.frames)[:, 0].copy())]


async def stopped_after(site: LiveSite, talk: Talk, moment: float) -> float:
    """Seconds from a moment to the last packet that was recorded, once the file stays as it is."""
    path = file_of(site, talk)
    before = -1
    async with asyncio.timeout(8):
        while before != (before := path.stat().st_size):
            await asyncio.sleep(0.5)  # it is written every 20 ms
    return talk.far.sent[max(caller_in(path))].wall - moment


async def taken_over(talk: Talk) -> None:
    """The controller that came back records again what may be recorded."""
    await talk.row("recording_opened", nth=1)
    await talk.says(1)
    stored = await talk.ends()
    assert types(stored).count("consent_granted") == 1 and states(stored)[1:] == ["verified"]
    assert states(stored)[0] in ("verified", "damaged")


@pytest.mark.requirement("S1", "S123", "S126")
async def test_without_a_controller_calls_are_put_through_at_once_unrecorded(folder: Path) -> None:
    async with await LiveSite.raise_on(folder, controller=False) as site, site.talk() as talk:
        began = time.monotonic()
        await goes_on_unrecorded(site, talk)
        assert time.monotonic() - began < 2


@pytest.mark.requirement("S1", "S123")
@pytest.mark.parametrize("how", ["killed", "stopped", "killed with its guard"])
async def test_without_its_controller_nothing_records_and_nobody_waits(own_site: LiveSite, how: str) -> None:
    site, controller = own_site, own_site.stand.controller
    assert controller is not None
    async with site.talk() as talking, site.talk("spoken") as waiting:
        await asyncio.gather(talking.recorded(), waiting.row("notice_started", script="notice"))
        await talking.row("notice_ended", script="recording_on")
        await talking.says(1.5)
        gone = time.time()
        if how == "stopped":
            controller.send_signal(signal.SIGSTOP)
        else:
            if how == "killed with its guard":
                os.kill(guard(site), signal.SIGKILL)
            await site.stand.stop_controller(signal.SIGKILL)
        await waiting.meets()
        note(f"{how}: who waited rings at the agent's", time.time() - gone)
        assert time.time() - gone < (2.2 if how == "stopped" else 1)
        seconds = await stopped_after(site, talking, gone)
        note(f"{how}: the recorder stopped", seconds)
        assert seconds < (4.5 if how == "killed with its guard" else 2.2)
        assert await talking.hears_each_other() and await waiting.hears_each_other()
        if how == "stopped":
            controller.send_signal(signal.SIGCONT)
        else:
            await site.stand.start_controller()
        await taken_over(talking)
        stored = await waiting.ends()
    assert not stored.recordings


@pytest.mark.requirement("S123")
async def test_freeswitch_killed_under_a_recording_is_an_incident_and_not_the_end(own_site: LiveSite) -> None:
    site = own_site
    async with site.talk() as talk:
        await talk.recorded()
        await talk.says(2.5)
        killed = time.time()
        await site.live_stand.freeswitch.kill()
        await talk.row("incident_opened", incident="pbx_lost")
        on_disk = talk.far.sent[max(caller_in(file_of(site, talk)))].wall
        note("FreeSWITCH killed: sound of the last seconds that is not on disk", killed - on_disk)
        assert killed - on_disk < 0.3
        talk.call.drop()
        talk.answered.drop()
        await site.live_stand.freeswitch.restart()
        await site.stand.healthy()
        stored = await talk.over(45)
    assert states(stored) in (["damaged"], ["verified"]) and "pbx_lost" in incidents(stored)
    async with site.talk() as again:
        await again.recorded()
        await again.says(1)
        assert states(await again.ends()) == ["verified"]


@pytest.mark.requirement("S123")
async def test_an_event_socket_that_is_loaded_anew_is_a_lost_link_and_a_new_one(own_site: LiveSite) -> None:
    """While a call waits in `socket`, FreeSWITCH refuses. Otherwise all links are lost, the guard's too: the dead man's
    switch is all that is left."""
    site = own_site
    async with site.talk() as talking:
        async with site.talk("spoken") as waiting:
            await asyncio.gather(talking.recorded(), waiting.row("notice_started", script="notice"))
            await site.api("reload mod_event_socket")
            async with asyncio.timeout(5):
                while "mod_event_socket is in use, cannot unload" not in site.live_stand.freeswitch.log.read_text():
                    await asyncio.sleep(0.1)
            await waiting.call.press("2")
            await waiting.meets()
            assert not (await waiting.ends()).recordings
        await talking.says(1)
        gone = time.time()
        await site.api("reload mod_event_socket")
        await talking.row("link_restored", link="pbx", seconds=40)
        note("mod_event_socket loaded anew: the link is back", time.time() - gone)
        assert await talking.hears_each_other()
        await taken_over(talking)
    await site.stand.healthy()
    async with site.talk() as again:
        await again.recorded()
        await again.says(1)
        assert states(await again.ends()) == ["verified"]


@pytest.mark.requirement("S123", "S124")
async def test_a_directory_that_cannot_be_written_is_an_incident_within_5_seconds(own_site: LiveSite) -> None:
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


def fill(disk: Path) -> None:
    """Not a byte is left."""
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


@pytest.mark.requirement("S123", "S124")
async def test_a_disk_that_is_full_is_an_incident_within_5_seconds(
    folder: Path,
    small_disk: Path | None,  # noqa: F811
) -> None:
    assert small_disk is not None, "this test mounts a small disk: run it as root"
    async with await LiveSite.raise_on(folder / "site", floor_mb=0, directory_is=small_disk) as site:
        async with site.talk() as talk:
            await talk.recorded()
            await talk.row("recording_growing")
            fill(small_disk)
            full = time.time()
            opened = await talk.row("incident_opened", seconds=6)
            assert opened.at.timestamp() - full < 5
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert states(stored) == ["damaged"] and incidents(stored) == {"recording_damaged"}
        fill(small_disk)
        async with site.talk() as talk:
            await talk.grants()
            await talk.meets()
            await no_recording_and_an_incident(site, talk)


@pytest.mark.requirement("S123")
async def test_a_wrong_password_and_an_access_list_that_turns_us_away(own_site: LiveSite) -> None:
    site, text = own_site, own_site.stand.config.read_text()
    other = site.stand.config.with_name("other.toml")
    text = text.replace('pbx_id = "lab"', 'pbx_id = "other"').replace('data_dir = "data"', 'data_dir = "other"')
    text = text.replace(f":{site.live_stand.freeswitch.site.listen_port}", ":0")
    other.write_text(re.sub('password = ".*"', 'password = "hunter2hunter2"', text, count=1))
    status, _, err = await site.stand.run("run", "--config", str(other), check=False)
    assert status == 3 and "refuses the password; see event_socket.conf.xml" in err and "hunter2" not in err
    access = site.live_stand.freeswitch.work / "etc" / "event_socket.xml"
    access.write_text(access.read_text().replace("loopback.auto", "192.0.2.1/32"))
    await site.api("reloadxml")
    await site.api("reload mod_event_socket")
    async with asyncio.timeout(20):
        while "turns us away" not in site.printed():
            await asyncio.sleep(0.1)
    other.write_text(text)
    status, _, err = await site.stand.run("run", "--config", str(other), check=False)
    assert status == 3 and "turns us away; see apply-inbound-acl" in err
    async with site.talk() as talk:  # a PBX that we cannot reach loses no call
        await talk.meets()
        assert await talk.hears_each_other()

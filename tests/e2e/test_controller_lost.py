"""The controller or its guard dies or hangs on live calls: within 2 s nothing records and nobody waits."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.wav import WavReader
from callguard.engine.absence import EVERY, LONGEST
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from callguard.ports import Wanted
from tests.e2e.site import Site, Talk, incidents, states, types


def leg_numbers(path: Path) -> list[int]:
    """Packets in one leg of a recorder."""
    with WavReader(path, lenient=True) as reader:
        return [number for _, number in find_counters(np.ascontiguousarray(reader.read(reader.frames)[:, 0]))]


async def stopped_after(site: Site, talk: Talk, moment: float) -> float:
    """Seconds from a moment to the last packet that was recorded, once the file stays as it is."""
    assert talk.stored is not None
    leg = site.stand.recordings / f"{talk.stored.recordings[0].recording_id}-left.wav"
    last = max(leg_numbers(leg))
    await asyncio.sleep(2.2)  # a running recorder writes every two seconds
    assert max(leg_numbers(leg)) == last, "the recorder still runs"
    return talk.far.sent[last].wall - moment


async def has_a_second_segment(talk: Talk) -> None:
    """The call was taken over: recorded again, and every segment has its verdict."""
    await talk.row("recording_opened", nth=1)
    await talk.says(1)
    stored = await talk.ends()
    assert types(stored).count("consent_granted") == 1 and states(stored)[1:] == ["verified"]
    if "recorder_ended" in incidents(stored):  # a controller that slept saw the file before it heard its guard
        assert states(stored)[0] == "damaged"  # when it ended is known to nobody who was awake
    else:
        assert states(stored)[0] == "verified" and "stopped_by_guard" in incidents(stored)


async def comes_and_goes(site: Site, talk: Talk, guest: CounterTone) -> None:
    """Somebody is in the conversation for a moment, and is heard there."""
    async with await Phone.open("caller", site.stand.asterisk.server) as stranger:
        await asyncio.sleep(0.2)  # a controller that was killed is noticed at once, one that hangs after a second
        joined = await stranger.dial(f"add_{talk.number}", media=guest)
        await joined.answered()
        await asyncio.sleep(0.7)
        await joined.hangup()
    heard = {number for _, number in find_counters(talk.call.heard().samples)}
    assert len(heard & guest.sent.keys()) > 10, "nobody heard who came in"


@pytest.mark.requirement("S1", "S73", "S123", "S125")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
async def test_fault_asterisk_2141_without_its_controller_nothing_records_and_nobody_waits(
    own_site: Site, number: signal.Signals
) -> None:
    site = own_site
    assert site.stand.controller is not None
    async with site.talk() as talking, site.talk("spoken") as waiting:
        await asyncio.gather(talking.recorded(), waiting.row("notice_started", script="notice"))
        await talking.says(2)
        gone = time.time()
        if number is signal.SIGKILL:
            await site.stand.stop_controller(signal.SIGKILL)
        else:
            site.stand.controller.send_signal(signal.SIGSTOP)
        talking.answered.rtp.muted = True  # who comes in is heard alone on the agent's side
        guest = CounterTone(40000)
        coming = asyncio.create_task(comes_and_goes(site, talking, guest))
        await waiting.meets()
        assert time.time() - gone < 2.2
        assert await stopped_after(site, talking, gone) < 2
        await coming
        talking.answered.rtp.muted = False
        assert await talking.hears_each_other() and await waiting.hears_each_other()
        came = time.time()
        async with site.talk("spoken") as late:  # whom no controller ever heard of
            await late.meets()
            assert time.time() - came < 2.2
        async with await Phone.open("caller", site.stand.asterisk.server) as boss:
            spying = await boss.dial(f"spy_{talking.number}")
            await spying.answered()
            await asyncio.sleep(max(0.0, gone + LONGEST + 1 - time.time()))
            # and back
            if number is signal.SIGKILL:
                await site.stand.start_controller()
            else:
                site.stand.controller.send_signal(signal.SIGCONT)
            await talking.row("listening_started")
            await talking.row("notice_ended", nth=1, script="notice")
            assert len(await talking.rows("recording_requested")) == 1, "somebody listens who was never told"
            await spying.hangup()
        await has_a_second_segment(talking)
        assert not guest.sent.keys() & {*talking.tape(0).numbers()[1]}, "somebody came in while nobody listened"
        assert talking.stored is not None
        assert "recording_blanked" in types(talking.stored) or number is signal.SIGKILL  # which the guard hears at once
        # at most what was said since the controller's last mark is blanked with the guest
        assert max(talking.far.sent[item].wall for item in talking.tape(0).numbers()[0]) > gone - EVERY - 0.5
        (away,) = await site.log.find_incidents(Wanted(kind="no_controller", open_only=True))
        status, out, _ = await site.stand.run("incidents", "show", away.incident_id, "--config", str(site.stand.config))
        assert status == 0 and "callguard reconcile --since" in out
        stored = await waiting.ends()
    assert not stored.recordings and "channel_left" in types(stored)


@pytest.mark.requirement("S1")
async def test_a_guard_that_was_killed_is_started_again(own_site: Site) -> None:
    site = own_site
    async with site.talk() as talk:
        await talk.recorded()
        before = guard(site)
        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(10):
            while guard(site) == before:
                await asyncio.sleep(0.05)
        await site.stand.healthy()
        async with asyncio.timeout(5):  # the line of the next segment sounds over both first
            while not await talk.hears_each_other():
                pass
        stored = await talk.ends()
    assert "guard_lost" in incidents(stored) and set(states(stored)) == {"verified"}


@pytest.mark.requirement("S1")
async def test_no_recording_starts_without_a_guard_that_answers(own_site: Site) -> None:
    site = own_site
    os.kill(guard(site), signal.SIGSTOP)
    try:
        async with asyncio.timeout(5):
            while (await site.stand.ask({"do": "list"}))["faults"] != ["guard"]:
                await asyncio.sleep(0.05)
        async with site.talk() as talk:
            await talk.meets()
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert not stored.recordings and incidents(stored) == {"not_recordable"}
    finally:
        os.kill(guard(site), signal.SIGCONT)
    await site.stand.healthy()


def guard(site: Site) -> int:
    """The guard's process."""
    with suppress(OSError, ValueError):
        return int((site.stand.data / "guard.pid").read_text())
    return 0


@pytest.mark.requirement("S1", "S123")
async def test_fault_asterisk_killed_asterisk_killed_under_a_recording_is_an_incident_and_not_the_end(
    own_site: Site,
) -> None:
    site = own_site
    async with site.talk() as talk:
        await talk.recorded()
        await talk.says(2.5)
        await site.stand.asterisk.kill()
        await talk.row("incident_opened", incident="pbx_lost")
        talk.call.drop()
        talk.answered.drop()
        await site.stand.asterisk.restart()
        await site.stand.asterisk.cli("queue reload all")
        await site.stand.healthy()
        stored = await talk.over(45)
    assert states(stored) in (["damaged"], ["verified"]) and "pbx_lost" in incidents(stored)
    async with site.talk() as again:
        await again.recorded()
        assert states(await again.ends()) == ["verified"]


@pytest.mark.requirement("S123")
async def test_a_second_controller_that_takes_the_application_ends_the_first_which_fails_closed(
    own_site: Site,
) -> None:
    site = own_site
    first = site.stand.controller
    assert first is not None
    second = site.stand.work / "second.toml"
    other = {'data_dir = "data"': 'data_dir = "data2"', 'pbx_id = "lab"': 'pbx_id = "other"'}  # nobody else's lead
    text = site.stand.config.read_text()
    for before, after in other.items():
        assert before in text
        text = text.replace(before, after)
    second.write_text(text)
    async with site.talk() as talk:
        await talk.recorded()
        await talk.says(0.5)
        taken = time.time()
        async with site.controller(second):
            assert await asyncio.wait_for(first.wait(), 10) == 3
            said = [line for line in site.printed().splitlines() if line.startswith("callguard: ")]
            assert "application" in said[-1] and "Traceback" not in site.printed()
            assert await talk.hears_each_other()
            assert await stopped_after(site, talk, taken) < 5


async def outlived(site: Site, talking: Talk, waiting: Talk, end: signal.Signals) -> None:
    """The controller ends: who talks is recorded no more, who waits is put through; and another one begins."""
    ended = time.time()
    await site.stand.stop_controller(end)
    await waiting.meets()
    assert time.time() - ended < 2
    assert await stopped_after(site, talking, ended) < 2
    await site.stand.start_controller()


@pytest.mark.requirement("S1", "S125")
async def test_a_guard_whose_register_was_removed_meanwhile_stops_every_recorder(own_site: Site) -> None:
    """And one that cannot write its journal sends on who waits; the next controller starts without it."""
    site = own_site
    async with site.talk() as talking, site.talk("spoken") as waiting:
        await asyncio.gather(talking.recorded(), waiting.row("notice_started", script="notice"))
        (site.stand.data / "register.jsonl").unlink()
        journal = site.stand.data / "guard.jsonl"
        journal.unlink(missing_ok=True)
        journal.mkdir()
        await talking.says(1)
        await outlived(site, talking, waiting, signal.SIGKILL)
        stored = await talking.ends()
        await waiting.ends()
    await site.stand.stop_controller()
    assert len(stored.recordings) == 2 or states(stored) == ["damaged"], "nobody was told of what is missing"
    assert "Traceback" not in site.printed()


@pytest.mark.requirement("S1", "S125")
async def test_a_guard_whose_socket_was_removed_is_found_by_who_ends_and_by_who_begins(own_site: Site) -> None:
    site = own_site
    before = guard(site)
    async with site.talk() as talking, site.talk("spoken") as waiting:
        await asyncio.gather(talking.recorded(), waiting.row("notice_started", script="notice"))
        (site.stand.data / "guard.sock").unlink()
        await talking.says(1)
        await outlived(site, talking, waiting, signal.SIGTERM)
        await has_a_second_segment(talking)
        await waiting.ends()
        (site.stand.data / "guard.sock").unlink()
        await site.stand.stop_controller(signal.SIGKILL)
        await site.stand.start_controller()
    assert guard(site) != before and "Traceback" not in site.printed()


@pytest.mark.requirement("S1", "S123")
async def test_who_came_while_neither_controller_nor_guard_was_there_is_not_in_the_file(own_site: Site) -> None:
    """Both are killed at once, so the recorder runs on: what it heard until the next controller came is silent."""
    site = own_site
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.says(1)
        os.kill(guard(site), signal.SIGKILL)
        await site.stand.stop_controller(signal.SIGKILL)
        gone = time.time()
        talk.answered.rtp.muted = True  # who comes in is heard alone on the agent's side
        guest = CounterTone(40000)
        await comes_and_goes(site, talk, guest)
        talk.answered.rtp.muted = False
        await site.stand.start_controller()
        await talk.row("recording_growing", nth=1)
        await talk.says(2)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and "recording_blanked" in types(stored) and "pbx_lost" in incidents(stored)
    left, right = talk.tape().numbers()
    assert not guest.sent.keys() & {*right}, "somebody came in while nobody listened"
    sent = [talk.far.sent[number].wall for number in left]
    assert [1 for moment in sent if moment < gone - 1.5] and [1 for moment in sent if moment > time.time() - 4]


@pytest.mark.requirement("S1", "S123")
async def test_a_guard_that_hangs_for_longer_ends_the_recording_until_it_answers(own_site: Site) -> None:
    site = own_site
    async with site.talk() as talk:
        await talk.recorded()
        os.kill(guard(site), signal.SIGSTOP)
        try:
            await talk.row("deadline_passed", name="guard")
            await talk.row("recording_verified")
        finally:
            os.kill(guard(site), signal.SIGCONT)
        await talk.row("recording_opened", nth=1)
        await talk.says(1)
        stored = await talk.ends()
    assert states(stored) == ["verified", "verified"] and "guard_lost" in incidents(stored)

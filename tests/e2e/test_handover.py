"""`callguard run --replace` and SIGHUP under live, recorded calls: nobody is lost, and little of what is said."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import pairwise

import pytest

from callguard.lab.sip import Phone
from tests.e2e.site import Site, Talk, gone_at, incidents, sent_between, states, types

CALLS = 3
MISSED = 25
"""Packets (0.5 s) that may be silent: the next controller masks until it knows who is there."""
LINE = 17_000
"""Samples in which the recording-is-on line is heard over what people say."""


@pytest.mark.requirement("S123")
async def test_a_controller_is_replaced_under_live_calls(own_site: Site) -> None:
    site = own_site
    async with AsyncExitStack() as stack:
        talks = [await stack.enter_async_context(site.talk()) for _ in range(CALLS)]
        await asyncio.gather(*(talk.recorded() for talk in talks))
        await asyncio.gather(*(talk.says(1) for talk in talks))
        before = [str(row["call_id"]) for row in await site.live()]
        status = await replace(site)
        assert status == 0 and f"handed over {CALLS} live call(s)" in site.printed()
        assert sorted(str(row["call_id"]) for row in await site.live()) == sorted(before)
        await asyncio.gather(*(talk.says(1.5) for talk in talks))
        for talk in talks:
            assert await talk.hears_each_other()
            await the_same_recording_goes_on(talk)
    status, printed, _ = await site.stand.run("verify", "--all", "--config", str(site.stand.config), check=False)
    assert status == 0, printed


async def replace(site: Site) -> int:
    """`callguard run --replace`: the exit status of the controller that was."""
    old = site.stand.controller
    assert old is not None
    with site.stand.log.open("ab") as log:
        command = (sys.executable, "-m", "callguard", "run", "--replace", "--config", str(site.stand.config))
        site.stand.controller = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    status = await asyncio.wait_for(old.wait(), 10)
    await site.stand.healthy()
    return status


async def the_same_recording_goes_on(talk: Talk) -> None:
    stored = await talk.ends()
    findings = [row.data for row in await talk.rows("recording_damaged")]
    assert states(stored) == ["verified"] and types(stored).count("consent_granted") == 1, findings
    assert incidents(stored) <= {"pbx_lost"}
    assert "stop_requested" not in types(stored)[: types(stored).index("channel_hung_up")]
    tape = talk.tape()
    for side in (tape.left, tape.right):
        numbers = [number for place, number in side if place > LINE]
        gaps = [after - before - 1 for before, after in pairwise(numbers)]
        assert min(gaps) >= 0 and sum(gaps) <= MISSED, gaps
        assert len(numbers) > 50 and sum(gap > 1 for gap in gaps) <= 1, gaps  # one stretch, sound around it


@pytest.mark.requirement("S82", "S123")
async def test_a_pause_and_a_file_that_falls_behind_outlive_their_controller(own_site: Site) -> None:
    """A caller types under a pause, in a conversation of three, while the controller is replaced: the file goes on as a
    good one, and what a later pause looks back to is found in it."""
    site, config = own_site, ("--config", str(own_site.stand.config))
    async with site.talk("card") as talk, await Phone.open("caller", site.stand.asterisk.server) as phone:
        guest = await talk.is_joined_by(phone)
        guest.rtp.muted = True  # two voices on one side are no numbers
        await talk.says(2)
        await site.stand.run("calls", "pause", talk.call_id, *config)
        await talk.call.press("4929123449", seconds=0.1, gap=0.14)
        await replace(site)
        await talk.says(1)
        await site.stand.run("calls", "resume", talk.call_id, "--reason", "payment_done", *config)
        await talk.says(6)
        await site.user_event("callguard_pause", talk.stored.events[0].channel_id if talk.stored else "")
        begun = await talk.row("pause_started", cause="event")
        await talk.says(2.5)
        await guest.hangup()
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) <= {"pbx_lost", "pause_forgotten"}
    fell = [row.data["fell_ms"] for row in stored.events if row.type == "recording_growing"]
    assert sum(fell) > 1000, "this was to be a file that falls behind"
    kept = {*talk.tape().numbers()[0], *talk.tape().numbers()[1]}
    early = begun.at - timedelta(seconds=1)  # look_back_s of this call type
    assert kept & sent_between(talk.far, early - timedelta(seconds=2), early)
    assert not kept & (sent_between(talk.far, early, gone_at(stored)) | sent_between(talk.near, early, gone_at(stored)))


@pytest.mark.requirement("S14", "S27")
async def test_a_new_policy_is_taken_and_a_broken_one_is_not(own_site: Site) -> None:
    site = own_site
    policy, running = site.stand.work / "policy.toml", site.stand.controller
    assert running is not None
    whole = policy.read_text()
    async with site.talk() as before:
        await before.recorded()
        policy.write_text(whole.replace("[call_type.support]\n", '[call_type.support]\nmode = "maybe"\n'))
        await told(site, running, "not reloaded, nothing changed")
        assert "call_type.support.mode" in site.printed()
        policy.write_text(whole.replace("[call_type.support]\n", '[call_type.support]\nowner = ""\n'))
        await told(site, running, "call_type.support.owner: is missing")
        policy.write_text(whole.replace("[call_type.support]\n", '[call_type.support]\nmode = "never"\n'))
        await told(site, running, "callguard: reloaded")
        async with site.talk() as after:
            await after.meets()
            assert await after.hears_each_other()
            stored = await after.ends()
        assert not stored.recordings and "notice_started" not in types(stored)
        first = await before.ends()
    assert states(first) == ["verified"]  # what it was told still holds
    assert first.call.policy_version != stored.call.policy_version
    log = await site.stand.run("policy", "log", "--config", str(site.stand.config), "--json")
    entered = [(row["version"], row["reason"]) for row in json.loads(log[1])["activations"] if row["kind"] == "policy"]
    assert entered == [(first.call.policy_version, "start"), (stored.call.policy_version, "reload")]


async def told(site: Site, running: Process, words: str) -> None:
    """SIGHUP, and what the controller says to it."""
    os.kill(running.pid, signal.SIGHUP)
    async with asyncio.timeout(5):
        while words not in site.printed():
            await asyncio.sleep(0.02)

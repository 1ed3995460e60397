"""What is lost beside the PBX, on a real FreeSWITCH: Postgres, the guard, a prompt, the controller at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from tests.e2e.site import incidents, sent_between, states
from tests.e2e.test_controller_lost import (  # noqa: F401
    test_a_guard_that_was_killed_is_started_again,
    test_no_recording_starts_without_a_guard_that_answers,
)
from tests.e2e.test_fail_closed import (  # noqa: F401
    test_a_notice_that_cannot_be_played_means_no_recording,
    test_a_notice_that_was_exchanged_is_not_taken_for_the_one_agreed,
)
from tests.e2e.test_handover import test_a_new_policy_is_taken_and_a_broken_one_is_not  # noqa: F401
from tests.e2e.test_log_lost import (  # noqa: F401
    test_a_withdrawal_does_not_wait_for_a_postgres_that_hangs,
    test_postgres_away_at_a_calls_start_means_no_recording,
    test_postgres_killed_under_recordings_stops_one_and_lets_the_other_go_on_from_the_spool,
)
from tests.live.measure import note
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio


async def another(site: LiveSite) -> None:
    """The controller is killed, and another one comes."""
    await site.stand.stop_controller(signal.SIGKILL)
    await asyncio.sleep(0.5)
    await site.stand.start_controller()
    await site.stand.healthy()


@pytest.mark.requirement("S1", "S123", "S126")
async def test_a_controller_that_is_killed_at_a_call_s_beginning_costs_the_caller_nothing(own_site: LiveSite) -> None:
    site = own_site
    async with site.talk() as asked:
        await asked.told()
        gone = time.time()
        await site.stand.stop_controller(signal.SIGKILL)
        await asked.meets()
        note("killed under the question: put through", time.time() - gone)
        await site.stand.start_controller()
        await site.stand.healthy()
        await asked.says(2)
        assert await asked.hears_each_other() and not (await asked.ends()).recordings
    async with site.talk(answer_after=3) as ringing:
        await ringing.grants()
        await ringing.row("channel_left")
        await another(site)
        await ringing.meets()
        await ringing.row("notice_ended", script="recording_on")
        assert await ringing.hears_each_other()
        stored = await ringing.ends()
    assert states(stored) == ["verified"] and incidents(stored) <= {"recorder_ended", "not_recordable"}


@pytest.mark.requirement("S1", "S82", "S123")
async def test_what_is_paused_stays_paused_under_the_next_controller(own_site: LiveSite) -> None:
    site = own_site
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.answered.press("*8")
        masked = await talk.row("mask_acknowledged")
        await talk.says(1)
        await another(site)
        await talk.says(2)
        pressed = len(await talk.rows("digit_pressed"))
        await talk.answered.press("*8")
        resumed = await talk.row("digit_pressed", nth=pressed + 1)
        await talk.says(2)
        assert await talk.hears_each_other()
        stored = await talk.ends()
    secret = sent_between(talk.far, masked.at, resumed.at)
    for item in stored.recordings:
        left, _ = talk.tape(item.segment_no).numbers()
        assert len(set(left) & secret) <= 3
    assert stored.recordings[-1].state == "verified" and set(left) & talk.far.sent.keys()


@pytest.mark.requirement("S1", "S16", "S123")
@pytest.mark.parametrize("moment", [0.0, 0.03, 0.2])
async def test_a_withdrawal_that_the_controller_did_not_survive(own_site: LiveSite, moment: float) -> None:
    """Either it was written down, and all goes, or the caller is recorded again, and heard the keys answered by
    nothing: the recorder stopped all the same."""
    site = own_site
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.call.press("*7")
        await asyncio.sleep(moment)
        await another(site)
        await talk.says(3)
        assert await talk.hears_each_other()
        stored = await talk.ends()
    if "consent_withdrawn" in {row.type for row in stored.events}:
        assert set(states(stored)) == {"discarded"} and site.files(stored) == []


@pytest.mark.requirement("S123")
async def test_a_freeswitch_that_hangs_for_four_seconds(own_site: LiveSite) -> None:
    site = own_site
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        pid = site.live_stand.freeswitch.pid
        os.kill(pid, signal.SIGSTOP)
        await talk.says(4)
        os.kill(pid, signal.SIGCONT)
        await talk.row("recording_opened", nth=1)
        await talk.says(4)
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert states(stored)[0] == "damaged" and set(states(stored)[1:]) == {"verified"}
    assert {"pbx_lost", "recording_damaged"} <= incidents(stored)

"""Calls that agents make, on a real FreeSWITCH: whoever is called is told and asked, before the bridge or in it."""

from __future__ import annotations

import asyncio
import time

import pytest

from callguard.lab.dialog import CallState
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from tests.e2e.site import Talk, incidents, states, types
from tests.live.measure import note
from tests.live.outward import dials_a_colleague, dials_out
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "15125550199"


async def put_through(talk: Talk) -> None:
    """Both talk."""
    await talk.answered.answered(timeout=5)
    assert await talk.hears_each_other()


@pytest.mark.requirement("S1", "S123")
async def test_told_key_1_is_recorded_from_the_bridge_on(site: LiveSite) -> None:
    async with dials_out(site, f"told_{NUMBER}") as talk:
        await talk.row("notice_ended", script="notice")
        assert talk.answered.state is CallState.RINGING and len(talk.answered.heard().samples) == 0
        pressed = time.monotonic()
        await talk.call.press("1")
        await talk.answered.answered(timeout=5)
        note("told: put through after the key", time.monotonic() - pressed)
        await put_through(talk)
        await talk.row("notice_ended", script="recording_on")
        await talk.says(1.5)
        stored = await talk.ends()
    found = types(stored)
    order = "call_started notice_started notice_ended consent_granted bridged recording_requested recording_opened"
    assert sorted(order.split(), key=found.index) == order.split()
    assert stored.call.direction == "outbound" and states(stored) == ["verified"] and incidents(stored) == set()
    assert [row.data["role"] for row in stored.events if row.type == "channel_seen"] == ["agent"]
    left, right = talk.tape().numbers()
    assert len(set(left) & talk.far.sent.keys()) > 40 and len(set(right) & talk.near.sent.keys()) > 40
    granted = next(row.at.timestamp() for row in stored.events if row.type == "consent_granted")
    assert not {number for number in left if talk.far.sent[number].wall < granted - 0.1}


@pytest.mark.requirement("S1", "S123")
async def test_told_key_2_and_silence_are_put_through_unrecorded(site: LiveSite) -> None:
    async with dials_out(site, f"told_{NUMBER}") as talk:
        await talk.row("notice_started", script="notice")
        await talk.call.press("2")
        await put_through(talk)
        stored = await talk.ends()
    assert "consent_refused" in types(stored) and not stored.recordings and incidents(stored) == set()
    async with dials_out(site, f"told_{NUMBER}") as talk:
        await talk.row("consent_silent", seconds=25)
        await put_through(talk)
        stored = await talk.ends()
    assert not stored.recordings and incidents(stored) == set()


@pytest.mark.requirement("S1", "S123")
@pytest.mark.parametrize("who", ["called", "caller"])
async def test_told_either_may_hang_up_in_the_notice(site: LiveSite, who: str) -> None:
    async with dials_out(site, f"told_{NUMBER}") as talk:
        await talk.row("notice_started", script="notice")
        await (talk.call if who == "called" else talk.answered).hangup()
        await asyncio.gather(talk.call.ended(timeout=3), talk.answered.ended(timeout=3))
        stored = await talk.over()
    assert not stored.recordings and incidents(stored) == set() and "bridged" not in types(stored)
    assert await site.channels() == ""


@pytest.mark.requirement("S1", "S123")
async def test_bridged_first_both_hear_the_notice_and_key_1_records(site: LiveSite) -> None:
    async with dials_out(site, f"bridged_{NUMBER}") as talk:
        await put_through(talk)
        await talk.row("notice_ended", script="notice")
        await talk.call.press("1")
        await talk.row("notice_ended", script="recording_on")
        await talk.says(1.5)
        await talk.answered.press("*8")
        await talk.row("mask_acknowledged")
        await talk.answered.press("*8")
        await talk.row("unmask_acknowledged")
        await talk.says(0.5)
        stored = await talk.ends()
    found = types(stored)
    order = "call_started bridged notice_started notice_ended consent_granted recording_requested recording_opened"
    assert sorted(order.split(), key=found.index) == order.split()
    assert states(stored) == ["verified"] and incidents(stored) == set()
    left, right = talk.tape().numbers()
    assert len(set(left) & talk.far.sent.keys()) > 40 and len(set(right) & talk.near.sent.keys()) > 40


@pytest.mark.requirement("S1", "S123")
async def test_bridged_first_key_2_goes_on_unrecorded(site: LiveSite) -> None:
    async with dials_out(site, f"bridged_{NUMBER}") as talk:
        await talk.row("notice_started", script="notice")
        await talk.call.press("2")
        await talk.row("notice_ended", script="refusal")
        await put_through(talk)
        stored = await talk.ends()
    assert "consent_refused" in types(stored) and not stored.recordings and incidents(stored) == set()


@pytest.mark.requirement("S1", "S73", "S123")
async def test_whom_a_transfer_dials_at_a_gate_is_told_before_anybody_hears_it(site: LiveSite) -> None:
    guest, port = CounterTone(60000), site.live_stand.freeswitch.trunk_port
    async with (
        site.talk() as talk,
        await Phone.open("trunk", site.stand.server, port=port, media=guest, answer_after=0.05) as outside,
    ):
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.answered.refer("gate")
        theirs = await outside.incoming()
        await theirs.answered()
        await talk.row("notice_ended", script="notice", nth=1)
        assert not {number for _, number in find_counters(talk.call.heard().samples)} & guest.sent.keys()
        pressed = time.time()
        await theirs.press("1")
        await talk.row("consent_granted", nth=1)
        await talk.says(5)
        heard = {number for _, number in find_counters(talk.call.heard().samples)}
        stored = await talk.ends()
        await theirs.ended()
    assert len(heard & guest.sent.keys()) > 20, "not put through"
    assert "channel_entered" in types(stored) and incidents(stored) == set() and set(states(stored)) == {"verified"}
    taped = {number for part in range(len(stored.recordings)) for side in talk.tape(part).numbers() for number in side}
    assert taped & guest.sent.keys(), "who agreed is not in a file"
    assert not {number for number in taped & guest.sent.keys() if guest.sent[number].wall < pressed}


@pytest.mark.requirement("S1", "S123")
@pytest.mark.parametrize("way", ["told_911", f"9_{NUMBER}"])
async def test_an_emergency_call_and_one_that_says_nothing_are_plain_bridges(site: LiveSite, way: str) -> None:
    began = time.monotonic()
    async with dials_out(site, way) as talk:
        await put_through(talk)
        assert time.monotonic() - began < 4 and talk.call_id == ""
        await talk.call.hangup()


@pytest.mark.requirement("S1", "S123")
async def test_a_colleague_is_asked_or_left_alone_as_the_call_type_says(site: LiveSite) -> None:
    async with dials_a_colleague(site, "support") as talk:
        await talk.meets()
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert stored.call.direction == "internal" and not stored.recordings
    assert not [row for row in stored.events if row.type == "notice_started"]
    async with dials_a_colleague(site, "helpdesk") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.says(1)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) == set()
    left, right = talk.tape().numbers()
    assert set(left) & talk.far.sent.keys() and set(right) & talk.near.sent.keys()

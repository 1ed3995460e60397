"""What must not be in the file of a recorded call is not in it, to the packet."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from tests.e2e.site import Site, Talk, at, gone_at, incidents, sent_between, states, types

pytestmark = pytest.mark.asyncio(loop_scope="session")


PLACED = {
    *("recording_acknowledged", "recording_opened", "recording_growing", "mask_acknowledged", "mask_observed"),
    *("unmask_acknowledged", "unmask_observed", "stop_acknowledged", "stop_observed", "recording_verified"),
}
"""Answers and observations: each says where in the file it is."""


def leaked(talk: Talk, nth: int = 0) -> list[int]:
    """Packets in the file that left while the NTH mask was acknowledged and its end not yet asked for.

    A packet may be under way in the PBX when sound is asked for again: the last 60 ms before that are not counted.
    """
    assert talk.stored is not None
    events = talk.stored.events
    masked = [row.at for row in events if row.type == "mask_acknowledged"][nth]
    asked = [row.at for row in events if row.type == "unmask_requested" and row.at > masked]
    end = (asked[0] if asked else gone_at(talk.stored)) - timedelta(milliseconds=60)
    left, right = talk.tape().numbers()
    under = sent_between(talk.far, masked, end), sent_between(talk.near, masked, end)
    assert len(under[0]) > 20, "the mask was too short to show anything"
    return sorted((set(left) & under[0]) | (set(right) & under[1]))


def resumed(talk: Talk) -> bool:
    """Whether both sides are in the file again after the last mask."""
    assert talk.stored is not None
    after = [row.at for row in talk.stored.events if row.type == "unmask_acknowledged"][-1]
    left, right = talk.tape().numbers()
    end = gone_at(talk.stored)
    return bool(set(left) & sent_between(talk.far, after, end) and set(right) & sent_between(talk.near, after, end))


@pytest.mark.requirement("S82", "S124", "S125")
async def test_the_agents_keys_pause_and_resume(site: Site) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.answered.press("*8")
        await talk.row("mask_acknowledged")
        await talk.says(1)
        assert await talk.hears_each_other()
        await talk.answered.press("*8")
        await talk.row("unmask_acknowledged")
        await talk.says(1)
        stored = await talk.ends()
    assert len(leaked(talk)) <= 1 and resumed(talk) and states(stored) == ["verified"]
    assert {"recording_requested", "mask_requested", "unmask_requested"} <= set(types(stored))
    places = {row.type: -1 if row.offset_samples is None else row.offset_samples for row in stored.events}
    assert places.keys() >= PLACED and min(places[type] for type in PLACED) >= 0
    assert 0 < places["mask_acknowledged"] < places["unmask_acknowledged"] < places["stop_observed"]


@pytest.mark.requirement("S82")
async def test_an_operator_pauses_resumes_and_withdraws_by_the_command_line(site: Site) -> None:
    async def act(action: str, call: str, *more: str) -> tuple[int, str, str]:
        return await site.stand.run("calls", action, call, "--config", str(site.stand.config), *more, check=False)

    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        status, out, _ = await act("pause", talk.call_id, "--json")
        assert status == 0 and json.loads(out)["recording"] == "masked" and json.loads(out)["milliseconds"] < 200
        await talk.says(0.6)
        status, out, _ = await act("resume", talk.call_id, "--reason", "payment_done")
        assert status == 0 and talk.call_id in out
        await talk.says(1)
        status, out, _ = await act("withdraw", talk.call_id, "--json")
        assert status == 0 and json.loads(out)["standing"] == "refused"
        await talk.row("recording_discarded")
        status, _, error = await act("pause", "no-such-call")
        assert status == 2 and "no live call" in error
        stored = await talk.ends()
    acted = [row.data["operator"] for row in stored.events if row.type == "operator_acted"]
    assert len(acted) == 3 and all(name.startswith(("user:", "uid:")) for name in acted)
    assert states(stored) == ["discarded"] and site.files(stored) == []


@pytest.mark.requirement("S82")
async def test_hold_is_masked_and_its_end_brings_the_sound_back(site: Site) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.answered.hold()
        await talk.row("mask_acknowledged")
        await talk.says(1)
        await talk.answered.unhold()
        await talk.row("unmask_acknowledged")
        await talk.says(1)
        stored = await talk.ends()
    assert len(leaked(talk)) <= 1 and resumed(talk) and states(stored) == ["verified"]


@pytest.mark.requirement("S43")
@pytest.mark.parametrize("queue", ["queue", "local"])
async def test_the_agent_who_answers_a_queue_call_causes_no_mask_and_its_music_is_not_in_the_file(
    site: Site, queue: str
) -> None:
    async with site.talk(queue, answer_after=1.5) as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.says(1)
        stored = await talk.ends()
    assert not {"mask_requested", "mask_acknowledged"} & set(types(stored)) and not stored.incidents
    assert states(stored) == ["verified"] and types(stored).count("recording_requested") == 1
    left, right = talk.tape().numbers()
    put_through = min(sent_between(talk.far, at(stored, "recording_requested"), gone_at(stored)))
    assert left[0] >= put_through and len(left) > 50 and len(right) > 20


@pytest.mark.requirement("S1")
async def test_a_stranger_who_enters_is_masked_before_anything_of_it_is_in_the_file(site: Site) -> None:
    guest = CounterTone(40000)
    async with site.talk() as talk, await Phone.open("caller", site.stand.asterisk.server) as stranger:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        talk.answered.rtp.muted = True  # so that the stranger alone is heard, on the agent's side of the file
        joined = await stranger.dial(f"add_{talk.number}", media=guest)
        await joined.answered()
        await talk.row("mask_acknowledged")
        await talk.says(1)
        await joined.hangup()
        await talk.row("unmask_acknowledged")
        talk.answered.rtp.muted = False
        await talk.says(0.7)
        stored = await talk.ends()
    heard = {number for _, number in find_counters(talk.call.heard().samples)}
    assert len(heard & guest.sent.keys()) > 20, "the stranger was not heard by anybody"
    left, right = talk.tape().numbers()
    assert len((set(left) | set(right)) & guest.sent.keys()) <= 1
    assert incidents(stored) == set() and resumed(talk) and states(stored) == ["verified"]


async def test_an_agent_who_joins_is_no_surprise(site: Site) -> None:
    """Staff is exempt: no mask when a second agent enters the conversation."""
    async with site.talk() as talk:
        await talk.recorded()
        ports = site.stand.asterisk.agent_ports
        async with await Phone.open("agent2", site.stand.asterisk.server, port=ports["agent2"]) as second:
            joined = await second.dial(f"add_{talk.number}", media=CounterTone(50000))
            await talk.row("bridged", nth=2)
            await asyncio.sleep(0.5)
            await joined.hangup()
        stored = await talk.ends()
    assert [row.data["role"] for row in stored.events if row.type == "channel_seen"] == ["agent", "agent"]
    assert "mask_requested" not in types(stored) and states(stored) == ["verified"]

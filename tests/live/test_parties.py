"""Whoever else comes into a recorded call on a real FreeSWITCH is masked before anything of them is in the file."""

from __future__ import annotations

import asyncio

import pytest

from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from tests.e2e.site import Site, Talk, incidents, states
from tests.e2e.test_masks import resumed
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")


def in_the_file(talk: Talk, guest: CounterTone) -> int:
    """Packets of a guest that are in the file."""
    left, right = talk.tape().numbers()
    return len((set(left) | set(right)) & guest.sent.keys())


def heard_by(talk: Talk, guest: CounterTone) -> int:
    """Packets of a guest that the caller or the agent heard alone: two voices at once cannot be read."""
    both = [find_counters(call.heard().samples) for call in (talk.call, talk.answered)]
    return len({number for found in both for _, number in found} & guest.sent.keys())


def mute(talk: Talk, muted: bool = True) -> None:
    """Caller and agent fall silent, so that a guest alone is heard."""
    for call in (talk.call, talk.answered):
        call.rtp.muted = muted


@pytest.mark.requirement("S1", "S123")
@pytest.mark.parametrize("how", ["three_way", "eavesdrop"])
async def test_a_listener_of_either_kind_silences_the_file_until_it_is_gone(site: LiveSite, how: str) -> None:
    guest = CounterTone(40000)
    async with site.talk() as talk, await Phone.open("caller", site.stand.server) as stranger:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        mute(talk)
        joined = await stranger.dial(f"{how}_{site.near(talk)}", media=guest)
        await joined.answered()
        await talk.row("mask_acknowledged")
        await talk.says(1.5)
        mute(talk, False)
        await talk.says(0.5)
        await joined.hangup()
        await talk.row("unmask_acknowledged")
        await talk.says(1)
        stored = await talk.ends()
    assert (heard_by(talk, guest) > 20) == (how == "three_way")
    assert in_the_file(talk, guest) <= 1 and resumed(talk)
    assert states(stored) == ["verified"] and incidents(stored) == set()


@pytest.mark.requirement("S1", "S123")
async def test_a_conference_silences_the_file_when_a_stranger_is_in_it(site: LiveSite) -> None:
    guest = CounterTone(40000)
    async with site.talk() as talk, await Phone.open("caller", site.stand.server) as stranger:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        room = f"room{talk.number}"
        mute(talk)
        said = await site.api(f"uuid_transfer {site.far(talk)} -both conference:{room}@default inline")
        assert said.startswith("+OK"), said
        await talk.says(1)
        joined = await stranger.dial(f"room_{room}", media=guest)
        await joined.answered()
        await talk.says(2)
        await asyncio.gather(joined.hangup(), talk.answered.hangup())
        stored = await talk.ends()
    assert heard_by(talk, guest) > 20 and in_the_file(talk, guest) <= 1
    assert states(stored) == ["verified"]


@pytest.mark.requirement("S1", "S123")
async def test_who_is_put_in_the_agents_place_by_an_attended_transfer_is_not_in_the_file(site: LiveSite) -> None:
    """att_xfer: the agent consults somebody outside, and hangs up."""
    guest = CounterTone(40000)
    port = site.live_stand.freeswitch.trunk_port
    async with (
        site.talk() as talk,
        await Phone.open("trunk", site.stand.server, port=port, media=guest, answer_after=0.05) as outside,
    ):
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await site.api(f"uuid_broadcast {site.near(talk)} att_xfer::sofia/lab/15125550199@127.0.0.1:{port}")
        theirs = await outside.incoming()
        await theirs.answered()
        await talk.says(1)
        await talk.answered.hangup()
        mute(talk)
        await talk.says(2)
        heard = {number for _, number in find_counters(talk.call.heard().samples)}
        stored = await talk.ends()
        await theirs.ended()
    assert len(heard & guest.sent.keys()) > 20, "the new party was not put through"
    assert in_the_file(talk, guest) <= 1 and states(stored) == ["verified"]


@pytest.mark.requirement("S1", "S123")
async def test_a_blind_transfer_to_a_stranger_is_not_in_the_file(site: LiveSite) -> None:
    guest = CounterTone(40000)
    port = site.live_stand.freeswitch.trunk_port
    async with (
        site.talk() as talk,
        await Phone.open("trunk", site.stand.server, port=port, media=guest, answer_after=0.05) as outside,
    ):
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.answered.refer("outside")
        theirs = await outside.incoming()
        await theirs.answered()
        mute(talk)
        await talk.says(2)
        heard = {number for _, number in find_counters(talk.call.heard().samples)}
        stored = await talk.ends()
        await theirs.ended()
    assert len(heard & guest.sent.keys()) > 20, "the new party was not put through"
    assert in_the_file(talk, guest) <= 1 and states(stored) == ["verified"]


@pytest.mark.requirement("S123", "S124")
async def test_after_a_transfer_to_another_agent_the_recording_goes_on_with_each_on_their_side(site: LiveSite) -> None:
    colleague = CounterTone(50000)
    port = site.stand.agent_ports["agent2"]
    second = Phone.open("agent2", site.stand.server, port=port, media=colleague, answer_after=0.05)
    async with site.talk() as talk, await second as phone:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.answered.refer("plain_2")
        theirs = await phone.incoming()
        await theirs.answered()
        await talk.says(4)
        stored = await talk.ends()
        await theirs.ended()
    print([(row.at.timestamp(), row.type, row.channel_id, dict(row.data)) for row in stored.events])
    assert set(states(stored)) == {"verified"} and incidents(stored) == set()
    left, right = talk.tape(len(stored.recordings) - 1).numbers()
    assert len(set(left) & talk.far.sent.keys()) > 50 and len(set(right) & colleague.sent.keys()) > 50
    assert not set(left) & colleague.sent.keys()


async def test_an_agent_who_joins_is_no_surprise(site: LiveSite) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        ports = site.stand.agent_ports
        async with await Phone.open("agent2", site.stand.server, port=ports["agent2"]) as second:
            await site.api(
                f"bgapi originate ${{agent2}} &three_way({site.near(talk)})".replace("${agent2}", dial(site, 2))
            )
            (await second.incoming()).answer()
            await asyncio.sleep(1)
        stored = await talk.ends()
    assert "mask_requested" not in [row.type for row in stored.events] and states(stored) == ["verified"]


def dial(site: Site, number: int) -> str:
    """What FreeSWITCH needs to reach an agent's phone."""
    return f"sofia/lab/agent{number}@127.0.0.1:{site.stand.agent_ports[f'agent{number}']}"

"""Every way in which FreeSWITCH brings people together: a stranger is not in the file, an agent is in the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from callguard.lab.dialog import Call
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from callguard.ports import StoredCall
from tests.e2e.site import Talk, incidents, states
from tests.live.site import LiveSite
from tests.live.test_parties import dial, in_the_file, mute

pytestmark = pytest.mark.asyncio(loop_scope="session")
Way = Callable[[LiveSite, Talk, str], Awaitable[object]]


async def recorded(talk: Talk) -> None:
    await talk.recorded()
    await talk.row("notice_ended", script="recording_on")


async def stranger(site: LiveSite, media: CounterTone) -> Phone:
    """Somebody outside, who answers."""
    port = site.live_stand.freeswitch.trunk_port
    return await Phone.open("trunk", site.stand.server, port=port, media=media, answer_after=0.05)


async def colleague(site: LiveSite, media: CounterTone) -> Phone:
    """agent2, who answers."""
    port = site.stand.agent_ports["agent2"]
    return await Phone.open("agent2", site.stand.server, port=port, media=media, answer_after=0.05)


def hears(call: Call, whom: CounterTone) -> bool:
    return len({number for _, number in find_counters(call.heard().samples)} & whom.sent.keys()) > 20


@pytest.mark.requirement("S1", "S123")
@pytest.mark.parametrize("whose", ["caller", "agent"])
async def test_a_leg_that_is_bridged_with_a_stranger(site: LiveSite, whose: str) -> None:
    guest = CounterTone(40000)
    async with site.talk() as talk, await stranger(site, guest) as outside:
        await recorded(talk)
        said = await site.api(f"originate sofia/lab/15125550199@127.0.0.1:{outside.port} &park()")
        await (await outside.incoming()).answered()
        leg, call = (site.far(talk), talk.call) if whose == "caller" else (site.near(talk), talk.answered)
        mute(talk)
        await site.api(f"uuid_bridge {leg} {said.split()[-1]}")
        await talk.says(2)
        assert hears(call, guest), "the stranger was not put through"
        stored = await talk.ends()
    assert in_the_file(talk, guest) <= 1 and states(stored) == ["verified"] and incidents(stored) == set()


@pytest.mark.requirement("S1", "S123")
async def test_a_caller_who_is_sent_to_a_stranger(site: LiveSite) -> None:
    guest = CounterTone(40000)
    async with site.talk() as talk, await stranger(site, guest) as outside:
        await recorded(talk)
        await site.api(f"uuid_transfer {site.far(talk)} outside XML inbound")
        await (await outside.incoming()).answered()
        mute(talk)
        await talk.says(2)
        assert hears(talk.call, guest), "the stranger was not put through"
        stored = await talk.ends()
    assert in_the_file(talk, guest) <= 1 and states(stored) == ["verified"] and incidents(stored) == set()


async def parked(site: LiveSite, talk: Talk, agent: str) -> None:
    await site.api(f"uuid_park {site.far(talk)}")
    await talk.says(1)
    await site.api(f"bgapi originate {agent} &intercept({site.far(talk)})")


async def in_a_lot(site: LiveSite, talk: Talk, agent: str) -> None:
    await site.api(f"uuid_transfer {site.far(talk)} 'valet_park:lot 6000' inline")
    await talk.says(1)
    await site.api(f"bgapi originate {agent} 'valet_park:lot 6000' inline")


async def in_a_fifo(site: LiveSite, talk: Talk, agent: str) -> None:
    await site.api(f"uuid_transfer {site.far(talk)} 'fifo:cool in' inline")
    await talk.says(1)
    await site.api(f"bgapi originate {agent} 'fifo:cool out nowait' inline")


@pytest.mark.requirement("S123", "S124")
@pytest.mark.parametrize("way", [parked, in_a_lot, in_a_fifo])
async def test_a_caller_who_waited_is_recorded_again_with_the_agent_who_takes_the_call(
    site: LiveSite, way: Way
) -> None:
    second = CounterTone(50000)
    async with site.talk() as talk, await colleague(site, second) as phone:
        await recorded(talk)
        await way(site, talk, dial(site, 2))
        await (await phone.incoming()).answered()
        await talk.says(4)
        stored = await talk.ends()
    both_in_the_last_file(talk, second)
    all_is_kept(site, stored)


def all_is_kept(site: LiveSite, stored: StoredCall) -> None:
    """Every segment that began: a start may have been overtaken, and leaves nothing."""
    kept = [state for state in states(stored) if state != "discarded"]
    assert set(kept) == {"verified"} and len(site.files(stored)) == len(kept) and incidents(stored) == set()


def both_in_the_last_file(talk: Talk, second: CounterTone) -> None:
    """The caller on the left and the second agent on the right, and nobody else."""
    assert talk.stored is not None
    left, right = talk.tape(len(talk.stored.recordings) - 1).numbers()
    assert len(set(left) & talk.far.sent.keys()) > 50 and len(set(right) & second.sent.keys()) > 50
    assert not set(right) & talk.near.sent.keys()


@pytest.mark.requirement("S1", "S123", "S124")
@pytest.mark.parametrize("to", ["outside", "plain_2"])
async def test_an_attended_transfer_by_the_phone(site: LiveSite, to: str) -> None:
    """The agent holds, consults, and connects the two: REFER with Replaces."""
    other = CounterTone(40000)
    make = stranger if to == "outside" else colleague
    async with site.talk() as talk, await make(site, other) as phone:
        await recorded(talk)
        await talk.answered.hold()
        consulting = await talk.agent.dial(to)
        await (await phone.incoming()).answered()
        await consulting.answered()
        await talk.says(1)
        await connect(talk.agent, talk.answered, consulting)
        await talk.says(4)
        assert hears(talk.call, other), "the two were not connected"
        stored = await talk.ends()
    assert set(states(stored)) == {"verified"} and incidents(stored) == set()
    if to == "outside":
        assert in_the_file(talk, other) <= 1
    else:
        both_in_the_last_file(talk, other)


async def connect(phone: Phone, call: Call, other: Call) -> None:
    """The other ends of two calls of this phone are to talk to each other."""
    call.sequence += 1
    local, remote = (side.split("tag=")[1].split(";")[0].rstrip(">") for side in (other.local, other.remote))
    replaces = f"{other.call_id}%3Bto-tag%3D{remote}%3Bfrom-tag%3D{local}"
    draft = phone._request(call, "REFER", call.sequence, f"z9hG4bK{call.sequence}{call.local_tag}")
    draft.add("Refer-To", f"<sip:x@{phone.server[0]}:{phone.server[1]}?Replaces={replaces}>")
    draft.add("Referred-By", call.local.split(";")[0])
    assert (await phone._transact(call, "REFER", call.sequence, draft.encode())).status == 202


@pytest.mark.requirement("S123", "S124")
@pytest.mark.parametrize("way", ["looptrue", "loopfalse"])
async def test_a_loopback_channel_is_plumbing(site: LiveSite, way: str) -> None:
    async with site.talk(f"{way}_support") as talk:
        await recorded(talk)
        await talk.says(1.5)
        assert await talk.hears_each_other()
        stored = await talk.ends()
    roles = sorted(row.data["role"] for row in stored.events if row.type == "channel_seen")
    assert roles == ["agent", "plumbing", "plumbing"] and "mask_requested" not in {row.type for row in stored.events}
    left, right = talk.tape().numbers()
    assert min(len(left), len(right)) > 60
    all_is_kept(site, stored)

"""What the snippet leaves alone on a real FreeSWITCH: emergency calls, bypass, outbound calls, a user's phone."""

from __future__ import annotations

import time

import pytest

from callguard.lab.sip import Phone
from tests.e2e.site import states
from tests.e2e.test_fail_closed import goes_on_unrecorded
from tests.live.measure import note
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio


@pytest.mark.requirement("S1", "S123")
async def test_emergency_and_outbound_calls_never_reach_callguard(own_site: LiveSite) -> None:
    site = own_site
    port = site.live_stand.freeswitch.trunk_port
    async with site.talk("911") as talk:
        began = time.monotonic()
        await talk.call.ended()  # `last` is not known yet
        await site.api(f"global_setvar last={talk.number}")
        talk.call = await talk.caller.dial("911", media=talk.far)
        await goes_on_unrecorded(site, talk)
        assert time.monotonic() - began < 2
        assert await site.live() == []
    async with (
        await Phone.open("trunk", site.stand.server, port=port, answer_after=0.05) as carrier,
        await Phone.open("agent3", site.stand.server, port=site.stand.agent_ports["agent3"]) as agent,
    ):
        began = time.monotonic()
        call = await agent.dial("9_15125550199")
        theirs = await carrier.incoming()
        await theirs.answered()
        await call.answered()
        note("an outbound call rings behind the snippet", time.monotonic() - began)
        assert await site.live() == [] and not list(site.stand.recordings.glob("*"))
        await call.hangup()
    assert [head async for head in site.log.calls()] == []


@pytest.mark.requirement("S123")
async def test_an_agent_who_is_called_as_a_user_is_an_agent(own_site: LiveSite) -> None:
    async with own_site.talk("user_support") as talk:
        await talk.recorded()
        await talk.says(1)
        stored = await talk.ends()
    assert [row.data["role"] for row in stored.events if row.type == "channel_seen"][-1] == "agent"
    assert states(stored) == ["verified"]

"""Calls that an agent makes, on a real FreeSWITCH: the same words as for calls that come in.

What belongs here: dialling. What does not: what must come of a call (the tests).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from tests.e2e.site import Talk
from tests.live.site import LiveSite

AGENT = 3


@contextlib.asynccontextmanager
async def dials_out(
    site: LiveSite, extension: str, *, to: str = "", answer_after: float | None = 0.05, hangs: bool = False
) -> AsyncIterator[Talk]:
    """Agent 3 dials EXTENSION; the phone TO, or the carrier, answers. `call` is the called party's end, the far one; of
    who dials it is `answered`. HANGS: the controller does, and is not asked which call this is.
    """
    ports = site.stand.agent_ports
    near, far = CounterTone(20000), CounterTone(40000)
    port = ports[to] if to else site.live_stand.freeswitch.trunk_port
    async with (
        await Phone.open(to or "trunk", site.stand.server, port=port, answer_after=answer_after, media=far) as called,
        await Phone.open(f"agent{AGENT}", site.stand.server, port=ports[f"agent{AGENT}"]) as agent,
    ):
        before = set() if hangs else await _live(site)
        talk = Talk(site, extension, AGENT, called, agent, near, far)
        talk.answered = await agent.dial(extension, media=near)
        talk.call = await called.incoming()
        if answer_after is not None:
            await talk.call.answered()
        talk.call_id = "" if hangs else await _new(site, before)
        yield talk
    await asyncio.sleep(0.05)  # the ports are free again


@contextlib.asynccontextmanager
async def dials_a_colleague(site: LiveSite, call_type: str) -> AsyncIterator[Talk]:
    """Agent 3 dials agent 2. `call` is the end of who dials, the far one; of who is called it is `answered`."""
    ports = site.stand.agent_ports
    near, far = CounterTone(20000), CounterTone(40000)
    async with (
        await Phone.open("agent2", site.stand.server, port=ports["agent2"], answer_after=0.05, media=near) as called,
        await Phone.open(f"agent{AGENT}", site.stand.server, port=ports[f"agent{AGENT}"]) as agent,
    ):
        before = await _live(site)
        talk = Talk(site, call_type, 2, agent, called, near, far)
        talk.call = await agent.dial(f"{call_type}_2", media=far)
        talk.call_id = await _new(site, before)
        yield talk
    await asyncio.sleep(0.05)


async def _live(site: LiveSite) -> set[str]:
    return {str(call["call_id"]) for call in await site.live()} if site.stand.controller else set()


async def _new(site: LiveSite, before: set[str]) -> str:
    """The call that has begun since, '' where none is heard of in two seconds."""
    for _ in range(100 if site.stand.controller else 0):
        if new := await _live(site) - before:
            return new.pop()
        await asyncio.sleep(0.02)
    return ""

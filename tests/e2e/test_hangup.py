"""A caller who hangs up, whenever that is, leaves nothing behind."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.e2e.site import Site, Talk, incidents, states, types

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTICE = 1.0
"""Seconds of this site's notice."""


async def nothing_left(site: Site, talk: Talk) -> float:
    """Seconds until the call is over, and no channel of it and no recorder is there."""
    began = time.monotonic()
    stored = await talk.over(5)
    seconds = time.monotonic() - began
    anchor = stored.events[0].channel_id
    assert anchor not in await site.channels()
    assert talk.call_id not in [row["call_id"] for row in await site.live()]
    return seconds


@pytest.mark.requirement("S1", "S123")
async def test_fault_asterisk_1790_a_hangup_at_any_point_of_the_notice_leaves_nothing_live(site: Site) -> None:
    async def leaves(moment: float) -> None:
        async with site.talk() as talk:
            await talk.row("notice_started", script="notice")
            await asyncio.sleep(moment)
            await talk.call.hangup()
            assert await nothing_left(site, talk) < 1.5
        assert talk.stored is not None
        assert not talk.stored.recordings and not incidents(talk.stored)
        assert not {"consent_granted", "consent_silent", "recording_requested"} & set(types(talk.stored))

    await asyncio.gather(*(leaves(moment) for moment in (0.0, 0.05, NOTICE / 2, NOTICE - 0.05, NOTICE, NOTICE + 1)))


async def test_a_hangup_before_anything_was_said_leaves_nothing_live(site: Site) -> None:
    async with site.talk() as talk:
        await asyncio.sleep(0.03)
        await talk.call.hangup()
        async with asyncio.timeout(3):
            while await site.live():
                await asyncio.sleep(0.05)


@pytest.mark.requirement("S123", "S124")
async def test_a_hangup_right_after_the_answer_leaves_nothing_live(site: Site) -> None:
    async def leaves(moment: float) -> None:
        async with site.talk() as talk:
            await talk.grants()
            await asyncio.sleep(moment)
            await talk.call.hangup()
            await talk.over(8)
        assert talk.stored is not None
        assert states(talk.stored) in ([], ["verified"], ["discarded"])  # the last: never started, or no sample in it
        assert not incidents(talk.stored)
        assert not [name for name in site.files(talk.stored) if name != ".wav"]

    await asyncio.gather(*(leaves(moment) for moment in (0.0, 0.05, 0.1, 0.2, 0.4)))


@pytest.mark.requirement("S124")
async def test_the_agent_may_hang_up_first(site: Site) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.says(2.2)
        await talk.answered.hangup()
        await talk.call.ended()
        stored = await talk.over()
    assert states(stored) == ["verified"] and not stored.incidents

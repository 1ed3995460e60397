"""A refusal that is remembered, on real calls: honoured the next time, forgotten by command, asked again."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from callguard.ports import StoredCall
from tests.e2e.site import Site, at, states, types

NUMBER = "+15125550148"
"""What the dialplan of the site sets for callers of this call type."""


async def forget(site: Site) -> Any:
    """`callguard answers forget`, with the number on its standard input."""
    command = (sys.executable, "-m", "callguard", "answers", "forget", "--number-from", "-", "--json")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, "--config", str(site.stand.config), stdin=pipe, stdout=pipe
    )
    said, _ = await process.communicate(NUMBER.encode())
    assert process.returncode == 0 and NUMBER.encode() not in said
    return json.loads(said)


async def refuses(site: Site) -> StoredCall:
    async with site.talk("regular") as talk:
        await talk.row("notice_started", script="notice")
        await talk.call.press("2")
        await talk.meets()
        return await talk.ends()


async def is_not_asked(site: Site) -> StoredCall:
    async with site.talk("regular") as talk:
        await talk.meets()
        assert await talk.hears_each_other()
        return await talk.ends()


async def agrees(site: Site) -> StoredCall:
    async with site.talk("regular") as talk:
        await talk.recorded()
        await talk.says(0.3)
        return await talk.ends()


@pytest.mark.requirement("S21")
async def test_who_refused_is_not_asked_again_until_that_is_forgotten(site: Site) -> None:
    first = await refuses(site)
    assert not first.recordings
    second = await is_not_asked(site)
    assert not second.recordings and "notice_started" not in types(second)
    [refused] = [row.data for row in second.events if row.type == "consent_refused"]
    assert refused == {"how": "remembered"}
    waited = at(second, "channel_left") - at(second, "call_started")
    assert waited.total_seconds() < 2
    assert "5550148" not in repr([(row.data, row.decision) for row in (*first.events, *second.events)])
    assert [row.call_id for row in await site.log.answers("lab")] == [first.call.call_id]
    assert await forget(site) == {"forgotten": 1}
    third = await agrees(site)
    assert states(third) == ["verified"] and "notice_ended" in types(third)
    assert await site.log.forget_answers("lab", NUMBER) == 1

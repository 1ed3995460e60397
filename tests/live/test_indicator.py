"""What an agent without a screen knows on a real FreeSWITCH: on the phone's display, or by a whisper."""

from __future__ import annotations

import pytest

from tests.e2e.site import states
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_phone_shows_recorded_paused_and_recorded_again(site: LiveSite) -> None:
    async with site.talk("named") as talk:
        await talk.recorded()
        await talk.answered.shows(f"[REC] {talk.name}")
        await talk.answered.press("*8")
        await talk.answered.shows(f"[PAUSED] {talk.name}")
        await talk.answered.press("*8")
        await talk.answered.shows(f"[REC] {talk.name}")
        stored = await talk.ends()
    assert states(stored) == ["verified"] and not stored.incidents


async def test_a_whisper_is_heard_and_the_file_goes_on(site: LiveSite) -> None:
    async with site.talk("toned") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        for nth in range(3):
            await talk.says(1)
            await talk.answered.press("*8")
            await talk.row("mask_acknowledged", nth=nth)
            await talk.says(1)
            await talk.answered.press("*8")
            await talk.row("unmask_acknowledged", nth=nth)
        await talk.says(1)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and not stored.incidents

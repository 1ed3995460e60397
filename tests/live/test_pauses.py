"""Pauses that begin by themselves on a real FreeSWITCH, and the tone that says that a call is recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from callguard.pbx.freeswitch.esl import Esl
from tests.e2e.site import POLICY, incidents, states
from tests.e2e.test_beep import BEEPED, heard_and_not_heard
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def sent(site: LiveSite, subclass: str, channel_id: str) -> None:
    """What a payment page sends by the event socket. Named by Unique-ID it would go to the channel and no further."""
    page = await Esl.connect(site.live_stand.freeswitch.address, lambda message: None)
    await page.ask("sendevent CUSTOM", (("Event-Subclass", subclass), ("Callguard-Channel", channel_id)))
    await page.close()


@pytest.mark.requirement("S82", "S123")
async def test_a_typed_number_a_variable_and_an_event_pause_by_whichever_way_they_come(site: LiveSite) -> None:
    async with site.talk("card") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        far = site.far(talk)
        await talk.says(1.5)
        await talk.call.press("4929", seconds=0.06, gap=0.04)
        await talk.row("pause_started", cause="digits")
        await site.stand.run(
            "calls", "resume", talk.call_id, "--reason", "payment_done", "--config", str(site.stand.config)
        )
        ways: tuple[Callable[[bool], Awaitable[object]], ...] = (
            lambda on: site.api(f"uuid_setvar {far} callguard_pause {'on' if on else 'off'}"),
            lambda on: sent(site, f"callguard::{'pause' if on else 'resume'}", far),
        )
        for nth, way in enumerate(ways, start=1):
            await talk.says(1.2)
            await way(True)
            await talk.row("mask_acknowledged", nth=nth)
            await talk.says(0.3)
            await way(False)
            await talk.row("unmask_acknowledged", nth=nth)
        await talk.says(1)
        stored = await talk.ends()
    begun = [row for row in stored.events if row.type == "pause_started"]
    ended = [row for row in stored.events if row.type == "pause_ended"]
    assert [row.data["cause"] for row in begun] == ["digits", "variable", "event"]
    left, right = talk.tape().numbers()
    for start, end in zip(begun, ended, strict=True):
        gone = {
            number
            for tone in (talk.far, talk.near)
            for number, packet in tone.sent.items()
            if start.at.timestamp() - 0.9 < packet.wall < end.at.timestamp()
        }
        assert len(gone) > 60 and not gone & {*left, *right}
    assert states(stored) == ["verified"] and incidents(stored) <= {"pause_forgotten"}


@pytest.mark.requirement("S82", "S123")
async def test_a_call_that_comes_with_the_variable_set_begins_paused(folder: Path) -> None:
    before = '        <action application="set" data="callguard_pause=on" inline="true"/>\n'
    async with await LiveSite.raise_on(folder, before=before) as site, site.talk("card") as talk:
        await talk.grants()
        await talk.meets()
        await talk.row("pause_started", cause="variable")
        await talk.says(1)
        await site.api(f"uuid_setvar {site.far(talk)} callguard_pause off")
        await talk.row("recording_opened")
        await talk.row("notice_ended", script="recording_on")
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) == set()


@pytest.mark.requirement("S42", "S123")
async def test_the_tone_is_heard_by_both_at_its_pace_and_not_in_a_pause(folder: Path) -> None:
    async with await LiveSite.raise_on(folder, policy=f"{POLICY}\n{BEEPED}") as site:
        await heard_and_not_heard(site)

"""The masks of tests/e2e/test_masks.py on a real FreeSWITCH, to the packet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.e2e.site import sent_between
from tests.e2e.test_masks import (  # noqa: F401
    test_an_operator_pauses_resumes_and_withdraws_by_the_command_line,
    test_hold_is_masked_and_its_end_brings_the_sound_back,
    test_the_agents_keys_pause_and_resume,
)
from tests.e2e.test_masks import (
    test_the_agent_who_answers_a_queue_call_causes_no_mask_and_its_music_is_not_in_the_file as queue_call,
)
from tests.live.measure import note
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("S43")
async def test_a_queue_of_mod_callcenter_is_not_in_the_file(site: LiveSite) -> None:
    await queue_call(site, "queue")


@pytest.mark.requirement("S82", "S123")
async def test_what_was_said_before_a_resume_is_not_in_the_file_on_a_leg_without_sound(site: LiveSite) -> None:
    """FreeSWITCH holds half a second back on a leg to which nothing is sent: it must not come in with the unmask."""
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        talk.answered.rtp.muted = True
        await talk.says(0.5)
        await talk.answered.press("*8")
        await talk.row("mask_acknowledged")
        await talk.says(1.5)
        await talk.answered.press("*8")
        await talk.row("unmask_acknowledged")
        await talk.says(1)
        stored = await talk.ends()
    [asked], [done] = (
        [row for row in stored.events if row.type == f"unmask_{what}"] for what in ("requested", "acknowledged")
    )
    masked = next(row for row in stored.events if row.type == "mask_acknowledged")
    left, _ = talk.tape().numbers()
    assert not set(left) & sent_between(talk.far, masked.at, asked.at - timedelta(milliseconds=60))
    after = min(set(left) & sent_between(talk.far, asked.at, asked.at + timedelta(seconds=2)))
    note("sound after a resume begins, after it was asked for", talk.far.sent[after].wall - asked.at.timestamp())
    note("unmask answered, after it was asked for", (done.at - asked.at).total_seconds())
    last = max(set(left) & sent_between(talk.far, stored.events[0].at, asked.at))
    requested = next(row for row in stored.events if row.type == "mask_requested")
    note("last sound before a mask, after it was asked for", talk.far.sent[last].wall - requested.at.timestamp())
    note("mask answered, after it was asked for", (masked.at - requested.at).total_seconds())


@pytest.mark.requirement("S43", "S123")
async def test_while_the_caller_holds_the_file_stands_still_and_then_goes_on(site: LiveSite) -> None:
    """FreeSWITCH writes nothing of a leg on hold, for longer than a file may stand still otherwise."""
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.call.hold()
        held = await talk.row("mask_acknowledged")
        await talk.says(6)
        await talk.call.unhold()
        back = await talk.row("unmask_acknowledged")
        await talk.says(2)
        assert await talk.hears_each_other()
        stored = await talk.ends()
    left, right = talk.tape().numbers()
    assert not set(right) & sent_between(talk.near, held.at, back.at - timedelta(milliseconds=60))
    assert len(set(left) & sent_between(talk.far, back.at, back.at + timedelta(seconds=2))) > 60
    assert talk.tape().seconds < 8 and [item.state for item in stored.recordings] == ["verified"]
    assert not stored.incidents

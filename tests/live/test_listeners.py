"""Staff that listens in, and somebody else's recorders, on a real FreeSWITCH."""

from __future__ import annotations

import time

import pytest

from callguard.lab.sip import Phone
from tests.e2e.site import incidents, states
from tests.live.measure import note
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("S6", "S123")
async def test_staff_that_listens_in_silences_the_file_until_it_is_gone(site: LiveSite) -> None:
    """The caller knows of the agent, and not of a supervisor."""
    port = site.stand.agent_ports["agent2"]
    async with (
        site.talk() as talk,
        await Phone.open("agent2", site.stand.server, port=port, answer_after=0.05) as boss,
    ):
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        began = time.time()
        await site.api(f"bgapi originate sofia/lab/agent2@127.0.0.1:{port} &eavesdrop({site.near(talk)})")
        listening = await boss.incoming()
        masked = await talk.row("mask_acknowledged")
        heard = await talk.row("listening_started")
        note("a listener: masked after it began", masked.at.timestamp() - heard.at.timestamp())
        await talk.says(0.5)
        await listening.hangup()
        await talk.row("unmask_acknowledged")
        await talk.says(1)
        stored = await talk.ends()
    assert masked.at.timestamp() - began < 3
    assert [row.data["role"] for row in stored.events if row.type == "channel_seen"] == ["agent", "guest"]
    assert states(stored) == ["verified"] and incidents(stored) == set()


@pytest.mark.requirement("S4", "S123")
async def test_somebody_else_s_recorder_is_seen_and_stopped_and_ours_goes_on(site: LiveSite) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        foreign = site.stand.work / "rogue.wav"
        began = time.time()
        await site.api(f"uuid_record {site.far(talk)} start {foreign}")
        seen = await talk.row("rogue_recording_seen")
        note("somebody else's recorder: seen", seen.recorded_at.timestamp() - began)
        assert seen.recorded_at.timestamp() - began < 2
        await talk.says(1)
        listed = await site.api(f"uuid_buglist {site.far(talk)}")
        assert str(foreign) not in listed and str(site.stand.recordings) in listed
        size = foreign.stat().st_size if foreign.exists() else 0
        await talk.says(0.5)
        assert not foreign.exists() or foreign.stat().st_size == size
        stored = await talk.ends()
    assert incidents(stored) == {"rogue_recording"} and states(stored) == ["verified"]

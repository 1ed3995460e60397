"""Consent that the caller gives to the agent by voice: it starts the recording, and the log says by whom."""

from __future__ import annotations

import json

import pytest

from tests.e2e.site import Site, at, incidents, sent_before, states

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def command(site: Site, *words: str) -> tuple[int, str, str]:
    return await site.stand.run("calls", *words, "--config", str(site.stand.config), check=False)


@pytest.mark.requirement("S41")
async def test_consent_by_voice_starts_the_recording_and_the_log_says_by_whom(site: Site) -> None:
    """The caller answers nothing to notice and question, talks to the agent unrecorded, and agrees."""
    async with site.talk("card") as talk:
        await talk.row("consent_silent")
        await talk.meets()
        assert await talk.hears_each_other() and await talk.rows("recording_requested") == []
        status, out, error = await command(site, "consent", talk.call_id, "--json")
        assert (status, error) == (0, "") and json.loads(out)["standing"] == "granted"
        await talk.row("recording_opened")
        await talk.row("notice_ended", script="recording_on")
        await talk.says(1)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) == set()
    acted = next(row for row in stored.events if row.type == "operator_acted")
    (granted,) = [row for row in stored.events if row.type == "consent_granted"]
    assert granted.data["how"] == "express_agent_attested"
    assert granted.data["by"] == acted.data["operator"] and granted.data["by"].startswith(("user:", "uid:"))
    left, right = talk.tape().numbers()
    early = granted.at
    assert left and right and at(stored, "recording_requested") >= early
    assert not set(left) & sent_before(talk.far, early) and not set(right) & sent_before(talk.near, early)
    card = json.loads(
        (await site.stand.run("calls", "card", talk.call_id, "--json", "--config", str(site.stand.config)))[1]
    )
    assert "less than the party's own answer" in card["consent"][-1]["rests_on"]


@pytest.mark.requirement("S13", "S73")
async def test_somebody_else_and_who_cannot_consent_by_key_and_by_command(site: Site) -> None:
    """Silent at once, told and asked anew, whoever says so; and then a child: nothing of the call stays."""
    async with site.talk("keyed") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.answered.press("*5")
        await talk.row("mask_acknowledged")
        await talk.row("notice_ended", nth=1, script="notice")
        await talk.call.press("1")
        await talk.row("unmask_acknowledged")
        status, out, error = await command(site, "present", talk.call_id, "--who", "someone_else", "--json")
        assert (status, error) == (0, "") and json.loads(out)["recording"] == "masked"
        await talk.row("notice_ended", nth=2, script="notice")
        assert await talk.rows("pause_started") == []
        await talk.call.press("1")
        await talk.row("unmask_acknowledged", nth=1)
        await talk.answered.press("*6")
        await talk.row("recording_discarded")
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert states(stored) == ["discarded"] and incidents(stored) == set() and site.files(stored) == []
    (void,) = [row.data["said_by"] for row in stored.events if row.type == "consent_void"]
    assert void == next(row.channel_id for row in stored.events if row.type == "channel_seen")


@pytest.mark.requirement("S13", "S41", "S43")
@pytest.mark.parametrize("call_type", ["card", "kept"])
async def test_of_who_cannot_consent_nothing_stays_and_nobody_attests_whatever_came_before(
    site: Site, call_type: str
) -> None:
    """The caller gave no answer, or agreed and withdrew in a call type that keeps what it has: it is a child."""
    async with site.talk(call_type) as talk:
        if call_type == "kept":
            await talk.recorded()
            await talk.row("notice_ended", script="recording_on")
            await talk.call.press("*7")
            await talk.row("recording_verified")
        else:
            await talk.row("consent_silent")
            await talk.meets()
        status, _, error = await command(site, "present", talk.call_id, "--who", "cannot_consent")
        assert (status, error) == (0, "")
        await talk.row("consent_void")
        status, _, error = await command(site, "consent", talk.call_id)
        assert status == 2 and "attested consent does not count" in error
        stored = await talk.ends()
    assert states(stored) == (["discarded"] if call_type == "kept" else []) and incidents(stored) == set()
    assert site.files(stored) == []

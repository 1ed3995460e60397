"""Told, asked, recorded or left alone: what becomes of a caller's answer, on real calls."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.site import AGENT_NUMBERS, Site, at, incidents, sent_before, states, types

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("S1", "S43", "S44", "S81", "S123", "S124", "S125")
async def test_key_1_after_the_notice_is_recorded_from_the_bridge_on(site: Site) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.says(2.5)
        stored = await talk.ends()
    order = "call_started notice_started notice_ended consent_granted bridged recording_requested recording_opened"
    found = types(stored)
    assert sorted(order.split(), key=found.index) == order.split()
    assert states(stored) == ["verified"] and site.files(stored) == [".wav"] and not stored.incidents
    left, right = talk.tape().numbers()
    assert left == list(range(left[0], left[0] + len(left))) and len(left) > 100
    assert not set(left) & sent_before(talk.far, at(stored, "recording_requested"))
    assert len(right) > 20 and min(right) >= AGENT_NUMBERS


@pytest.mark.requirement("S15")
async def test_the_first_words_in_the_file_are_that_it_is_recorded(site: Site) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        stored = await talk.ends()
    [verdict] = [row for row in stored.events if row.type == "recording_verified"]
    assert 0 <= verdict.data["line_offset"] < 8000
    [line] = [row for row in stored.events if row.type == "notice_started" and row.data["script"] == "recording_on"]
    assert len(line.data["audio_sha256"]) == 64 and line.data["language"] and line.data["text_version"]


@pytest.mark.requirement("S13", "S44")
async def test_key_2_at_any_moment_of_the_notice_leaves_no_file_and_the_call_goes_on(site: Site) -> None:
    async def refuses(moment: float) -> None:
        async with site.talk() as talk:
            await talk.row("notice_started", script="notice")
            await asyncio.sleep(moment)
            await talk.call.press("2", seconds=0.06)
            await talk.meets()
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert not stored.recordings and not stored.incidents
        assert types(stored).count("consent_refused") == 1 and "consent_granted" not in types(stored)
        assert [row for row in stored.events if row.type == "notice_ended" and row.data["script"] == "refusal"]

    await asyncio.gather(*(refuses(moment) for moment in (0.0, 0.4, 1.6, 3.0)))


@pytest.mark.requirement("S42")
async def test_fault_node_ari_client_85_silence_is_asked_once_more_and_then_is_a_refusal(site: Site) -> None:
    async with site.talk() as talk:
        await talk.meets()
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert not stored.recordings and "consent_silent" in types(stored)
    asked = [row.data["script"] for row in stored.events if row.type == "notice_started"]
    assert asked == ["notice", "question", "refusal"]
    assert (at(stored, "consent_silent") - at(stored, "notice_ended", script="question")).total_seconds() > 4.9


@pytest.mark.requirement("S44")
async def test_fault_asterisk_unimrcp_44_key_1_counts_only_after_the_notice_and_twice_is_once(site: Site) -> None:
    async with site.talk() as early, site.talk() as twice:
        await early.row("notice_started", script="notice")
        await early.call.press("1")
        await twice.told()
        await twice.call.press("11")
        await twice.meets()
        await twice.row("recording_opened")
        await early.row("notice_started", script="question")
        assert not await early.rows("consent_granted")
        await early.call.press("1")
        await early.meets()
        await early.row("recording_opened")
        for talk in (early, twice):
            stored = await talk.ends()
            assert types(stored).count("consent_granted") == 1 and states(stored) == ["verified"]


@pytest.mark.requirement("S44", "S82")
async def test_fault_fusionpbx_5373_keys_of_the_wrong_side_mean_nothing(site: Site) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.answered.press("1,2,,*7")
        await talk.call.press("*8")
        await talk.says(0.5)
        [live] = [row for row in await site.live() if row["call_id"] == talk.call_id]
        assert live["recording"] in ("opened", "growing") and not live["paused"]
        stored = await talk.ends()
    assert not {"mask_requested", "stop_requested", "consent_refused", "consent_withdrawn"} & set(types(stored))
    assert states(stored) == ["verified"]
    digits = {row.data["digit"] for row in stored.events if row.type == "digit_pressed"}
    assert digits <= {"1", "x", "*", "7", "8"}


@pytest.mark.requirement("S13", "S42")
async def test_announce_records_who_stays_on_and_nobody_who_presses_2(site: Site) -> None:
    async def stays() -> None:
        async with site.talk("survey") as talk:
            await talk.told()
            await talk.call.press("1")  # means nothing
            await talk.meets()
            await talk.row("recording_opened")
            await talk.says(0.5)
            stored = await talk.ends()
        [granted] = [row for row in stored.events if row.type == "consent_granted"]
        assert granted.data["how"] == "implied" and states(stored) == ["verified"]
        assert (granted.at - at(stored, "notice_ended", script="notice")).total_seconds() >= 3

    async def objects() -> None:
        async with site.talk("survey") as talk:
            await talk.told()
            await talk.meets()
            await talk.call.press("2")
            await talk.row("notice_ended", script="refusal")
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert not stored.recordings and "consent_refused" in types(stored)

    async def withdraws() -> None:
        async with site.talk("survey") as talk:
            await talk.meets()
            await talk.row("notice_started", script="recording_on")
            await talk.call.press("*7")
            await talk.row("recording_discarded")
            await talk.row("notice_ended", script="withdrawal")
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert states(stored) == ["discarded"] and site.files(stored) == [] and not stored.incidents
        line_ended = at(stored, "notice_failed", script="recording_on", reason="stopped")
        assert at(stored, "consent_withdrawn") < line_ended < at(stored, "notice_started", script="withdrawal")

    await asyncio.gather(stays(), objects(), withdraws())


async def test_a_call_type_that_is_never_recorded_goes_straight_through(site: Site) -> None:
    async with site.talk("private") as talk:
        await talk.meets()
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert not stored.recordings and "notice_started" not in types(stored) and not stored.incidents


async def test_a_call_type_that_the_policy_lacks_goes_on_unrecorded_with_an_incident(site: Site) -> None:
    async with site.talk("lottery") as talk:
        await talk.meets()
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert not stored.recordings and "notice_started" not in types(stored)
    assert incidents(stored) == {"unknown_call_type"}


@pytest.mark.requirement("S7", "S15", "S17", "S45")
async def test_the_shipped_notices_begin_in_2_seconds_and_end_in_10(site: Site) -> None:
    async def hears(call_type: str, prompt: str) -> None:
        async with site.talk(call_type) as talk:
            await talk.recorded()
            stored = await talk.ends()
        answered = at(stored, "channel_answered")
        began = at(stored, "notice_started", script="notice")
        assert (began - answered).total_seconds() < 2
        assert (at(stored, "notice_ended", script="notice") - answered).total_seconds() < 10
        [notice] = [row for row in stored.events if row.type == "notice_started" and row.data["script"] == "notice"]
        assert notice.data["prompt"] == prompt and len(notice.data["audio_sha256"]) == 64
        assert states(stored) == ["verified"]

    await asyncio.gather(hears("spoken", "notice-short"), hears("payment", "notice-sensitive"))


@pytest.mark.requirement("S16")
async def test_fault_ava_617_a_withdrawal_is_off_before_it_says_so_and_destroys_what_was_captured(site: Site) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.says(0.5)
        await talk.call.press("*7")
        await talk.row("notice_ended", script="withdrawal")
        assert await talk.hears_each_other()
        stored = await talk.ends()
    found = types(stored)
    assert found.index("consent_withdrawn") < found.index("stop_acknowledged")
    assert at(stored, "stop_acknowledged") < at(stored, "notice_started", script="withdrawal")
    assert states(stored) == ["discarded"] and site.files(stored) == []


@pytest.mark.requirement("S16", "S124")
async def test_a_call_type_may_keep_what_was_recorded_before_a_withdrawal_and_nothing_after(site: Site) -> None:
    async with site.talk("kept") as talk:
        await talk.recorded()
        await talk.says(2.5)
        await talk.call.press("*7")
        await talk.row("notice_ended", script="withdrawal")
        stored = await talk.ends()
    assert states(stored) == ["verified"] and site.files(stored) == [".wav"]
    left, right = talk.tape().numbers()
    assert len(left) > 50
    stopped = at(stored, "stop_acknowledged")
    assert set(left) <= sent_before(talk.far, stopped) and set(right) <= sent_before(talk.near, stopped)

"""Calls on FreeSWITCH from `callguard run` to the verdict on their audio: the same promises as on Asterisk."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest

from tests.e2e.switch_site import SwitchSite, Talk

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(name="site")
def _site(switched_site: SwitchSite) -> SwitchSite:
    return switched_site


RECORDS = (
    '<condition field="destination_number" expression="^100$"><action application="record_session" data="/all.wav"/>'
)


async def ended(talk: Talk) -> None:
    """The caller hangs up, and everything about the call is written down."""
    talk.site.switch.hang_up(talk.far)
    await talk.row("channel_hung_up")


def recorders(site: SwitchSite, talk: Talk) -> list[str]:
    """What was asked of uuid_record for this call."""
    return [line.split()[3] for line in site.switch.asked if line.startswith(f"api uuid_record {talk.far.uuid} ")]


@pytest.mark.requirement("S123", "S44")
async def test_a_call_is_told_asked_recorded_and_proved(site: SwitchSite) -> None:
    """And every command that is about calls takes FreeSWITCH's id of the channel, and is not told which PBX it is."""

    async def out(*arguments: str) -> str:
        return (await site.stand.run(*arguments, "--config", str(site.stand.config)))[1]

    talk = await site.call()
    own, file = talk.far.uuid, site.stand.work / "exported.jsonl"
    await talk.recorded()
    assert own in await out("calls", "list", "--json")
    assert json.loads(await out("calls", "pause", own, "--json"))["recording"] == "masked"
    await out("calls", "resume", own, "--reason", "payment_done")
    await talk.row("unmask_observed")
    await ended(talk)
    verified = await talk.row("recording_verified")
    assert verified.data["line_offset"] >= 0
    told = await asyncio.gather(
        out("verify", own),
        out("replay", own),
        out("calls", "show", own),
        out("calls", "card", own),
        out("incidents", "list"),
        out("vault", "reconcile"),
        out("calls", "export", own, "--output", str(file)),
    )
    assert "same decisions" in told[1] and "recording_verified" in told[2]
    assert "same decisions" in (await site.stand.run("replay", str(file)))[1]


@pytest.mark.requirement("S123", "S4")
async def test_doctor_looks_at_it_and_blocks_on_a_recorder(site: SwitchSite) -> None:
    async def blockers() -> dict[str, str]:
        arguments = ("doctor", "--json", "--config", str(site.stand.config))
        status, out, _ = await site.stand.run(*arguments, check=False)
        assert status == 1 and not json.loads(out)["ok"]
        return {one["check"]: one["what"] for one in json.loads(out)["findings"] if one["severity"] == "blocker"}

    assert (await blockers()).keys() == {"texts"}  # beeps stand for the words of these prompts
    before = site.switch.dialplan
    site.switch.dialplan = before.replace('<condition field="destination_number" expression="^100$">', RECORDS, 1)
    assert "record_session" in (await blockers())["dialplan"]
    site.switch.dialplan = before


@pytest.mark.requirement("S1", "S123")
@pytest.mark.parametrize("when", ["told", "bridged"])
async def test_whoever_an_agent_calls_is_told_before_the_bridge_or_in_it(site: SwitchSite, when: str) -> None:
    talk = await site.dial(when)
    await talk.told()
    assert bool(talk.far.peer) == (when == "bridged") and recorders(site, talk) == []
    await talk.recorded()
    await ended(talk)
    await talk.row("recording_verified")
    stored = await talk.stored()
    assert stored and stored.call.direction == "outbound"
    assert [row.data["role"] for row in stored.events if row.type == "channel_seen"] == ["agent"]


@pytest.mark.requirement("S123", "S126")
async def test_a_no_is_never_recorded(site: SwitchSite) -> None:
    talk = await site.call()
    await talk.told()
    site.switch.press(talk.far, "2")
    await talk.met()
    await talk.row("consent_refused")
    await ended(talk)
    assert recorders(site, talk) == []


@pytest.mark.requirement("S123", "S126")
async def test_a_key_that_a_program_made_is_silence_and_silence_is_never_recorded(site: SwitchSite) -> None:
    talk = await site.call()
    await talk.told()
    for source in ("APP", "UNKNOWN", "INBAND_AUDIO"):
        site.switch.press(talk.far, "1", source)
    await talk.row("consent_silent")
    await ended(talk)
    assert recorders(site, talk) == []


@pytest.mark.requirement("S123")
async def test_a_call_type_that_is_never_recorded_is_put_through_at_once(site: SwitchSite) -> None:
    talk = await site.call("private")
    await talk.met()
    assert not [played for played in site.switch.played if played[0] == talk.far.uuid]
    await ended(talk)
    assert recorders(site, talk) == []


@pytest.mark.requirement("S123")
async def test_whoever_stays_after_an_announcement_is_recorded_and_may_still_refuse(site: SwitchSite) -> None:
    talk = await site.call("survey")
    await talk.met()
    await talk.row("notice_ended", script="recording_on")
    for key in "*7":
        site.switch.press(talk.far, key)
    await talk.row("recording_discarded")
    assert recorders(site, talk)[:1] == ["start"] and "stop" in recorders(site, talk)
    stop = next(place for place, line in enumerate(site.switch.asked) if f"{talk.far.uuid} stop /" in line)
    told = [place for place, line in enumerate(site.switch.asked) if line == f"sendmsg {talk.far.uuid}"][-1]
    assert stop < told  # the sentence is true when it is said
    await ended(talk)


@pytest.mark.requirement("S123")
async def test_an_agent_pauses_and_resumes_and_the_file_proves_it(site: SwitchSite) -> None:
    talk = await site.call()
    await talk.recorded()
    agent = talk.far.peer
    assert agent
    for key in "*8":
        site.switch.press(agent, key)
    await talk.row("mask_observed")
    await asyncio.sleep(0.5)
    for key in "*8":
        site.switch.press(agent, key)
    await talk.row("unmask_observed")
    await asyncio.sleep(0.5)
    await ended(talk)
    await talk.row("recording_verified")


@pytest.mark.fault("signalwire/freeswitch#980")
@pytest.mark.requirement("S123")
async def test_a_hold_by_either_side_is_silence_and_the_sound_comes_back(site: SwitchSite) -> None:
    talk = await site.call()
    await talk.recorded()
    assert talk.far.peer
    for number, leg in enumerate((talk.far, talk.far.peer), start=1):
        for name, row in (("CHANNEL_HOLD", "mask_observed"), ("CHANNEL_UNHOLD", "unmask_observed")):
            site.switch.fire("CHANNEL_CREATE", leg, Event_Name=name)  # no capture holds one
            await talk.row(row, count=number)
    await ended(talk)
    await talk.row("recording_verified")


@pytest.mark.requirement("S123")
@pytest.mark.parametrize("how", ["conference", "three_way"])
async def test_a_third_party_silences_the_recording(site: SwitchSite, how: str) -> None:
    talk = await site.call()
    await talk.recorded()
    switch, agent = site.switch, talk.far.peer
    assert agent
    third = switch.channel("sofia/lab/super@127.0.0.1:16061", "outbound")
    third.answered = True
    switch.fire("CHANNEL_ANSWER", third)
    if how == "conference":
        for member in (talk.far, agent, third):
            switch.custom("conference::maintenance", member, Action="add-member", Conference_Name="room1")
    else:
        switch.fire("CHANNEL_EXECUTE", third, Application="three_way", Application_Data=agent.uuid)
        switch.fire("MEDIA_BUG_START", agent, Media_Bug_Function="eavesdrop", Media_Bug_Target=agent.uuid)
    await talk.row("mask_acknowledged")
    switch.hang_up(third)
    switch._ended(third)
    await ended(talk)


@pytest.mark.requirement("S123", "S126")
async def test_a_controller_that_is_killed_leaves_the_conversation_and_no_recording(site: SwitchSite) -> None:
    talk, waits = await site.call(), await site.call()
    await talk.recorded()
    await site.stand.stop_controller(signal.SIGKILL)
    await talk.until(lambda: not talk.far.recordings, "the recorder is stopped", seconds=3)
    await talk.until(lambda: waits.far.peer, "who waited is put through", seconds=3)
    assert talk.far.peer
    await site.stand.start_controller()
    await talk.row("incident_opened")
    for own in (talk, waits):
        await ended(own)
    assert recorders(site, waits) == []

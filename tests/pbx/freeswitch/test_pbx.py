"""FreeSwitchPbx on a scripted FreeSWITCH: its link, its gaps, and whom it never keeps waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.core.effects import Answer, PlayPrompt, SendOn
from callguard.core.events import (
    Bridged,
    ChannelAnswered,
    ChannelHungUp,
    ChannelLeft,
    DigitPressed,
    EffectFailed,
    ListeningEnded,
    ListeningStarted,
    NoticeFailed,
    NoticeStarted,
    Script,
    Unexpected,
)
from callguard.errors import BadInput, Unreachable
from callguard.pbx.asterisk.register import read_register
from callguard.pbx.freeswitch.site import EslAddress
from callguard.ports import Entered, Link, Sighted
from tests.pbx.freeswitch.session import Exchange
from tests.pbx.freeswitch.station import Station, station_on


@pytest_asyncio.fixture(loop_scope="session")
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with station_on(tmp_path) as own:
        yield own


# ---------------------------------------------------------------- the link
async def test_the_first_try_says_what_is_wrong(tmp_path: Path) -> None:
    async with Exchange() as switch:
        await switch.kill()
        station = Station(switch, tmp_path)
        with pytest.raises(Unreachable, match="not reachable"):
            await station.wait(Link)
        await station.close()


async def test_everybodys_password_is_refused_or_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Exchange() as switch:
        for host, wrong in (("192.0.2.1", BadInput), ("127.0.0.1", Unreachable)):
            station = Station(switch, tmp_path, esl=EslAddress(host=host, port=switch.port, password="ClueCon"))
            with caplog.at_level(logging.WARNING), pytest.raises(wrong):
                await station.wait(Link)
            await station.close()
        assert "everybody knows" in caplog.text


@pytest.mark.requirement("S126")
async def test_a_lost_link_keeps_nobody_waiting(station: Station) -> None:
    far = await station.enter()
    channel = station.switch.channels[far]
    own = next(link for link in station.switch.links if link.channel is None)
    own.writer.transport.abort()
    await station.wait(Link, lambda link: not link.up)
    await asyncio.wait_for(channel.left.wait(), 2)  # its dialplan goes on
    await station.wait(Link, lambda link: link.up and link is not station.of(Link)[0])
    assert [link.up for link in station.of(Link)] == [True, False, True]
    assert (await station.pbx.snapshot()).waiting == frozenset()
    assert await station.enter() != far  # and the next one is told again


async def test_who_comes_while_the_link_is_down_goes_on_at_once(station: Station) -> None:
    await station.pbx.outbound.release()
    channel = await station.switch.enter()
    await asyncio.wait_for(channel.left.wait(), 2)
    assert not station.of(Entered)


async def test_a_freeswitch_that_comes_back_is_heard_again(station: Station) -> None:
    await station.switch.kill()
    await station.wait(Link, lambda link: not link.up)
    await station.switch.listen()
    await station.wait(Link, lambda link: link.up and link is not station.of(Link)[0])
    await station.enter()


@pytest.mark.fault(
    "signalwire/freeswitch#2061", "signalwire/freeswitch#2143", "signalwire/freeswitch#2308", "signalwire/freeswitch#55"
)
@pytest.mark.requirement("S123")
async def test_events_that_freeswitch_lost_are_asked_for(tmp_path: Path) -> None:
    """Its queue for a listener was full: it drops events and says so nowhere."""
    async with station_on(tmp_path, look_every=0.2) as station:
        far, agent = await station.talk()
        switch = station.switch
        switch.lose = True
        switch.hang_up(switch.channels[far])
        switch.lose = False
        before = len(station.of(Link))
        switch.channel("sofia/lab/later@127.0.0.1:1")  # the next number shows the gap
        await station.wait(Link, lambda _: len(station.of(Link)) > before)
        assert station.of(Link)[-1].up
        assert {far, agent}.isdisjoint(item.channel_id for item in (await station.pbx.snapshot()).channels)
        assert not read_register(station.settings.register).waiting


# ---------------------------------------------------------------- waiting
async def test_the_register_holds_who_waits(station: Station) -> None:
    far = await station.enter()
    for _ in range(400):
        if read_register(station.settings.register).waiting == {far}:
            break
        await asyncio.sleep(0.005)
    station.pbx.perform(SendOn(channel_id=far))
    await station.wait(ChannelLeft)
    for _ in range(400):
        if not read_register(station.settings.register).waiting:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("still in the register")


async def test_a_prompt_on_its_way_does_not_follow_a_channel_that_is_sent_on(station: Station) -> None:
    far = await station.enter()
    for effect in (Answer(channel_id=far), PlayPrompt(channel_id=far, script=Script.NOTICE), SendOn(channel_id=far)):
        station.pbx.perform(effect)
    await station.wait(ChannelLeft)
    assert (await station.wait(NoticeFailed)).reason in ("stopped", "sent on")
    await asyncio.sleep(0.6)
    assert len(station.of(NoticeStarted)) <= 1 and not station.switch.channels[far].playing


async def test_an_answer_for_a_channel_that_is_gone_fails(station: Station) -> None:
    """FreeSWITCH says +OK to a request for a channel that lingers, and nothing happens."""
    far = await station.enter()
    station.switch.hang_up(station.switch.channels[far])
    await station.wait(ChannelHungUp)
    station.pbx.perform(Answer(channel_id=far))
    assert (await station.wait(EffectFailed)).reason == "no such channel"


# ---------------------------------------------------------------- third parties
@pytest.mark.requirement("S123")
async def test_an_attended_transfer_brings_the_new_party_into_the_bridge(station: Station) -> None:
    far, agent = await station.talk()
    switch = station.switch
    guest = switch.channel("sofia/lab/guest@127.0.0.1:16062", "outbound")
    guest.answered = True
    switch.fire("CHANNEL_ANSWER", guest)
    switch.part(switch.channels[far])
    switch.hang_up(switch.channels[agent])
    switch.join(switch.channels[far], guest)
    joined = await station.wait(Bridged, lambda fact: fact.channel_id == guest.uuid)
    assert [fact for fact in station.of(Bridged) if (fact.channel_id, fact.bridge_id) == (far, joined.bridge_id)]


@pytest.mark.requirement("S123")
async def test_a_conference_and_its_third_party_are_heard_of(station: Station) -> None:
    far, agent = await station.talk()
    switch = station.switch
    switch.part(switch.channels[far])
    third = switch.channel("sofia/lab/super@127.0.0.1:16061", "outbound")
    for channel in (switch.channels[far], switch.channels[agent], third):
        switch.custom("conference::maintenance", channel, Action="add-member", Conference_Name="room1")
    await station.wait(Bridged, lambda fact: (fact.channel_id, fact.bridge_id) == (third.uuid, "conference-room1"))
    members = {fact.channel_id for fact in station.of(Bridged) if fact.bridge_id == "conference-room1"}
    assert members == {far, agent, third.uuid}


@pytest.mark.requirement("S123")
async def test_who_listens_is_heard_of_and_a_third_one_is_in_the_bridge(station: Station) -> None:
    far, agent = await station.talk()
    switch = station.switch
    boss = switch.channel("sofia/lab/super@127.0.0.1:16061", "outbound")
    switch.fire("CHANNEL_EXECUTE", boss, Application="eavesdrop", Application_Data=agent)
    assert (await station.wait(ListeningStarted)).heard_id == agent
    switch.fire("CHANNEL_EXECUTE_COMPLETE", boss, Application="eavesdrop")
    assert (await station.wait(ListeningEnded)).channel_id == boss.uuid
    assert not [fact for fact in station.of(Bridged) if fact.channel_id == boss.uuid]
    switch.fire("CHANNEL_EXECUTE", boss, Application="three_way", Application_Data=agent)
    joined = await station.wait(Bridged, lambda fact: fact.channel_id == boss.uuid)
    assert joined.bridge_id == next(fact.bridge_id for fact in station.of(Bridged) if fact.channel_id == far)


@pytest.mark.requirement("S123")
async def test_a_key_that_a_program_made_counts_for_nothing(station: Station) -> None:
    far = await station.enter()
    channel = station.switch.channels[far]
    for source in ("APP", "UNKNOWN"):
        station.switch.fire("DTMF", channel, DTMF_Digit="1", DTMF_Source=source)
    station.switch.fire("DTMF", channel, DTMF_Digit="2", DTMF_Source="RTP")
    assert (await station.wait(DigitPressed)).digit == "2"
    assert len(station.of(DigitPressed)) == 1 and len(station.of(Unexpected)) == 2
    assert all(raw.get("DTMF-Digit") in (None, "x") for raw in station.raws)


# ---------------------------------------------------------------- what a caller may choose
EVIL = ["\n\napi system x\n\n", "\r\nexit", "x" * 10_000, "'; drop table", "${system(x)}", "\x00", "a|b^c,d"]


@pytest.mark.fault("fusionpbx/fusionpbx#8063")
@pytest.mark.parametrize("evil", EVIL)
async def test_a_caller_s_name_reaches_no_command(station: Station, evil: str) -> None:
    switch = station.switch
    own = switch.channel("sofia/lab/caller@127.0.0.1:50744", effective_caller_id_name=evil)
    switch.fire("CHANNEL_ANSWER", own, Caller_Caller_ID_Name=evil, Caller_Destination_Number=evil)
    await station.wait(ChannelAnswered)
    far, _ = await station.talk()
    await station.record(far)
    await station.pbx.snapshot()
    sighted = next(seen for seen in station.of(Sighted) if seen.channel.channel_id == own.uuid)
    assert sighted.channel.endpoint == "sofia/lab"
    assert not [line for line in switch.asked if evil.strip()[:8] in line.removeprefix("exit")]

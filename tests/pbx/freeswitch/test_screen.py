"""What an agent is shown by FreeSWITCH."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from callguard.core.effects import Indicate, MaskRecording, OpenOrders, StopRecording, WithholdOrders
from callguard.core.events import EffectFailed, MaskAcknowledged, StopObserved
from callguard.core.purpose import Indicator
from callguard.core.word import Status
from callguard.ports import Entered
from tests.pbx.freeswitch.station import Station, station_on


@pytest_asyncio.fixture(loop_scope="session")
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with station_on(tmp_path) as own:
        yield own


async def settled(station: Station) -> None:
    """All that was sent has been answered."""
    for _ in range(3):
        await station.pbx.snapshot()


async def test_the_variable_of_the_far_party_follows_its_recording(station: Station) -> None:
    far, _ = await station.talk()
    variables = station.switch.channels[far].variables
    seen = [variables.get("CALLGUARD_STATUS")]
    await station.record(far)
    await settled(station)
    seen.append(variables["CALLGUARD_STATUS"])
    station.pbx.perform(MaskRecording(channel_id=far, recording_id="r1"))
    await station.wait(MaskAcknowledged)
    await settled(station)
    seen.append(variables["CALLGUARD_STATUS"])
    station.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
    await station.wait(StopObserved)
    await settled(station)
    assert [*seen, variables["CALLGUARD_STATUS"]] == ["not_recorded", "recorded", "paused", "not_recorded"]


async def test_an_agent_sees_a_prefix_before_a_name_that_can_do_no_harm(station: Station) -> None:
    far, agent = await station.talk()
    station.pbx._screen._names[far] = "J\nexit {x} | [REC] Smith"
    station.pbx.perform(Indicate(channel_id=agent, status=Status.PAUSED, by=Indicator.NAME))
    await settled(station)
    channel = station.switch.channels[agent]
    assert channel.display == "[PAUSED] J exit x Smith" and channel.variables["CALLGUARD_STATUS"] == "paused"
    assert station.switch.asked.count("exit") == 1  # ours, of its SendOn


async def test_an_agent_who_dials_out_sees_whom(station: Station) -> None:
    agent, called = await station.switch.dial("bridged")
    await station.wait(Entered, lambda heard: heard.channel.channel_id == called.uuid)
    station.pbx.perform(Indicate(channel_id=agent.uuid, status=Status.RECORDED, by=Indicator.NAME))
    await settled(station)
    assert agent.display.startswith("[REC] ") and "agent" not in agent.display


async def test_orders_are_a_variable(station: Station) -> None:
    far, _ = await station.talk()
    variables = station.switch.channels[far].variables
    station.pbx.perform(WithholdOrders(channel_id=far))
    await settled(station)
    assert variables["CALLGUARD_ORDERS"] == "withheld"
    station.pbx.perform(OpenOrders(channel_id=far, recording_id="r1"))
    await settled(station)
    assert variables["CALLGUARD_ORDERS"] == "open"


async def test_what_cannot_be_shown_is_a_failed_request(station: Station) -> None:
    for effect in (WithholdOrders(channel_id="gone"), WithholdOrders(channel_id="a b\nexit")):
        station.pbx.perform(effect)
        fact = await station.wait(EffectFailed, lambda fact, own=effect: fact.channel_id == own.channel_id)  # type: ignore[misc]
        assert fact.reason == "no such channel"
    assert "exit" not in station.switch.asked

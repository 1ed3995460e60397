"""Somebody else's recorders on FreeSWITCH: which are seen, and how they are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.core.effects import StopRogue
from callguard.core.events import EffectFailed, RogueRecordingSeen
from tests.pbx.freeswitch.station import Station, station_on


@pytest_asyncio.fixture(loop_scope="session")
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with station_on(tmp_path) as own:
        yield own


def bug(station: Station, channel_id: str, function: str, target: str = "") -> None:
    about = {"Media_Bug_Function": function, "Media_Bug_Target": target}
    station.switch.fire("MEDIA_BUG_START", station.switch.channels[channel_id], **about)


async def asked(station: Station, line: str) -> None:
    async with asyncio.timeout(2):
        while line not in station.switch.asked:
            await asyncio.sleep(0.005)


@pytest.mark.requirement("S4")
async def test_somebody_else_s_recorder_is_seen_once_and_stopped_by_its_file(station: Station, tmp_path: Path) -> None:
    far, _ = await station.talk()
    await station.record(far)
    foreign = str(tmp_path / "other.wav")
    station.switch._api(f"uuid_record {far} start {foreign} 0")
    assert (await station.wait(RogueRecordingSeen)).channel_id == far
    station.pbx.perform(StopRogue(channel_id=far))
    await asked(station, f"api uuid_record {far} stop {foreign}")
    assert len(station.of(RogueRecordingSeen)) == 1 and list(station.switch.channels[far].recordings) == [
        str(station.file("r1"))
    ]


@pytest.mark.requirement("S4")
async def test_two_calls_that_ask_stop_one_recorder_once_each(station: Station, tmp_path: Path) -> None:
    far, _ = await station.talk()
    first, second = (str(tmp_path / name) for name in ("first.wav", "second.wav"))
    for path in (first, second):
        station.switch._api(f"uuid_record {far} start {path} 0")
    await station.wait(RogueRecordingSeen, lambda _: len(station.of(RogueRecordingSeen)) == 2)
    for _ in range(3):
        station.pbx.perform(StopRogue(channel_id=far))
    await asked(station, f"api uuid_record {far} stop {first}")
    await asyncio.sleep(0.05)
    stops = [line.rpartition(" ")[2] for line in station.switch.asked if " stop " in line]
    assert stops == [second, first] and station.of(EffectFailed) == []


@pytest.mark.requirement("S4")
@pytest.mark.parametrize("function", ["oreka", "audio_fork", "mod_audio_stream"])
async def test_what_carries_the_sound_away_is_a_recorder_that_nobody_here_can_stop(
    station: Station, function: str
) -> None:
    far, _ = await station.talk()
    bug(station, far, function)
    await station.wait(RogueRecordingSeen)
    station.pbx.perform(StopRogue(channel_id=far))
    assert (await station.wait(EffectFailed)).effect == "StopRogue"


@pytest.mark.requirement("S4")
async def test_a_path_that_could_do_harm_stands_in_no_command(station: Station) -> None:
    far, _ = await station.talk()
    bug(station, far, "session_record", "/srv/o.wav;x y")
    await station.wait(RogueRecordingSeen)
    station.pbx.perform(StopRogue(channel_id=far))
    assert (await station.wait(EffectFailed)).effect == "StopRogue"
    bug(station, far, "session_record", "/srv/o.wav")
    await station.wait(RogueRecordingSeen, lambda _: len(station.of(RogueRecordingSeen)) == 2)
    station.pbx._recorder.rogues.seen("a b\nexit", "/srv/o.wav")
    station.pbx.perform(StopRogue(channel_id="a b\nexit"))
    await station.wait(EffectFailed, lambda fact: fact.channel_id != far)
    assert not [line for line in station.switch.asked if "x y" in line or "a b" in line]


@pytest.mark.requirement("S4")
async def test_a_conference_that_is_recorded_is_a_bridge_that_is(station: Station) -> None:
    about = {"Event-Name": "CUSTOM", "Event-Subclass": "conference::maintenance", "Conference-Name": "room1"}
    station.pbx._hear(about | {"Action": "start-recording", "Path": "/x.wav", "Error": "not opened"})
    station.pbx._hear(about | {"Action": "start-recording", "Path": "/x.wav"})
    (seen,) = station.of(RogueRecordingSeen)
    assert (seen.channel_id, seen.bridge_id) == ("", "conference-room1")
    station.pbx.perform(StopRogue(bridge_id=seen.bridge_id))
    await asked(station, "api conference room1 recording stop /x.wav")


@pytest.mark.requirement("S4")
async def test_who_comes_into_a_conference_that_is_recorded_is_told_of_until_it_no_longer_is(station: Station) -> None:
    far, agent = await station.talk()
    room = {"Event-Name": "CUSTOM", "Event-Subclass": "conference::maintenance", "Conference-Name": "room1"}

    def comes(channel_id: str, begins: str = "start-recording") -> list[RogueRecordingSeen]:
        station.pbx._hear(room | {"Action": begins, "Path": "/x.wav"})
        station.pbx._hear(room | {"Action": "add-member", "Unique-ID": channel_id})
        return [event for event in station.of(RogueRecordingSeen) if event.channel_id == channel_id]

    assert [event.bridge_id for event in comes(far)] == ["conference-room1"]
    assert comes(agent, "stop-recording") == []
    station.pbx._hear(room | {"Action": "del-member", "Unique-ID": agent})
    station.pbx._hear(room | {"Action": "start-recording", "Path": "/y.wav"})
    assert comes(agent, "conference-destroy") == []


async def test_a_caller_who_leaves_a_message_is_not_recorded_by_somebody_else(station: Station) -> None:
    far = await station.enter()
    own = station.switch.channels[far]
    about = {"Record_File_Path": "/vm/1.wav"}
    station.switch.fire("RECORD_START", own, **about, variable_current_application="voicemail")
    station.switch.fire("RECORD_START", own, **about, variable_current_application="record")
    assert (await station.wait(RogueRecordingSeen)).channel_id == far and len(station.of(RogueRecordingSeen)) == 1


async def test_without_a_link_nothing_is_stopped(station: Station) -> None:
    far, _ = await station.talk()
    bug(station, far, "session_record", "/srv/o.wav")
    await station.wait(RogueRecordingSeen)
    station.switch.hang_up(station.switch.channels[far])
    await station.switch.kill()
    station.pbx.perform(StopRogue(channel_id=far))
    assert (await station.wait(EffectFailed, lambda fact: fact.effect == "StopRogue")).reason == "link lost"

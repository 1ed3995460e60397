"""Recordings on a scripted FreeSWITCH: what is asked of it, and what is made of its answers and its files."""

from __future__ import annotations

import asyncio
import shutil
import struct
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from callguard.audio.wav import WavReader
from callguard.core.effects import MaskRecording, StartRecording, StopRecording, UnmaskRecording
from callguard.core.events import (
    Bridged,
    EffectFailed,
    MaskAcknowledged,
    MaskObserved,
    RecordingAcknowledged,
    RecordingDamaged,
    RecordingGrowing,
    RecordingLost,
    RecordingOpened,
    RogueRecordingSeen,
    StopAcknowledged,
    StopObserved,
    UnmaskAcknowledged,
    UnmaskObserved,
)
from callguard.core.recording import RECORDER_DIED
from callguard.errors import BadInput
from callguard.pbx.asterisk.register import read_register
from callguard.pbx.freeswitch.pbx import FreeSwitchPbx
from callguard.pbx.freeswitch.recorder import UNMASK_SECONDS
from tests.pbx.freeswitch.station import Station, settings_for, station_on


@pytest_asyncio.fixture(loop_scope="session")
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with station_on(tmp_path) as own:
        yield own


def commands(station: Station, word: str) -> list[str]:
    """What was asked, of one kind."""
    return [line for line in station.switch.asked if line.startswith(f"api {word} ")]


def _finds(finding: str, fact: RecordingDamaged) -> bool:
    return fact.findings == (finding,)


def spoken(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """The left side's first sample of every frame: its number plus one, or 0 where it is masked."""
    return np.frombuffer(path.read_bytes()[44:], "<i2").reshape(-1, 2)[::160, 0]


# ---------------------------------------------------------------- the request
@pytest.mark.fault("signalwire/freeswitch#1831", "signalwire/freeswitch#1541")
@pytest.mark.requirement("S44")
async def test_a_recording_is_asked_for_by_its_own_id_and_nothing_else(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    start = next(line for line in commands(station, "uuid_record"))
    assert start == (
        f"api uuid_record {far} start {station.file('r1')} 0 {{callguard_id=r1,RECORD_STEREO=true,"
        "RECORD_PRE_BUFFER_FRAMES=1,enable_file_write_buffering=false}"
    )
    await station.wait(RecordingGrowing)
    station.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
    stopped = await station.wait(StopObserved)
    with WavReader(station.file("r1")) as reader:
        assert reader.frames == stopped.offset_samples > 0
    assert not any("stop_record_session" in line for line in station.switch.asked)  # without an argument it is a crash


@pytest.mark.requirement("S22")
async def test_on_an_agents_channel_the_sides_are_swapped_back(station: Station) -> None:
    far, near = await station.talk()
    station.pbx.perform(StartRecording(channel_id=near, recording_id="r1", swapped=True))
    await station.wait(RecordingOpened)
    (start,) = commands(station, "uuid_record")
    assert start.startswith(f"api uuid_record {near} start ") and start.endswith(",RECORD_STEREO_SWAP=true}")
    assert far != near


async def test_a_switch_of_its_own_is_set_before_a_recording_starts(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    asked = station.switch.asked
    armed = next(line for line in asked if line.startswith("api sched_api"))
    started = next(line for line in asked if "uuid_record" in line and " start " in line)
    assert asked.index(armed) < asked.index(started) and armed.endswith(f"uuid_record {far} stop {station.file('r1')}")
    live = read_register(station.settings.register).recordings["r1"]
    assert (live.channel_id, live.mix_id) == (far, str(station.file("r1")))


async def test_no_switch_no_recording(station: Station) -> None:
    far, _ = await station.talk()
    station.switch.refuse["sched_api"] = "-ERR no scheduler\n"
    station.pbx.perform(StartRecording(channel_id=far, recording_id="r1"))
    assert (await station.wait(EffectFailed)).effect == "StartRecording"
    assert not commands(station, "uuid_record")


@pytest.mark.fault("signalwire/freeswitch#631")
async def test_a_recording_waits_for_the_answer(station: Station) -> None:
    """Before it, uuid_record forces early media and records a call that nobody took."""
    far = await station.enter()
    station.pbx.perform(StartRecording(channel_id=far, recording_id="r1"))
    await asyncio.sleep(0.3)
    assert not commands(station, "uuid_record")
    channel = station.switch.channels[far]
    channel.answered = True
    station.switch.fire("CHANNEL_ANSWER", channel)
    assert (await station.wait(RecordingAcknowledged)).channel_id == far


@pytest.mark.fault("signalwire/freeswitch#2204", "fusionpbx/fusionpbx#8063")
@pytest.mark.parametrize("evil", ["../r1", "r1 r2", "r1\nexit", "", "r" * 65, "{x=y}r"])
async def test_an_id_that_could_be_more_starts_nothing(station: Station, evil: str) -> None:
    far, _ = await station.talk()
    station.pbx.perform(StartRecording(channel_id=far, recording_id=evil))
    assert (await station.wait(EffectFailed)).reason == "not an id" and not commands(station, "uuid_record")


@pytest.mark.fault("signalwire/freeswitch#2204")
@pytest.mark.parametrize("folder", ["relative", "/with space", "/a=b", "/a,b", "/a{b}", "/a'b"])
async def test_a_folder_that_means_something_to_freeswitch_is_refused(station: Station, folder: str) -> None:
    settings = settings_for(station.switch, station.settings.recordings.parent, recordings=Path(folder))
    with pytest.raises(BadInput, match="recordings"):
        FreeSwitchPbx(settings)


# ---------------------------------------------------------------- start failures
@pytest.mark.fault("signalwire/freeswitch#631")
@pytest.mark.parametrize("media", [True, False])
async def test_a_start_that_is_refused_fails(station: Station, media: bool) -> None:
    far, _ = await station.talk()
    if media:
        station.file("r1").mkdir()  # the path is a folder: -ERR Cannot record session!
    else:
        station.switch.refuse["uuid_record"] = "-ERR Media not enabled on channel!\n"
    station.pbx.perform(StartRecording(channel_id=far, recording_id="r1"))
    fact = await station.wait(EffectFailed)
    assert (fact.effect, fact.reason) == ("StartRecording", "refused")
    assert not read_register(station.settings.register).recordings


async def test_an_acknowledged_recording_without_a_file_is_lost(station: Station) -> None:
    far, _ = await station.talk()
    station.switch.refuse["uuid_record"] = "+OK Success\n"
    station.pbx.perform(StartRecording(channel_id=far, recording_id="r1"))
    assert (await station.wait(RecordingLost)).reason == "no file"


async def test_a_recording_that_writes_elsewhere_is_stopped_and_lost(station: Station) -> None:
    """FreeSWITCH says +OK and cuts a path at a blank: Record-File-Path is what counts."""
    far, _ = await station.talk()
    await station.record(far)
    about = {"Record_File_Path": "/srv/elsewhere", "Recording-Variable-callguard_id": "r1"}
    station.switch.fire("RECORD_START", station.switch.channels[far], **about)
    bug = {"Media_Bug_Function": "session_record", "Media_Bug_Target": "/srv/elsewhere"}
    station.switch.fire("MEDIA_BUG_START", station.switch.channels[far], **bug)
    assert (await station.wait(RecordingLost)).reason == "other file"
    assert station.of(RogueRecordingSeen) == []  # it was ours
    assert f"api uuid_record {far} stop all" in station.switch.asked


# ---------------------------------------------------------------- the file is the truth
@pytest.mark.fault("signalwire/freeswitch#1787")
@pytest.mark.parametrize("from_the_start", [True, False])
async def test_a_full_disk_that_freeswitch_does_not_mention_is_noticed(station: Station, from_the_start: bool) -> None:
    """From the start: a file of 44 bytes, though FreeSWITCH counts its samples on (signalwire/freeswitch#1787)."""
    far, _ = await station.talk()
    station.switch.full = from_the_start
    await station.record(far)
    if not from_the_start:
        await station.wait(RecordingGrowing)
        station.switch.channels[far].recordings[str(station.file("r1"))].full = True
    assert (await station.wait(RecordingDamaged)).findings == ("stalled",)
    assert (station.file("r1").stat().st_size == 44) is from_the_start


async def test_a_file_that_vanishes_is_lost(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    await station.wait(RecordingGrowing)
    shutil.rmtree(station.settings.recordings)
    assert (await station.wait(RecordingLost)).reason == "file gone"


@pytest.mark.fault("signalwire/freeswitch#765", "sipwise/rtpengine#1981", "OpenSIPS/opensips#3764")
async def test_what_is_acknowledged_and_not_done_is_found_in_the_file(station: Station) -> None:
    """A mask and a stop that FreeSWITCH says +OK to and forgets: the sound goes on."""
    far, _ = await station.talk()
    await station.record(far)
    await station.wait(RecordingGrowing)
    station.switch.refuse["uuid_record"] = "+OK Success\n"
    for request, finding in ((MaskRecording, "sound under mask"), (StopRecording, RECORDER_DIED)):
        station.pbx.perform(request(channel_id=far, recording_id="r1"))
        await station.wait(RecordingDamaged, partial(_finds, finding))


@pytest.mark.fault("signalwire/freeswitch#765")
async def test_a_stop_after_a_transfer_is_proved_by_its_file(station: Station) -> None:
    """The agent hands the caller on; the recording, on the caller's leg, runs on and stops when it is told to."""
    far, agent = await station.talk()
    await station.record(far)
    await station.wait(RecordingGrowing)
    switch = station.switch
    caller, other = switch.channels[far], switch.channel("sofia/lab/agent2@127.0.0.1:16062", "outbound")
    switch.part(caller)
    switch.hang_up(switch.channels[agent])
    switch.join(caller, other)
    await station.wait(Bridged, lambda fact: fact.channel_id == other.uuid)
    assert not station.of(StopObserved)
    station.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
    stopped = await station.wait(StopObserved)
    with WavReader(station.file("r1")) as reader:
        assert reader.frames == stopped.offset_samples > 0


@pytest.mark.fault("signalwire/freeswitch#1319")
async def test_a_recording_that_ends_by_itself_is_said_to_have_ended(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    await station.wait(RecordingGrowing)
    station.switch.stop(station.switch.channels[far], str(station.file("r1")))
    assert (await station.wait(StopObserved)).recording_id == "r1"
    assert not station.of(StopAcknowledged)


async def test_a_start_while_freeswitch_is_asked_what_is_there_is_no_end(station: Station) -> None:
    """Its answer may be older than the start, or than the end of another one."""
    far, _ = await station.talk()
    recorder, esl = station.pbx._recorder, station.pbx._need_esl()
    await station.record(far, "r0")
    asked = recorder.asked()
    await station.record(far, "r1")
    station.pbx.perform(StopRecording(channel_id=far, recording_id="r0"))
    await station.wait(StopObserved)
    recorder.attach(esl, {far: frozenset(asked.values())}, asked)
    await asyncio.sleep(3.2)
    assert not station.of(RecordingDamaged) and not station.of(RogueRecordingSeen)
    station.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
    await station.wait(StopObserved, lambda fact: fact.recording_id == "r1")


async def test_a_recorder_that_nobody_watches_any_more_does_not_run_on(station: Station) -> None:
    """It was found dead, by whatever mistake, and it is not: its file grows on."""
    far, _ = await station.talk()
    await station.record(far)
    await station.wait(RecordingGrowing)
    recorder, esl = station.pbx._recorder, station.pbx._need_esl()
    recorder.attach(esl, {}, recorder.asked())
    await station.wait(RecordingDamaged, partial(_finds, RECORDER_DIED))
    while station.switch.channels[far].recordings:
        await asyncio.sleep(0.01)


async def test_a_start_whose_answer_was_lost_with_the_link_is_stopped_when_it_is_back(station: Station) -> None:
    far, _ = await station.talk()
    switch = station.switch
    switch.unanswered = "uuid_record"
    station.pbx.perform(StartRecording(channel_id=far, recording_id="r1"))
    while not switch.channels[far].recordings:
        await asyncio.sleep(0.005)
    switch.unanswered = ""
    switch.cut()
    assert (await station.wait(EffectFailed)).reason == "link lost"
    while switch.channels[far].recordings:
        await asyncio.sleep(0.01)
    assert f"api uuid_record {far} stop {station.file('r1')}" in switch.asked


# ---------------------------------------------------------------- mask
@pytest.mark.requirement("S45")
@pytest.mark.parametrize("lag", [1, 25])
async def test_nothing_that_was_said_under_a_mask_is_in_the_file(station: Station, lag: int) -> None:
    """LAG: frames that the media bug holds back; 25 where RECORD_PRE_BUFFER_FRAMES was not taken."""
    far, _ = await station.talk()
    await station.record(far)
    path = station.file("r1")
    recording = station.switch.channels[far].recordings[str(path)]
    recording.lag = lag
    await asyncio.sleep(0.7)
    station.pbx.perform(MaskRecording(channel_id=far, recording_id="r1"))
    await station.wait(MaskAcknowledged)
    masked_at = recording.number
    await station.wait(MaskObserved)
    unmask_at = recording.number  # the sensitive part ends here
    station.pbx.perform(UnmaskRecording(channel_id=far, recording_id="r1"))
    await station.wait(UnmaskAcknowledged)
    await station.wait(UnmaskObserved)
    station.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
    await station.wait(StopObserved)
    heard = {int(number) - 1 for number in spoken(path) if number}
    assert not heard & set(range(masked_at + 1, unmask_at + 1)) and max(heard) > unmask_at
    assert lag > 1 or not station.of(RecordingDamaged)


@pytest.mark.fault("signalwire/freeswitch#980")
async def test_a_file_that_stands_still_on_hold_is_told_apart_from_sound_under_a_mask(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    recording = station.switch.channels[far].recordings[str(station.file("r1"))]
    await station.wait(RecordingGrowing)
    station.pbx.perform(MaskRecording(channel_id=far, recording_id="r1"))
    recording.held = True
    masked = await station.wait(MaskAcknowledged)
    await asyncio.sleep(5)
    recording.held = False
    station.pbx.perform(UnmaskRecording(channel_id=far, recording_id="r1"))
    unmasked = await station.wait(UnmaskAcknowledged)
    await station.wait(UnmaskObserved)
    assert 0.4 < (unmasked.offset_samples - masked.offset_samples) / 8000 < 1
    assert not station.of(RecordingDamaged)


async def test_a_mask_overtakes_an_unmask_that_waits(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    for request in (MaskRecording, UnmaskRecording, MaskRecording):
        station.pbx.perform(request(channel_id=far, recording_id="r1"))
    assert (await station.wait(EffectFailed)).reason == "overtaken"
    await asyncio.sleep(UNMASK_SECONDS + 0.1)
    assert not any(" unmask " in line for line in commands(station, "uuid_record"))


async def test_a_mask_that_is_refused_fails(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    station.switch.refuse["uuid_record"] = "-ERR Cannot mask recording session!\n"
    for request in (MaskRecording, UnmaskRecording):
        station.pbx.perform(request(channel_id=far, recording_id="r1"))
    await station.wait(EffectFailed, lambda fact: fact.effect == "UnmaskRecording")
    assert {fact.effect for fact in station.of(EffectFailed)} == {"MaskRecording", "UnmaskRecording"}


async def test_a_stop_that_is_refused_and_no_end_in_the_file_fails(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    await station.wait(RecordingGrowing)
    station.switch.refuse["uuid_record"] = "-ERR Cannot stop record session!\n"
    station.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
    fact = await station.wait(EffectFailed)
    assert (fact.effect, fact.reason) == ("StopRecording", "refused")


# ---------------------------------------------------------------- when we are gone
@pytest.mark.requirement("S123")
async def test_freeswitch_stops_the_recording_of_a_controller_that_is_gone(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    await station.close()
    switch = station.switch
    await asyncio.sleep(0.2)
    assert switch.channels[far].recordings
    for _ in range(700):
        if not switch.channels[far].recordings:
            break
        await asyncio.sleep(0.01)
    assert not switch.channels[far].recordings and switch.channels[far].peer  # stopped; the conversation goes on
    assert struct.unpack("<I", station.file("r1").read_bytes()[40:44])[0] > 0


async def test_a_switch_that_was_left_behind_does_not_end_the_recording_that_came_after(
    station: Station, tmp_path: Path
) -> None:
    far, _ = await station.talk()
    await station.record(far)
    await station.close()
    switch = station.switch
    switch.stop(switch.channels[far], str(station.file("r1")))  # by the guard
    next_one = Station(switch, tmp_path)
    try:
        await next_one.up()
        await next_one.record(far, "r2")
        await asyncio.sleep(5)
        assert list(switch.channels[far].recordings) == [str(station.file("r2"))]
    finally:
        await next_one.close()


async def test_while_we_live_it_does_not(station: Station) -> None:
    far, _ = await station.talk()
    await station.record(far)
    await asyncio.sleep(6)
    assert station.switch.channels[far].recordings and len(station.switch.schedule) == 1
    station.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
    await station.wait(StopObserved)
    await asyncio.sleep(0.1)
    assert not station.switch.schedule


@pytest.mark.requirement("S123")
async def test_a_recording_of_the_controller_before_is_taken_over(station: Station, tmp_path: Path) -> None:
    far, _ = await station.talk()
    await station.record(far)
    await station.wait(RecordingGrowing)
    await station.close()
    next_one = Station(station.switch, tmp_path)
    try:
        await next_one.up()
        next_one.pbx.perform(MaskRecording(channel_id=far, recording_id="r1"))
        await next_one.wait(MaskAcknowledged)
        next_one.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
        await next_one.wait(StopObserved)
        assert not next_one.of(RogueRecordingSeen)
    finally:
        await next_one.close()


async def test_a_recording_that_nobody_knows_of_is_seen_when_the_link_comes_up(
    station: Station, tmp_path: Path
) -> None:
    far, _ = await station.talk()
    await station.close()
    switch = station.switch
    assert switch._start(switch.channels[far], str(tmp_path / "other.wav"), "").startswith("+OK")
    next_one = Station(switch, tmp_path)
    try:
        assert (await next_one.wait(RogueRecordingSeen)).channel_id == far
    finally:
        await next_one.close()

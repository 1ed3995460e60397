from __future__ import annotations

import asyncio
import resource
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from callguard.core.effects import (
    ArmRecording,
    Effect,
    MaskRecording,
    RecordingEffect,
    StartRecording,
    StopRecording,
    UnmaskRecording,
)
from callguard.core.events import (
    OVERTAKEN,
    ChannelLeft,
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
from callguard.lab.asterisk import Asterisk
from callguard.lab.media import find_counters
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.recorder import Recorder
from callguard.pbx.asterisk.register import RegisterFile, read_register
from tests.pbx.rig import SITE, Rig, rig_on, settings_for, sound

PACKET = 160


def silent_runs(samples: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of at least 100 ms of zeros, as (start, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (samples == 0).astype(np.int8), [0]))))
    pairs = edges.reshape(-1, 2)
    return [(int(start), int(end)) for start, end in pairs if end - start >= 5 * PACKET]


async def stop(rig: Rig, channel_id: str, recording_id: str) -> StopObserved:
    rig.pbx.perform(StopRecording(channel_id=channel_id, recording_id=recording_id))
    return await rig.wait(StopObserved, lambda fact: fact.recording_id == recording_id)


@pytest.mark.requirement("S44")
async def test_two_files_one_a_side_in_step_to_the_packet(rig: Rig) -> None:
    async with rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        grown = await rig.wait(RecordingGrowing)
        ended = await stop(rig, talk.far, recording_id)
        await rig.register_holds()
    left, right = (sound(rig.settings.recordings / f"{recording_id}-{side}.wav") for side in ("left", "right"))
    assert len(left) == len(right) == ended.offset_samples >= grown.offset_samples == 16_384
    far, agent = find_counters(left), find_counters(right)
    assert len(far) > 95 and {number < 10_000 for _, number in far} == {True}
    assert len(agent) > 95 and {number >= 10_000 for _, number in agent} == {True}
    acknowledged, opened = rig.of(RecordingAcknowledged)[0], rig.of(RecordingOpened)[0]
    assert acknowledged.recording_id == opened.recording_id == recording_id
    assert rig.of(RogueRecordingSeen) == []


@pytest.mark.requirement("S123")
async def test_a_recording_that_starts_on_a_disk_that_hangs_is_lost_within_five_seconds(rig: Rig) -> None:
    """A look that does not come back is no look at all; those that came before tell nothing of a later recording."""
    hangs, loop = threading.Event(), asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as threads:
        loop.set_default_executor(threads)  # by which the files are looked at
        threads.submit(hangs.wait, 30)
        try:
            async with rig.talk() as talk:
                rig.pbx.perform(StartRecording(channel_id=talk.far, recording_id=str(uuid.uuid4()), segment_no=0))
                assert (await rig.wait(RecordingLost, seconds=5)).reason == "no file"
        finally:
            loop.set_default_executor(ThreadPoolExecutor())
            hangs.set()


@pytest.mark.requirement("S45")
async def test_fault_asterisk_322_a_mask_works_five_times_and_every_time_is_seen(rig: Rig) -> None:
    async with rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        for count in range(1, 6):
            await asyncio.sleep(0.6)
            rig.pbx.perform(MaskRecording(channel_id=talk.far, recording_id=recording_id))
            await asyncio.sleep(0.8)
            rig.pbx.perform(UnmaskRecording(channel_id=talk.far, recording_id=recording_id))
            await rig.wait(UnmaskAcknowledged, lambda _, count=count: len(rig.of(UnmaskAcknowledged)) == count)  # type: ignore[misc]
        await asyncio.sleep(0.6)
        await stop(rig, talk.far, recording_id)
    asked = [(mask.offset_samples, unmask.offset_samples) for mask, unmask in _pairs(rig, True)]
    seen = [(mask.offset_samples, unmask.offset_samples) for mask, unmask in _pairs(rig, False)]
    for side in ("left", "right"):
        samples = sound(rig.settings.recordings / f"{recording_id}-{side}.wav")
        runs = silent_runs(samples)
        assert len(runs) == 5
        for run, ours, observed in zip(runs, asked, seen, strict=True):
            assert abs(run[0] - ours[0]) <= 800 and abs(run[1] - ours[1]) <= 800
            assert abs(run[0] - observed[0]) <= PACKET and abs(run[1] - observed[1]) <= PACKET
        spans = [(0, runs[0][0])] + [(a[1], b[0]) for a, b in pairwise(runs)]
        assert all(np.sqrt(np.mean(samples[a:b].astype(float) ** 2)) > 1000 for a, b in spans)
    assert rig.of(RecordingDamaged) == [] and rig.of(EffectFailed) == []


def _pairs(rig: Rig, asked: bool) -> list[tuple[MaskAcknowledged | MaskObserved, UnmaskAcknowledged | UnmaskObserved]]:
    if asked:
        return list(zip(rig.of(MaskAcknowledged), rig.of(UnmaskAcknowledged), strict=True))
    return list(zip(rig.of(MaskObserved), rig.of(UnmaskObserved), strict=True))


async def test_requests_made_at_once_reach_the_pbx_in_order(rig: Rig) -> None:
    async with rig.talk() as talk:
        own = str(uuid.uuid4())
        for kind in (StartRecording, MaskRecording, UnmaskRecording, MaskRecording, StopRecording):
            rig.pbx.perform(kind(channel_id=talk.far, recording_id=own))
        await rig.wait(StopObserved)
        wanted = (RecordingAcknowledged, MaskAcknowledged, UnmaskAcknowledged, MaskAcknowledged, StopAcknowledged)
        assert [type(fact) for fact in rig.facts if isinstance(fact, wanted)] == list(wanted)


@pytest.mark.requirement("S126")
async def test_fault_asterisk_1673_a_start_and_a_stop_at_once_leave_nothing_running(
    rig: Rig,
) -> None:
    async with rig.talk() as talk:
        for delay in (0.0, 0.0, 0.001, 0.005, 0.02, 0.05):
            own = str(uuid.uuid4())
            rig.pbx.perform(StartRecording(channel_id=talk.far, recording_id=own))
            await asyncio.sleep(delay)
            rig.pbx.perform(StopRecording(channel_id=talk.far, recording_id=own))
            await rig.wait(StopObserved, lambda fact, own=own: fact.recording_id == own)  # type: ignore[misc]
        assert "MixMonitor" not in await rig.asterisk.cli(f"core show channel {talk.far}")
        assert rig.of(EffectFailed) == []
        await rig.register_holds()


async def test_fault_asterisk_1512_a_second_start_under_one_id_is_refused(rig: Rig) -> None:
    async with rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        rig.pbx.perform(StartRecording(channel_id=talk.far, recording_id=recording_id))
        assert (await rig.wait(EffectFailed)).reason == "running already"
        await stop(rig, talk.far, recording_id)


@pytest.mark.parametrize("bad", ["../x", "a,b", "x)t(/etc/passwd", "a b", "", "x" * 65])
async def test_fault_asterisk_790_an_id_that_is_none_never_becomes_a_path(rig: Rig, bad: str) -> None:
    rig.pbx.perform(StartRecording(channel_id="1.1", recording_id=bad))
    assert (await rig.wait(EffectFailed)).reason == "not an id"


async def test_a_start_that_is_refused_leaves_no_stop_without_an_outcome(rig: Rig) -> None:
    for kind in (StartRecording, MaskRecording, StopRecording):
        rig.pbx.perform(kind(channel_id="1.1", recording_id="r1"))
    await rig.wait(EffectFailed, lambda fact: fact.effect == "StopRecording")
    failed = {fact.effect: fact.reason for fact in rig.of(EffectFailed)}
    assert failed == dict.fromkeys(("StartRecording", "MaskRecording"), "no such channel") | {
        "StopRecording": "not running"
    }
    await rig.register_holds()


async def test_a_hang_up_ends_the_recording_and_its_files_are_final(rig: Rig) -> None:
    async with rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        await asyncio.sleep(0.5)
    ended = await rig.wait(StopObserved)
    assert ended.recording_id == recording_id and ended.offset_samples > 3000
    assert rig.of(RecordingDamaged) == []


async def test_fault_cycoresystems_ari_1_a_stop_of_what_the_guard_stopped_is_answered(
    rig: Rig,
) -> None:
    async with rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        await asyncio.sleep(0.5)
        guard = await Ami.connect(rig.settings.ami, lambda _: None)
        mix_id = read_register(rig.settings.register).recordings[recording_id].mix_id
        await guard.action("StopMixMonitor", Channel=talk.far, MixMonitorID=mix_id)
        rig.pbx.perform(StopRecording(channel_id=talk.far, recording_id=recording_id))
        await rig.wait(StopObserved)
        await guard.close()
        assert rig.of(EffectFailed) == []


async def test_somebody_elses_recorder_is_seen(rig: Rig, tmp_path: Path) -> None:
    async with rig.talk() as talk:
        await rig.record(talk.far)
        await asyncio.sleep(0.1)
        assert rig.of(RogueRecordingSeen) == []
        other = await Ami.connect(rig.settings.ami, lambda _: None)
        await other.action("MixMonitor", Channel=talk.far, File=str(tmp_path / "rogue.wav"))
        assert (await rig.wait(RogueRecordingSeen)).channel_id == talk.far
        await other.close()


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("named", [True, False])
async def test_the_next_controller_takes_a_running_recorder_over(rig: Rig, named: bool) -> None:
    async with rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        await rig.close()
        if not named:  # killed between the request and its answer: only the channel knows the recorder's name
            register = RegisterFile(rig.settings.register)
            await register.record(recording_id, talk.far, "")
            register.close()
        async with rig_on(rig.asterisk, rig.work) as heir:
            await heir.wait(RecordingGrowing)
            ended = await stop(heir, talk.far, recording_id)
            assert ended.offset_samples > 16_000
            assert heir.of(RecordingOpened) == [] and heir.of(RecordingLost) == []
            await heir.register_holds()


@pytest.mark.requirement("S126")
async def test_fault_asterisk_2044_an_unwritable_folder_is_a_lost_recording_though_asterisk_says_success(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    async with rig_on(asterisk, tmp_path, recordings=tmp_path / "blocked" / "recordings") as rig, rig.talk() as talk:
        rig.pbx.perform(StartRecording(channel_id=talk.far, recording_id="r1"))
        acknowledged = await rig.wait(RecordingAcknowledged)
        lost = await rig.wait(RecordingLost)
        assert lost.reason == "no file" and 0.9 < (lost.at - acknowledged.at).total_seconds() < 5


@pytest.mark.requirement("S1", "S126")
async def test_a_recorder_whose_folder_went_away_is_stopped_wherever_it_writes(rig: Rig) -> None:
    async with rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        await rig.wait(RecordingGrowing)
        away = rig.settings.recordings.with_name("away")
        rig.settings.recordings.rename(away)
        assert (await rig.wait(RecordingLost)).reason == "file gone"
        await rig.register_holds(recordings=1)  # the guard can find it until it is known to have ended
        rig.pbx.perform(StopRecording(channel_id=talk.far, recording_id=recording_id))
        await rig.wait(StopAcknowledged)
        await rig.register_holds()
        assert "left" not in await rig.asterisk.cli(f"mixmonitor list {await channel_name(rig)}")


async def channel_name(rig: Rig) -> str:
    """The caller's channel."""
    lines = (await rig.asterisk.cli("core show channels concise")).splitlines()
    return next(line.partition("!")[0] for line in lines if line.startswith("PJSIP/caller"))


@pytest.mark.requirement("S126")
async def test_fault_disk_full_a_full_disk_is_a_damaged_recording(tmp_path: Path) -> None:
    own = Asterisk(tmp_path / "asterisk", dialplan=SITE)
    async with own as asterisk, rig_on(asterisk, tmp_path) as rig, rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        await rig.wait(RecordingGrowing)
        # no file of this Asterisk may grow beyond this any more: its next write fails in the middle
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(asterisk.pid, resource.RLIMIT_FSIZE, (50_000, hard))
        damaged = await rig.wait(RecordingDamaged, seconds=12)
        assert damaged.findings == ("stalled",) and damaged.recording_id == recording_id


@pytest.mark.requirement("S126")
async def test_a_register_that_cannot_be_written_starts_nothing(asterisk: Asterisk, tmp_path: Path) -> None:
    async with rig_on(asterisk, tmp_path) as rig, rig.talk() as talk:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (rig.settings.register.stat().st_size + 5, limits[1]))
        try:
            rig.pbx.perform(StartRecording(channel_id=talk.far, recording_id="r1"))
            rig.pbx.perform(StopRecording(channel_id=talk.far, recording_id="r1"))
            await rig.wait(EffectFailed, lambda fact: fact.effect == "StopRecording")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert [fact.reason for fact in rig.of(EffectFailed)] == ["register not written", "not running"]
        assert not list(rig.settings.recordings.iterdir())


async def test_without_a_link_every_request_fails_at_once(asterisk: Asterisk, tmp_path: Path) -> None:
    rig = Rig(asterisk, tmp_path, settings_for(asterisk, tmp_path))
    await asyncio.sleep(0)  # the run has begun, the links are not up
    requests: list[Effect] = [StartRecording(channel_id="1.1", recording_id="r1")]
    rig.pbx.perform(requests[0])
    failed = await rig.wait(EffectFailed)
    assert isinstance(requests[0], RecordingEffect) and (failed.reason, failed.recording_id) == ("link lost", "r1")
    await rig.close()


def arm(channel_id: str) -> ArmRecording:
    return ArmRecording(channel_id=channel_id, recording_id=str(uuid.uuid4()))


@pytest.mark.requirement("S29")
async def test_the_snippet_is_told_what_to_record_and_one_that_does_not_is_a_lost_recording(rig: Rig) -> None:
    caller = await Phone.open("caller", rig.asterisk.server)
    try:
        await caller.dial("150")  # its dialplan starts no recorder
        effect = arm(await rig.entered())
        rig.pbx.perform(effect)
        await rig.wait(ChannelLeft)
        name = (await rig.asterisk.cli("core show channels concise")).split("!")[0]
        shown = await rig.asterisk.cli(f"core show channel {name}")
        assert f"CALLGUARD_RECORD={rig.settings.recordings}/{effect.recording_id}\n" in shown
        lost = await rig.wait(RecordingLost)
        assert (lost.recording_id, lost.reason) == (effect.recording_id, "no file")
        await rig.register_holds()
    finally:
        await caller.close()


async def test_who_hangs_up_before_the_recorder_started_was_overtaken(rig: Rig) -> None:
    caller = await Phone.open("caller", rig.asterisk.server)
    try:
        call = await caller.dial("150")
        effect = arm(await rig.entered())
        rig.pbx.perform(effect)
        await rig.wait(ChannelLeft)
        await call.hangup()
        failed = await rig.wait(EffectFailed)
        assert (failed.effect, failed.reason) == ("ArmRecording", OVERTAKEN)
        rig.pbx.perform(arm("9.9"))  # and one who had hung up before
        await rig.wait(EffectFailed, lambda fact: fact.channel_id == "9.9" and fact.reason == OVERTAKEN)
        await rig.register_holds()
    finally:
        await caller.close()


async def test_an_armed_recorder_with_an_id_that_is_none_is_refused(rig: Rig) -> None:
    rig.pbx.perform(ArmRecording(channel_id="1.1", recording_id="../x"))
    assert (await rig.wait(EffectFailed)).reason == "not an id"


async def test_fault_asterisk_1779_the_recorder_is_asked_for_two_wav_files_and_no_raw_sound(tmp_path: Path) -> None:
    """Option D writes bytes without a header at whatever rate the channel has: it is never asked for."""
    sent: list[dict[str, str]] = []

    class Wire:
        def send(self, action: str, **headers: str) -> asyncio.Future[Message]:
            sent.append({"Action": action, **headers})
            return asyncio.get_running_loop().create_future()

    register = RegisterFile(tmp_path / "register.jsonl")
    recorder = Recorder(tmp_path, register, lambda _: None)
    recorder.attach(cast(Ami, Wire()))
    recorder.perform(StartRecording(channel_id="1.1", recording_id="r1"))
    async with asyncio.timeout(5):
        while not sent:
            await asyncio.sleep(0.005)
    options = f"r({tmp_path}/r1-left.wav)t({tmp_path}/r1-right.wav)i(CALLGUARD_MIX)"
    assert sent == [{"Action": "MixMonitor", "Channel": "1.1", "File": "", "Options": options}]
    register.close()

"""What the phone of an agent and the dialplan are told, on a real Asterisk."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from callguard.core.effects import Indicate, MaskRecording, PlayPrompt, StopRecording, UnmaskRecording
from callguard.core.events import (
    EffectFailed,
    MaskAcknowledged,
    NoticeEnded,
    NoticeStarted,
    RecordingOpened,
    Script,
    StopAcknowledged,
    StopObserved,
    UnmaskAcknowledged,
)
from callguard.core.purpose import Indicator
from callguard.core.word import Status
from callguard.lab.media import Silence
from callguard.pbx.asterisk.screen import LONGEST, PREFIXES, VARIABLE, prefixed
from tests.pbx.asterisk.test_prompter import tone_in
from tests.pbx.rig import Rig, Talk, sound


def by_name(talk: Talk, status: Status) -> Indicate:
    return Indicate(channel_id=talk.agent, status=status, by=Indicator.NAME)


async def variable(rig: Rig, channel_id: str, wanted: str) -> None:
    """The channel variable says WANTED, now or soon."""
    said = ""
    for _ in range(200):
        said = await rig.asterisk.cli(f"core show channel {await name_of(rig, channel_id)}")
        if f"{VARIABLE}={wanted}\n" in said:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not {wanted}")


async def name_of(rig: Rig, channel_id: str) -> str:
    [name] = [seen.name for seen in (await rig.pbx.snapshot()).channels if seen.channel_id == channel_id]
    return name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "[PAUSED]"),
        ("Ada Lovelace", "[PAUSED] Ada Lovelace"),
        ("[REC] Ada", "[PAUSED] Ada"),
        ("[NOT REC] [REC] [REC]", "[PAUSED]"),
        ("Zoë  d'Arc-Müller Jr.", "[PAUSED] Zoë d'Arc-Müller Jr."),
        ("अनिता", "[PAUSED] अनिता"),
        ('a"b,c)${SHELL(id)}\\<sip:x>;|&^%0d', "[PAUSED] a b c SHELL id sip x 0d"),
        ("a\r\nAction: Ping\0\x1b\u202e\ud800b", "[PAUSED] a Action Ping b"),
        ("x" * 500, "[PAUSED] " + "x" * LONGEST),
    ],
)
def test_only_harmless_characters_of_a_name_stay_behind_the_prefix(name: str, shown: str) -> None:
    assert prefixed(Status.PAUSED, name) == shown
    assert prefixed(Status.PAUSED, shown) == shown


async def test_the_phone_shows_each_status_before_the_name_that_was_there(rig: Rig) -> None:
    async with rig.talk() as talk:
        before = talk.agent_call.names[-1]
        assert before in ("", "caller")
        for status in (*Status, Status.RECORDED):
            rig.pbx.perform(by_name(talk, status))
            await talk.agent_call.shows(f"{PREFIXES[status]} {before}".strip())
            await variable(rig, talk.agent, status.value)
        assert talk.far_call.names == [], "the caller's phone is told nothing"
        assert not rig.of(EffectFailed)


async def test_a_hostile_name_reaches_the_phone_as_letters(rig: Rig) -> None:
    async with rig.talk("Bob, [REC]) ${SHELL(id)}") as talk:
        rig.pbx.perform(by_name(talk, Status.NOT_RECORDED))
        await talk.agent_call.shows("[NOT REC] Bob SHELL id")


async def test_the_far_partys_variable_follows_the_recorder(rig: Rig) -> None:
    async with rig.talk() as talk:
        await variable(rig, talk.far, "not_recorded")
        recording_id = await rig.record(talk.far)
        await variable(rig, talk.far, "recorded")
        rig.pbx.perform(MaskRecording(channel_id=talk.far, recording_id=recording_id))
        await rig.wait(MaskAcknowledged)
        await variable(rig, talk.far, "paused")
        rig.pbx.perform(UnmaskRecording(channel_id=talk.far, recording_id=recording_id))
        await rig.wait(UnmaskAcknowledged)
        await variable(rig, talk.far, "recorded")
        rig.pbx.perform(StopRecording(channel_id=talk.far, recording_id=recording_id))
        await rig.wait(StopAcknowledged)
        await variable(rig, talk.far, "not_recorded")


async def test_a_whisper_to_the_agent_is_heard_by_nobody_else_and_lies_in_no_file(rig: Rig) -> None:
    async with rig.talk() as talk:
        for call in (talk.far_call, talk.agent_call):
            call.rtp.source = Silence()
        recording_id = await rig.record(talk.far)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        cue = Indicate(channel_id=talk.agent, status=Status.PAUSED, by=Indicator.TONE, script=Script.PAUSED)
        rig.pbx.perform(cue)
        for _ in range(300):
            if tone_in(heard := talk.agent_call.heard().between(begin, loop.time())):
                break
            await asyncio.sleep(0.01)
        assert tone_in(heard)
        await asyncio.sleep(0.7)
        assert not np.abs(talk.far_call.heard().between(begin, loop.time()).astype(int)).max(initial=0) > 8
        await variable(rig, talk.agent, "paused")
    await rig.wait(StopObserved)
    for side in ("left", "right"):
        file = sound(rig.settings.recordings / f"{recording_id}-{side}.wav")
        assert len(file) > 4000 and not tone_in(file) and np.abs(file.astype(int)).max() <= 8
    assert not rig.of(NoticeStarted) and not rig.of(NoticeEnded) and not rig.of(EffectFailed)


async def test_a_whisper_and_the_line_for_all_do_not_stop_each_other(rig: Rig) -> None:
    async with rig.talk() as talk:
        cue = Indicate(channel_id=talk.agent, status=Status.PAUSED, by=Indicator.TONE, script=Script.PAUSED)
        rig.pbx.perform(PlayPrompt(channel_id=talk.agent, script=Script.RECORDING_ON, whisper=True, to_all=True))
        rig.pbx.perform(cue)
        await rig.wait(NoticeEnded)
        assert not rig.of(EffectFailed) and not rig.of(RecordingOpened)

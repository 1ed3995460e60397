from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path, PurePath
from typing import cast

import numpy as np
import pytest

from callguard.core.effects import Answer, PlayPrompt, SendOn, SoundBeep, StopPrompt
from callguard.core.events import EffectFailed, NoticeEnded, NoticeFailed, NoticeStarted, Script
from callguard.lab.dialog import Call
from callguard.lab.media import Silence
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.prompter import Prompter
from callguard.pbx.asterisk.site import OWN_PREFIX
from callguard.pbx.asterisk.translate import text
from tests.pbx.rig import Prompt, Rig, make_prompt, rig_on, sound


async def waiting_call(rig: Rig) -> tuple[Phone, Call, str]:
    caller = await Phone.open("caller", rig.asterisk.server)
    call = await caller.dial("150")
    channel_id = await rig.entered()
    rig.pbx.perform(Answer(channel_id=channel_id))
    return caller, call, channel_id


def tone_in(samples: object) -> bool:
    """Whether the prompt's 1 kHz is there."""
    wave = np.asarray(samples, dtype=float)
    phase = np.exp(-2j * np.pi * 1000 * np.arange(len(wave)) / 8000)
    return len(wave) > 800 and bool(abs((wave * phase).mean()) > 100)


@pytest.mark.requirement("S42")
async def test_a_prompt_played_to_its_end_is_proved_with_its_names(rig: Rig) -> None:
    caller, call, channel_id = await waiting_call(rig)
    rig.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    started, ended = await rig.wait(NoticeStarted), await rig.wait(NoticeEnded)
    assert (started.prompt, started.language, started.text_version) == ("notice-short", "en", "1")
    assert started.audio_sha256 == rig.prompt.sha256 and started.channel_id == ended.channel_id == channel_id
    assert 0.4 < (ended.at - started.at).total_seconds() < 0.8
    await call.hangup()
    await caller.close()


@pytest.mark.requirement("S126")
@pytest.mark.parametrize(
    ("content", "digest", "reason"),
    [
        (None, "00" * 32, "prompt changed"),
        (b"no audio at all", "00" * 32, "prompt changed"),
        (b"no audio at all", hashlib.sha256(b"no audio at all").hexdigest(), "not played"),
    ],
    ids=["missing", "changed", "unplayable"],
)
async def test_audio_that_is_not_the_prompt_is_no_notice(
    rig: Rig, tmp_path: Path, content: bytes | None, digest: str, reason: str
) -> None:
    caller, call, channel_id = await waiting_call(rig)
    path = tmp_path / "other.wav"
    if content is not None:
        path.write_bytes(content)
    rig.pbx.set_prompts(channel_id, {Script.NOTICE: Prompt(path, digest)})
    rig.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    assert (await rig.wait(NoticeFailed)).reason == reason
    assert not rig.of(NoticeEnded)
    await call.hangup()
    await caller.close()


async def test_a_tone_without_its_file_fails_and_is_no_fact_else(rig: Rig) -> None:
    caller, call, channel_id = await waiting_call(rig)
    rig.pbx.set_prompts(channel_id, {})
    rig.pbx.perform(SoundBeep(channel_id=channel_id))
    failed = await rig.wait(EffectFailed)
    assert (failed.effect, failed.reason) == ("SoundBeep", "no prompt")
    rig.pbx.set_prompts(channel_id, {Script.BEEP: rig.prompt})
    rig.pbx.perform(SoundBeep(channel_id=channel_id))
    await asyncio.sleep(0.7)
    assert not rig.of(NoticeStarted) and not rig.of(NoticeEnded) and len(rig.of(EffectFailed)) == 1
    await call.hangup()
    await caller.close()


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("after", [0.0, 0.02, 0.1, 0.3, 0.45])
async def test_a_hang_up_during_the_notice_is_no_notice(rig: Rig, after: float) -> None:
    caller, call, channel_id = await waiting_call(rig)
    rig.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    if after:
        await rig.wait(NoticeStarted)
        await asyncio.sleep(after)
    await call.hangup()
    failed = await rig.wait(NoticeFailed)
    assert failed.channel_id == channel_id and not rig.of(NoticeEnded)
    await caller.close()


async def test_a_stopped_prompt_does_not_count_though_asterisk_says_done(rig: Rig) -> None:
    caller, call, channel_id = await waiting_call(rig)
    rig.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    await rig.wait(NoticeStarted)
    rig.pbx.perform(StopPrompt(channel_id=channel_id))
    assert (await rig.wait(NoticeFailed)).reason == "stopped"
    rig.pbx.perform(SendOn(channel_id=channel_id))
    await asyncio.sleep(0.2)
    assert not rig.of(NoticeEnded)
    await call.hangup()
    await caller.close()


@pytest.mark.requirement("S43")
@pytest.mark.parametrize("to_all", [True, False])
async def test_a_whisper_reaches_whom_it_should_and_the_file_only_when_all_hear_it(rig: Rig, to_all: bool) -> None:
    async with rig.talk() as talk:
        for call in (talk.far_call, talk.agent_call):
            call.rtp.source = Silence()
        recording_id = await rig.record(talk.far)
        party = talk.agent if to_all else talk.far
        loop = asyncio.get_running_loop()
        begin = loop.time()
        rig.pbx.perform(PlayPrompt(channel_id=party, script=Script.RECORDING_ON, whisper=True, to_all=to_all))
        ended = await rig.wait(NoticeEnded)
        await asyncio.sleep(0.1)
        assert ended.channel_id == party
        assert tone_in(talk.far_call.heard().between(begin, loop.time()))
        assert tone_in(talk.agent_call.heard().between(begin, loop.time())) is to_all
    await asyncio.sleep(0.3)
    assert not tone_in(sound(rig.settings.recordings / f"{recording_id}-left.wav"))
    assert tone_in(sound(rig.settings.recordings / f"{recording_id}-right.wav")) is to_all
    assert not any("callguard-" in repr(heard) or "Snoop" in repr(heard) for heard in rig.heard)


async def test_a_snoop_left_over_by_a_dead_controller_is_hung_up(rig: Rig, tmp_path: Path) -> None:
    async with rig.talk() as talk:
        ari = await Ari.connect(replace(rig.settings.ari, app="other"))
        await ari.snoop(talk.far, f"{OWN_PREFIX}callguard-leftover", "out")
        own = [text(channel, "id") for channel in await ari.channels()]
        assert f"{OWN_PREFIX}callguard-leftover" in own
        await rig.close()
        next_work = tmp_path / "next"
        next_work.mkdir()
        make_prompt(next_work / "prompt.wav")
        async with rig_on(rig.asterisk, next_work):
            await asyncio.sleep(0.1)
            left = {text(channel, "id") for channel in await ari.channels()}
            assert left == {talk.far, talk.agent}
        await ari.close()


@pytest.mark.parametrize("first", ["event", "answer"])
async def test_fault_dograh_283_a_snoop_may_begin_before_its_request_is_answered(tmp_path: Path, first: str) -> None:
    """Its id is ours, so that whichever comes first is known; nothing is played before it is there."""
    done: list[str] = []

    class Line:
        async def snoop(self, channel_id: str, snoop_id: str, whisper: str) -> None:
            begun = {"type": "StasisStart", "channel": {"id": snoop_id}}
            if first == "event":
                prompter.heard(begun)
                await asyncio.sleep(0.01)
            else:
                asyncio.get_running_loop().call_later(0.01, prompter.heard, begun)
            done.append(f"asked {channel_id}")

        async def play(self, channel_id: str, playback_id: str, audio: PurePath) -> None:
            assert all(playing.ready.is_set() for playing in prompter._playing.values())
            done.append("played")

    prompter = Prompter("callguard", lambda event, _: done.append(event.type))
    prompter.attach(cast(Ari, Line()))
    prompter.set_prompts("agent", {Script.NOTICE: make_prompt(tmp_path / "prompt.wav")})
    await prompter.playing(PlayPrompt(channel_id="agent", script=Script.NOTICE, whisper=True))()
    assert done == ["asked agent", "played"]

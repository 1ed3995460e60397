"""Prompts on a scripted FreeSWITCH."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.core.effects import Answer, PlayPrompt, StopPrompt
from callguard.core.events import ChannelHungUp, NoticeEnded, NoticeFailed, NoticeStarted, Script
from callguard.pbx.freeswitch.prompter import WARM_SECONDS
from tests.pbx.freeswitch.capture import messages
from tests.pbx.freeswitch.scripted import TICK
from tests.pbx.freeswitch.station import Station, station_on


@pytest_asyncio.fixture(loop_scope="session")
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with station_on(tmp_path) as own:
        yield own


def executed(station: Station) -> list[str]:
    return [line for line in station.switch.asked if line.startswith("sendmsg ")]


def test_a_real_one_says_done_of_a_prompt_that_a_hang_up_cut() -> None:
    stop = next(item for item in messages("hangup-during-notice.inbound") if item["Event-Name"] == "PLAYBACK_STOP")
    assert stop["Playback-Status"] == "done" and stop["Hangup-Cause"] == "NORMAL_CLEARING"


@pytest.mark.requirement("S42")
@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 0.45])
async def test_a_prompt_that_a_hang_up_cut_was_not_heard(station: Station, after: float) -> None:
    far = await station.enter()
    station.pbx.perform(Answer(channel_id=far))
    station.pbx.perform(PlayPrompt(channel_id=far, script=Script.NOTICE))
    await station.wait(NoticeStarted)
    await asyncio.sleep(after)
    station.switch.hang_up(station.switch.channels[far])
    await station.wait(ChannelHungUp)
    assert (await station.wait(NoticeFailed)).reason == "hung up" and not station.of(NoticeEnded)


async def test_the_key_that_begins_a_withdrawal_ends_no_prompt(station: Station) -> None:
    """FreeSWITCH ends what it plays at the key *, unless it is told otherwise: a line that was cut is no line."""
    far = await station.enter()
    station.pbx.perform(Answer(channel_id=far))
    station.pbx.perform(PlayPrompt(channel_id=far, script=Script.NOTICE))
    await station.wait(NoticeStarted)
    for key in "*#7":
        station.switch.press(station.switch.channels[far], key)
    await station.wait(NoticeEnded)
    assert not station.of(NoticeFailed)


async def test_a_line_for_all_is_played_to_both_and_counts_once(station: Station) -> None:
    far, agent = await station.talk()
    station.pbx.perform(PlayPrompt(channel_id=agent, script=Script.RECORDING_ON, whisper=True, to_all=True))
    assert (await station.wait(NoticeEnded)).channel_id == agent
    assert {line.split()[1] for line in executed(station)} == {far, agent}
    assert len(station.of(NoticeStarted)) == len(station.of(NoticeEnded)) == 1


async def test_a_line_that_is_played_to_one_after_the_other_was_heard_by_both(station: Station) -> None:
    """A real one plays to the second leg of a young bridge when the first has heard it all."""
    station.switch.in_turn = True
    far, agent = await station.talk()
    for channel_id in (agent, far):  # whoever it is for may be the second
        before = len(station.of(NoticeEnded))
        station.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.RECORDING_ON, whisper=True, to_all=True))
        await station.wait(NoticeEnded, lambda _, before=before: len(station.of(NoticeEnded)) > before)  # type: ignore[misc]
    assert not station.of(NoticeFailed) and len(station.of(NoticeStarted)) == 2 and len(station.switch.played) == 4


async def test_a_line_waits_until_the_bridge_is_old_enough(station: Station) -> None:
    _, agent = await station.talk()
    met = time.monotonic()
    station.pbx.perform(PlayPrompt(channel_id=agent, script=Script.RECORDING_ON, whisper=True, to_all=True))
    await station.wait(NoticeStarted)
    assert time.monotonic() - met > WARM_SECONDS - 0.1


async def test_a_whisper_is_played_to_one(station: Station) -> None:
    far, _ = await station.talk()
    station.pbx.perform(PlayPrompt(channel_id=far, script=Script.NOTICE, whisper=True))
    await station.wait(NoticeEnded)
    assert [line.split()[1] for line in executed(station)] == [far]


async def test_a_line_that_one_of_both_did_not_hear_was_not_heard(station: Station) -> None:
    far, agent = await station.talk()
    station.pbx.perform(PlayPrompt(channel_id=agent, script=Script.RECORDING_ON, whisper=True, to_all=True))
    await station.wait(NoticeStarted)
    station.switch.channels[far].broken.set()
    assert (await station.wait(NoticeFailed)).channel_id == agent
    await asyncio.sleep(0.6)
    assert not station.of(NoticeEnded)


@pytest.mark.parametrize("name", ["with blank.wav", "a,b.wav", "a{b}.wav", "a!b.wav"])
async def test_a_path_that_means_something_to_freeswitch_is_not_played(station: Station, name: str) -> None:
    far = await station.enter()
    odd = station.prompt.path.with_name(name)
    shutil.copy(station.prompt.path, odd)
    station.pbx.set_prompts(far, {Script.NOTICE: replace(station.prompt, path=odd)})
    station.pbx.perform(PlayPrompt(channel_id=far, script=Script.NOTICE))
    assert (await station.wait(NoticeFailed)).reason == "not playable" and not executed(station)


async def test_a_prompt_that_freeswitch_cannot_find_was_not_heard(station: Station) -> None:
    far = await station.enter()
    station.switch.blind = True
    station.pbx.perform(PlayPrompt(channel_id=far, script=Script.NOTICE))
    assert (await station.wait(NoticeFailed)).reason == "not played" and not station.of(NoticeStarted)


async def in_the_line(station: Station) -> tuple[str, str]:
    """A caller and an agent while both hear the line."""
    far, agent = await station.talk()
    station.pbx.perform(PlayPrompt(channel_id=agent, script=Script.RECORDING_ON, whisper=True, to_all=True))
    await station.wait(NoticeStarted)
    return far, agent


def hush(station: Station, agent: str) -> None:
    station.pbx.perform(StopPrompt(channel_id=agent, script=Script.RECORDING_ON))


async def test_a_line_that_is_to_end_ends_for_both_at_once(station: Station) -> None:
    far, agent = await in_the_line(station)
    hush(station, agent)
    failed = await station.wait(NoticeFailed)
    assert (failed.channel_id, failed.script, failed.reason) == (agent, Script.RECORDING_ON, "stopped")
    assert {(who, status) for who, _, status in station.switch.played} == {(far, "break"), (agent, "break")}


async def test_a_line_that_is_to_end_before_it_began_is_not_played(station: Station) -> None:
    _, agent = await station.talk()
    station.pbx.perform(PlayPrompt(channel_id=agent, script=Script.RECORDING_ON, whisper=True, to_all=True))
    await asyncio.sleep(0.05)  # the bridge is too young
    hush(station, agent)
    assert (await station.wait(NoticeFailed)).reason == "stopped"
    assert not station.of(NoticeStarted) and not executed(station)


async def test_what_plays_within_a_line_that_is_to_end_is_heard_to_its_end(station: Station, tmp_path: Path) -> None:
    far, agent = await in_the_line(station)
    own = replace(station.prompt, path=Path(shutil.copy(station.prompt.path, tmp_path / "withdrawal.wav")))
    station.pbx.set_prompts(far, {Script.WITHDRAWAL: own})
    station.pbx.perform(PlayPrompt(channel_id=far, script=Script.WITHDRAWAL, whisper=True))
    await station.wait(NoticeStarted, lambda fact: fact.script is Script.WITHDRAWAL)
    hush(station, agent)
    await station.wait(NoticeFailed)
    heard = [(who, Path(path).name, status) for who, path, status in station.switch.played]
    assert heard == [
        (agent, "prompt.wav", "break"),
        (far, "withdrawal.wav", "done"),
        (far, "prompt.wav", "break"),
    ]
    assert [fact.script for fact in station.of(NoticeEnded)] == [Script.WITHDRAWAL]


async def test_a_prompt_that_is_stopped_before_it_sounds_fails_all_the_same(station: Station) -> None:
    """FreeSWITCH takes it out of the channel's queue, and no event tells."""
    far = await station.enter()
    station.switch.channels[far].busy = True
    await asyncio.sleep(2 * TICK)
    station.pbx.perform(PlayPrompt(channel_id=far, script=Script.NOTICE))
    station.pbx.perform(StopPrompt(channel_id=far))
    assert (await station.wait(NoticeFailed)).reason == "stopped" and not station.of(NoticeStarted)

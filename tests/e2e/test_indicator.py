"""What an agent without a screen knows: on a phone's display, or by a whisper."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime

import numpy as np
import pytest

from callguard.audio.wav import WavReader
from callguard.lab.media import CounterTone, Silence
from callguard.lab.sip import Phone
from tests.e2e.site import Site, Talk, at, states, types

pytestmark = pytest.mark.asyncio(loop_scope="session")
LOUD = 500


def loudest(samples: np.ndarray) -> int:
    return int(np.abs(samples.astype(int)).max(initial=0))


async def test_the_phone_shows_recorded_paused_and_recorded_again(site: Site) -> None:
    async with site.talk("named") as talk:
        await talk.recorded()
        await talk.answered.shows(f"[REC] {talk.name}")
        await talk.answered.press("*8")
        await talk.answered.shows(f"[PAUSED] {talk.name}")
        await talk.answered.press("*8")
        await talk.answered.shows(f"[REC] {talk.name}")
        ports = site.stand.asterisk.agent_ports
        async with await Phone.open("agent2", site.stand.asterisk.server, port=ports["agent2"]) as second:
            joined = await second.dial(f"add_{talk.number}", media=CounterTone(50000))
            await told(site, "PJSIP/agent2-", "recorded")  # its phone dialled an extension: no name to put a prefix to
            await joined.hangup()
        await asyncio.sleep(1)  # the PBX may say the plain name meanwhile
        await talk.answered.shows(f"[REC] {talk.name}")
        marked = [name.partition("]")[0] for name in talk.answered.names if name != talk.name]
        assert [mark for mark, _ in itertools.groupby(marked)] == ["[REC", "[PAUSED", "[REC"]
        stored = await talk.ends()
    assert states(stored) == ["verified"] and not stored.incidents
    assert "effect_failed" not in types(stored), "a hang-up is no failure of what was shown before"


async def test_the_phone_shows_that_nothing_is_recorded_any_more_or_at_all(site: Site) -> None:
    async def withdraws() -> None:
        async with site.talk("named") as talk:
            await talk.recorded()
            await talk.answered.shows(f"[REC] {talk.name}")
            await talk.call.press("*7")
            await talk.answered.shows(f"[NOT REC] {talk.name}")
            await talk.ends()

    async def refuses() -> None:
        async with site.talk("named") as talk:
            await talk.row("notice_started", script="notice")
            await talk.call.press("2")
            await talk.meets()
            await talk.answered.shows(f"[NOT REC] {talk.name}")
            stored = await talk.ends()
        assert not stored.recordings and not stored.incidents

    async def default() -> None:
        async with site.talk() as talk:
            await talk.recorded()
            await talk.says(0.5)
            stored = await talk.ends()
        assert talk.answered.names == [talk.name]
        effects = [effect["effect"] for row in stored.events for effect in (row.decision or {}).get("effects", ())]
        assert "Indicate" not in effects

    await asyncio.gather(withdraws(), refuses(), default())


async def test_a_whisper_is_the_agents_alone_and_lies_in_no_file(site: Site) -> None:
    async with site.talk("toned") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        for call in (talk.call, talk.answered):
            call.rtp.source = Silence()
        heard = []
        for row in ("mask_acknowledged", "unmask_acknowledged"):
            await asyncio.sleep(0.3)
            await talk.answered.press("*8")
            await talk.row(row)
            heard.append(await during_the_whisper(talk))
        stored = await talk.ends()
    assert all(agent > LOUD and far < 16 for agent, far in heard), heard
    resumed, end = at(stored, "unmask_acknowledged"), at(stored, "channel_hung_up")
    assert loudest(last_seconds(site, stored.recordings[0].recording_id, end, resumed)) < 16
    assert states(stored) == ["verified"] and "effect_failed" not in types(stored)
    said = [row.data["script"] for row in stored.events if row.type == "notice_started"]
    assert said == ["notice", "recording_on"], "a whisper to staff is no evidence"


async def told(site: Site, channel: str, status: str) -> None:
    """The variable of the channel whose name begins so says STATUS, now or soon."""
    async with asyncio.timeout(15):
        while True:
            for line in (await site.channels()).splitlines():
                name = line.partition("!")[0]
                if name.startswith(channel):
                    shown = await site.stand.asterisk.cli(f"core show channel {name}")
                    if f"CALLGUARD_STATUS={status}\n" in shown:
                        return
            await asyncio.sleep(0.1)


async def during_the_whisper(talk: Talk) -> tuple[int, int]:
    """How loud it was at the agent's and at the caller's end, from now until the whisper is over."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await asyncio.sleep(1.6)
    agent, far = (loudest(call.heard().between(begin, loop.time())) for call in (talk.answered, talk.call))
    return agent, far


def last_seconds(site: Site, recording_id: str, end: datetime, since: datetime) -> np.ndarray:
    """The end of a file, from a little after SINCE on."""
    with WavReader(site.stand.recordings / f"{recording_id}.wav", lenient=True) as reader:
        samples = reader.read(reader.frames)
    frames = int(((end - since).total_seconds() - 0.1) * 8000)
    assert frames > 8000
    return samples[-frames:]

"""The demo's callers: what they say, when they hear each other, and what is expected of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from callguard.core.events import FACTS, Outcome
from callguard.core.recording import State
from callguard.lab.asterisk import Asterisk
from callguard.lab.media import PACKET, RATE, Silence, Source
from callguard.lab.scene import CARD, SCENES, Stage, speech, stays_silent
from callguard.lab.sip import Phone
from callguard.ports import StoredCall
from tests.store import rows

STRAIGHT = """
[inbound]
exten => _10X,1,Dial(PJSIP/agent${EXTEN:2},30)
[agents]
[internal]
"""


def test_five_calls_each_with_an_end_of_its_own() -> None:
    assert [scene.number for scene in SCENES] == [1, 2, 3, 4, 5]
    assert len({scene.title for scene in SCENES}) == len({scene.play for scene in SCENES}) == 5
    known = {item.value for item in Outcome} | set(FACTS)
    assert {scene.consent for scene in SCENES} <= known
    assert {scene.recording for scene in SCENES} <= {state.value for state in State} | {"none"}
    assert CARD.isdecimal() and len(CARD) == 16


def said(source: Source, seconds: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return np.concatenate([source.packet() for _ in range(round(seconds * RATE / PACKET))])


def test_speech_has_sound_and_pauses_and_differs_by_caller() -> None:
    first, again, other = said(speech(1), 12), said(speech(1), 12), said(speech(2), 12)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    loud = np.abs(first.astype(int)).reshape(-1, RATE // 10).max(axis=1) > 500
    assert 0.3 < loud.mean() < 0.9 and not loud[20:30].any()  # two seconds of voice, then a pause


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Asterisk(tmp_path / "asterisk", dialplan=STRAIGHT, agents=1) as asterisk:
        caller = await Phone.open("caller", asterisk.server)
        port = asterisk.agent_ports["agent1"]
        agent = await Phone.open("agent1", asterisk.server, port=port, answer_after=0.1, media=speech(6))
        yield Stage(1, caller, agent)
        await asyncio.gather(caller.close(), agent.close())
        await asterisk.kill()


async def test_a_caller_and_an_agent_hear_each_other(stage: Stage) -> None:
    await stays_silent(stage)
    assert stage.heard_each_other


async def test_an_agent_who_is_mute_is_noticed(stage: Stage) -> None:
    stage.agent.media = Silence()
    await stays_silent(stage)
    assert not stage.heard_each_other


async def test_a_row_is_waited_for_until_it_is_there_with_its_data() -> None:
    caller, agent = await Phone.open("caller"), await Phone.open("agent1")
    stage = Stage(1, caller, agent)
    waiting = asyncio.ensure_future(stage.notice_over())
    blank = rows.row(call_id := rows.new_id(), 1, b"")
    refusal = replace(blank, type="notice_ended", data={"script": "refusal"})
    notice = replace(blank, type="notice_ended", data={"script": "notice", "prompt": "notice-short"})
    for events, done in (((refusal,), False), ((refusal, notice), True)):
        stage.stored = StoredCall(rows.head(call_id), events)
        stage.moved.set()
        stage.moved = asyncio.Event()
        await asyncio.sleep(0.05)
        assert waiting.done() is done
    with pytest.raises(TimeoutError):
        await stage.seen("recording_opened", seconds=0.05)
    await asyncio.gather(caller.close(), agent.close())

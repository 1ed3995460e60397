"""Somebody else's recorders are stopped, ours go on: on the real Asterisk."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from callguard.core.effects import StopRogue
from callguard.core.events import EffectFailed, Event, RecordingGrowing, RogueRecordingSeen, StopObserved
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.rogue import Rogues
from callguard.pbx.asterisk.swap import Swap
from tests.pbx.rig import Rig

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LIVE = "recordings/live/a%20b%3Bx"


async def still(path: Path) -> bool:
    """Whether a file has stopped growing."""
    before = size(path)
    await asyncio.sleep(2.3)  # a running recorder writes every two seconds
    return size(path) == before


def size(path: Path) -> int:
    return path.stat().st_size


class Another:
    """An ARI client that is not callguard."""

    def __init__(self, rig: Rig, session: aiohttp.ClientSession, events: aiohttp.ClientWebSocketResponse) -> None:
        self.url, self.session, self.events = rig.settings.ari.url, session, events

    async def ask(self, method: str, path: str, **query: str) -> dict[str, str]:
        """The answer; {} where there is nothing under PATH."""
        async with self.session.request(method, URL(f"{self.url}/{path}", encoded=True), params=query) as answer:
            assert answer.status < 300 or answer.status == 404, await answer.text()
            return dict(await answer.json()) if answer.status == 200 else {}


@asynccontextmanager
async def another(rig: Rig) -> AsyncIterator[Another]:
    """With an application of its own."""
    own = rig.settings.ari
    login = b64encode(f"{own.user}:{own.password}".encode()).decode()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"}) as session,
        session.ws_connect(f"{own.url}/events", params={"app": "another"}) as events,
    ):
        yield Another(rig, session, events)


@pytest.mark.requirement("S4")
async def test_the_newest_recorder_of_a_channel_is_stopped_and_ours_runs_on(rig: Rig, tmp_path: Path) -> None:
    async with rig.talk() as talk:
        recording_id = await rig.record(talk.far)
        other = await Ami.connect(rig.settings.ami, lambda _: None)
        rogue = tmp_path / "rogue.wav"
        await other.action("MixMonitor", Channel=talk.far, File=str(rogue))
        await rig.wait(RogueRecordingSeen)
        rig.pbx.perform(StopRogue(channel_id=talk.far))
        rig.pbx.perform(StopRogue(channel_id=talk.far))  # so does another call that the channel visits
        await rig.wait(RecordingGrowing, lambda fact: fact.recording_id == recording_id)
        assert await still(rogue)
        assert rig.of(StopObserved) == [] and len(rig.of(RecordingGrowing)) >= 1 and rig.of(EffectFailed) == []
        await other.close()


@pytest.mark.requirement("S4")
async def test_a_recorder_of_a_channel_whose_place_is_taken_is_the_newcomer_s() -> None:
    told: list[Event] = []
    rogues, seen = Rogues(told.append), RogueRecordingSeen(at=NOW, channel_id="old")
    own = {"recording": {"name": "x", "target_uri": "channel:old"}}
    rogues.mixed("old")
    rogues.heard({"type": "RecordingStarted", **own})
    rogues.moved(Swap(("other", "old"), "new", NOW))
    rogues.moved(Swap(("old",), "newer", NOW))
    assert [replace(fact, at=NOW) for fact in told] == [seen, *[replace(seen, channel_id="new")] * 2]


@pytest.mark.requirement("S4")
async def test_aris_own_recorder_is_stopped_by_its_name(rig: Rig) -> None:
    """On a snoop channel: how an ARI program records a call that runs."""
    async with rig.talk() as talk, another(rig) as other:
        await other.ask("POST", f"channels/{talk.far}/snoop", app="another", spy="both", snoopId="spy1")
        assert (await other.events.receive_json(timeout=5))["type"] == "StasisStart", "before that it is refused"
        await other.ask("POST", "channels/spy1/record", name="a b;x", format="wav")
        seen = await rig.wait(RogueRecordingSeen)
        assert seen.channel_id == "spy1" and (await other.ask("GET", LIVE))["state"] == "recording"
        rig.pbx.perform(StopRogue(channel_id="spy1"))
        async with asyncio.timeout(5):
            while await other.ask("GET", LIVE):
                await asyncio.sleep(0.05)
        rig.pbx.perform(StopRogue(channel_id="spy1"))  # another call asks for the same
        await asyncio.sleep(0.5)
        assert rig.of(EffectFailed) == []

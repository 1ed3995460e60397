"""The adapter on a scripted FreeSWITCH while it runs, and shorthands for calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from callguard.core.effects import SendOn, StartRecording
from callguard.core.events import Bridged, ChannelLeft, RecordingOpened, Script
from callguard.pbx.freeswitch.pbx import FreeSwitchPbx
from callguard.pbx.freeswitch.site import EslAddress, FreeSwitchSettings
from callguard.ports import Entered, Link
from tests.pbx.freeswitch.scripted import PASSWORD
from tests.pbx.freeswitch.session import Exchange
from tests.pbx.rig import Ear, make_prompt


def settings_for(switch: Exchange, work: Path, **changes: Any) -> FreeSwitchSettings:
    """Settings that fit SWITCH, with a register and recordings below WORK."""
    recordings = work / "recordings"
    recordings.mkdir(exist_ok=True)
    values: dict[str, Any] = {
        "esl": EslAddress(host="127.0.0.1", port=switch.port, password=PASSWORD),
        "recordings": recordings,
        "register": work / "register.jsonl",
        "listen_port": 0,
    }
    return FreeSwitchSettings(**{**values, **changes})


class Station(Ear):
    """The adapter on SWITCH. Make it inside a loop."""

    def __init__(self, switch: Exchange, work: Path, **changes: Any) -> None:
        self.switch = switch
        self.settings = settings_for(switch, work, **changes)
        self.pbx = FreeSwitchPbx(self.settings)
        self.prompt = make_prompt(work / "prompt.wav")
        super().__init__(self.pbx)

    def file(self, recording_id: str) -> Path:
        """Where a recording lies."""
        return self.settings.recordings / f"{recording_id}.wav"

    async def up(self) -> None:
        """The link is up, and channels can reach us."""
        await self.wait(Link)
        while not self.pbx.outbound.port:
            await asyncio.sleep(0.005)
        self.switch.controller = self.pbx.outbound.port

    async def enter(self, then: str = "wait", **variables: str) -> str:
        """A caller waits in our application."""
        before = len(self.of(Entered))
        await self.switch.enter(then, **variables)
        await self.wait(Entered, lambda _: len(self.of(Entered)) > before)
        channel_id = self.of(Entered)[-1].channel.channel_id
        self.pbx.set_prompts(channel_id, dict.fromkeys(Script, self.prompt))
        return channel_id

    async def talk(self) -> tuple[str, str]:
        """A caller and an agent, bridged by the dialplan: their channels."""
        far = await self.enter("bridge")
        self.pbx.perform(SendOn(channel_id=far))
        await self.wait(ChannelLeft, lambda fact: fact.channel_id == far)
        mine = await self.wait(Bridged, lambda fact: fact.channel_id == far)
        other = await self.wait(Bridged, lambda fact: fact.bridge_id == mine.bridge_id and fact.channel_id != far)
        self.pbx.set_prompts(other.channel_id, dict.fromkeys(Script, self.prompt))
        return far, other.channel_id

    async def record(self, channel_id: str, recording_id: str = "r1") -> str:
        """Start a recording and wait until its file exists."""
        self.pbx.perform(StartRecording(channel_id=channel_id, recording_id=recording_id))
        await self.wait(RecordingOpened, lambda fact: fact.recording_id == recording_id)
        return recording_id


@asynccontextmanager
async def station_on(work: Path, **changes: Any) -> AsyncIterator[Station]:
    """A scripted FreeSWITCH with the adapter on it, link up."""
    async with Exchange() as switch:
        station = Station(switch, work, **changes)
        try:
            await station.up()
            yield station
        finally:
            await station.close()

"""A real Asterisk with the adapter on it, and shorthands for calls: what the wire tests stand on."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
import wave
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from callguard.core.effects import SendOn, StartRecording
from callguard.core.events import Bridged, ChannelLeft, Event, RecordingOpened, Script
from callguard.lab.asterisk import Asterisk
from callguard.lab.dialog import Call
from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.pbx import AsteriskPbx
from callguard.pbx.asterisk.register import Register, read_register
from callguard.pbx.asterisk.site import AmiAddress, AriAddress, AsteriskSettings
from callguard.ports import Entered, Heard, Link, Pbx, Said

T = TypeVar("T")
SITE = """
[inbound]
exten => 100,1,Stasis(callguard,1,support,inbound)
 same => n,Dial(PJSIP/agent1,30)
exten => 150,1,Stasis(callguard,1,support,inbound)
 same => n,Wait(20)
exten => 160,1,Answer()
 same => n,Set(x=y)
 same => n,Hangup()
exten => 170,1,Set(__CALLER=${UNIQUEID})
 same => n,Dial(PJSIP/agent1,30,G(told^s^1))
exten => 180,1,Dial(PJSIP/agent1,30,U(bridged))
[told]
exten => s,1,Goto(waits,1)
 same => n,Stasis(callguard,1,support,outbound)
 same => n,ChannelRedirect(${CALLER},told,meets,1)
 same => n,Wait(5)
exten => waits,1,Ringing()
 same => n(on),Wait(0.2)
 same => n,GotoIf(${CHANNEL_EXISTS(${DIALEDPEERNAME})}?on)
 same => n,Hangup()
exten => meets,1,Set(MET=yes)
 same => n,Bridge(${DIALEDPEERNAME})
exten => h,1,ExecIf($["${MET}${DIALEDPEERNAME}" = "${DIALEDPEERNAME}"]?SoftHangup(${DIALEDPEERNAME}))
[bridged]
exten => s,1,UserEvent(callguard,CallType: support,Direction: outbound)
 same => n,Return()
[agents]
exten => _X,1,Dial(PJSIP/agent${EXTEN},20)
"""


@dataclass(frozen=True)
class Prompt:
    """One prompt's audio and names."""

    path: Path
    sha256: str
    id: str = "notice-short"
    language: str = "en"
    text_version: str = "1"


def make_prompt(path: Path, seconds: float = 0.5) -> Prompt:
    """A 1 kHz tone."""
    tone = 3000 * np.sin(2 * np.pi * 1000 * np.arange(round(8000 * seconds)) / 8000)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(tone.astype("<i2").tobytes())
    return Prompt(path, hashlib.sha256(path.read_bytes()).hexdigest())


def settings_for(asterisk: Asterisk, work: Path, **changes: Any) -> AsteriskSettings:
    """Settings that fit ASTERISK, with a register and recordings below WORK."""
    ari = AriAddress(url=asterisk.ari_url, user=asterisk.ari_user, password=asterisk.ari_password)
    ami = AmiAddress(host=asterisk.ami_host, port=asterisk.ami_port, user=asterisk.ami_user, secret=asterisk.ami_secret)
    recordings = work / "recordings"
    recordings.mkdir(exist_ok=True)
    values = {"ari": ari, "ami": ami, "recordings": recordings, "register": work / "register.jsonl"}
    return AsteriskSettings(**{**values, **changes})


class Ear:
    """A PBX while it runs. `heard` keeps what it said, `raws` the raw messages beside it. Make it inside a loop."""

    def __init__(self, pbx: Pbx) -> None:
        self.heard: list[Heard] = []
        self.raws: list[Mapping[str, Any]] = []
        self.running = asyncio.create_task(pbx.run(self._sink))

    def _sink(self, heard: Heard, raw: Mapping[str, Any]) -> None:
        self.heard.append(heard)
        self.raws.append(raw)

    @property
    def facts(self) -> list[Event]:
        """The facts among what was heard."""
        return [heard.event for heard in self.heard if isinstance(heard, Said)]

    def of(self, kind: type[T]) -> list[T]:
        """Everything of one class, in order."""
        return [item for item in [*self.facts, *self.heard] if isinstance(item, kind)]

    async def wait(self, kind: type[T], fits: Callable[[T], bool] = lambda _: True, seconds: float = 10) -> T:
        """The first KIND that fits, now or within SECONDS. The run's own failure is raised."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for item in self.of(kind):
                if fits(item):
                    return item
            if self.running.done():
                self.running.result()
            await asyncio.sleep(0.005)
        raise AssertionError(f"no {kind.__name__} in {seconds} s; heard {[type(fact).__name__ for fact in self.facts]}")

    async def close(self) -> None:
        """End the adapter."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


class Rig(Ear):
    """The adapter on a real Asterisk while it runs."""

    def __init__(self, asterisk: Asterisk, work: Path, settings: AsteriskSettings) -> None:
        self.asterisk, self.work, self.settings = asterisk, work, settings
        self.pbx = AsteriskPbx(settings)
        self.prompt = make_prompt(work / "prompt.wav")
        super().__init__(self.pbx)

    async def register_holds(self, recordings: int = 0, waiting: int = 0) -> None:
        """The register's file says so: its lines reach the disk a moment after the fact is told."""
        register = Register()
        for _ in range(400):
            register = read_register(self.settings.register)
            if (len(register.recordings), len(register.waiting)) == (recordings, waiting):
                return
            await asyncio.sleep(0.005)
        raise AssertionError(register)

    async def entered(self, after: int = 0) -> str:
        """The channel that entered our application last, once more than AFTER have."""
        await self.wait(Entered, lambda _: len(self.of(Entered)) > after)
        channel_id = self.of(Entered)[-1].channel.channel_id
        self.pbx.set_prompts(channel_id, dict.fromkeys(Script, self.prompt))
        return channel_id

    async def record(self, channel_id: str, recording_id: str = "") -> str:
        """Start a recording and wait until its files exist."""
        recording_id = recording_id or str(uuid.uuid4())
        self.pbx.perform(StartRecording(channel_id=channel_id, recording_id=recording_id))
        await self.wait(RecordingOpened, lambda fact: fact.recording_id == recording_id)
        return recording_id

    @asynccontextmanager
    async def talk(self, display: str | None = None) -> AsyncIterator[Talk]:
        """A caller and an agent, bridged by the dialplan; packets are numbered, the agent's from 10000. DISPLAY: the
        caller's name."""
        tones = CounterTone(), CounterTone(counter=10000)
        agent = await Phone.open("agent1", port=self.asterisk.agent_ports["agent1"], answer_after=0.05, media=tones[1])
        caller = await Phone.open("caller", self.asterisk.server)
        try:
            before = len(self.of(Entered))
            call = await caller.dial("100", media=tones[0], display=display)
            channel_id = await self.entered(before)
            self.pbx.perform(SendOn(channel_id=channel_id))
            await self.wait(ChannelLeft, lambda fact: fact.channel_id == channel_id)
            mine = await self.wait(Bridged, lambda fact: fact.channel_id == channel_id)
            other = await self.wait(
                Bridged, lambda fact: fact.bridge_id == mine.bridge_id and fact.channel_id != channel_id
            )
            self.pbx.set_prompts(other.channel_id, dict.fromkeys(Script, self.prompt))
            yield Talk(channel_id, other.channel_id, call, await agent.incoming(), *tones)
            await call.hangup()
        finally:
            await caller.close()
            await agent.close()


@dataclass(frozen=True)
class Talk:
    """Two parties in conversation: their channels, their phones' calls and what they say."""

    far: str
    agent: str
    far_call: Call
    agent_call: Call
    far_tone: CounterTone
    agent_tone: CounterTone


@asynccontextmanager
async def rig_on(asterisk: Asterisk, work: Path, **changes: Any) -> AsyncIterator[Rig]:
    """The adapter on ASTERISK, links up."""
    rig = Rig(asterisk, work, settings_for(asterisk, work, **changes))
    try:
        await rig.wait(Link)
        yield rig
    finally:
        await rig.close()


def sound(path: Path) -> np.ndarray[Any, np.dtype[np.int16]]:
    """The samples of a recording's file."""
    data = path.read_bytes()[44:]
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)

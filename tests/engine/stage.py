"""An engine on a fake PBX: what the tests of this room stand on.

What belongs here: composition, waiting, and the one call that most tests play. What does not: assertions about rules.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from callguard.core.call import Call
from callguard.core.effects import MeasureRecording, SendOn
from callguard.core.events import (
    Bridged,
    ChannelHungUp,
    DigitPressed,
    Event,
    Link,
    RecordingVerified,
    Script,
)
from callguard.core.policy import Policy, parse_policy
from callguard.core.recording import State
from callguard.engine.archive import Archive
from callguard.engine.engine import Engine
from callguard.engine.entrance import Entrance, LookUp, Site
from callguard.engine.evidence import Evidence
from callguard.engine.place import Places
from callguard.engine.runner import Runner
from callguard.ports import Dialled, Endpoint, Entered, EventLog, Playable, Sighted, Snapshot, StoredCall
from callguard.store.keys import MasterKey
from callguard.store.memory import MemoryLog
from callguard.store.spool import Spool
from tests.fake_pbx import START, FakePbx

MASTER = MasterKey(bytes(range(32)))
POLICY = parse_policy(
    {
        "call_type": {
            "support": {"purpose": "qa", "retention": {"audio": 90}, "agents": ["PJSIP/agent*"]},
            "kept": {"purpose": "qa", "retention": {"audio": 90}, "agents": ["PJSIP/agent*"], "on_log_loss": "keep"},
        }
    }
)


class Contented(Archive):
    """An archive whose recordings always agree with the log; destroying is real."""

    def measure(self, effect: MeasureRecording, line: Playable | None) -> tuple[Event, ...]:
        return (RecordingVerified(at=START, channel_id=effect.channel_id, recording_id=effect.recording_id),)


def endpoint(channel_id: str, name: str = "", *, answered: bool = True) -> Endpoint:
    """A channel; NAME is the PBX's channel name."""
    name = name or f"PJSIP/{channel_id}-00000001"
    return Endpoint(channel_id, name, name.removesuffix(";1").removesuffix(";2").rpartition("-")[0], answered)


@dataclass
class Stage:
    """An engine that runs. `alerts`: what a human was told, as (kind, call id)."""

    data: Path
    log: EventLog = field(default_factory=MemoryLog)
    pbx: FakePbx = field(default_factory=FakePbx)
    policy: Policy = POLICY
    places: Places = field(default_factory=Places)
    look_ups: tuple[LookUp, ...] = ()
    alerts: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Compose as `callguard run` does."""
        recordings = self.data / "recordings"
        recordings.mkdir(parents=True, exist_ok=True)
        self.spool = Spool(self.data / "spool", MASTER)
        self.evidence = Evidence(self.log, self.spool, recordings, floor=1)
        self.engine = Engine(
            entrance=Entrance(Site("acme", "pbx1"), self.policy, self.places, self.look_ups),
            pbx=self.pbx,
            evidence=self.evidence,
            archive=Contented(recordings),
            prompts=_no_prompts,
            alert_by=lambda kind, call_id: self.alerts.append((kind, call_id)),
            data=self.data,
        )
        own = self.engine
        self.evidence.lost, self.evidence.restored, self.evidence.refused = own.lose, own.restore, own.refuse

    @asynccontextmanager
    async def running(self, without: frozenset[Link] = frozenset()) -> AsyncIterator[Stage]:
        """While the block lasts; then the controller dies: nothing is tidied up. WITHOUT: links that are not there."""
        work = asyncio.create_task(self.engine.run())
        self.engine.guard_changed(True)
        try:
            await self.until(lambda: self.engine.faults <= without)
            yield self
        finally:
            for task in (work, *self.engine.tasks):
                task.cancel()
            await asyncio.gather(work, *self.engine.tasks, return_exceptions=True)

    async def until(self, holds: Callable[[], object], seconds: float = 8) -> None:
        """Wait until HOLDS; a failure of a call's task is raised."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it never came to that"
            await asyncio.sleep(0.005)

    async def settled(self) -> None:
        """Everything that was said has been worked off."""
        for _ in range(5):
            await asyncio.sleep(0.01)
            await self.until(lambda: all(_idle(runner) for runner in self.engine.runners.values()))

    # ------------------------------------------------------------ calls
    def call(self, channel_id: str) -> Call:
        """The live call of a channel."""
        call_id = self.engine.board.calls[channel_id]
        return self.engine.runners[call_id].call

    async def enter(self, far: str = "far", call_type: str = "support") -> None:
        """A caller enters, and hears the notice to its end."""
        self.pbx.hear(Sighted(self.pbx.now, endpoint(far)))
        self.pbx.hear(Entered(self.pbx.now, endpoint(far), ("1", call_type, "inbound", f"linked-{far}")))
        await self.settled()

    async def grant(self, far: str = "far", call_type: str = "support") -> None:
        """... and presses 1."""
        await self.enter(far, call_type)
        self.pbx.say(DigitPressed(at=self.pbx.now, channel_id=far, digit="1"))
        await self.until(lambda: any(effect.channel_id == far for effect in self.pbx.asked(SendOn)))

    async def talk(self, far: str = "far", agent: str = "agent1", call_type: str = "support") -> str:
        """... and is answered by an agent: recorded from here. The id of the recording."""
        await self.grant(far, call_type)
        self.pbx.hear(Sighted(self.pbx.now, endpoint(agent)))
        self.pbx.hear(Dialled(self.pbx.now, far, agent))
        self.join(f"bridge-{far}", far, agent)
        await self.until(lambda: (found := self.call(far).recording) and found.state is State.GROWING)
        recording = self.call(far).recording
        assert recording is not None
        return recording.recording_id

    def join(self, bridge: str, *channels: str) -> None:
        """Channels enter a bridge."""
        for channel_id in channels:
            self.pbx.say(Bridged(at=self.pbx.now, channel_id=channel_id, bridge_id=bridge))

    def hang_up(self, *channels: str) -> None:
        """Channels end."""
        for channel_id in channels:
            self.pbx.say(ChannelHungUp(at=self.pbx.now, channel_id=channel_id, cause=16))

    async def finish(self, *channels: str) -> StoredCall:
        """Channels end, and the call with them. The call as it is stored then."""
        call_id = self.engine.board.calls[channels[0]]
        self.hang_up(*channels)
        await self.until(lambda: call_id not in self.engine.runners)
        return await self.stored(call_id)

    async def stored(self, name: str) -> StoredCall:
        """A call as the log has it."""
        found = await self.log.load(name)
        assert found is not None
        return found

    def there(self, *channels: str, waiting: frozenset[str] = frozenset(), bridge: str = "") -> None:
        """What the PBX will say is there when it is asked; with BRIDGE, all channels are in it."""
        bridges = {bridge: channels} if bridge else {}
        self.pbx.snapshot_of = Snapshot(START, tuple(map(endpoint, channels)), bridges, waiting)


def _no_prompts(call: Call, channel_id: str) -> Mapping[Script, Playable]:
    return {}


def _idle(runner: Runner) -> bool:
    return runner.queue.empty() and runner.outbox.empty()

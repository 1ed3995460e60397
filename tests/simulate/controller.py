"""One controller of the simulation: the real engine, composed as `callguard run` does, in a process that may die.

What belongs here: composition, and what the command's own parts (heartbeat, control socket) do to the engine. What does
not: rules, faults.
"""

from __future__ import annotations

import asyncio
import errno
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from callguard.core.call import Call
from callguard.core.effects import DiscardRecording, MeasureRecording
from callguard.core.events import (
    Action,
    Event,
    OperatorActed,
    Presence,
    RecordingDamaged,
    RecordingDiscarded,
    RecordingLost,
    RecordingVerified,
)
from callguard.core.policy import Policy, parse_policy
from callguard.core.word import Script
from callguard.engine import clock
from callguard.engine.archive import CLOCK_SLACK, RATE, Archive
from callguard.engine.clock import Reading
from callguard.engine.engine import Engine
from callguard.engine.entrance import Entrance, Site
from callguard.engine.evidence import Evidence
from callguard.engine.halt import Halt, Halting, Halts
from callguard.engine.place import Places
from callguard.engine.registrar import Entry
from callguard.engine.switchboard import Switchboard
from callguard.ports import Playable
from tests.core.play import BOARD, MILD, PACK
from tests.fake_pbx import START, SparePrompt
from tests.simulate.defect import DEFECTS, Sound
from tests.simulate.exchange import Exchange
from tests.simulate.store import Durable, Log, Postgres, SimSpool
from tests.simulate.tape import LENGTH_SECONDS, LENGTH_SHARE, Tape
from tests.simulate.timeline import Loop, Timeline
from tests.simulate.wire import Wire

LONG = 1 << 62
_KIND: dict[str, Any] = {"purpose": "qa", "retention": {"audio": 90}, "agents": ["PJSIP/agent*"], "site": MILD}
_OVERRIDE = {"reason": BOARD.reason, "author": BOARD.author, "expires": BOARD.expires.isoformat()}
POLICY: Policy = parse_policy(
    {
        "call_type": {
            "support": _KIND,
            "keeping": _KIND | {"on_withdrawal": "keep"},
            "spooled": _KIND | {"on_log_loss": "keep"},
            "announced": _KIND | {"mode": "announce", "override": _OVERRIDE},
        }
    }
)
PLACES = Places(pack=PACK)


@dataclass
class SimClock:
    """Wall and monotonic time of the machine. `offset`: by how much its wall clock was stepped."""

    time: Timeline
    chance: Random
    offset: timedelta = timedelta()
    synchronised: bool = True

    def wall(self) -> datetime:
        """The wall clock."""
        return START + timedelta(seconds=self.time.now) + self.offset

    def read(self) -> Reading:
        """See clock.Source."""
        return Reading(self.wall(), round(self.time.now * 1e9), self.synchronised)

    def random(self, count: int) -> bytes:
        """See clock.Source."""
        return self.chance.randbytes(count)


class SimArchive(Archive):
    """The archive over the simulated files: it finds what callguard/audio would find."""

    tapes: Mapping[str, Tape]

    def measure(self, effect: MeasureRecording, line: Playable | None) -> tuple[Event, ...]:
        """See Archive."""
        tape = self.tapes.get(effect.recording_id)
        about: dict[str, Any] = {
            "channel_id": effect.channel_id,
            "recording_id": effect.recording_id,
            "at": clock.read().wall,
        }
        if tape is None or tape.destroyed:
            return (RecordingLost(**about, reason="no file"),)
        findings = tuple(self._findings(tape, effect))
        if findings:
            return (RecordingDamaged(**about, findings=findings),)
        return (RecordingVerified(**about, offset_samples=round(tape.grown * RATE)),)

    def _findings(self, tape: Tape, effect: MeasureRecording) -> list[str]:
        off = abs(tape.grown - effect.seconds)
        found = ["length differs"] * (effect.seconds >= 0 and off > max(LENGTH_SECONDS, LENGTH_SHARE * effect.seconds))
        slack = CLOCK_SLACK / RATE
        for start, end in effect.masks:
            last = tape.grown if end < 0 else end / RATE
            if tape.sounds_in(start / RATE + slack, last - slack) > 0:
                found.append("sound under mask")
        return found

    def discard(self, effect: DiscardRecording) -> RecordingDiscarded:
        """See Archive."""
        tape = self.tapes.get(effect.recording_id)
        if tape:
            tape.destroyed = True
        about: dict[str, Any] = {
            "channel_id": effect.channel_id,
            "recording_id": effect.recording_id,
            "at": clock.read().wall,
        }
        return RecordingDiscarded(**about, sha256="00", size_bytes=0)


class SimEvidence(Evidence):
    """The evidence whose folder of recordings is no disk: it has room up to the highest floor."""

    def _room(self) -> bool:
        return self.floor < LONG


class SimHalts(Halts):
    """The real halts in a real file, whose disk may be `full`."""

    full = False

    def put(self, standing: Mapping[str, Halt]) -> None:
        """See Halts."""
        if self.full:
            raise OSError(errno.ENOSPC, "the disk is full")
        super().put(standing)


@dataclass
class Controller:
    """A process. `alerts`: what a human was told; `entered`: what it wrote into the register; `acts`: what it does for
    somebody at the command line."""

    loop: Loop
    wire: Wire
    log: Log
    spool: SimSpool
    evidence: Evidence
    engine: Engine
    alerts: list[tuple[str, str]]
    main: asyncio.Task[None]
    halts: SimHalts
    entered: list[Entry] = field(default_factory=list)
    acts: list[asyncio.Task[None]] = field(default_factory=list)
    trips: int = 0

    @property
    def halting(self) -> Halting:
        """As `callguard run` composes it."""
        engine = self.engine
        kinds = lambda: engine.entrance.policy.call_types  # noqa: E731
        adopted = lambda: engine.adopted  # noqa: E731
        return Halting(self.halts, engine.runners, kinds, engine.board.dialled_number, self.entered.append, adopted)

    def die(self) -> None:
        """kill -9."""
        self.loop.die([self.main, *self.acts, *self.engine.tasks])

    def disk_full(self, full: bool) -> None:
        """The folder of recordings is under its floor, or not; and no halt can be written down, or it can."""
        self.evidence.floor = LONG if full else 1
        self.halts.full = full

    def operate(self, far: str, about: str, action: Action, at: datetime) -> str:
        """An operator at the command line, at this time, about a party. The live call that this is about, or ''."""
        call_id = self.engine.board.calls.get(far, "")
        runner = self.engine.runners.get(call_id)
        if runner is None or runner.call.over or runner.call.anchor != far:  # none that is known, or goes on: an error
            return ""
        presence = Presence.SOMEONE_ELSE if action is Action.PRESENT else Presence.NOT_SAID
        runner.feed(OperatorActed(at=at, channel_id=about, action=action, operator="uid:1", presence=presence))
        return call_id

    def serve(self, work: Coroutine[Any, Any, None]) -> None:
        """Answer somebody at the command line."""
        self.acts.append(self.loop.create_task(work))

    def idle(self) -> bool:
        """Whether no call is live and nothing waits to be written."""
        engine, evidence = self.engine, self.evidence
        return engine.adopted and not (engine.runners or evidence.away or evidence.unsaved or evidence.unkept)


def prompts_of(call: Call, channel_id: str) -> Mapping[Script, Playable]:
    """Every call type has its own: who comes into two calls hears both, or the one that they share."""
    return {script: SparePrompt(script.value, sha256=call.call_type.name) for script in Script}


def start(
    time: Timeline,
    chance: Random,
    exchange: Exchange,
    postgres: Postgres,
    durable: Durable,
    wire_of: Any,
    data: Path,
    *,
    least: bool,
    defect: str = "",
) -> Controller:
    """A controller, as `callguard run` composes it. WIRE_OF makes its wire, given its loop; DEFECT: of its engine."""
    thread = lambda: (0.0002 + chance.random() ** 4 * 0.02, chance.random() < 0.5)  # noqa: E731
    loop = Loop(time, thread)  # type: ignore[abstract]
    wire: Wire = wire_of(loop)
    log = Log(postgres, time, chance)
    spool = SimSpool(data / "spool", durable)
    evidence = SimEvidence(log, spool, data, floor=1)
    archive = SimArchive(data)
    object.__setattr__(archive, "tapes", exchange.tapes)
    alerts: list[tuple[str, str]] = []
    engine = DEFECTS.get(defect, Sound)(
        entrance=Entrance(Site("acme", "pbx1", least), POLICY, PLACES, ()),
        pbx=wire,
        evidence=evidence,
        archive=archive,
        prompts=prompts_of,
        alert_by=lambda kind, call_id: alerts.append((kind, call_id)),
        data=data,
        board=Switchboard(lambda: str(uuid.UUID(bytes=chance.randbytes(16)))),
    )
    evidence.lost, evidence.restored, evidence.refused = engine.lose, engine.restore, engine.refuse
    halts = SimHalts(data / "halts.json")
    engine.entrance.halted = halts.covers
    main = loop.create_task(engine.run())
    return Controller(loop, wire, log, spool, evidence, engine, alerts, main, halts)

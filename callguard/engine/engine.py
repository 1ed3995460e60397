"""The engine: hears a PBX, finds the call, and keeps every call's runner, the log and the health of all links together.

What belongs here: wiring between runners and the world. What does not: rules (core/), one call's order of things
(runner.py).
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callguard.core.call import Call
from callguard.core.effects import (
    Alert,
    DiscardRecording,
    Effect,
    MeasureRecording,
    SendOn,
    StopRogue,
)
from callguard.core.events import (
    CallMerged,
    ChannelEntered,
    EffectFailed,
    Event,
    Link,
    LinkLost,
    LinkRestored,
    OperatorActed,
    PartyIdentified,
    RecordingEvent,
    RogueRecordingSeen,
    Role,
    Script,
)
from callguard.engine import clock, recovery
from callguard.engine.archive import Archive
from callguard.engine.entrance import Begun, Entrance
from callguard.engine.evidence import Evidence
from callguard.engine.ledger import Ledger
from callguard.engine.runner import Runner
from callguard.engine.stranger import Strangers
from callguard.engine.sweeper import Sweeper
from callguard.engine.switchboard import Fact, Switchboard, bare
from callguard.engine.telling import Telling
from callguard.engine.verdict import Verdicts
from callguard.errors import BadInput, StoreDown, StoreRefused, Unreachable
from callguard.ports import (
    Batch,
    Dialled,
    Endpoint,
    Entered,
    Heard,
    Pbx,
    Playable,
    Said,
    Sighted,
    Snapshot,
    StoredCall,
)
from callguard.ports import Link as LinkHeard

Raw = Mapping[str, Any]
DRAIN_SECONDS = 2.0  # how long the last rows may take when the controller hands over


@dataclass
class Engine:
    """All calls of one PBX. `alert(kind, call_id)` tells a human; `prompts` finds what to play to a party of a
    call, by its channel; `enter_incident(kind, subject)` writes down an incident that is of no call.
    `early`: what was said once of calls that are not taken over yet; `relieved`: the guard ended their recorders."""

    entrance: Entrance
    pbx: Pbx
    evidence: Evidence
    archive: Archive
    prompts: Callable[[Call, str], Mapping[Script, Playable]]
    alert_by: Callable[[str, str], None]
    data: Path
    enter_incident: Callable[[str, str], None] = lambda incident, subject: None
    faults: set[Link] = field(default_factory=lambda: {Link.PBX, Link.GUARD})
    runners: dict[str, Runner] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    board: Switchboard = field(default_factory=lambda: Switchboard(lambda: str(uuid.uuid4())))
    inbox: asyncio.Queue[tuple[Heard, Raw]] = field(default_factory=asyncio.Queue)
    verdicts: Verdicts = field(default_factory=Verdicts)
    entering: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    early: deque[Event] = field(default_factory=lambda: deque(maxlen=recovery.MOST_EARLY))
    adopted: bool = False
    relieved: bool = False
    away: recovery.Away = field(default_factory=recovery.Away)
    draining: bool = False

    def __post_init__(self) -> None:
        self.telling = Telling(self.pbx, lambda call, channel_id: self.prompts(call, channel_id), self.runners)

    @property
    def live(self) -> recovery.LiveCalls:
        """Which calls are not over, on disk."""
        return recovery.LiveCalls(self.data / "live")

    # ------------------------------------------------------------ running
    async def run(self) -> None:
        """Until cancelled."""
        await self.evidence.begin()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.pbx.run(self._receive))
                group.create_task(self._route())
                group.create_task(self.evidence.watch())
                group.create_task(self._strangers().watch())
                group.create_task(Sweeper(lambda: self.board.calls, self.pbx.snapshot, self._receive).watch())
        finally:
            self.verdicts.close()

    def _strangers(self) -> Strangers:
        """The watch over the recordings folder. Before our own calls are read back, everything there is strange."""
        return Strangers(
            directory=self.archive.directory,
            ready=lambda: self.adopted and Link.LOG not in self.faults,
            live=lambda: (item.recording_id for runner in self.runners.values() for item in runner.call.recordings),
            known=self.evidence.log.known,
            found=lambda name: self.outside("unknown_file", name),
        )

    def _receive(self, heard: Heard, raw: Raw) -> None:
        if isinstance(heard, Entered):
            self.entering.add(heard.channel.channel_id)
        self.inbox.put_nowait((heard, raw))

    async def _route(self) -> None:
        while True:
            heard, raw = await self.inbox.get()
            if isinstance(heard, LinkHeard):
                await self._link(heard)
            else:
                self.hear(heard, raw)

    def hear(self, heard: Heard, raw: Raw) -> None:
        """One thing that the PBX said, to the calls that it concerns."""
        match heard:
            case Entered():
                self._entered(heard, raw)
            case Sighted():
                self._deliver(self.board.sighted(heard), raw)
            case Dialled():
                self._deliver(self.board.dialled(heard), raw)
            case Said(RogueRecordingSeen() as event):
                self._rogue(event, raw)
            case Said(event):
                facts = self._of_recording(event) or self.telling.heard(event, self.board.said(event))
                if not facts and isinstance(event, EffectFailed) and event.effect == StopRogue.__name__:
                    # of no call: nobody else would say so. One subject is one incident: a bridge has no name here
                    self.outside("rogue_not_stopped", event.channel_id or f"a bridge, {event.at.isoformat()}")
                if isinstance(event, recovery.SAID_ONCE) and not facts and not self.adopted:
                    self.early.append(event)  # its call is not taken over yet
                self._deliver(facts, raw)

    def _of_recording(self, event: Event) -> list[Fact]:
        """A fact about a recording is its call's, on whichever channel of several calls its recorder hangs."""
        own = event.recording_id if isinstance(event, RecordingEvent | EffectFailed) else ""
        return [(call_id, event) for call_id, runner in self.runners.items() if own and runner.call.find(own)]

    def _rogue(self, event: RogueRecordingSeen, raw: Raw) -> None:
        """Somebody else records: the calls that it concerns hear of it, and where there is none, a human does: of a
        bridge once, not with everybody who comes in."""
        facts = self.board.said(event)
        self._deliver(facts, raw)
        if not facts and not (event.bridge_id and event.channel_id):
            self.outside("rogue_recording", event.bridge_id or event.channel_id)
            if self.entrance.policy.stops_rogues:
                self.pbx.perform(StopRogue(channel_id=event.channel_id, bridge_id=event.bridge_id))

    def outside(self, incident: str, subject: str, call_id: str = "") -> None:
        """An incident in no call's log, about SUBJECT, which is nobody's to read in a log, or about a call."""
        self.alert_by(incident, call_id)
        self.enter_incident(incident, subject)

    def _deliver(self, facts: list[Fact], raw: Raw) -> None:
        for call_id, event in facts:
            if runner := self.runners.get(call_id):
                if isinstance(event, PartyIdentified) and event.role is not Role.FAR:
                    event = self.entrance.identified(event, self.board.parties[event.party_id], runner.call.call_type)
                if isinstance(event, CallMerged):
                    origin = self.runners.get(event.other_call_id)
                    who = self.board.endpoints.get(event.channel_id, bare(event.channel_id))
                    event = self.entrance.visiting(event, who, runner.call, origin.call if origin else None)
                runner.feed(event, raw)

    # ------------------------------------------------------------ calls
    async def drain(self) -> None:
        """Take no new calls, and write down everything about the others."""
        self.draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*(runner.written() for runner in self.runners.values()))

    def _entered(self, heard: Entered, raw: Raw) -> None:
        if self.draining:
            self.pbx.perform(SendOn(channel_id=heard.channel.channel_id))
            return
        self.entering.discard(heard.channel.channel_id)
        if known_call := self.board.call_of(heard.channel.channel_id):
            self._entered_again(known_call, heard)
            return
        begun = self.entrance.begin(heard, self.faults, dialled=heard.channel.channel_id in self.board.dials)
        facts = self.board.entered(heard, begun.head.call_id, begun.call.call_type)
        runner = self.start(Runner(begun.call, Ledger(begun.head), self))
        self.evidence.use(begun.call.pack)
        runner.feed(begun.started, raw)
        self._deliver(facts, {})
        if begun.look_ups:
            self._task(self._look_up(runner, begun, heard.channel))

    async def _look_up(self, runner: Runner, begun: Begun, who: Endpoint) -> None:
        runner.feed(await self.entrance.look_up(begun, who))

    def _entered_again(self, call_id: str, heard: Entered) -> None:
        """Asked once per call: whoever comes a second time goes on at once. The same entry said twice is nothing, and
        another party of the call waits at its gate."""
        runner, channel_id = self.runners.get(call_id), heard.channel.channel_id
        far = runner.call.far if runner else None
        if runner and far and channel_id != far.channel_id and heard.waiting:
            runner.feed(ChannelEntered(at=heard.at, channel_id=channel_id))
        elif heard.waiting and not (runner and (far is None or far.waiting)):
            self.pbx.perform(SendOn(channel_id=channel_id))

    def start(self, runner: Runner) -> Runner:
        """Let RUNNER drive its call."""
        self.runners[runner.call.call_id], runner.put_off = runner, self.telling.put_off
        if not self.live.add(runner.call.call_id):  # told behind the call's first fact
            asyncio.get_running_loop().call_soon(self.lose, Link.SPOOL)
        self._task(runner.run())
        return runner

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # ------------------------------------------------------------ World, for runners
    async def keep(self, batches: Sequence[Batch]) -> bool:
        """Make BATCHES durable; see runner.World."""
        return await self.evidence.keep(batches)

    def carry_out(self, call: Call, effect: Effect) -> None:
        """Perform EFFECT: files are ours, everything else is the PBX's."""
        if isinstance(effect, MeasureRecording | DiscardRecording):
            self._task(self._file(call, effect))
        elif not isinstance(effect, Alert):
            self.telling.perform(call, effect)

    async def _file(self, call: Call, effect: MeasureRecording | DiscardRecording) -> None:
        line = self.prompts(call, effect.channel_id).get(Script.RECORDING_ON)
        facts = await self.verdicts.of(self.archive, effect, line)
        if runner := self.runners.get(call.call_id):
            runner.feed_all(facts)

    def pass_on(self, said: OperatorActed) -> None:
        """What is said of a party counts in every call that it is in."""
        self._deliver([(each, said) for each in sorted(self.board.visits.get(said.channel_id, ()))], {})

    def alert(self, call: Call, incident: str) -> None:
        """Tell a human by a path that is not Postgres."""
        self.alert_by(incident, call.call_id)

    def values_of(self, party_id: str) -> Mapping[str, str]:
        """Personal values of a party; stored encrypted, under its own key."""
        return self.board.values_of(party_id)

    def ended(self, call: Call) -> None:
        """A call is over."""
        self.runners.pop(call.call_id, None)
        self.telling.leave(call.call_id)
        self.board.close(call.call_id)
        if not self.evidence.holds(call):  # else its end dies with us, and whoever comes next has to end it
            self.live.remove(call.call_id)

    # ------------------------------------------------------------ health
    def lose(self, link: Link, silent_ms: int = 0) -> None:
        """LINK is gone, and may have been silent for so long: every call hears of it at once."""
        if link not in self.faults:
            self.faults.add(link)
            self._tell_all(LinkLost(at=clock.read().wall, link=link, away_ms=silent_ms))
            self.alert_by(f"{link.value}_lost", "")

    def restore(self, link: Link) -> None:
        """LINK is back, and what happened meanwhile has been fed in."""
        if link in self.faults and (link is not Link.SPOOL or self.live.add(*self.runners)):
            self.faults.discard(link)
            self._tell_all(LinkRestored(at=clock.read().wall, link=link))
            if link is Link.LOG and not self.adopted:  # the calls of the one before us can be read now
                self.inbox.put_nowait((LinkHeard(clock.read().wall, up=Link.PBX not in self.faults), {}))

    def is_helpless(self) -> bool:
        """Whether a recorder may run that no request of ours reaches, or whose call nobody can read: the guard's."""
        unread = Link.LOG in self.faults and not (self.adopted or self.relieved) and bool(self.live.ids())
        return unread or (Link.PBX in self.faults and any(item.call.is_out_of_reach for item in self.runners.values()))

    def guard_changed(self, alive: bool) -> None:
        """The guard answered, or did not."""
        (self.restore if alive else self.lose)(Link.GUARD)

    def refuse(self, call_id: str) -> None:
        """The event log is there and does not take this call's rows: for this call it is lost."""
        if call_id in self.refused:
            return
        self.refused.add(call_id)
        self.outside("log_refused", call_id, call_id)
        if runner := self.runners.get(call_id):
            runner.feed(LinkLost(at=clock.read().wall, link=Link.LOG))

    def _tell_all(self, event: Event) -> None:
        for runner in list(self.runners.values()):
            runner.feed(event)

    async def _link(self, heard: LinkHeard) -> None:
        if not heard.up:
            self.lose(Link.PBX, heard.silent_ms)
        elif await self.resync():
            self.restore(Link.PBX)

    async def resync(self) -> bool:
        """Ask the PBX and the guard what happened, and feed the difference in. False when the link is gone again."""
        try:
            now = await self.pbx.snapshot()
        except Unreachable:
            return False
        known = tuple(self.runners.values())
        if not self.adopted and Link.LOG not in self.faults:
            await self._adopt(now)
        self._guard_acted(known, recovery.guard_acts(self.data / "guard.jsonl"))
        for item in self.board.difference(now):
            self.hear(item if isinstance(item, Sighted) else Said(item), {})
        self._deliver(list(self.board.met(now.at)), {})
        for event in [self.early.popleft() for _ in range(len(self.early))]:
            self.hear(Said(event), {})
        for runner in self.runners.values():
            runner.feed_all(recovery.left(runner.call, now))
        for stranger in now.waiting - set(self.board.calls) - self.entering:
            self.pbx.perform(SendOn(channel_id=stranger))  # nobody knows what it was told: it goes on, unrecorded
        return True

    async def guard_tripped(self) -> None:
        """The guard acted while this process could not: what happened meanwhile is asked for, in its turn."""
        self.relieved = True
        self.inbox.put_nowait((LinkHeard(clock.read().wall, up=True), {}))

    async def _adopt(self, now: Snapshot) -> None:
        """Take over the calls of a controller that died. Without the log this waits for its return."""
        there = {channel.channel_id: channel for channel in now.channels}
        left = [item for item in self.live.ids() if item not in self.runners]
        try:
            found = await recovery.gathered(self._read, left)
        except StoreDown:
            return
        for stored, call, ledger, _ in found:  # all at once: answers to their masks are not heard before this is over
            self._take_over(stored, call, ledger, there)
        self._deliver(list(recovery.unsaid(found)), {})
        for call_id in set(left) - self.runners.keys():
            self.live.remove(call_id)
        self.adopted = True

    async def _read(self, call_id: str) -> list[recovery.TakenOver]:
        """A call as it is stored and how it stands; none if it is over. Raises StoreDown."""
        try:
            stored = await self.evidence.log.load(call_id)
            own = recovery.take_over(stored, self.entrance.places) if stored and stored.events else None
            if own:
                self.evidence.use(own[1].pack)  # who died may not have got so far
        except (BadInput, StoreRefused):  # one call that cannot be read must not keep all others waiting
            self.outside("take_over_failed", call_id, call_id)
            return []
        return [own] if own and not own[1].over else []

    def _take_over(self, stored: StoredCall, call: Call, ledger: Ledger, there: Mapping[str, Endpoint]) -> None:
        self.board.restore(call, stored.events, there)
        ledger.number = there[call.anchor].number if call.anchor in there else ""
        runner = self.start(Runner(call, ledger, self))
        halted = self.entrance.halted(call.call_type.name, self.board.dialled_number(call.anchor))
        runner.feed_all(recovery.unheard(call, clock.read().wall, halted=halted))
        runner.wake_at(recovery.waiting_deadlines(stored), clock.read().wall)
        acts = [*recovery.guard_acts(self.data / "guard.jsonl")]  # and before anything that could start a recorder:
        runner.feed_all(recovery.lost(call, clock.read().wall, self.faults, acts, self.away))
        self._guard_acted((runner,), acts)
        for link in sorted(call.faults - self.faults):
            runner.feed(LinkRestored(at=clock.read().wall, link=link))

    def _guard_acted(self, runners: tuple[Runner, ...], acts: Iterable[recovery.GuardAct]) -> None:
        """Feed in what the guard did while nobody beat."""
        for act in acts:
            for runner in runners:
                runner.feed_all(recovery.facts_of(act, runner.call))

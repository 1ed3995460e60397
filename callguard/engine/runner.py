"""One call's queue and task: a fact at a time through step, into the log, out as effects.

What belongs here: the order of things. Restrictive effects at once; the commit; then what permits or destroys. What
does not: rules.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from callguard.core.call import Call
from callguard.core.effects import (
    Alert,
    ArmRecording,
    DiscardRecording,
    Effect,
    MaskRecording,
    OpenOrders,
    StartRecording,
    StopRecording,
    UnmaskRecording,
    WakeAt,
)
from callguard.core.events import (
    OVERTAKEN,
    DeadlinePassed,
    EffectFailed,
    Event,
    OperatorActed,
    PartyIdentified,
    Unexpected,
)
from callguard.core.keypad import spoken
from callguard.core.step import redact, step
from callguard.engine import clock
from callguard.engine.ledger import NOTE, Ledger, fingerprint
from callguard.ports import Batch

Permissive = StartRecording | ArmRecording | UnmaskRecording | OpenOrders
PERMISSIVE = (StartRecording, ArmRecording, UnmaskRecording, OpenOrders)
"""What must not happen before the rows that explain it are durable."""
LATER = (*PERMISSIVE, DiscardRecording)
"""What waits for the commit: these, and destruction, which does not ask how that went."""
HELD_UP = 0.02
"""Seconds by which a deadline comes late when the loop was held up."""
TURNS = 8
"""Turns of the loop in which an answer that waits in a socket has reached its call."""
REMEMBERED = 256
"""Facts of a call whose repetition is recognised."""


class World(Protocol):
    """What a runner reaches outside of its call."""

    async def keep(self, batches: Sequence[Batch]) -> bool:
        """Make BATCHES durable. True: in the event log; False: in the spool only. Never raises."""

    def carry_out(self, call: Call, effect: Effect) -> None:
        """Perform an effect, or start to; never blocks."""

    def pass_on(self, said: OperatorActed) -> None:
        """Tell other calls what was said of a party that visits them."""

    def alert(self, call: Call, incident: str) -> None:
        """Tell a human."""

    def values_of(self, party_id: str) -> Mapping[str, str]:
        """Personal values of a party."""

    def ended(self, call: Call) -> None:
        """The call is over."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A decision on its way into the log, and what it permits once it is there. `enter` makes its rows: only when
    nothing else is to be decided, for the next fact may ask for a mask. `discards`: what it destroys: not before it is
    known why, for nobody else could tell it from a loss."""

    event: Event
    enter: Callable[[], Batch]
    permissive: tuple[Permissive, ...]
    discards: tuple[DiscardRecording, ...]


@dataclass
class Runner:
    """Drives one call. Only its own task decides, and only its writer commits: no locks.

    `promised`: permissive effects whose rows are not durable yet; `notes`: words of operators, to be sealed;
    `put_off`: for how many seconds more a deadline that has come has to wait.
    """

    call: Call
    ledger: Ledger
    world: World
    queue: asyncio.Queue[tuple[Event, Mapping[str, Any]]] = field(default_factory=asyncio.Queue)
    outbox: asyncio.Queue[tuple[Pending, Batch]] = field(default_factory=asyncio.Queue)
    promised: list[Permissive] = field(default_factory=list)
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    notes: dict[str, str] = field(default_factory=dict, repr=False)
    watchers: list[Callable[[Call, Event], None]] = field(default_factory=list)
    put_off: Callable[[Call, str], float] = lambda call, deadline: 0.0

    def feed(self, event: Event, raw: Mapping[str, Any] | None = None) -> None:
        """Queue a fact."""
        self.queue.put_nowait((event, raw or {}))

    def feed_all(self, events: Iterable[Event]) -> None:
        """Queue several."""
        for event in events:
            self.feed(event)

    async def run(self) -> None:
        """Until the call is over, and all of it is written down."""
        writer = asyncio.create_task(self._write())
        try:
            while not self.call.over:
                for pending in self._decided(*await self.queue.get()):
                    self.outbox.put_nowait((pending, pending.enter()))
            await self.outbox.join()
        finally:
            writer.cancel()
        self.world.ended(self.call)

    def _decided(self, event: Event, raw: Mapping[str, Any]) -> list[Pending]:
        """What becomes of EVENT, and of all that has come behind it: no mask waits for rows to be made."""
        decided = [self.decide(event, raw)]
        while not self.queue.empty() and not self.call.over:
            decided.append(self.decide(*self.queue.get_nowait()))
        return decided

    async def written(self) -> None:
        """Until everything heard so far is decided and durable."""
        while not self.queue.empty():
            await asyncio.sleep(0.005)
        await self.outbox.join()

    async def handle(self, event: Event, raw: Mapping[str, Any]) -> None:
        """One fact through step, log and effects, to its end."""
        pending = self.decide(event, raw)
        await self.commit([(pending, pending.enter())])

    def decide(self, event: Event, raw: Mapping[str, Any]) -> Pending:
        """One fact through step. What permits nothing is done at once, however slow the log is; the rest is pending."""
        event = redact(self.call, self._first_time(event, raw))
        done = step(self.call, event)
        if said := spoken(self.call, event):
            self.world.pass_on(said)
        self.call = done.call
        permissive = tuple(effect for effect in done.effects if isinstance(effect, PERMISSIVE))
        discards = tuple(effect for effect in done.effects if isinstance(effect, DiscardRecording))
        for effect in done.effects:
            if not isinstance(effect, LATER) and not self._overtakes(effect):
                self._perform(effect)
        self.promised.extend(permissive)
        enter = partial(self.ledger.enter, event, done, clock.read(), raw, self._values(event))
        return Pending(event, enter, permissive, discards)

    def _values(self, event: Event) -> Mapping[str, str] | None:
        """What is to be sealed with EVENT: a party's values, or an operator's own words."""
        if isinstance(event, OperatorActed):
            return {NOTE: self.notes.pop(event.note)} if event.note in self.notes else None
        new = event.party_id if isinstance(event, PartyIdentified) else ""  # else more about a party that is there
        return self.world.values_of(new) if new else None

    async def _write(self) -> None:
        """Commit what was decided, in order: what came while the log was busy goes into it at once."""
        while True:
            waiting = [await self.outbox.get()]
            while not self.outbox.empty():
                waiting.append(self.outbox.get_nowait())
            await self.commit(waiting)
            for _ in waiting:
                self.outbox.task_done()

    async def commit(self, waiting: Sequence[tuple[Pending, Batch]]) -> None:
        """Make rows durable; then what they permit, unless it was overtaken meanwhile."""
        logged = await self.world.keep([batch for _, batch in waiting])
        for pending, _ in waiting:
            for effect in pending.permissive:
                if effect in self.promised:
                    self.promised.remove(effect)
                    self._permit(effect, logged)
            for discard in pending.discards:
                self.world.carry_out(self.call, discard)
            for watcher in self.watchers:
                watcher(self.call, pending.event)

    def _overtakes(self, effect: Effect) -> bool:
        """Whether EFFECT is about a recorder that waits to be started: then neither reaches the PBX. An unmask that
        waits is dropped by the mask or stop that comes after it."""
        if not isinstance(effect, MaskRecording | StopRecording):
            return False
        waiting = [item for item in self.promised if item.recording_id == effect.recording_id]
        self.promised = [item for item in self.promised if item not in waiting]
        starts = [item for item in waiting if isinstance(item, StartRecording | ArmRecording)]
        for item in starts:
            self.feed(self._refusal(item, OVERTAKEN))
        return bool(starts)

    def _first_time(self, event: Event, raw: Mapping[str, Any]) -> Event:
        """EVENT, or, where a PBX says exactly the same again, the fact that it did."""
        if not raw:
            return event
        mark = fingerprint(event)
        if mark in self.seen:
            return Unexpected(at=event.at, channel_id=event.channel_id, what=f"{event.type} again")
        self.seen.append(mark)
        return event

    def _perform(self, effect: Effect) -> None:
        match effect:
            case WakeAt():
                self._wake(effect)
            case Alert():
                self.world.alert(self.call, effect.incident)
            case _:
                self.world.carry_out(self.call, effect)

    def _permit(self, effect: Permissive, logged: bool) -> None:
        """What must follow the commit does not happen without it."""
        if logged or self.call.log_kept:
            self.world.carry_out(self.call, effect)
        else:
            self.feed(self._refusal(effect, "not in the event log"))

    def _refusal(self, effect: Permissive, reason: str) -> EffectFailed:
        return EffectFailed(
            at=clock.read().wall,
            channel_id=effect.channel_id,
            effect=type(effect).__name__,
            recording_id=effect.recording_id,
            reason=reason,
        )

    def wake_at(self, deadlines: Mapping[str, datetime], now: datetime) -> None:
        """Deadlines of a call that was taken over: those that passed meanwhile pass at once."""
        for name, at in deadlines.items():
            self._wake(WakeAt(name=name, seconds=max(0.0, (at - now).total_seconds())))

    def _wake(self, effect: WakeAt) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(effect.seconds, self._due, effect.name, loop.time() + effect.seconds)

    def _due(self, name: str, at: float) -> None:
        """The time has come. Where this process was held up, answers that came in time are heard first."""
        late = asyncio.get_running_loop().time() - at > HELD_UP
        self._turn(name, TURNS if late else 0)

    def _turn(self, name: str, left: int) -> None:
        if left:
            asyncio.get_running_loop().call_soon(self._turn, name, left - 1)
        else:
            self._passed(name)

    def _passed(self, name: str) -> None:
        if self.call.over:
            return
        if seconds := self.put_off(self.call, name):
            self._wake(WakeAt(name=name, seconds=seconds))
        else:
            self.feed(DeadlinePassed(at=clock.read().wall, name=name))

"""One call's queue and task: a fact at a time through step, into the log, out as effects.

What belongs here: the order of things. Restrictive effects at once; the commit; then the permissive ones. What does
not: rules.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from callguard.core.call import Call
from callguard.core.effects import Alert, Effect, StartRecording, UnmaskRecording, WakeAt
from callguard.core.events import DeadlinePassed, EffectFailed, Event, PartyIdentified, Unexpected
from callguard.core.step import redact, step
from callguard.engine import clock
from callguard.engine.ledger import Ledger, fingerprint
from callguard.ports import Batch

REMEMBERED = 256
"""Facts of a call whose repetition is recognised."""


class World(Protocol):
    """What a runner reaches outside of its call."""

    async def keep(self, batch: Batch) -> bool:
        """Make BATCH durable. True: in the event log; False: in the spool only. Never raises."""

    def carry_out(self, call: Call, effect: Effect) -> None:
        """Perform an effect, or start to; never blocks."""

    def alert(self, call: Call, incident: str) -> None:
        """Tell a human."""

    def values_of(self, party_id: str) -> Mapping[str, str]:
        """Personal values of a party."""

    def ended(self, call: Call) -> None:
        """The call is over."""


@dataclass
class Runner:
    """Drives one call. Only its own task touches `call` and `ledger`: no locks."""

    call: Call
    ledger: Ledger
    world: World
    queue: asyncio.Queue[tuple[Event, Mapping[str, Any]]] = field(default_factory=asyncio.Queue)
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    watchers: list[Callable[[Call, Event], None]] = field(default_factory=list)

    def feed(self, event: Event, raw: Mapping[str, Any] | None = None) -> None:
        """Queue a fact."""
        self.queue.put_nowait((event, raw or {}))

    def feed_all(self, events: Iterable[Event]) -> None:
        """Queue several."""
        for event in events:
            self.feed(event)

    async def run(self) -> None:
        """Until the call is over."""
        while not self.call.over:
            event, raw = await self.queue.get()
            await self.handle(event, raw)
        self.world.ended(self.call)

    async def handle(self, event: Event, raw: Mapping[str, Any]) -> None:
        """One fact through step, log and effects."""
        event = redact(self.call, self._first_time(event, raw))
        done = step(self.call, event)
        self.call = done.call
        now = clock.read()
        for effect in done.effects:
            if effect.restrictive:
                self.world.carry_out(self.call, effect)
        values = self.world.values_of(event.party_id) if isinstance(event, PartyIdentified) else None
        logged = await self.world.keep(self.ledger.enter(event, done, now, raw, values))
        for effect in done.effects:
            if not effect.restrictive:
                self._permit(effect, logged)
        for watcher in self.watchers:
            watcher(self.call, event)

    def _first_time(self, event: Event, raw: Mapping[str, Any]) -> Event:
        """EVENT, or, where a PBX says exactly the same again, the fact that it did."""
        if not raw:
            return event
        mark = fingerprint(event)
        if mark in self.seen:
            return Unexpected(at=event.at, channel_id=event.channel_id, what=f"{event.type} again")
        self.seen.append(mark)
        return event

    def _permit(self, effect: Effect, logged: bool) -> None:
        match effect:
            case WakeAt():
                self._wake(effect)
            case Alert():
                self.world.alert(self.call, effect.incident)
            case StartRecording() | UnmaskRecording() if not logged and not self.call.log_kept:
                self.feed(self._refusal(effect))
            case _:
                self.world.carry_out(self.call, effect)

    def _refusal(self, effect: StartRecording | UnmaskRecording) -> EffectFailed:
        """What must follow the commit does not happen without it."""
        return EffectFailed(
            at=clock.read().wall,
            channel_id=effect.channel_id,
            effect=type(effect).__name__,
            recording_id=effect.recording_id,
            reason="not in the event log",
        )

    def wake_at(self, deadlines: Mapping[str, datetime], now: datetime) -> None:
        """Deadlines of a call that was taken over: those that passed meanwhile pass at once."""
        for name, at in deadlines.items():
            self._wake(WakeAt(name=name, seconds=max(0.0, (at - now).total_seconds())))

    def _wake(self, effect: WakeAt) -> None:
        asyncio.get_running_loop().call_later(effect.seconds, self._passed, effect.name)

    def _passed(self, name: str) -> None:
        if not self.call.over:
            self.feed(DeadlinePassed(at=clock.read().wall, name=name))

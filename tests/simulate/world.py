"""One world: a PBX, a store, a disk, a clock, a guard and a controller, run to the end of its calls from one seed.

What belongs here: running it a step at a time, and bringing processes up and down. What does not: what happens in it
(plot.py), what is demanded of it in the end (judgement.py).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from callguard.core.effects import Effect, RecordingEffect
from callguard.core.events import Action, DigitPressed
from callguard.engine import clock
from callguard.engine.heartbeat import BEAT
from callguard.ports import Heard
from tests.simulate.accounts import DARK, Accounts, Undo
from tests.simulate.book import Book
from tests.simulate.controller import Controller, SimClock, start
from tests.simulate.desk import Desk
from tests.simulate.exchange import Exchange
from tests.simulate.guard import Guard
from tests.simulate.store import PERMITS, QUICK, Durable, Postgres
from tests.simulate.tape import Tape
from tests.simulate.timeline import Loop, Timeline
from tests.simulate.watch import Register
from tests.simulate.wire import Weather, Wire

LAST_MOMENT = 1.0
"""Seconds before it is killed in which what a controller heard may be lost with it, unless it is written down."""
PATIENCE = 120.0
"""Seconds after the last hang-up in which every call has to have ended."""


@dataclass
class World:
    """All of it. `crash_at`: the callbacks of a controller after which it is killed; `heard`: keys that the
    present controller heard and did not settle yet; `slow_at`: when the log was mended last."""

    chance: Random
    book: Book
    data: Path
    least: bool = False
    defect: str = ""
    steps: int = 0
    steps_of_controllers: int = 0
    controllers: int = 0
    controller: Controller | None = None
    crash_at: list[int] = field(default_factory=list)
    back_after: float = 0.5
    performed: dict[tuple[str, str], int] = field(default_factory=dict)
    heard: list[tuple[frozenset[tuple[str, str]], float, Undo]] = field(default_factory=list)
    quiet_at: float = math.inf
    slow_at: float = -math.inf

    def __post_init__(self) -> None:
        """Nothing has happened yet."""
        self.time = Timeline()
        self.clock = SimClock(self.time, Random(self.chance.random()))
        self.durable = Durable()
        self.postgres = Postgres(self.durable)
        self.weather = Weather()
        self.register = Register()
        self.accounts = Accounts(self.book, {}, {})
        self.exchange = Exchange(self.time, self.accounts, self.clock.wall, self._say, lambda channel_id: None)
        self.exchange.parties, self.exchange.tapes = self.accounts.parties, self.accounts.tapes
        self.exchange.on_end = self._tape_ended
        self.accounts.calm = self._is_calm
        self.desk = Desk(self.time, self.accounts, self.book, self.clock.wall, self.heard)
        self.data.mkdir(parents=True)
        journal = self.data / "guard.jsonl"
        self.guard = Guard(self.time, self.chance, self.exchange, self.register, journal, self.clock.wall)

    # ------------------------------------------------------------ running
    def run(self) -> None:
        """To the end."""
        before = clock.use(self.clock)
        try:
            self.bring_up()
            while self._step():
                self.steps += 1
        finally:
            clock.use(before)
            if self.controller:
                self.controller.die()
            shutil.rmtree(self.data, ignore_errors=True)

    def _step(self) -> bool:
        """One callback of the controller, or the next thing that comes. Whether anything is left to do."""
        controller = self.controller
        if controller and controller.loop.can_step:
            if not self._is_struck(controller):
                controller.loop.steps(lambda: self._goes_on(controller))
            return True
        if self.time.next_at() == math.inf or self._is_over():
            return False
        coming = self.time.advance()
        self.book.now = self.time.now
        if coming.owner and coming.owner.asleep:
            coming.owner.late.append(coming)
        else:
            coming.action(*coming.args)
        return True

    def _is_struck(self, controller: Controller) -> bool:
        """Whether it is killed before its next callback, which counts otherwise."""
        if self.crash_at and self.steps_of_controllers >= self.crash_at[0] and self.guard.beat:
            self.crash_at.pop(0)
            self.crash()
            return True
        self.steps_of_controllers += 1
        return False

    def _goes_on(self, controller: Controller) -> bool:
        """What came of a callback; whether another one follows at once."""
        for problem in controller.loop.broken:
            self.book.wrong("error", problem)
        controller.loop.broken.clear()
        if controller.main.done():
            self.book.wrong("error", f"the controller ended: {controller.main.exception()!r}")
            self.crash()
        return controller.loop.can_step and not self._is_struck(controller)

    def _is_over(self) -> bool:
        if self.time.now < self.quiet_at:
            return False
        controller = self.controller
        late = self.time.now > self.quiet_at + PATIENCE
        return late or (controller is not None and controller.idle() and not any(self.exchange.waiting()))

    # ------------------------------------------------------------ the controller
    def bring_up(self) -> None:
        """A controller starts, unless one runs."""
        if self.controller is not None:
            return
        self.controllers += 1
        controller = start(
            self.time,
            self.chance,
            self.exchange,
            self.postgres,
            self.durable,
            self._wire,
            self.data,
            least=self.least,
            defect=self.defect,
        )
        controller.spool.full = self.weather.full
        controller.disk_full(self.weather.full)
        self.controller = controller
        self.book.note("controller", self.controllers, "starts")
        self.time.after(0.02 * self.chance.random(), self._beats, controller, owner=controller.loop)

    def _wire(self, loop: Loop) -> Wire:
        wire = Wire(self.time, loop, self.exchange, self.weather, self.register, self.chance)
        wire.on_perform, wire.on_digit, wire.on_bridges = self._performed, self._digit, self._bridges
        wire.on_entered = self.desk.entered
        wire.reachable = not self.accounts.dark.open.get("link")
        return wire

    def _beats(self, controller: Controller) -> None:
        """Its heartbeat reaches the guard."""
        if self.controller is controller and self.guard.alive:
            self.guard.beaten()
            controller.trips = self.guard.trips
            self.accounts.dark.end("controller", self.time.now)
            controller.loop.call_soon(controller.engine.guard_changed, True)
            self.time.after(BEAT, self._beats_on, controller)

    def _beats_on(self, controller: Controller) -> None:
        """As long as the link is away, or calls are not taken over: no beat where what runs is out of the controller's
        reach."""
        if self.controller is not controller or not self.guard.alive:
            return
        if not controller.loop.asleep:
            helpless, adopted = controller.engine.is_helpless(), controller.engine.adopted
            if helpless and self.guard.beat:
                self.guard.silent(broken=False)
                if not adopted:
                    self.accounts.dark.begin("controller", self.time.now)
            elif helpless and not adopted and controller.trips != self.guard.trips:
                controller.loop.create_task(controller.engine.guard_tripped())
            elif not helpless and not self.guard.beat:
                self.accounts.dark.end("controller", self.time.now)
                self._beats_again(controller)
        if not (controller.wire.up and controller.engine.adopted and self.guard.beat):
            self.time.after(BEAT, self._beats_on, controller)

    def _beats_again(self, controller: Controller) -> None:
        self.guard.beaten()
        if controller.trips != self.guard.trips:
            controller.trips = self.guard.trips
            controller.loop.create_task(controller.engine.guard_tripped())

    def crash(self) -> None:
        """kill -9, and another one a while later."""
        controller = self.controller
        if controller is None:
            return
        self.book.note("controller", self.controllers, "is killed")
        self.book.add("crashes")
        self.controller = None
        controller.die()
        self.accounts.dark.begin("controller", self.time.now)
        self._forget_unsettled()
        self.desk.died()
        self.accounts.forget_hold(self.time.now)
        self.guard.silent(broken=True)
        self.time.after(DARK, self._nobody_is_left, self.guard.turn)
        self.time.after(self.back_after, self.bring_up)

    def sleep(self, seconds: float) -> None:
        """The controller is stopped for a while."""
        controller = self.controller
        if controller is None or controller.loop.asleep or not self.guard.beat:
            return
        self.book.note("controller", self.controllers, "sleeps", round(seconds, 3))
        controller.loop.asleep = True
        self.accounts.dark.begin("controller", self.time.now)
        self.guard.silent(broken=False)
        self.time.after(DARK, self._nobody_is_left, self.guard.turn)
        self.time.after(seconds, self._wake, controller)

    def _wake(self, controller: Controller) -> None:
        if self.controller is not controller:
            return
        controller.loop.wake()
        self.accounts.dark.end("controller", self.time.now)
        self._beats_again(controller)

    def _nobody_is_left(self, turn: int) -> None:
        """Two seconds after the last heartbeat: unless there is one again, nothing of ours may run, nobody may wait."""
        if self.guard.beat or not self.guard.alive or turn != self.guard.turn:
            return
        for tape in self.exchange.tapes.values():
            if tape.runs:
                self.book.wrong("recorder outlived the heartbeat", tape.recording_id)
        for party in self.exchange.waiting():
            known = self.guard.register.waiting.get(party.channel_id, math.inf)
            if self.time.now - max(party.waiting_since, known) >= DARK:
                self.book.wrong("left waiting", party.channel_id)

    # ------------------------------------------------------------ what breaks, and is mended
    def cut_link(self) -> None:
        """The controller cannot reach the PBX."""
        self.accounts.dark.begin("link", self.time.now)
        if self.controller:
            self.controller.wire.reachable = False
            self.controller.wire.cut()
            self._beats_on(self.controller)

    def mend_link(self) -> None:
        """It can again."""
        self.accounts.dark.end("link", self.time.now)
        if self.controller:
            self.controller.wire.reachable = True
            self.controller.wire.connect()

    def lose_news(self) -> None:
        """The PBX drops what it would say."""
        self.weather.losing = True
        self.accounts.dark.begin("gap", self.time.now)

    def notice_gap(self) -> None:
        """It speaks again, and that something is missing is noticed."""
        self.weather.losing = False
        self.accounts.dark.end("gap", self.time.now)
        if self.controller:
            self.controller.wire.notice_gap()

    def lose_store(self) -> None:
        """Postgres goes away."""
        self.postgres.down = True
        if self.controller:
            self.controller.log.cut()

    def mend_store(self) -> None:
        """It is back, and quick."""
        self.slow_at = self.slow_at if self.postgres.quick else self.time.now
        self.postgres.down = self.postgres.hangs = False
        self.postgres.slow = QUICK

    def fill_disk(self, full: bool) -> None:
        """The machine's disks are full, or not any more."""
        self.weather.full = full
        self.exchange.fill_disk(full)
        if self.controller:
            self.controller.spool.full = full
            self.controller.disk_full(full)
            if full:
                self.controller.wire.files.fill()

    def kill_guard(self) -> None:
        """kill -9 of the guard, while a controller beats."""
        if self.guard.beat and self.controller and not self.controller.loop.asleep:
            self.guard.die()
            self.controller.loop.call_soon(self.controller.engine.guard_changed, False)

    def revive_guard(self) -> None:
        """Another guard was started."""
        if not self.guard.alive:
            self.guard.alive = True
            if self.controller:
                self._beats(self.controller)

    def operate(self, far: str, who: str, action: Action) -> None:
        """An operator acts on a call, for a party of it."""
        controller = self.controller
        if controller is None or controller.loop.asleep:
            return
        at, about = self.clock.wall(), who if action is Action.CONSENT else ""
        if call_id := controller.operate(far, about, action, at):
            undo = self.accounts.operated(far, who, action, self.time.now)
            self.heard.append((frozenset({(f"{call_id} {action}", at.isoformat())}), self.time.now, undo))

    def heal(self) -> None:
        """Whatever is broken is mended."""
        self.mend_link()
        self.mend_store()
        self.fill_disk(False)
        self.notice_gap()
        self.weather.refuse.clear()
        self.weather.mute.clear()
        self.revive_guard()
        self.quiet_at = self.time.now + 1.0

    # ------------------------------------------------------------ what a controller does
    def _performed(self, effect: Effect) -> None:
        """A request leaves the controller: permission has to be durable by now."""
        self.book.note("does", effect)
        self.book.add("requests")
        if not isinstance(effect, RecordingEffect):
            return
        kind = (effect.recording_id, type(effect).__name__)
        if kind[1] in PERMITS:
            self.performed[kind] = self.performed.get(kind, 0) + 1
            if self.performed[kind] > self.durable.permits[kind]:
                self.book.wrong("permitted before its rows were durable", kind[1])
            self._belongs(effect.recording_id)

    def _belongs(self, recording_id: str) -> None:
        """Whose call this recording is of, says the controller that asks for it."""
        for runner in self.controller.engine.runners.values() if self.controller else ():
            if runner.call.find(recording_id):
                self.accounts.owners[recording_id] = runner.call.anchor

    def _digit(self, event: DigitPressed) -> None:
        at = event.at.timestamp()
        key = (event.channel_id, event.at.isoformat())
        if any(key in item[0] for item in self.heard) or key in self.durable.keys:
            return
        undo = self.accounts.heard(event.channel_id, event.digit, at, self.time.now)
        if undo:
            self.heard.append((frozenset({key}), self.time.now, undo))

    def _bridges(self, bridges: Mapping[str, str]) -> None:
        for places, undo in self.accounts.seen(bridges, self.time.now):
            self.heard.append((places, self.time.now, undo))

    def _forget_unsettled(self) -> None:
        """What a controller heard in its last moment and could not write down, nobody heard. That moment is longer
        where the log is slow, or just was: rows wait for those before them."""
        slow = not self.postgres.quick or self.time.now - self.slow_at <= LAST_MOMENT
        for keys, at, undo in reversed(self.heard):
            if (slow or self.time.now - at <= LAST_MOMENT) and not keys <= self.durable.keys:
                undo()
        self.heard.clear()
        self.accounts.look(self.time.now)

    # ------------------------------------------------------------ what the exchange does
    def _say(self, heard: Heard) -> None:
        self.book.note("says", heard)
        if self.controller:
            self.controller.wire.say(heard)

    def _tape_ended(self, tape: Tape) -> None:
        if self.controller:
            self.controller.wire.files.ended(tape)

    def _is_calm(self) -> bool:
        """Whether nothing is broken now."""
        away = self.accounts.dark.open or not self.postgres.quick or not (self.guard.alive and self.guard.beat)
        troubled = self.weather.full or self.weather.refuse or self.weather.mute
        return not away and not troubled and self.controller is not None and not self.controller.spool.full

    @property
    def takes_calls(self) -> bool:
        """Whether the PBX has an application of ours to hand a channel to."""
        return self.controller is not None and self.controller.wire.up

"""The desk of a simulated world: an operator who halts recordings, stops them, and says that a call is argued about.

What belongs here: orders given to a controller, and which halts stand in truth. What does not: what a halt does
(callguard/engine/halt.py), what it means for a recording (accounts.py).

Orders have a chance of their own, and most worlds have none: nothing else that happens hangs on who might have ordered.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from callguard.core.events import Action
from tests.simulate.accounts import Accounts, Undo
from tests.simulate.book import Book
from tests.simulate.controller import Controller
from tests.simulate.timeline import Timeline

if TYPE_CHECKING:
    from tests.simulate.plot import Plot

SHARE = 0.12
"""Part of the worlds in which somebody gives orders."""
MOST_ORDERS = 4


@dataclass(eq=False)
class Standing:
    """A halt of calls of KIND, '' for all of them. `lasts`: the operator was told that it does."""

    kind: str
    lasts: bool = False


@dataclass
class Desk:
    """Of one world. `heard`: what its controller heard and did not settle yet; `met`: whose coming was heard of."""

    time: Timeline
    accounts: Accounts
    book: Book
    wall: Callable[[], Any]
    heard: list[tuple[frozenset[tuple[str, str]], float, Undo]]
    standing: list[Standing] = field(default_factory=list)
    met: set[str] = field(default_factory=set)

    # ------------------------------------------------------------ halts
    def place(self, controller: Controller | None, kind: str) -> None:
        """No recording of this KIND of calls."""
        if controller and not controller.loop.asleep:
            controller.serve(self._place(controller, Standing(kind)))

    async def _place(self, controller: Controller, halt: Standing) -> None:
        calls, known = controller.engine.board.calls, controller.engine.adopted
        covered = [call for call in self.accounts.calls.values() if halt.kind in ("", call.kind)]
        self.book.note("halts", halt.kind or "everything")
        self.standing.append(halt)
        at, act = self.wall().isoformat(), f" {Action.STOP}"
        unsaid = [  # until the operator is told, it stands for each call alone, and only where that is written down
            (frozenset({(calls.get(call.far, "") + act, at)}), math.inf, self.accounts.halted(call, self.time.now))
            for call in covered
            if known or call.far in calls  # who is not taken over yet is stopped then, and the operator told that
        ]
        self.heard += unsaid
        answer = await controller.halting.answer({"halt": "place", "call_type": halt.kind, "reason": "why"}, "uid:1")
        self.book.note("is told", answer.get("error", "halted"))
        halt.lasts = "cannot be written" not in answer.get("error", "")
        if halt.lasts:
            self.heard[:] = [item for item in self.heard if item not in unsaid]
        if "error" in answer:
            if self.accounts.calm() and not self.book.sums["faults"]:
                self.book.wrong("error", answer["error"])
            return
        if not any(entry.content["halt"] == answer["halt_id"] for entry in controller.entered):
            self.book.wrong("un-audited", "a halt is not in the register")
        far = {call.far for call in covered}
        for tape in self.accounts.tapes.values():
            if tape.runs and tape.call in far:
                self.book.wrong("recorder outlived a halt", tape.recording_id)

    def release(self, controller: Controller | None) -> None:
        """The oldest halt is over."""
        if controller and not controller.loop.asleep:
            controller.serve(self._release(controller))

    async def _release(self, controller: Controller) -> None:
        for halt_id, kind in [(each.halt_id, each.call_type) for each in controller.halts.standing.values()][:1]:
            answer = await controller.halting.answer({"halt": "release", "id": halt_id, "reason": "why"}, "uid:1")
            self.book.note("releases", kind or "everything", answer.get("error", ""))
            over = [halt for halt in self.standing if halt.kind == kind][:1]
            if "error" not in answer:
                self.standing = [halt for halt in self.standing if halt not in over]

    def died(self) -> None:
        """The controller was killed: what nobody was told of died with it."""
        self.standing = [halt for halt in self.standing if halt.lasts]

    def entered(self, channel_id: str) -> None:
        """A controller hears that somebody calls: a halt covers that too, unless it came between that and its echo."""
        if channel_id in self.met:
            return
        self.met.add(channel_id)
        call = self.accounts.calls.get(channel_id)
        if call and any(halt.kind in ("", call.kind) for halt in self.standing):
            self.accounts.halted(call, self.time.now)
            call.unasked = True


# ---------------------------------------------------------------- orders
def halts_a_kind(plot: Plot, chance: Random) -> None:
    """Somebody complained about how calls of one type are recorded."""
    plot.world.desk.place(plot.world.controller, plot.world.accounts.calls[_some_call(plot, chance)].kind)
    _may_release(plot, chance)


def halts_everything(plot: Plot, chance: Random) -> None:
    """Until the lawyer rang."""
    plot.world.desk.place(plot.world.controller, "")
    _may_release(plot, chance)


def stops(plot: Plot, chance: Random) -> None:
    """One call alone."""
    far = _some_call(plot, chance)
    plot.world.operate(far, far, Action.STOP)


def argues(plot: Plot, chance: Random) -> None:
    """A call is in dispute; an agent says before, or behind, that the caller agreed."""
    far = _some_call(plot, chance)
    for action in (Action.CONSENT, Action.DISPUTE, Action.CONSENT):
        if action is Action.DISPUTE or chance.random() < 0.5:
            plot.world.operate(far, far, action)


def _may_release(plot: Plot, chance: Random) -> None:
    if chance.random() < 0.7:
        plot.after(0.05 + chance.random() * 4.0, lambda: plot.world.desk.release(plot.world.controller))


def _some_call(plot: Plot, chance: Random) -> str:
    here = [far for far in plot.calls if far in plot.there.parties]
    return here[int(chance.random() * len(here))]


ORDERS = (halts_a_kind, halts_everything, stops, argues, argues)


def plan(plot: Plot, chance: Random) -> None:
    """Orders, in some worlds, and somebody who calls behind them."""
    if chance.random() >= SHARE:
        return
    for _ in range(1 + int(chance.random() * MOST_ORDERS)):
        order = ORDERS[int(chance.random() * len(ORDERS))]
        plot.after(0.3 + chance.random() * (plot.ends_at - 0.3), _gives, order, plot, chance)
    if chance.random() < 0.5:
        plot.call(0.5 + chance.random() * plot.ends_at)


def _gives(order: Callable[[Plot, Random], None], plot: Plot, chance: Random) -> None:
    plot.world.book.note("order", order.__name__)
    plot.world.book.add(f"order {order.__name__}")
    order(plot, chance)

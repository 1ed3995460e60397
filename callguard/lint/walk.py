"""What a call can reach before anybody asked it: a walk through the dialplan with its subroutines.

What belongs here: walking, and remembering from where. What does not: where calls come in (entry.py), judging (the
rules).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from callguard.lint.flow import Call, Edge, Kind
from callguard.lint.graph import Found, Graph
from callguard.lint.model import Step
from callguard.lint.snippet import Trusted, is_ours

ANSWER = re.compile(r"CALLGUARD_")
"""In a condition: it looks at what came of the question."""

SHOWN = 7
"""Steps of a way that a finding names."""


@dataclass(frozen=True, slots=True)
class Here:
    """A step and the subroutine it was reached in (None: the call's own dialplan)."""

    routine: Step | None
    step: Step


@dataclass(slots=True)
class Walk:
    """Everything that a call can reach before the snippet. `came`: from where first; `roots`: by which entry."""

    graph: Graph
    trusted: Trusted
    came: dict[Here, Here | None] = field(default_factory=dict)
    roots: dict[Here, Step] = field(default_factory=dict)
    unknown: dict[Step, str] = field(default_factory=dict)
    _waiting: deque[Here] = field(default_factory=deque)
    _entered: set[tuple[Step | None, Found]] = field(default_factory=set)
    _callers: dict[Found, list[Here]] = field(default_factory=dict)
    _calls: dict[Step, list[Found]] = field(default_factory=dict)
    _returning: set[Step] = field(default_factory=set)
    _coming_back: set[Found] = field(default_factory=set)

    def start(self, steps: Iterable[Step]) -> None:
        """Walk from STEPS to the end."""
        for step in steps:
            self._reach(Here(None, step), None)
        while self._waiting:
            self._leave(self._waiting.popleft())

    def reached(self) -> Iterator[tuple[Step, Here]]:
        """Each step once, with one way of being there."""
        seen: set[Step] = set()
        for here in self.came:
            if here.step not in seen:
                seen.add(here.step)
                yield here.step, here

    def way(self, here: Here) -> list[Step]:
        """The first way found to HERE: the entry, and the last steps of it. The first two may be far apart."""
        steps, at = [here.step], self.came[here]
        while at is not None and len(steps) < SHOWN:
            steps.append(at.step)
            at = self.came[at]
        return steps[::-1] if at is None else [self.roots[here], *steps[::-1]]

    def _reach(self, here: Here, origin: Here | None) -> None:
        if here not in self.came and here.step.context not in self.trusted.own:
            self.came[here] = origin
            self.roots[here] = self.roots[origin] if origin else here.step
            self._waiting.append(here)

    def _leave(self, here: Here) -> None:
        for one, each in self.graph.flows(here.step):
            if each.goes_on and not self._asked(one, each.edges):
                self._next(here)
            for edge in each.edges:
                self._follow(here, edge)
            if each.returns:
                self._return(here)
        if here.routine and self.graph.following(here.step) is None and here.routine.context.startswith("macro-"):
            self._return(here)

    def _asked(self, one: Call, edges: Iterable[Edge]) -> bool:
        """`GosubIf(not asked yet?callguard,...)`: who goes on without was asked before."""
        return bool(ANSWER.search(one.condition or one.data)) and any(self._is_question(edge) for edge in edges)

    def _is_question(self, edge: Edge) -> bool:
        return edge.kind in (Kind.CALL, Kind.JUMP) and is_ours(edge.target.context, self.trusted)

    def _next(self, here: Here) -> None:
        if follower := self.graph.following(here.step):
            self._reach(Here(here.routine, follower), here)

    def _follow(self, here: Here, edge: Edge) -> None:
        if edge.kind is Kind.NEW or self._is_question(edge):
            return
        found = self.graph.find(here.step, edge)
        if found.unknown:
            self.unknown.setdefault(here.step, found.unknown)
        if edge.kind in (Kind.CALL, Kind.MACRO):
            self._call(here, found)
            return
        routine = None if edge.kind is Kind.LOCAL else here.routine
        if (routine, found) not in self._entered:
            self._entered.add((routine, found))
            for step in found.steps:
                self._reach(Here(routine, step), here)

    def _call(self, here: Here, found: Found) -> None:
        if found not in self._callers:
            self._callers[found] = []
            for step in found.steps:
                self._calls.setdefault(step, []).append(found)
                self._reach(Here(step, step), here)
        self._callers[found].append(here)
        if not found.steps or found in self._coming_back or not self._returning.isdisjoint(found.steps):
            self._next(here)

    def _return(self, here: Here) -> None:
        if here.routine and here.routine not in self._returning:
            self._returning.add(here.routine)
            for found in self._calls[here.routine]:
                self._come_back(found)

    def _come_back(self, found: Found) -> None:
        if found not in self._coming_back:
            self._coming_back.add(found)
            for caller in self._callers[found]:
                self._next(caller)


def onward_steps(graph: Graph, trusted: Trusted, step: Step, entered: set[Found]) -> Iterator[Step]:
    """Where a call may be after STEP. The snippet and every subroutine are taken to come back.

    ENTERED: what this walk has looked into already; it is not given out again.
    """
    onward, follower = graph.onward(step), graph.following(step)
    comes_back = any(edge.kind in (Kind.CALL, Kind.MACRO) for edge, _ in onward)
    if follower and (comes_back or graph.goes_on(step)):
        yield follower
    for edge, found in onward:
        if edge.kind is not Kind.NEW and found not in entered and not is_ours(edge.target.context, trusted):
            entered.add(found)
            yield from found.steps

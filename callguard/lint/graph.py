"""Targets -> steps, and the ways through a dialplan.

What belongs here: finding what a target means, the successors of a step, walking. What does not: what a way means (the
rules). Where a target is computed while the call runs, all it can become is taken if a part of it is fixed; otherwise
it is unknown, and nothing is claimed about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from callguard.lint.argument import fill, wildcard
from callguard.lint.flow import Call, Edge, Flow, Kind, flows
from callguard.lint.model import Context, Dialplan, Extension, Step
from callguard.lint.pattern import Pattern, is_pattern, parse

SPECIAL = ("h", "s", "fax")
"""Extensions that nobody reaches by dialling."""

_EXTEN = re.compile(r"\$\{EXTEN(?::(\d+))?\}")
_OFFSET = re.compile(r"([+-])(\d{1,6})")
_ABSENT = "DIALPLAN_EXISTS"


@dataclass(frozen=True, slots=True)
class Found:
    """What a target means: steps, or why it is not known (`unknown`)."""

    steps: tuple[Step, ...] = ()
    unknown: str = ""


@dataclass(slots=True)
class Graph:
    """A dialplan with its ways. `whole`: False where a part of it was not read."""

    plan: Dialplan
    whole: bool = True
    _flows: dict[Step, list[tuple[Call, Flow]]] = field(default_factory=dict)
    _following: dict[Step, Step] = field(default_factory=dict)
    _meetings: dict[tuple[tuple[str, ...], Pattern], list[Extension]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for context in self.plan.contexts.values():
            for extension in context.extensions.values():
                for step in extension.steps.values():
                    if follower := extension.steps.get(step.priority + 1):
                        self._following[step] = follower

    def flows(self, step: Step) -> list[tuple[Call, Flow]]:
        """What STEP may run, and where that leads."""
        if step not in self._flows:
            self._flows[step] = list(flows(step, self.plan))
        return self._flows[step]

    def following(self, step: Step) -> Step | None:
        """The next priority."""
        return self._following.get(step)

    # Targets

    def find(self, step: Step, edge: Edge) -> Found:
        """What EDGE of STEP leads to."""
        target = edge.target
        if edge.kind is Kind.DIGITS:
            return self._dialled(self._fixed(step, target.context) or step.context)
        name = self._fixed(step, target.context) or step.context
        contexts = self._contexts(name)
        if contexts is None:
            return Found(unknown="the context is computed while the call runs")
        if target.priority == "<endwhile>":
            return Found(tuple(self._loop_end(step)))
        own = not target.exten and not target.context
        extensions = self._own(step) if own else self._extensions(step, contexts, target.exten or step.exten)
        if extensions is None:
            return Found(unknown="the extension is computed while the call runs")
        named = any(context in self.plan.contexts for context in contexts)
        return self._entered(step, edge, list(extensions), named=named)

    def contexts(self, step: Step, edge: Edge) -> list[str]:
        """The names of the contexts that EDGE of STEP may lead into, whether they exist or not."""
        return self._contexts(self._fixed(step, edge.target.context) or step.context) or []

    def _entered(self, step: Step, edge: Edge, extensions: list[Extension], *, named: bool) -> Found:
        priority = self._fixed(step, edge.target.priority)
        pattern = wildcard(priority)
        if pattern is None and priority:
            return Found(unknown="the priority is computed while the call runs")
        steps = tuple(hit for extension in extensions for hit in _at(extension, step, priority))
        if steps or _ABSENT in edge.condition or (named and self.whole):
            return Found(steps)
        return Found(unknown="its target is not in what was read")

    def _fixed(self, step: Step, text: str) -> str:
        """TEXT with what is known about STEP put in."""
        if "${" not in text:
            return text
        known = {"CONTEXT": step.context, "PRIORITY": str(step.priority)}
        text = fill(text, known)
        if not is_pattern(step.exten):
            text = _EXTEN.sub(lambda hit: step.exten[int(hit[1] or 0) :], text)
        return text

    def _contexts(self, name: str) -> list[str] | None:
        if "$" not in name:
            return [name]
        pattern = wildcard(name)
        return [each for each in self.plan.contexts if pattern.fullmatch(each)] if pattern else None

    def _own(self, step: Step) -> list[Extension]:
        context = self.plan.contexts[step.context]
        return [extension for extension in context.by_exten[step.exten] if step.priority in extension.steps]

    def _extensions(self, step: Step, contexts: Iterable[str], exten: str) -> Iterable[Extension] | None:
        exten = self._fixed(step, exten)
        reached = [context for name in contexts for context in self.plan.reach(name)]
        if is_pattern(exten):
            return self._meeting(reached, parse(exten))
        if "$" not in exten:
            return next((found for context in reached if (found := context.find(exten))), [])
        if hit := _EXTEN.fullmatch(exten):
            return self._meeting(reached, parse(step.exten).without(int(hit[1] or 0)))
        pattern = wildcard(exten)
        if pattern is None:
            return None
        return [each for context in reached for each in context.extensions.values() if pattern.fullmatch(each.exten)]

    def _meeting(self, contexts: Iterable[Context], pattern: Pattern) -> list[Extension]:
        contexts = list(contexts)
        key = tuple(context.name for context in contexts), pattern
        if key not in self._meetings:
            met = [extension for context in contexts for extension in context.meeting(pattern)]
            self._meetings[key] = [extension for extension in met if extension.exten not in SPECIAL]
        return self._meetings[key]

    def _dialled(self, name: str) -> Found:
        if "$" in name:
            return Found(unknown="the context is computed while the call runs")
        return Found(tuple(entrances(self.plan.reach(name))))

    def _loop_end(self, step: Step) -> Iterator[Step]:
        """Behind the EndWhile that belongs to STEP."""
        depth, at = 0, self.following(step)
        while at:
            depth += (at.app.lower() == "while") - (at.app.lower() == "endwhile")
            at = self.following(at)
            if depth < 0:
                yield from [at] if at else []
                return

    # Ways

    def onward(self, step: Step) -> list[tuple[Edge, Found]]:
        """The edges of STEP with what they mean."""
        edges = [edge for _, each in self.flows(step) for edge in each.edges]
        return [(edge, self.find(step, edge)) for edge in edges]

    def goes_on(self, step: Step) -> bool:
        """Whether the next priority may follow at once."""
        return any(each.goes_on for _, each in self.flows(step))


def _at(extension: Extension, step: Step, priority: str) -> Iterator[Step]:
    """The steps of EXTENSION that PRIORITY can mean: a number, a distance from STEP, a label or what one can become."""
    if offset := _OFFSET.fullmatch(priority):
        priority = str(step.priority + int(offset[2]) * (1 if offset[1] == "+" else -1))
    if "$" in priority:
        pattern = wildcard(priority)
        wanted = [number for label, number in extension.labels.items() if pattern and pattern.fullmatch(label)]
    else:
        wanted = [int(priority) if priority.isdecimal() and len(priority) < 10 else extension.labels.get(priority, 0)]
    for number in wanted:
        if number in extension.steps:
            yield extension.steps[number]


def entrances(contexts: Iterable[Context]) -> Iterator[Step]:
    """Where somebody who dials can come in."""
    for context in contexts:
        for extension in context.extensions.values():
            if extension.first and extension.exten not in SPECIAL:
                yield extension.first

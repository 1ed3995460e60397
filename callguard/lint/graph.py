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
from callguard.lint.flow import LOOP_END, Call, Edge, Flow, Kind, flows
from callguard.lint.index import Names
from callguard.lint.model import Context, Dialplan, Extension, Step
from callguard.lint.pattern import Pattern, is_pattern, parse

SPECIAL = ("h", "s", "fax")
"""Extensions that nobody reaches by dialling."""

_EXTEN = re.compile(r"\$\{EXTEN(?::([0-9]{1,4}))?\}")
_OFFSET = re.compile(r"([+-])(\d{1,6})")
_ABSENT = "DIALPLAN_EXISTS"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a target means: steps, or why it is not known (`unknown`). Targets that mean the same share one."""

    steps: tuple[Step, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class _Aim:
    """A target as far as it is known: `exten` a number, a text with variables or all that a pattern fits.

    `absent`: what is not there is not missed.
    """

    context: str
    exten: str | Pattern
    priority: str
    absent: bool


@dataclass(slots=True)
class Graph:
    """A dialplan with its ways. `whole`: False where a part of it was not read."""

    plan: Dialplan
    whole: bool = True
    _flows: dict[Step, list[tuple[Call, Flow]]] = field(default_factory=dict)
    _following: dict[Step, Step] = field(default_factory=dict)
    _aims: dict[_Aim, Found] = field(default_factory=dict)
    _menus: dict[str, Found] = field(default_factory=dict)
    _names: Names = field(init=False)

    def __post_init__(self) -> None:
        self._names = Names(self.plan.contexts)
        for extension in self.plan.extensions():
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
        if target.priority == LOOP_END:
            return Found(tuple(self._loop_end(step)))
        context = self._fixed(step, target.context) or step.context
        if edge.kind is Kind.DIGITS:
            return self._dialled(context)
        aim = _Aim(context, self._aimed(step, target.exten), self._priority(step, edge), _ABSENT in edge.condition)
        if not target.exten and not target.context:
            return self._entered(aim, self._own(step))
        if aim not in self._aims:
            self._aims[aim] = self._look(aim)
        return self._aims[aim]

    def contexts(self, step: Step, edge: Edge) -> list[str]:
        """The names of the contexts that EDGE of STEP may lead into, whether they exist or not."""
        return self._contexts(self._fixed(step, edge.target.context) or step.context) or []

    def _look(self, aim: _Aim) -> Found:
        names = self._contexts(aim.context)
        if names is None:
            return Found(unknown="the context is computed while the call runs")
        extensions: list[Extension] = []
        for name in names:  # in each of them the first that fits is taken
            found = _extensions(list(self.plan.reach(name)), aim.exten)
            if found is None:
                return Found(unknown="the extension is computed while the call runs")
            extensions += found
        return self._entered(aim, extensions, named=any(name in self.plan.contexts for name in names))

    def _entered(self, aim: _Aim, extensions: Iterable[Extension], *, named: bool = True) -> Found:
        pattern = wildcard(aim.priority)
        if pattern is None and aim.priority:
            return Found(unknown="the priority is computed while the call runs")
        steps = tuple(hit for extension in extensions for hit in _at(extension, aim.priority, pattern))
        if steps or aim.absent or (named and self.whole):
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

    def _priority(self, step: Step, edge: Edge) -> str:
        """As written, or the number that a distance from STEP comes to."""
        priority = self._fixed(step, edge.target.priority)
        if offset := _OFFSET.fullmatch(priority):
            return str(step.priority + int(offset[2]) * (1 if offset[1] == "+" else -1))
        return priority

    def _aimed(self, step: Step, exten: str) -> str | Pattern:
        exten = self._fixed(step, exten or step.exten)
        if is_pattern(exten):
            return parse(exten)
        hit = _EXTEN.fullmatch(exten)
        return parse(step.exten).without(int(hit[1] or 0)) if hit else exten

    def _contexts(self, name: str) -> list[str] | None:
        return self._names.fitting(name) if "$" in name else [name]

    def _own(self, step: Step) -> list[Extension]:
        context = self.plan.contexts[step.context]
        return [extension for extension in context.by_exten[step.exten] if step.priority in extension.steps]

    def _dialled(self, name: str) -> Found:
        if "$" in name:
            return Found(unknown="the context is computed while the call runs")
        if name not in self._menus:
            self._menus[name] = Found(tuple(entrances(self.plan.reach(name))))
        return self._menus[name]

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


def _extensions(reached: list[Context], exten: str | Pattern) -> list[Extension] | None:
    """What EXTEN leads to in the contexts REACHED; None where nothing of it is fixed."""
    if isinstance(exten, Pattern):
        met = (extension for context in reached for extension in context.meeting(exten))
        return [extension for extension in met if extension.exten not in SPECIAL]
    if "$" not in exten:
        return next((found for context in reached if (found := context.find(exten))), [])
    if wildcard(exten) is None:
        return None
    return [extension for context in reached for extension in context.fitting(exten) or ()]


def _at(extension: Extension, priority: str, pattern: re.Pattern[str] | None) -> Iterator[Step]:
    """The steps of EXTENSION that PRIORITY can mean: a number, a label, or by PATTERN what a label can become."""
    if "$" in priority:
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

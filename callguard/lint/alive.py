"""Which steps anything leads to: generated dialplans keep what an override has cut off.

What belongs here: reachability from everywhere that calls come in, asked or not. What does not: ways around the
question (walk.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from callguard.lint.entry import entries
from callguard.lint.flow import Kind
from callguard.lint.graph import Found, Graph
from callguard.lint.model import Step
from callguard.lint.snippet import Trusted


def alive(graph: Graph, trusted: Trusted, named: Sequence[str]) -> set[Step]:
    """The steps that some way leads to, as far as ways can be followed. Handlers and new calls count."""
    where = entries(graph, trusted, named)
    names = [*where.trunks, *where.inside, *where.others]
    waiting = [step for name in names for context in graph.plan.reach(name) for step in _firsts(graph, context.name)]
    seen = set(waiting)
    entered: set[tuple[Found, bool]] = set()
    while waiting:
        step = waiting.pop()
        new = [each for each in _onward(graph, step, entered) if each not in seen]
        waiting += new
        seen.update(new)
    return seen


def _firsts(graph: Graph, name: str, extens: Iterable[str] | None = None) -> Iterator[Step]:
    context = graph.plan.contexts[name]
    for exten in context.by_exten if extens is None else extens:
        yield from (each.first for each in context.by_exten.get(exten, ()) if each.first)


def _onward(graph: Graph, step: Step, entered: set[tuple[Found, bool]]) -> Iterator[Step]:
    """All that may run after STEP: what it leads to, the next line, the end of the call in its context."""
    edges, follower = graph.onward(step), graph.following(step)
    if follower and (graph.goes_on(step) or any(edge.kind in (Kind.CALL, Kind.MACRO) for edge, _ in edges)):
        yield follower
    yield from _firsts(graph, step.context, ("h", "T"))
    for edge, found in edges:
        new = edge.kind is Kind.NEW
        if (found, new) not in entered:
            entered.add((found, new))
            yield from found.steps
            # option G of Dial sends the other party to the priority after this one
            yield from (after for each in found.steps if new and (after := graph.following(each)))

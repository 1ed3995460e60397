"""Menus before the question: saying no must not lie behind a row of them.

What belongs here: how many menus a caller passes at least until the snippet is reached. What does not: ways without
the question (notice.py); the keys of the question itself, which callguard has one deep.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from callguard.lint.entry import entries, first_steps, site_numbers
from callguard.lint.finding import Finding, warning
from callguard.lint.flow import Kind
from callguard.lint.graph import Found, Graph
from callguard.lint.model import Step
from callguard.lint.snippet import GOSUB, Trusted, is_ours

DEEPEST = 1
"""Menus before the question: one may choose what the call is about, and with it what is asked."""

_READS = frozenset(("read", "readexten"))


def behind_menus(graph: Graph, trusted: Trusted, named: Sequence[str]) -> Iterator[Finding]:
    """Who calls in passes one menu at most before the notice offers its choice."""
    where, site = entries(graph, trusted, named), site_numbers(graph)
    firsts = first_steps(graph, (*where.trunks, *where.others), site)
    starts = (step for step in firsts if not _chosen(graph, step))
    for step, depth in _depths(graph, trusted, starts):
        if depth > DEEPEST and _asks(graph, trusted, step):
            text = f"a caller passes {depth} menus before the notice offers the choice to say no"
            yield warning("opt-out-behind-menus", step.place, text, f"{GOSUB} before the second menu, or earlier")


def _chosen(graph: Graph, step: Step) -> bool:
    """Whether STEP is what a menu beside it leads to, and nothing that is dialled from outside."""
    return len(step.exten) == 1 and step.exten != "s" and "s" in graph.plan.contexts[step.context].by_exten


def _asks(graph: Graph, trusted: Trusted, step: Step) -> bool:
    edges = chain.from_iterable(each.edges for _, each in graph.flows(step))
    return any(edge.kind is Kind.CALL and is_ours(edge.target.context, trusted) for edge in edges)


def _depths(graph: Graph, trusted: Trusted, starts: Iterator[Step]) -> Iterator[tuple[Step, int]]:
    """Each step that a call reaches, with the least number of menus before it; the nearest ones first."""
    waiting = deque((step, 0) for step in starts)
    seen: set[Step] = set()
    entered: set[Found] = set()
    while waiting:
        step, depth = waiting.popleft()
        if step in seen or step.context in trusted.own:
            continue
        seen.add(step)
        yield step, depth
        if _asks(graph, trusted, step):
            continue  # a call is asked once
        for after, costs in _onward(graph, step, entered):
            (waiting.append if costs else waiting.appendleft)((after, depth + costs))


def _onward(graph: Graph, step: Step, entered: set[Found]) -> Iterator[tuple[Step, int]]:
    """Where a call may be after STEP, and how many menus that costs: 0 or 1. Every subroutine is taken to come back."""
    onward, follower = graph.onward(step), graph.following(step)
    comes_back = any(edge.kind in (Kind.CALL, Kind.MACRO) for edge, _ in onward)
    if follower and (comes_back or graph.goes_on(step)):
        yield follower, int(step.app.lower() in _READS)
    for edge, found in onward:
        if edge.kind is not Kind.NEW and found not in entered:
            entered.add(found)
            yield from ((each, int(edge.kind is Kind.DIGITS)) for each in found.steps)

"""Emergency numbers: nothing records them, nothing of callguard's is in their way.

What belongs here: the way of each emergency number through what agents dial. What does not: recorders as such
(recorder.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from callguard.lint.entry import TRUNKS, site_numbers
from callguard.lint.finding import Finding, blocker
from callguard.lint.flow import calls
from callguard.lint.graph import Found, Graph
from callguard.lint.model import Context, Step
from callguard.lint.recorder import RECORDERS
from callguard.lint.snippet import EMERGENCY, Trusted, lets_through
from callguard.lint.walk import onward_steps

_DIALS = ("dial", "retrydial")


@dataclass(slots=True)
class _Way:
    """What a number passes before it is dialled: recorders, snippets, and whether it is dialled at all."""

    recorders: list[Step] = field(default_factory=list)
    snippets: list[tuple[Step, str]] = field(default_factory=list)
    dialled: bool = False


def emergency(graph: Graph, trusted: Trusted) -> Iterator[Finding]:
    """No emergency number that is dialled out meets a recorder, or a snippet that would ask."""
    site = site_numbers(graph)
    inner = {each.name for name in graph.plan.contexts if TRUNKS.match(name) for each in graph.plan.reach(name)}
    ways: dict[Step, _Way] = {}
    told: set[tuple[str, Step]] = set()
    for name in graph.plan.contexts.keys() - inner - trusted.own:
        for number, first in _numbers(graph.plan.contexts[name], (*EMERGENCY, *site)):
            if first not in ways:
                ways[first] = _walk(graph, trusted, first)
            if ways[first].dialled:
                yield from _judge(graph, ways[first], number if number in EMERGENCY else "", told)


def _numbers(context: Context, numbers: tuple[str, ...]) -> Iterator[tuple[str, Step]]:
    """(number, its first step) for the emergency numbers that can be dialled here, also with an outside line."""
    for number in numbers:
        for dialled in (number, f"9{number}", f"0{number}", f"8{number}"):
            yield from ((number, each.first) for each in context.find(dialled) if each.first)


def _walk(graph: Graph, trusted: Trusted, first: Step) -> _Way:
    way, waiting, seen = _Way(), [first], {first}
    entered: set[Found] = set()
    while waiting:
        step = waiting.pop()
        if _looks(graph, way, step):
            continue
        asked = (edge.target.context for edge, _ in graph.onward(step) if edge.target.context in trusted.entered)
        way.snippets += [(step, name) for name in asked]
        new = [each for each in onward_steps(graph, trusted, step, entered) if each not in seen]
        waiting += new
        seen.update(new)
    return way


def _looks(graph: Graph, way: _Way, step: Step) -> bool:
    """Takes note of STEP; True where it dials the number, which ends the way."""
    for one in calls(step, graph.plan):
        if one.app in RECORDERS:
            way.recorders.append(step)
        elif one.app in _DIALS and ("${" in one.data or any(number in one.data for number in EMERGENCY)):
            way.dialled = True
            return True
    return False


def _judge(graph: Graph, way: _Way, number: str, told: set[tuple[str, Step]]) -> Iterator[Finding]:
    for step in way.recorders:
        if ("emergency-recorded", step) not in told:
            told.add(("emergency-recorded", step))
            text = f"emergency calls are recorded here: {step.app} comes before they are dialled"
            fix = "an extension of its own for each emergency number, without it"
            yield blocker("emergency-recorded", step.place, text, fix)
    for step, name in way.snippets:
        if number and ("emergency-asked", step) not in told and not lets_through(graph, name, number):
            told.add(("emergency-asked", step))
            text = f"context {name} asks on emergency calls: its test for {number} is missing"
            yield blocker("emergency-asked", step.place, text, "#include the shipped callguard.conf unchanged")

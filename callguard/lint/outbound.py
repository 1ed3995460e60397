"""Outbound calls: Dial hands whoever answers to the snippet, by the options that the Gosub left in CALLGUARD_DIAL.

What belongs here: the Dials behind a Gosub that says told, gate or bridged, and the outside line before an emergency
number.
What does not: inbound ways (notice.py), copies of the snippet (snippet.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import product

from callguard.lint.argument import options, split
from callguard.lint.carrier import carriers
from callguard.lint.entry import exempt, site_numbers
from callguard.lint.finding import Finding, blocker, warning
from callguard.lint.flow import Call, Edge, Kind, calls, dial_option_text
from callguard.lint.graph import Found, Graph
from callguard.lint.model import Step
from callguard.lint.pattern import is_pattern, matches, parse
from callguard.lint.snippet import EMERGENCY, NAME, Trusted, entering, when
from callguard.lint.walk import onward_steps

VARIABLE = "CALLGUARD_DIAL"
LINES = ("0", "8", "9")
"""What the snippet takes for an outside line where CALLGUARD_PREFIX does not say otherwise."""

_DIALS = ("dial", "retrydial")
_FIX = "${CALLGUARD_DIAL} at the end of Dial's options"
_NEVER = "nobody is asked and nothing is recorded"
_STRIPPED = re.compile(r"(?<![\d+])\$\{EXTEN:([1-9])(?::\d+)?\}")
"""Keys left away; behind a digit or + the rest is part of a longer number, which is no emergency number."""
_CHOICE = 3
"""Keys that one place of an outside line may be: [67], but not N or X."""
_ABROAD = ("00", "011", "0011", "810")
"""What looks like an outside line, and leads to other countries: no emergency number is behind it."""


def outbound(graph: Graph, trusted: Trusted) -> Iterator[Finding]:
    """Every Dial behind a Gosub that says told, gate or bridged carries what it left for it, and nothing against it."""
    site, carrying = site_numbers(graph), carriers(graph, [VARIABLE])
    asking = [(step, edge) for step, edge in entering(graph) if edge.kind is Kind.CALL]
    asking = [(step, edge) for step, edge in asking if not exempt(step.exten, site)]
    for step, one in _dialled(graph, trusted, [step for step, edge in asking if when(edge)]):
        yield from _judge(step, one, carrying)
    wordless = [step for step, edge in asking if _wordless(edge) and step.context not in trusted.own]
    for step, one in _dialled(graph, trusted, wordless):
        what = f"{one.name} behind outbound without told or bridged: unless the called party itself runs this, {_NEVER}"
        yield warning("outbound-when", step.place, what, "Gosub(callguard,s,1(CALLTYPE,outbound,told)), and " + _FIX)


def _wordless(edge: Edge) -> bool:
    """Whether it says outbound, and nothing about when the called party is told."""
    return split(edge.target.arguments)[1:2] == ["outbound"] and not when(edge)


def _dialled(graph: Graph, trusted: Trusted, starts: list[Step]) -> Iterator[tuple[Step, Call]]:
    """The Dials that follow STARTS: the first on each way, and those below it in the same extension: a second trunk."""
    first = dict.fromkeys(_first(graph, trusted, starts))
    below = (each for step in first for each in _below(graph, step))
    for step in dict.fromkeys((*first, *below)):
        yield from ((step, one) for one in calls(step, graph.plan) if one.app in _DIALS)


def _first(graph: Graph, trusted: Trusted, starts: list[Step]) -> Iterator[Step]:
    """A subroutine goes back to all who call it."""
    callers = _callers(graph) if starts else {}
    waiting = [after for step in starts if (after := graph.following(step))]
    seen, entered = set(waiting), set[Found]()
    while waiting:
        step = waiting.pop()
        if any(one.app in _DIALS for one in calls(step, graph.plan)):
            yield step
            continue
        new = list(onward_steps(graph, trusted, step, entered))
        if any(each.returns for _, each in graph.flows(step)):
            new += callers.get((step.context, step.exten), [])
        waiting += [each for each in dict.fromkeys(new) if each not in seen]
        seen.update(new)


def _below(graph: Graph, step: Step) -> Iterator[Step]:
    for extension in graph.plan.contexts[step.context].by_exten[step.exten]:
        if step in extension.steps.values():
            yield from (each for each in extension.ordered() if each.priority > step.priority)


def _callers(graph: Graph) -> dict[tuple[str, str], list[Step]]:
    """Where each subroutine goes back to."""
    back: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in graph.plan.steps():
        after = graph.following(step)
        found = (found for edge, found in graph.onward(step) if after and edge.kind in (Kind.CALL, Kind.MACRO))
        for target in (target for each in found for target in each.steps[:1]):
            back[target.context, target.exten] += [after] if after else []
    return back


def _judge(step: Step, one: Call, carrying: re.Pattern[str]) -> Iterator[Finding]:
    text = dial_option_text(one)
    hit = carrying.search(text)
    if hit is None:
        what = f"{one.name} lacks ${{{VARIABLE}}}, which the Gosub before it left for it: who answers is never told"
        yield blocker("dial-option", step.place, what, _FIX)
        return
    if {"G", "U"} & options(text[hit.start() :]).keys():
        what = f"option G or U after ${{{VARIABLE}}} takes the place of callguard's own: who answers may never be told"
        yield blocker("dial-option", step.place, what, "no other G or U in these options")
    elif {"G", "U"} & options(text[: hit.start()]).keys():
        what = f"option G or U beside ${{{VARIABLE}}}: Asterisk keeps one of each, and yours may not run"
        yield warning("dial-option", step.place, what, "no other G or U in these options")


# Emergency numbers with an outside line


def outside_lines(graph: Graph, trusted: Trusted) -> Iterator[Finding]:
    """An emergency number behind an outside line is known to the snippet as one."""
    listed = re.findall(r"\d+", graph.plan.constants.get("CALLGUARD_PREFIX", ""))
    lines = (*listed,) or LINES
    for step, edge in entering(graph):
        ways = () if step.context in trusted.own else _lines(graph, step, edge)
        line = next((each for each in ways if each not in (*lines, *_ABROAD)), "")
        if line:
            text = f"emergency numbers behind the outside line of this pattern are asked: {NAME} does not know it"
            fix = f"[globals] CALLGUARD_PREFIX = {'&'.join((*lines, line))}"
            yield blocker("emergency-asked", step.place, text, fix)


def _lines(graph: Graph, step: Step, edge: Edge) -> Iterator[str]:
    """The outside lines that STEP's extension takes off before it dials; none where CALLGUARD_DIALLED is set."""
    if edge.kind is not Kind.CALL or not is_pattern(step.exten):
        return
    steps = [each for found in graph.plan.contexts[step.context].by_exten[step.exten] for each in found.ordered()]
    length = _stripped(steps)
    keys = parse(step.exten).sets[:length]
    if not length or len(keys) < length or any(len(each) > _CHOICE for each in keys):
        return
    for line in map("".join, product(*map(sorted, keys))):
        if line.isdecimal() and any(matches(step.exten, line + number) for number in EMERGENCY):
            yield line


def _stripped(steps: list[Step]) -> int:
    """How many of the keys that were dialled a Dial of STEPS leaves away."""
    if any("CALLGUARD_DIALLED" in step.data for step in steps):
        return 0
    dials = [step.data for step in steps if step.app.lower() in _DIALS]
    return max((int(hit[1]) for data in dials for hit in _STRIPPED.finditer(data)), default=0)

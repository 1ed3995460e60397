"""One-touch recording by a variable: a Set holds its letters, and Dial, Queue or Bridge takes it for options.

What belongs here: from the Set to the application that takes it. What does not: letters at the application itself
(recorder.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from callguard.lint.argument import options, split, variables
from callguard.lint.finding import Finding, Place, blocker
from callguard.lint.flow import Call, calls, dial_option_text
from callguard.lint.graph import Graph
from callguard.lint.snippet import Trusted

_LETTERS = frozenset("wWxX")
_BRANCH = re.compile(r"[?:]([A-Za-z]+)(?=[:)])")
"""What `${IF(condition?one:other)}` may give."""


def switched(graph: Graph, trusted: Trusted) -> Iterator[Finding]:
    """Every Set, but the snippet's, that puts w, W, x or X into a variable of options."""
    given = [
        (name, value, step.place, step.context in trusted.own)
        for step in graph.plan.steps()
        if "=" in step.data
        for one in calls(step, graph.plan)
        for name, value in _assigned(one)
    ]
    taken = _closed(_taken(graph), ((name, value) for name, value, _, _ in given))
    for name, value, place, ours in given:
        if name in taken and not ours and _touches(value):
            yield _finding(place, name)


def _finding(place: Place, name: str) -> Finding:
    text = f"{name} goes into the options of Dial, Queue or Bridge, and lets a party start a recording by keys"
    return blocker("one-touch", place, text, "without w, W, x and X")


def _assigned(one: Call) -> Iterator[tuple[str, str]]:
    """What a Set or MSet gives to plain variables."""
    if one.app in ("set", "mset"):
        for piece in split(one.data) if one.app == "mset" else [one.data]:
            name, equals, value = piece.partition("=")
            if equals:
                yield name.strip().lstrip("_"), value.strip().strip('"')


def _taken(graph: Graph) -> set[str]:
    """Names of variables in options of what connects people."""
    texts = (_option_text(one) for step in graph.plan.steps() for one in calls(step, graph.plan))
    return {name for text in texts for name in _names(text)}


def _option_text(one: Call) -> str:
    match one.app:
        case "dial" | "retrydial":
            return dial_option_text(one)
        case "queue" | "bridge":
            return [*split(one.data), ""][1]
    return ""


def _names(text: str) -> Iterator[str]:
    if "${" in text:
        yield from (inner for inner in variables(text) if inner.isidentifier())


def _closed(taken: set[str], given: Iterable[tuple[str, str]]) -> set[str]:
    """TAKEN, and what goes into these."""
    sources: dict[str, set[str]] = defaultdict(set)
    for name, value in given:
        sources[name].update(_names(value))
    found, todo = set(taken), list(taken)
    while todo:
        new = sources[todo.pop()] - found
        found |= new
        todo += new
    return found


def _touches(value: str) -> bool:
    return bool(_LETTERS & options(value).keys()) or any(_LETTERS & set(each) for each in _BRANCH.findall(value))

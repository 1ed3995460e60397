"""Where calls come into a dialplan: trunks, own phones, and contexts that nothing else leads to.

What belongs here: entries by name and by reference, what may pass unasked. What does not: ways from there (walk.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from callguard.lint.graph import Graph, entrances
from callguard.lint.model import Context, Step
from callguard.lint.pattern import literal
from callguard.lint.snippet import EMERGENCY, Trusted

TRUNKS = re.compile(r"(from-(trunk|pstn|did)|inbound|incoming)", re.IGNORECASE)

INSIDE = re.compile(
    r"internal|intern\b|agents?\b|phones?\b|members?\b|staff|office|users?\b|stations?\b", re.IGNORECASE
)
"""Contexts of one's own phones: calls among them are not asked unless a call type says so, calls to the outside are."""

INNER = ("from-did-direct", "from-did-direct-ivr")
"""FreePBX sends calls here that came in elsewhere."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Context names: `trunks` by their name or by the admin's word; `inside`: own phones, by their name; `others`: the
    rest of those that nobody includes or jumps to.
    """

    trunks: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def entries(graph: Graph, trusted: Trusted, named: Sequence[str]) -> Entries:
    """NAMED alone where the admin named any; else what looks like one."""
    if named:
        return Entries(trunks=tuple(named))
    targets = set(_referenced(graph))
    names = [name for name in graph.plan.contexts if name not in trusted.own]
    trunks = [name for name in names if TRUNKS.match(name) and not (name in INNER and name in targets)]
    rest = [name for name in names if name not in targets and name not in trunks]
    inside = [name for name in rest if INSIDE.search(name)]
    return Entries(tuple(trunks), tuple(inside), tuple(name for name in rest if name not in inside))


def _referenced(graph: Graph) -> Iterator[str]:
    """The contexts that another one includes, jumps to or calls."""
    for context in graph.plan.contexts.values():
        yield from (name for name in context.includes if name != context.name)
    for step in graph.plan.steps():
        edges = (edge for _, each in graph.flows(step) for edge in each.edges)
        yield from chain.from_iterable(
            graph.contexts(step, edge) for edge in edges if edge.target.context != step.context
        )


def exempt(exten: str, site: frozenset[str]) -> bool:
    """Whether the snippet would let EXTEN pass anyway: emergency, feature codes, fax; and what follows a call."""
    number = literal(exten)
    if exten in ("h", "fax") or exten.lstrip("_")[:1] in ("*", "#"):
        return True
    return any(number in (each, f"0{each}", f"8{each}", f"9{each}") for each in (*EMERGENCY, *site) if number)


def site_numbers(graph: Graph) -> frozenset[str]:
    """The site's own emergency numbers, as the snippet reads them."""
    return frozenset(re.findall(r"\d+", graph.plan.constants.get("CALLGUARD_EMERGENCY", "")))


def first_steps(graph: Graph, names: Iterable[str], site: frozenset[str]) -> Iterator[Step]:
    """Where a call comes into the contexts NAMES and what they include, but for what may pass unasked."""
    for name in names:
        for context in graph.plan.reach(name):
            yield from (step for step in _first(context) if not exempt(step.exten, site))


def _first(context: Context) -> Iterator[Step]:
    yield from entrances([context])
    yield from (each.first for each in context.by_exten.get("s", ()) if each.first)

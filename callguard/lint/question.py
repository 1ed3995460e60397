"""Questions of the dialplan's own about a recording, told by the names of what they play.

What belongs here: which menus ask for a yes or a no. What does not: where its answers lead (refusal.py), the snippet's
question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from callguard.lint.argument import split
from callguard.lint.flow import Edge, Kind
from callguard.lint.graph import Graph
from callguard.lint.model import Step

_CHOICE = r"consent|gdpr|declin|refus|opt[-_]?out|(?<![a-z])(?:dis)?agree(?![a-z])"
_TELLS = r"(?:calls?|be|being|is|are|we|not|may)[-_]?record|record(?:ing|ed)?[-_](?:notice|question|choice|discl)"
_OFFERS = re.compile(_CHOICE, re.IGNORECASE)
"""A menu that plays this asks; one that only tells of a recording may be about anything."""
_READS = re.compile(f"{_CHOICE}|{_TELLS}", re.IGNORECASE)
"""A Read that plays this waits for an answer to it."""


def reads(graph: Graph) -> Iterator[tuple[Step, str]]:
    """Each Read of such an answer, with the variable that it goes into."""
    for step in graph.plan.steps():
        for one, _ in graph.flows(step):
            pieces = [*split(one.data), ""]
            if one.app == "read" and _READS.search(pieces[1]) and re.fullmatch(r"\w+", pieces[0]):
                yield step, pieces[0]


def menus(graph: Graph) -> Iterator[tuple[Step, Edge]]:
    """Each menu that plays such a question, with the way that a key takes."""
    for step in graph.plan.steps():
        for one, each in graph.flows(step):
            if one.app == "background" and _OFFERS.search(split(one.data)[0]):
                yield from ((step, edge) for edge in each.edges if edge.kind is Kind.DIGITS)

"""Variables that hold what came of something, directly or through others.

What belongs here: following values through Set. What does not: what the value means (outbound.py, refusal.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from callguard.lint.graph import Graph

_ASSIGNED = re.compile(r"(?:^|,|\?\s*m?set\()\s*(?:(?:local|global)\()?_{0,2}(\w+)\)?\s*=", re.IGNORECASE)


def carriers(graph: Graph, first: Collection[str], besides: Collection[str] = ()) -> re.Pattern[str]:
    """The use of a variable of FIRST, or of one that is set from it. BESIDES: contexts whose lines do not count."""
    steps = (step for step in graph.plan.steps() if "{" in step.data and step.context not in besides)
    given = [(step.data, _ASSIGNED.findall(step.data)) for step in steps]
    names, before = set(first), 0
    while before != len(names):
        before, known = len(names), _mentions(names)
        names.update(name for data, assigned in given if assigned and known.search(data) for name in assigned)
    return _mentions(names)


def _mentions(names: set[str]) -> re.Pattern[str]:
    return re.compile(rf"\$\{{({'|'.join(map(re.escape, sorted(names)))})\b")

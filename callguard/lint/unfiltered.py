"""Text that a caller can choose, in an argument that becomes a command or a file name.

What belongs here: which text, which arguments. What does not: what else these applications do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from callguard.lint.argument import split, variables
from callguard.lint.finding import Finding, warning
from callguard.lint.flow import Call, calls
from callguard.lint.graph import Graph
from callguard.lint.model import Step
from callguard.lint.pattern import is_pattern, parse

_CHOSEN = re.compile(
    r"CALLERID\(|CALLERIDNAME|CALLERIDNUM|PJSIP_HEADER\(|SIP_HEADER\(|SIPHEADER|CDR\((src|clid)|CONNECTEDLINE\(",
    re.IGNORECASE,
)
_WHOLE = frozenset(("system", "trysystem", "mixmonitor", "monitor"))
_FIRST = frozenset(("record", "dictate"))
_FUNCTIONS = re.compile(r"^(SHELL|FILE|STAT|FILE_COUNT_LINE)\(", re.IGNORECASE)
_SAFE = "FILTER(0-9*#,...)"


def unfiltered(graph: Graph) -> Iterator[Finding]:
    """A caller's name, number, header, or what was dialled into an open pattern, where it is run or names a file."""
    for step in graph.plan.steps():
        if "${" in step.data and any(_chosen(step, text) for text in _places(calls(step, graph.plan))):
            text = f"{step.app} is given what a caller can choose: it becomes part of a command or of a file's name"
            fix = f"${{{_SAFE}}} around it, or the call's ${{UNIQUEID}} instead"
            yield warning("unfiltered", step.place, text, fix)


def _places(found: Iterable[Call]) -> Iterator[str]:
    """The texts that are run, or name a file."""
    for one in found:
        if one.app in _WHOLE:
            yield one.data
        elif one.app in _FIRST:
            yield split(one.data)[0]
        yield from (inner for inner in variables(one.data) if _FUNCTIONS.match(inner))


def _chosen(step: Step, text: str) -> bool:
    return any(_CHOSEN.match(inner) or (_dialled(inner) and _open(step.exten)) for inner in variables(text))


def _dialled(inner: str) -> bool:
    return inner == "EXTEN" or inner.startswith("EXTEN:")


def _open(exten: str) -> bool:
    return is_pattern(exten) and bool(parse(exten).end)

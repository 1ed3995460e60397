"""Which contexts are callguard's own snippet, and the rules about it.

What belongs here: recognising the snippet and its copies, how it is entered, which numbers it lets through. What does
not: ways around it (notice.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from callguard.lint.argument import split
from callguard.lint.finding import Finding, Place, blocker, warning
from callguard.lint.flow import Edge, Kind
from callguard.lint.graph import Graph
from callguard.lint.model import Context, Extension, Step
from callguard.lint.tree import Tree

NAME = "callguard"
GOSUB = "Gosub(callguard,s,1(CALLTYPE,DIRECTION))"
DIRECTIONS = ("inbound", "outbound", "internal")
EMERGENCY = ("911", "933", "112", "999", "000", "110", "118", "119")
_LABELS = ("done", "unrecorded")


@dataclass(frozen=True, slots=True)
class Trusted:
    """`entered`: contexts that ask; `own`: these and what belongs to them, which no rule looks into."""

    entered: frozenset[str]
    own: frozenset[str]


def recognise(graph: Graph) -> Trusted:
    """The snippet, its copies, and the contexts called `NAME-...` that stand in the same file."""
    contexts = graph.plan.contexts
    entered = {name for name, context in contexts.items() if _is_snippet(context)}
    files = {(name, place.file) for name in entered for place in contexts[name].places}
    beside = {
        name
        for name, context in contexts.items()
        for root, file in files
        if name.startswith(f"{root}-") and {place.file for place in context.places} == {file}
    }
    return Trusted(frozenset(entered), frozenset(entered | beside))


def _asking(context: Context) -> Extension | None:
    return next(iter(context.by_exten.get("s", ())), None)


def _is_snippet(context: Context) -> bool:
    """It hands the call to ARI and has our labels. The emergency test is not asked for here: a copy without it is still
    a copy, and is told so.
    """
    extension = _asking(context)
    if extension is None or _stasis(extension) is None:
        return False
    return all(label in extension.labels for label in _LABELS)


def _stasis(extension: Extension) -> Step | None:
    return next((step for step in extension.ordered() if step.app.lower() == "stasis"), None)


def lets_through(graph: Graph, name: str, number: str) -> bool:
    """Whether the snippet NAME sends emergency NUMBER on before anything of ours."""
    extension = _asking(graph.plan.contexts[name])
    stasis = _stasis(extension) if extension else None
    whole = re.compile(rf"(?<!\d){re.escape(number)}(?!\d)")
    steps = [step for step in extension.ordered() if stasis and step.priority < stasis.priority] if extension else []
    return any("REGEX" in step.data and whole.search(step.data) and "emergency" in step.data for step in steps)


def is_ours(name: str, trusted: Trusted) -> bool:
    """Whether NAME as a target means the snippet, even where it was not among what was read."""
    return name == NAME or name in trusted.entered


# Rules


def present(graph: Graph, tree: Tree, trusted: Trusted) -> Iterator[Finding]:
    """The snippet is there, once, whole, and its name is its own."""
    context = graph.plan.contexts.get(NAME)
    if context is None:
        yield from _missing(graph)
        return
    first = context.places[0]
    if NAME not in trusted.entered:
        text = "the context callguard is not callguard's snippet: its name is taken, or it was cut"
        fix = "#include the shipped callguard.conf; give the other context another name"
        yield blocker("context-taken", first, text, fix)
    yield from _twice(tree, context)
    for place in context.added:
        text = "[callguard](+) puts lines of your own into the snippet"
        yield warning("context-extended", place, text, "a context of your own, which calls " + GOSUB)


def _missing(graph: Graph) -> Iterator[Finding]:
    for step, _ in entering(graph):
        text = "the context callguard is not in what was read: these calls end here if the PBX lacks it too"
        yield blocker("snippet-missing", step.place, text, "#include callguard.conf, or give its file to lint as well")
        return


def _twice(tree: Tree, context: Context) -> Iterator[Finding]:
    files = {place.file for place in context.places}
    reads = Counter(real for real, _ in tree.reads)
    again = {real: place for real, place in tree.reads if reads[real] > 1}
    if len(context.places) > 1 and len(files) == 1 and again:
        for place in again.values():
            yield blocker("snippet-twice", place, "the snippet is included a second time", "remove this #include")
    elif len(context.places) > 1:
        text = f"[callguard] was defined before, at {context.places[0]}: Asterisk mixes the two line by line"
        for place in context.places[1:]:
            yield blocker("context-twice", place, text, "keep one; give the other context another name")


def entering(graph: Graph) -> Iterator[tuple[Step, Edge]]:
    """The steps outside of the snippet that name it as a target."""
    for step in graph.plan.steps():
        if NAME in step.data and step.context != NAME:
            for _, each in graph.flows(step):
                yield from ((step, edge) for edge in each.edges if edge.target.context == NAME)


def when(edge: Edge) -> bool:
    """Whether a Gosub along EDGE asks whoever is dialled later: its third argument is told, gate or bridged."""
    arguments = split(edge.target.arguments)
    return len(arguments) > 2 and arguments[2] in ("told", "gate", "bridged")


def entered(graph: Graph, call_types: frozenset[str] | None) -> Iterator[Finding]:
    """The snippet is entered by Gosub, with a call type that the policy knows and a direction."""
    for step, edge in entering(graph):
        if edge.kind is Kind.JUMP:
            text = "Goto enters the snippet, which then cannot return: the call ends, asked or not"
            yield blocker("entered-by-goto", step.place, text, GOSUB)
        elif edge.kind is Kind.CALL and edge.target.exten == "s":
            yield from _arguments(step.place, edge.target.arguments, call_types)


def _arguments(place: Place, arguments: str, call_types: frozenset[str] | None) -> Iterator[Finding]:
    kind, way = [*split(arguments), ""][:2]
    if call_types is not None and "$" not in kind and kind not in call_types:
        text = f"call type {kind or '(none)'} is not in the policy: these calls are never recorded"
        fix = f"policy.toml: [call_type.{kind or 'NAME'}], or a call type that is there"
        yield blocker("call-type", place, text, fix)
    if "$" not in way and way not in DIRECTIONS:
        text = f"direction {way or '(none)'} is not one of {', '.join(DIRECTIONS)}"
        yield warning("direction", place, text, GOSUB)

"""Checks of the ways through the live dialplan, by the rules that look through a dialplan as text.

What belongs here: the loaded steps as those rules take them, and what they find as findings of ours. What does not: any
rule (callguard/lint); ways around the notice, which need to know where calls come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from callguard.doctor.site import Finding, Severity, Site, Step
from callguard.lint import model
from callguard.lint.finding import Place
from callguard.lint.graph import Graph
from callguard.lint.outbound import outbound
from callguard.lint.snippet import recognise


def plan_of(steps: Iterable[Step], includes: Mapping[str, tuple[str, ...]]) -> model.Dialplan:
    """The dialplan that Asterisk has loaded. INCLUDES: contexts that a context includes."""
    plan = model.Dialplan()
    for name, others in includes.items():
        _context(plan, name).includes += others
    for step in steps:
        extension = _context(plan, step.context).extension(step.extension)
        extension.steps[step.priority] = model.Step(
            Place(step.place, 0), step.context, extension.exten, step.priority, step.label, step.app, step.data
        )
        if step.label:
            extension.labels.setdefault(step.label, step.priority)
    return plan


def _context(plan: model.Dialplan, name: str) -> model.Context:
    return plan.contexts.setdefault(name, model.Context(name, [Place("dialplan", 0)]))


def told(site: Site) -> Iterator[Finding]:
    """Who is dialled after a Gosub that says told, gate or bridged is handed to the snippet."""
    graph = Graph(plan_of(site.pbx.dialplan or (), site.pbx.includes))
    for one in outbound(graph, recognise(graph)):
        yield Finding(Severity(one.severity.value), one.text, str(one.place), one.fix)

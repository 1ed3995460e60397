"""All rules over one dialplan.

What belongs here: the table of rules, and the report. What does not: any rule; printing (the command line).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from callguard.core.profile import AGENT_KEYS, PAUSE, WITHDRAW
from callguard.errors import BadInput
from callguard.lint.beside import beside, disconnecting
from callguard.lint.driver import gone
from callguard.lint.emergency import emergency
from callguard.lint.finding import Finding, Place, warning
from callguard.lint.graph import Graph
from callguard.lint.mailed import mailed
from callguard.lint.menu import behind_menus
from callguard.lint.model import build
from callguard.lint.notice import bypassed
from callguard.lint.outbound import outbound, outside_lines
from callguard.lint.recorder import constants, recorders
from callguard.lint.refusal import refused
from callguard.lint.snippet import Trusted, entered, present, recognise
from callguard.lint.switched import switched
from callguard.lint.tree import Tree, read_tree
from callguard.lint.unfiltered import unfiltered


@dataclass(frozen=True, slots=True)
class Options:
    """What the admin may say. `entries`: contexts where calls come in; `folder`: what stands for /etc/asterisk;
    `call_types`: the names in the policy, None where it was not given; `sequences`: callguard's keys.
    """

    entries: tuple[str, ...] = ()
    folder: Path | None = None
    call_types: frozenset[str] | None = None
    sequences: tuple[str, ...] = (WITHDRAW, PAUSE, *AGENT_KEYS)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """`findings` by file and line; `files` in the order read; `contexts`: how many."""

    findings: tuple[Finding, ...]
    files: tuple[str, ...]
    contexts: int


@dataclass(frozen=True, slots=True)
class _Site:
    tree: Tree
    graph: Graph
    trusted: Trusted
    options: Options


def lint(paths: Iterable[Path], options: Options | None = None) -> Report:
    """What is wrong with the dialplan in PATHS. Raises BadInput where it, or Asterisk, cannot read it."""
    options = options or Options()
    tree = read_tree(list(paths), options.folder)
    plan = build(tree.sections)
    graph = Graph(plan, tree.whole and not any(context.switches for context in plan.contexts.values()))
    if unknown := [name for name in options.entries if name not in plan.contexts]:
        raise BadInput(f"--entry {unknown[0]}: no such context in what was read")
    site = _Site(tree, graph, recognise(graph), options)
    found = {finding for rule in _RULES for finding in rule(site)}
    order = sorted(found, key=lambda finding: (finding.place, finding.severity, finding.rule, finding.text))
    return Report(tuple(order), tuple(tree.files), len(plan.contexts))


def _files(site: _Site) -> Iterator[Finding]:
    yield from site.tree.findings
    yield from site.graph.plan.findings


def _switches(site: _Site) -> Iterator[Finding]:
    for context in site.graph.plan.contexts.values():
        for entry in context.switches:
            text = "a part of the dialplan is elsewhere (switch): it is not read here"
            yield warning("not-read", entry.place, text, "look through that part by hand: nothing is claimed about it")


def _globals(site: _Site) -> Iterator[Finding]:
    sections = [section for section in site.tree.sections if section.name == "globals" and not section.template]
    places: dict[str, Place] = {entry.name: entry.place for section in sections for entry in section.entries}
    yield from constants(site.graph.plan, places)


_RULES: tuple[Callable[[_Site], Iterable[Finding]], ...] = (
    _files,
    _switches,
    _globals,
    lambda site: recorders(site.graph, site.trusted, site.options.entries),
    lambda site: switched(site.graph, site.trusted),
    lambda site: beside(site.tree, site.options.sequences),
    lambda site: mailed(site.tree),
    lambda site: disconnecting(site.tree, site.graph, site.options.sequences),
    lambda site: bypassed(site.graph, site.trusted, site.options.entries, strict=site.options.strict),
    lambda site: refused(site.graph, site.trusted),
    lambda site: emergency(site.graph, site.trusted),
    lambda site: behind_menus(site.graph, site.trusted, site.options.entries),
    lambda site: outbound(site.graph, site.trusted),
    lambda site: outside_lines(site.graph, site.trusted),
    lambda site: present(site.graph, site.tree, site.trusted),
    lambda site: entered(site.graph, site.options.call_types),
    lambda site: unfiltered(site.graph),
    lambda site: gone(site.graph),
)

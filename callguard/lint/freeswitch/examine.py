"""All rules over one FreeSWITCH configuration.

What belongs here: the table of rules. What does not: any rule; printing (the command line).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from callguard.errors import BadInput
from callguard.lint.examine import Options, Report
from callguard.lint.finding import Finding
from callguard.lint.freeswitch.emergency import emergency
from callguard.lint.freeswitch.keys import keys, unfiltered
from callguard.lint.freeswitch.markup import read_markup
from callguard.lint.freeswitch.notice import bypassed, late
from callguard.lint.freeswitch.plan import Plan, build
from callguard.lint.freeswitch.recorder import beside, recorders
from callguard.lint.freeswitch.refusal import refused
from callguard.lint.freeswitch.snippet import Trusted, entered, present, recognise, told
from callguard.lint.freeswitch.tree import Tree, read_tree


@dataclass(frozen=True, slots=True)
class _Site:
    plan: Plan
    trusted: Trusted
    options: Options


def lint(paths: Iterable[Path], options: Options | None = None) -> Report:
    """What is wrong with the configuration in PATHS. Raises BadInput where it cannot be read."""
    return _report(read_tree(list(paths)), options or Options())


def lint_texts(texts: Mapping[str, str], options: Options) -> Report:
    """What is wrong with a configuration as FreeSWITCH hands it out, part by part. Raises BadInput: it is no XML."""
    return _report(_tree(texts), options)


def plan_of(texts: Mapping[str, str]) -> Plan:
    """The dialplan and settings in TEXTS. Raises BadInput."""
    return build(_tree(texts))


def _tree(texts: Mapping[str, str]) -> Tree:
    return Tree(nodes=[node for name, text in texts.items() for node in read_markup(text, name)], files=[*texts])


def _report(tree: Tree, options: Options) -> Report:
    plan = build(tree)
    if unknown := [name for name in options.entries if name not in plan.contexts]:
        raise BadInput(f"--entry {unknown[0]}: no such context in what was read")
    site = _Site(plan, recognise(plan), options)
    found = {*tree.findings, *(finding for rule in _RULES for finding in rule(site))}
    order = sorted(found, key=lambda finding: (finding.place, finding.severity, finding.rule, finding.text))
    return Report(tuple(order), tuple(tree.files), len(plan.contexts))


_RULES: tuple[Callable[[_Site], Iterable[Finding]], ...] = (
    lambda site: recorders(site.plan, site.trusted),
    lambda site: beside(site.plan),
    lambda site: keys(site.plan, site.trusted, site.options.sequences),
    lambda site: bypassed(site.plan, site.trusted, site.options.entries, strict=site.options.strict),
    lambda site: late(site.plan, site.trusted),
    lambda site: refused(site.plan, site.trusted),
    lambda site: emergency(site.plan, site.trusted),
    lambda site: present(site.plan, site.trusted),
    lambda site: entered(site.plan, site.trusted, site.options.call_types),
    lambda site: told(site.plan, site.trusted),
    lambda site: unfiltered(site.plan, site.trusted),
)

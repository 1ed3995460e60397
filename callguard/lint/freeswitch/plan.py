"""Nodes -> contexts, extensions, conditions and actions; and the settings beside them.

What belongs here: the shape of mod_dialplan_xml, looked up by name, and which numbers an extension takes. What does
not: which way a call takes (way.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from callguard.lint.finding import Place
from callguard.lint.freeswitch.markup import Node
from callguard.lint.freeswitch.sample import LONGEST, expression, overlap
from callguard.lint.freeswitch.tree import Tree

NUMBER = ("destination_number", "${destination_number}", "${caller_destination}")
"""How a condition names the number that was dialled."""
ALWAYS = ("", ".*", "^.*$", "^(.*)$", "(.*)", "^.+$", "^(.+)$", ".+")
"""Expressions that every number fits."""
ACTIONS = ("action", "anti-action")
_SECTIONS = ("section", "document", "domain", "groups", "group", "users", "domains")
_BLANK = re.compile(r"[\s]+")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One action. `anti`: it runs where the condition does not fit; `inline`: while the dialplan is still looked up."""

    place: Place
    context: str
    extension: str
    app: str
    data: str
    anti: bool = False
    inline: bool = False


@dataclass(frozen=True, eq=False)
class Condition:
    """`tests`: (field, expression) of it; `any`: one that fits is enough; `number`: it looks at the number alone."""

    place: Place
    tests: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    how: str = "on-false"
    any: bool = False

    @cached_property
    def number(self) -> bool:
        """Whether only the number that was dialled decides."""
        return bool(self.tests) and all(name in NUMBER for name, _ in self.tests)

    @cached_property
    def always(self) -> bool:
        """Whether it fits every call."""
        return all((not name or name in NUMBER) and text in ALWAYS for name, text in self.tests)

    @cached_property
    def expression(self) -> str:
        """The expression over the number, as one."""
        own = [text for name, text in self.tests if name in NUMBER]
        return own[0] if len(own) == 1 else "|".join(f"(?:{text})" for text in own)


@dataclass(frozen=True, eq=False)
class Extension:
    """One extension. `goes_on`: continue="true", the look-up goes on behind it."""

    place: Place
    context: str
    name: str
    goes_on: bool
    conditions: tuple[Condition, ...]

    def steps(self) -> Iterator[Step]:
        """Every action, in order."""
        for condition in self.conditions:
            yield from condition.steps

    @cached_property
    def expressions(self) -> tuple[str, ...]:
        """The expressions that a number has to fit, of all its conditions; () where any does."""
        return tuple(each.expression for each in self.conditions if each.number and each.how == "on-false")

    @cached_property
    def _searches(self) -> tuple[Callable[[str], object], ...]:
        found = (expression(text) for text in self.expressions)
        return tuple(each.search for each in found if each is not None)

    def takes(self, number: str) -> bool:
        """Whether its conditions let NUMBER through, as far as they look at the number."""
        number = number[:LONGEST]
        for search in self._searches:  # noqa: SIM110 - a million times in a large dialplan
            if search(number) is None:
                return False
        return True

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Samples of the numbers that it takes; none where it takes any."""
        return tuple(overlap(self.expressions[0], self.expressions[1:])) if self.expressions else ()

    @cached_property
    def sure(self) -> bool:
        """Whether nothing but the number decides."""
        return all(each.number or each.always for each in self.conditions)


@dataclass(slots=True)
class Context:
    """A context, which may stand in several places."""

    name: str
    places: list[Place] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """`settings`: what stands beside the dialplan; `whole`: all was read."""

    contexts: dict[str, Context] = field(default_factory=dict)
    settings: list[Setting] = field(default_factory=list)
    constants: dict[str, str] = field(default_factory=dict)
    whole: bool = True

    def extensions(self) -> Iterator[Extension]:
        """All extensions."""
        for context in self.contexts.values():
            yield from context.extensions

    def steps(self) -> Iterator[Step]:
        """All actions."""
        for extension in self.extensions():
            yield from extension.steps()


@dataclass(frozen=True, slots=True)
class Setting:
    """A param or variable of a module, a profile or a user, or a column of FusionPBX. `where`: whose it is."""

    place: Place
    where: str
    name: str
    value: str


def build(tree: Tree) -> Plan:
    """The dialplan of TREE."""
    plan = Plan(constants=dict(tree.constants), whole=tree.whole)
    for node in tree.nodes:
        _node(plan, node, "")
    return plan


def _node(plan: Plan, node: Node, where: str) -> None:
    match node.tag:
        case "context":
            _context(plan, node)
        case "extension":  # a file of extensions, given without the context that includes it
            _extension(plan, _named(plan, where or "default", node.place), node)
        case "configuration" | "profile" | "user" | "queue" | "gateway" | "group" as tag:
            _each(plan, node, f"{tag} {node.get('name')}".strip())
        case "param" | "variable":
            plan.settings.append(Setting(node.place, where, node.get("name").lower(), node.get("value")))
        case "control":
            plan.settings.append(Setting(node.place, where, "control", node.get("digits")))
        case "record-flag":
            plan.settings.append(Setting(node.place, "FusionPBX", node.get("name"), node.get("value")))
        case _:
            _each(plan, node, where)


def _each(plan: Plan, node: Node, where: str) -> None:
    for child in node.children:
        _node(plan, child, where)


def _named(plan: Plan, name: str, place: Place) -> Context:
    context = plan.contexts.setdefault(name, Context(name))
    if place not in context.places:
        context.places.append(place)
    return context


def _context(plan: Plan, node: Node) -> None:
    context = _named(plan, node.get("name") or "default", node.place)
    for child in node.children:
        if child.tag == "extension":
            _extension(plan, context, child)


def _extension(plan: Plan, context: Context, node: Node) -> None:
    name = node.get("name")
    conditions = tuple(_condition(each, context.name, name) for each in _conditions(node))
    goes_on = node.get("continue").lower() == "true"
    context.extensions.append(Extension(node.place, context.name, name, goes_on, conditions))


def _conditions(node: Node) -> Iterator[Node]:
    """Conditions in order; one within another counts as one behind it."""
    for child in node.children:
        if child.tag == "condition":
            yield child
            yield from _conditions(child)


def _condition(node: Node, context: str, extension: str) -> Condition:
    regex = node.get("regex").lower()
    tests = [each for each in node.children if each.tag == "regex"] if regex else [node]
    return Condition(
        node.place,
        tuple((each.get("field").strip(), each.get("expression") or each.text * bool(regex)) for each in tests),
        tuple(_step(each, context, extension) for each in node.children if each.tag in ACTIONS),
        node.get("break").lower() or "on-false",
        regex == "any",
    )


def _step(node: Node, context: str, extension: str) -> Step:
    return Step(
        node.place,
        context,
        extension,
        node.get("application").strip().lower(),
        _BLANK.sub(" ", node.get("data") or node.text).strip(),
        node.tag == "anti-action",
        node.get("inline").lower() == "true",
    )


def assigned(step: Step) -> tuple[str, str]:
    """The variable that STEP sets and its value; two empty texts where it sets none."""
    if step.app not in ("set", "export", "bridge_export", "set_global", "set_profile_var", "push", "unshift"):
        return "", ""
    name, sign, value = step.data.partition("=")
    return (name.removeprefix("nolocal:").strip(), value.strip()) if sign else ("", "")


def targets(step: Step) -> tuple[str, str] | None:
    """(number, context) that STEP sends the call to, '' for what it does not say; None where it sends it nowhere."""
    if step.app not in ("transfer", "execute_extension"):
        return None
    words = step.data.split()
    if step.app == "transfer" and words and words[0] in ("-both", "-bleg"):
        words = words[1:]
    if len(words) > 1 and words[-1].lower() == "inline":
        return None
    number, dialplan, context = [*words, "", "", ""][:3]
    return (number, context if not dialplan or dialplan.lower() == "xml" else "?")


def first(found: Sequence[Setting], name: str) -> str:
    """The value of the first setting NAME."""
    return next((each.value for each in found if each.name == name), "")

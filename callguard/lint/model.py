"""Sections -> contexts, extensions and priorities, as Asterisk's pbx_config registers them.

What belongs here: `exten`, `same`, `include`, `switch`, the counting of priorities, looking an extension up. What does
not: where a step leads (flow.py, graph.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from callguard.lint.argument import fill, fixed_ends
from callguard.lint.finding import Finding, Place, warning
from callguard.lint.index import Names, Patterns
from callguard.lint.pattern import Pattern, is_pattern, number_only, parse
from callguard.lint.tree import Entry, Section

HINT = -1
_OVERRIDE = "extensions_override_"  # FreePBX: read first in order to stand in for what it generates
_SYNTAX_FIX = "exten => NUMBER,PRIORITY,Application(arguments)"
_DIGITS = re.compile(r"-?\d{1,9}")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One priority. `exten`: as written, without a caller's number behind a slash; `data`: between the brackets."""

    place: Place
    context: str
    exten: str
    priority: int
    label: str
    app: str
    data: str


@dataclass(slots=True)
class Extension:
    """One extension, or pattern, for one caller's number or all. Steps and labels by priority."""

    exten: str
    steps: dict[int, Step] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)

    @property
    def first(self) -> Step | None:
        """Where calls enter: priority 1."""
        return self.steps.get(1)

    def ordered(self) -> list[Step]:
        """All steps by priority."""
        return [self.steps[number] for number in sorted(self.steps)]


@dataclass(slots=True)
class Context:
    """`extensions` by what stands before the first comma; `by_exten` without the caller's number.

    `patterns`: those of them that are one; `_all`, `_names`: every extension, once somebody looks for more than one.
    """

    name: str
    places: list[Place] = field(default_factory=list)
    added: list[Place] = field(default_factory=list)
    extensions: dict[str, Extension] = field(default_factory=dict)
    by_exten: dict[str, list[Extension]] = field(default_factory=dict)
    patterns: Patterns = field(default_factory=Patterns)
    includes: list[str] = field(default_factory=list)
    switches: list[Entry] = field(default_factory=list)
    _all: Patterns | None = None
    _names: Names | None = None

    def extension(self, key: str) -> Extension:
        """The extension called KEY, made where it is new."""
        if key not in self.extensions:
            exten = key.partition("/")[0]
            self.extensions[key] = Extension(exten)
            if is_pattern(exten) and exten not in self.by_exten:
                self.patterns.add(exten)
            self.by_exten.setdefault(exten, []).append(self.extensions[key])
        return self.extensions[key]

    def find(self, number: str) -> list[Extension]:
        """What Asterisk takes for NUMBER here, includes apart: the extension itself, else the most specific pattern."""
        if number in self.by_exten:
            return self.by_exten[number]
        fitting = self.patterns.meeting(number_only(number))
        return self.by_exten[min(fitting, key=lambda exten: parse(exten).order)] if fitting else []

    def meeting(self, pattern: Pattern) -> Iterator[Extension]:
        """The extensions that some number of PATTERN can lead to."""
        if self._all is None:
            self._all = Patterns()
            for exten in self.by_exten:
                self._all.add(exten)
        for exten in self._all.meeting(pattern):
            yield from self.by_exten[exten]

    def fitting(self, text: str) -> list[Extension] | None:
        """The extensions that TEXT with its variables can become; None where nothing of it is fixed."""
        if self._names is None:
            self._names = Names(self.by_exten)
        names = self._names.fitting(text)
        if names is None:
            return None
        begin = fixed_ends(text)[0].replace("-", "")  # no pattern has it
        open_ended = self.patterns.meeting(Pattern(number_only(begin).sets, "!")) if begin else []
        return [each for name in dict.fromkeys((*names, *open_ended)) for each in self.by_exten[name]]


@dataclass(slots=True)
class Dialplan:
    """All contexts by name, and the globals that never change while calls run."""

    contexts: dict[str, Context] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def reach(self, name: str) -> Iterator[Context]:
        """The context NAME and all that it includes, in the order in which Asterisk looks."""
        seen, waiting = {name}, [name]
        while waiting:
            if context := self.contexts.get(waiting.pop()):
                yield context
                new = [each for each in dict.fromkeys(context.includes) if each not in seen]
                seen.update(new)
                waiting += reversed(new)

    def extensions(self) -> Iterator[Extension]:
        """All extensions."""
        for context in self.contexts.values():
            yield from context.extensions.values()

    def steps(self) -> Iterator[Step]:
        """All steps."""
        for extension in self.extensions():
            yield from extension.steps.values()


@dataclass(slots=True)
class _Counting:
    """Where `same` and `n` stand inside one section."""

    context: Context
    key: str | None = None
    last: int | None = None


def build(sections: Iterable[Section]) -> Dialplan:
    """The dialplan of SECTIONS. What Asterisk would ignore with a warning is a finding."""
    plan = Dialplan()
    sections = [section for section in sections if not section.template]
    for section in sections:
        if section.name == "globals":
            plan.constants.update((entry.name, entry.value) for entry in section.entries)
    for section in sections:
        if section.name not in ("globals", "general"):
            _section(plan, section)
    for name in {name for step in plan.steps() for name in _assigned(step)}:
        plan.constants.pop(name, None)
    return plan


_NAMES = re.compile(r"(?:^|,|\?\s*set\()\s*(?:GLOBAL\()?_{0,2}(\w+)\)?\s*=", re.IGNORECASE)


def _assigned(step: Step) -> list[str]:
    """The variables that STEP may change."""
    return _NAMES.findall(step.data) if step.app.lower() in ("set", "mset", "execif", "setglobalvar") else []


def _section(plan: Dialplan, section: Section) -> None:
    context = plan.contexts.setdefault(section.name, Context(section.name))
    context.places.append(section.place)
    context.added += section.added
    counting = _Counting(context)
    for entry in section.entries:
        _entry(plan, counting, entry)


def _entry(plan: Dialplan, counting: _Counting, entry: Entry) -> None:
    match entry.name.lower():
        case "exten":
            _exten(plan, counting, entry, same=False)
        case "same":
            _exten(plan, counting, entry, same=True)
        case "include":
            name = fill(entry.value, plan.constants).replace("|", ",").partition(",")[0]
            counting.context.includes.append(name.strip())
        case "switch" | "lswitch" | "eswitch":
            counting.context.switches.append(entry)
        case "ignorepat" | "autohints":
            pass
        case _:
            _odd(plan, entry, "Asterisk does not know this keyword and ignores the line")


def _odd(plan: Dialplan, entry: Entry, text: str) -> None:
    plan.findings.append(warning("syntax", entry.place, text, _SYNTAX_FIX))


def _exten(plan: Dialplan, counting: _Counting, entry: Entry, *, same: bool) -> None:
    rest = entry.value
    if not same:
        key, _, rest = rest.partition(",")
        counting.key = fill(key, plan.constants).strip()
    if counting.key is None:
        _odd(plan, entry, "`same` without an `exten` before it: Asterisk ignores the line")
        return
    written, _, application = rest.partition(",")
    priority, label = _priority(plan, counting, entry, written.strip())
    if priority is None:
        return
    counting.last = priority  # also after a hint, whose -1 makes the next `n` a 0 that is not registered
    if priority != HINT:
        _register(plan, counting, entry, (priority, label), application.strip())


def _priority(plan: Dialplan, counting: _Counting, entry: Entry, written: str) -> tuple[int | None, str]:
    """Number and label of `n(label)+2`; None where Asterisk does not take the line."""
    written, bracket, label = written.partition("(")
    label, closed, more = label.partition(")")
    word, _, plus = (written + more).partition("+")
    number = _number(counting, word.strip().lower())
    if bracket and not closed:
        _odd(plan, entry, "no ) closes the label: Asterisk ignores the line")
        return None, ""
    if number is None:
        _odd(plan, entry, "no priority that Asterisk understands: it ignores the line")
        return None, ""
    return number + (int(plus) if _DIGITS.fullmatch(plus.strip()) else 0), label.strip()


def _number(counting: _Counting, word: str) -> int | None:
    if word == "hint":
        return HINT
    if word in ("n", "next"):
        return (counting.last + 1 or None) if counting.last is not None else None
    if word in ("s", "same"):
        return counting.last
    if _DIGITS.fullmatch(word):
        return int(word) or None
    found = counting.context.extensions.get(counting.key or "")
    return found.labels.get(word) if found else None


def _register(plan: Dialplan, counting: _Counting, entry: Entry, where: tuple[int, str], application: str) -> None:
    app, bracket, data = application.partition("(")
    if bracket and ")" not in data:
        _odd(plan, entry, "no ) closes the arguments: Asterisk takes the rest of the line for them")
    data = data.rpartition(")")[0] if ")" in data else data
    context, key = counting.context, counting.key or ""
    extension = context.extension(key)
    priority, label = where
    if priority in extension.steps:
        before = extension.steps[priority].place
        if _OVERRIDE in before.file or before == entry.place:  # the very same line: its file is included twice
            return
        text = "this extension has that priority already: Asterisk ignores the line"
        plan.findings.append(warning("duplicate", entry.place, text, "a priority or an extension of its own"))
        return
    step = Step(entry.place, context.name, extension.exten, priority, label, app.strip(), data)
    extension.steps[priority] = step
    if label:
        extension.labels.setdefault(label, priority)

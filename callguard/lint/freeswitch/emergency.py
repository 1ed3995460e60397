"""Emergency numbers: nothing records them, nothing of callguard's is in their way.

What belongs here: what each emergency number meets in the contexts from which one dials out. What does not: recorders
as such (recorder.py), the snippet's own tests (snippet.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from callguard.lint.finding import Finding, blocker, warning
from callguard.lint.freeswitch.notice import TRUNKS
from callguard.lint.freeswitch.plan import Context, Extension, Plan, Step, assigned, targets
from callguard.lint.freeswitch.recorder import FLAGS, RECORDERS
from callguard.lint.freeswitch.snippet import Trusted
from callguard.lint.freeswitch.way import BRIDGES, Ways
from callguard.lint.snippet import EMERGENCY

_LINES = "0123456789"
_KNOWN = "089"
"""Outside lines that the snippet knows by itself."""


def emergency(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    """No emergency number that is dialled out meets a recorder, or a snippet that would ask."""
    ways = Ways(plan, trusted)
    dialled = [context for name, context in plan.contexts.items() if not TRUNKS.match(name)]
    first: dict[tuple[str, Step], str] = {}  # the line by which a step is met first
    for context, number, line in product(dialled, EMERGENCY, ("", *_LINES)):
        for met in _met(plan, ways, context, line, number):
            first.setdefault(met, line)
    yield from (_finding(rule, step, line) for (rule, step), line in first.items())


def _met(plan: Plan, ways: Ways, context: Context, line: str, number: str) -> Iterator[tuple[str, Step]]:
    own = set((plan.constants.get("callguard_prefix") or "").split("|"))
    steps = list(_steps(ways, context, line + number))
    place = next((at for at, step in enumerate(steps) if step.app in BRIDGES), None)
    if place is None:
        return  # it is not dialled out
    for step in steps[:place]:
        if _records(step):
            yield "emergency-recorded", step
        elif line and line not in _KNOWN and line not in own and ways.trusted.asks(step):
            yield "emergency-asked", step


def _records(step: Step) -> bool:
    name, value = assigned(step)
    return step.app in RECORDERS or (name in FLAGS and value.lower() == "true") or "uuid_record" in step.data


def _steps(ways: Ways, context: Context, number: str) -> Iterator[Step]:
    """What may run for NUMBER, in order, transfers followed."""
    waiting: list[Extension] = ways.taking(context, number)
    seen: set[Extension] = set()
    while waiting:
        extension = waiting.pop(0)
        if extension in seen:
            continue
        seen.add(extension)
        for step in extension.steps():
            yield step
            target = targets(step)
            if target is not None and not ways.trusted.asks(step) and "$" not in target[0]:
                waiting = [*ways.led(extension, step, *target), *waiting]


def _finding(rule: str, step: Step, line: str) -> Finding:
    if rule == "emergency-recorded":
        text = f"emergency calls are recorded here: {step.app} comes before they are dialled"
        return blocker(rule, step.place, text, "an extension of its own for emergency numbers, before it, without it")
    text = "an emergency number behind this outside line would be asked: the snippet does not know the line"
    fix = f'<X-PRE-PROCESS cmd="set" data="callguard_prefix={line}"/> in vars.xml'
    return warning(rule, step.place, text, fix)

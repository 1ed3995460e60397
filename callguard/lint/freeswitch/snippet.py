"""Which extensions are callguard's own snippet, and the rules about how it is entered.

What belongs here: recognising the snippet and its copies, what has to be set before it. What does not: ways around it
(notice.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from callguard.lint.finding import Finding, blocker, warning
from callguard.lint.freeswitch.plan import Extension, Plan, Step, assigned, targets
from callguard.lint.snippet import DIRECTIONS, EMERGENCY

NAME = "callguard"
ASK = '<action application="execute_extension" data="callguard XML callguard"/>'
COPY = "copy the shipped callguard.xml unchanged into conf/dialplan/"
NEEDED = ("callguard_type", "callguard_direction", "callguard_dialled", "callguard_home")
"""What the snippet reads of a call."""

WHEN, TOLD = "callguard_when", ("told", "gate")
"""What an outbound call says about when the called party is told, and the words for before the bridge."""
CONFIRMS = ("group_confirm_key", "group_confirm_file", "ignore_early_media")
"""What the snippet sets for `bridge`, where who answers is told first."""
CLOCKS = ("call_timeout", "originate_timeout")
"""Clocks of a whole bridge: they run on while who answered is told."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """(context, name) of extensions. `entered`: those that ask; `own`: these and what belongs to them, for no rule."""

    entered: frozenset[tuple[str, str]]
    own: frozenset[tuple[str, str]]

    def is_ours(self, step: Step) -> bool:
        """Whether STEP stands in the snippet."""
        return (step.context, step.extension) in self.own

    def asks(self, step: Step) -> bool:
        """Whether STEP hands the call to the snippet, also to one that was not among what was read."""
        target = targets(step)
        return target is not None and target[0] == NAME


def recognise(plan: Plan) -> Trusted:
    """The snippet: an extension for the number callguard that runs `socket`; callguard_... beside it belong to it."""
    entered = frozenset((each.context, each.name) for each in plan.extensions() if _is_snippet(each))
    contexts = {context for context, _ in entered}
    beside = {
        (each.context, each.name)
        for each in plan.extensions()
        if each.context in contexts and each.name.startswith(f"{NAME}_")
    }
    return Trusted(entered, entered | beside)


def _is_snippet(extension: Extension) -> bool:
    named = any(text.strip("^$()") == NAME for text in extension.expressions)
    return named and any(step.app == "socket" for step in extension.steps())


def lets_through(plan: Plan, trusted: Trusted, number: str) -> bool:
    """Whether every snippet has a test for emergency NUMBER before its socket."""
    whole = re.compile(rf"(?<!\d){re.escape(number)}(?!\d)")
    own = [each for each in plan.extensions() if (each.context, each.name) in trusted.entered]
    return all(any(whole.search(text) for condition in each.conditions for _, text in condition.tests) for each in own)


def present(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    """The snippet is there, once, and its name is its own."""
    asking = [step for step in plan.steps() if trusted.asks(step) and not trusted.is_ours(step)]
    if not trusted.entered and asking and plan.whole:
        text = "the extension callguard is not in what was read: these calls go on unasked if the PBX lacks it too"
        yield blocker("snippet-missing", asking[0].place, text, COPY)
    for extension in plan.extensions():
        if extension.name == NAME and (extension.context, NAME) not in trusted.entered:
            text = "the extension callguard is not callguard's snippet: its name is taken, or it was cut"
            yield blocker("context-taken", extension.place, text, COPY)
    yield from _twice(plan, trusted)
    yield from _cut(plan, trusted)


def _twice(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    for context, name in trusted.entered:
        first, *later = (each for each in plan.contexts[context].extensions if each.name == name)
        for each in later:
            text = f"the extension {name} was defined before, at {first.place}: this one never runs"
            yield blocker("context-twice", each.place, text, "remove it")


def _cut(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    """Copies of the snippet without one of its tests for emergency numbers."""
    for each, number in product(plan.extensions(), EMERGENCY):
        key = (each.context, each.name)
        if key in trusted.entered and not lets_through(plan, Trusted(frozenset({key}), frozenset()), number):
            text = f"this copy of the snippet asks on emergency calls: its test for {number} is missing"
            yield blocker("emergency-asked", each.place, text, COPY)


def entered(plan: Plan, trusted: Trusted, call_types: frozenset[str] | None) -> Iterator[Finding]:
    """Every line that hands a call over has said what kind of call it is, and can be returned from."""
    for extension in plan.extensions():
        if (extension.context, extension.name) in trusted.own:
            continue
        said: dict[str, str] = {}
        for step in extension.steps():
            name, value = assigned(step)
            said |= {name: value} if name else {}
            if trusted.asks(step):
                yield from _entrance(step, said, call_types)


def _entrance(step: Step, said: dict[str, str], call_types: frozenset[str] | None) -> Iterator[Finding]:
    if step.app == "transfer":
        text = "transfer enters the snippet, which then cannot return: the call ends behind the question"
        yield blocker("entered-by-transfer", step.place, text, ASK)
    for name in NEEDED:
        if name not in said:
            text = f"{name} is not set in this extension before the call is handed over"
            yield warning("not-said", step.place, text, f'<action application="set" data="{name}=..."/> before it')
    kind, way, when = said.get(NEEDED[0], "$"), said.get(NEEDED[1], "$"), said.get(WHEN, "")
    if call_types is not None and "$" not in kind and kind not in call_types:
        text = "this call type is not in the policy: these calls are never recorded"
        yield blocker("call-type", step.place, text, f"policy.toml: [call_type.{kind}], or another type here")
    if "$" not in way and way not in DIRECTIONS:
        text = f"the direction is none of {', '.join(DIRECTIONS)}"
        yield warning("direction", step.place, text, '<action application="set" data="callguard_direction=inbound"/>')
    if way == "outbound" and "$" not in when and when not in (*TOLD, "bridged"):
        text = "outbound without told or bridged: nobody is asked and nothing is recorded"
        yield warning(
            "outbound-when", step.place, text, f'<action application="set" data="{WHEN}={TOLD[0]}"/> before it'
        )


def told(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    """Behind a question that is told first, nothing takes away what the snippet left for `bridge`."""
    for extension in plan.extensions():
        when, asked = "", False
        for step in extension.steps():
            name, value = assigned(step)
            when = value if name == WHEN else when
            if asked and when in TOLD:
                yield from _against(step, name)
            asked = asked or trusted.asks(step)


def _against(step: Step, name: str) -> Iterator[Finding]:
    own = {name} if step.app != "bridge" else set(re.findall(r"[{\[,](\w+)=", step.data))
    if own & set(CONFIRMS):
        text = f"{min(own & set(CONFIRMS))} takes the place of callguard's own: who answers may never be told"
        yield blocker("dial-option", step.place, text, "without it")
    elif clock := own & set(CLOCKS):
        text = f"{min(clock)} runs on while who answered is told: the call may end in the middle of the notice"
        yield warning("dial-option", step.place, text, f"{CLOCKS[0]} before the hand-over, or leg_timeout of the leg")
    elif step.app == "bridge" and "," in re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", step.data):
        text = "several are called at once, and the first of them to answer is not alone: the next one ends its notice"
        yield warning("dial-option", step.place, text, "one after the other: | instead of ,")

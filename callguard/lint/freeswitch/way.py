"""The ways of a call through contexts: which extension takes a number, what runs there, whether it was asked before.

What belongs here: following, with every doubt counted both ways. What does not: what a way is judged by (notice.py,
refusal.py, emergency.py). Conditions on anything but the number may fit or not: both are followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from callguard.lint.freeswitch.plan import Context, Extension, Plan, Step, targets
from callguard.lint.freeswitch.snippet import Trusted

BRIDGES = frozenset(
    "bridge callcenter fifo conference valet_park intercept pickup three_way eavesdrop userspy att_xfer".split()
)
"""Applications that bring people together."""
ENDS = frozenset("hangup respond redirect deflect".split())
"""Applications behind which nothing runs."""
State = frozenset[bool]
"""Whether the call was asked: what is possible."""
UNASKED, ASKED, BOTH = frozenset({False}), frozenset({True}), frozenset({True, False})
NOWHERE: State = frozenset()


@dataclass(frozen=True, slots=True)
class Met:
    """STEP brings people together on a way on which nobody was asked; `through`: the steps that led there."""

    step: Step
    through: tuple[Step, ...]


@dataclass
class Ways:
    """A dialplan with its ways. `unknown`: steps whose target is made while the call runs."""

    plan: Plan
    trusted: Trusted
    met: dict[Step, Met] = field(default_factory=dict)
    unknown: dict[Step, None] = field(default_factory=dict)
    _seen: set[tuple[Extension, State]] = field(default_factory=set)
    _taking: dict[tuple[str, str], list[Extension]] = field(default_factory=dict)

    @cached_property
    def _entered(self) -> dict[str, dict[str, None]]:
        """Numbers that are taken, by context: samples of every extension's."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for extension in self.plan.extensions():
            found[extension.context].update(dict.fromkeys(extension.numbers))
        return found

    def follow(self, extensions: Iterable[Extension], came: tuple[Step, ...] = ()) -> None:
        """Every way through EXTENSIONS, and on from there, of a call that nobody has asked."""
        waiting = [(each, came) for each in extensions]
        while waiting:
            extension, through = waiting.pop()
            state = self._before(extension)
            if (extension, state) not in self._seen and False in state:
                self._seen.add((extension, state))
                waiting += self._run(extension, state, through)

    def _before(self, extension: Extension) -> State:
        """What the extensions before it, which have the look-up go on, leave behind."""
        state: State = UNASKED
        for each in self.plan.contexts[extension.context].extensions:
            if each is extension:
                break
            if each.goes_on and any(self.trusted.asks(step) for step in each.steps()):
                state = _behind(each, extension, state)
        return state

    def _run(
        self, extension: Extension, state: State, through: tuple[Step, ...]
    ) -> Iterator[tuple[Extension, tuple[Step, ...]]]:
        for step, before in self.states(extension, state):
            if False not in before:
                continue
            if connects(step):
                self.met.setdefault(step, Met(step, through))
            target = targets(step)
            if target is not None and not self.trusted.asks(step):
                for found in self.led(extension, step, *target):
                    yield found, (*through, step)

    def states(self, extension: Extension, state: State) -> Iterator[tuple[Step, State]]:
        """Each action of EXTENSION with what is possible before it."""
        for condition in extension.conditions:
            inside = state
            for step in condition.steps:
                if step.anti:
                    yield step, state
                    continue
                yield step, inside
                inside = ASKED if self.trusted.asks(step) and step.app != "transfer" else inside
                inside = NOWHERE if step.app in (*ENDS, "transfer") else inside
            state = inside if condition.number or condition.always else inside | state

    def led(self, extension: Extension, step: Step, number: str, name: str) -> list[Extension]:
        """The extensions that a transfer of STEP may lead to."""
        name = name or extension.context
        context = self.plan.contexts.get(name)
        if context is None:
            if "$" in name or self.plan.whole:
                self.unknown.setdefault(step)
            return []
        if "$" not in number:
            return self.taking(context, number)
        return self._computed(extension, step, context)

    def _computed(self, extension: Extension, step: Step, context: Context) -> list[Extension]:
        """Where a number that is made from the one dialled leads: as far as samples tell."""
        back = filter(extension.takes, self._entered[context.name]) if extension.expressions else ()
        numbers = dict.fromkeys((*extension.numbers, *back))
        found = [each for number in numbers for each in self.taking(context, number)]
        if not found:
            self.unknown.setdefault(step)
        return list(dict.fromkeys(found))

    def taking(self, context: Context, number: str) -> list[Extension]:
        """The extensions of CONTEXT that may take NUMBER, up to the first that surely does and ends the look-up."""
        key = context.name, number
        if key not in self._taking:
            self._taking[key] = list(_taking(context, number))
        return self._taking[key]


def _taking(context: Context, number: str) -> Iterator[Extension]:
    for extension in context.extensions:
        if extension.takes(number):
            yield extension
            if not extension.goes_on and extension.sure:
                return


def _behind(asking: Extension, extension: Extension, state: State) -> State:
    """What ASKING, which has the look-up go on, leaves of STATE for EXTENSION."""
    if all(condition.always for condition in asking.conditions):
        return ASKED
    return state | ASKED if any(asking.takes(number) for number in extension.numbers) else state


def connects(step: Step) -> bool:
    """Whether STEP brings people together: a bridge to voicemail does not."""
    return step.app in BRIDGES and not step.data.startswith("loopback/app=voicemail")


def surely_before(context: Context, extension: Extension) -> Extension | None:
    """An extension of CONTEXT that takes all that EXTENSION takes, before it, and ends the look-up."""
    own = extension.numbers
    for each in context.extensions:
        if each is extension:
            return None
        if each.goes_on or not each.sure or not each.conditions:
            continue
        if all(condition.always for condition in each.conditions):
            return each
        if own and all(each.takes(number) for number in own):
            return each
    return None

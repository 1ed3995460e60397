"""After the question: who says no is served like anybody else.

What belongs here: branches on the answer, to our question or one of the dialplan's own, and what is reached behind the
Gosub. What does not: ways around the question (notice.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from callguard.lint.carrier import carriers
from callguard.lint.finding import Finding, blocker
from callguard.lint.flow import Edge, Kind
from callguard.lint.graph import Found, Graph
from callguard.lint.model import Step
from callguard.lint.notice import BRIDGES
from callguard.lint.question import menus, reads
from callguard.lint.snippet import Trusted, is_ours
from callguard.lint.walk import ANSWER, onward_steps

DESTINATIONS = BRIDGES | frozenset(
    "voicemail voicemailmain minivmrecord stasis agi eagi deadagi fastagi externalivr read waitexten background disa "
    "directory return macroexit originate channelredirect transfer".split()
)
"""Where a call is still served: it did not just end."""

OUTCOMES = ("CALLGUARD_ASKED", "CALLGUARD_STATUS", "CALLGUARD_ORDERS", "STASISSTATUS")
"""Variables that say what came of the question, or that nobody was there to ask it."""

_CONDITIONAL = ("gotoif", "gosubif", "macroif")


def refused(graph: Graph, trusted: Trusted) -> Iterator[Finding]:
    """Between the question and the first destination no branch on the answer, and no way on, just hangs up."""
    served = _Served(graph, trusted)
    asking = list(_asking(graph, trusted))
    for step in asking:
        follower = graph.following(step)
        if follower is None or not served.any([follower]):
            yield _dead_end(step)
    yield from _answered(graph, trusted, served, asking)
    keys = dict.fromkeys(key for step, edge in menus(graph) for key in graph.find(step, edge).steps)
    yield from (_hangs_up(key) for key in keys if not served.any([key]))


def _answered(graph: Graph, trusted: Trusted, served: _Served, asking: list[Step]) -> Iterator[Finding]:
    """Branches on the answer of which one does not serve the call."""
    read = dict(reads(graph))
    answers = _Answers(carriers(graph, {*OUTCOMES, *read.values()}, trusted.own))
    starts = (*asking, *_through(graph, asking), *read)
    followers = [follower for step in starts if (follower := graph.following(step))]
    for step in served.before(followers):
        if answers.branch(graph, step) and not all(_ways(graph, served, answers, step)):
            yield _hangs_up(step)


def _asking(graph: Graph, trusted: Trusted) -> Iterator[Step]:
    """The steps that call the snippet."""
    for step in graph.plan.steps():
        if step.context not in trusted.own and any(is_ours(name, trusted) for name in _called(graph, step)):
            yield step


def _called(graph: Graph, step: Step) -> Iterator[str]:
    """The contexts of the subroutines that STEP calls."""
    for _, each in graph.flows(step):
        yield from (edge.target.context for edge in each.edges if edge.kind is Kind.CALL)


def _through(graph: Graph, asking: Iterable[Step]) -> Iterator[Step]:
    """The steps that call a subroutine which asks."""
    names = {step.context for step in asking}
    for step in graph.plan.steps():
        if any(name in names for name in _called(graph, step)):
            yield step


@dataclass(frozen=True, slots=True)
class _Answers:
    """What looks at the answer: `held`, the variables that hold it."""

    held: re.Pattern[str]

    def in_text(self, text: str) -> bool:
        """Whether TEXT does."""
        return bool(ANSWER.search(text) or self.held.search(text))

    def choose(self, edge: Edge) -> bool:
        """Whether the answer is a part of where EDGE leads."""
        target = edge.target
        return any(map(self.in_text, (target.context, target.exten, target.priority)))

    def branch(self, graph: Graph, step: Step) -> bool:
        """Whether STEP goes by the answer: under a condition, or to a target that is made of it."""
        for one, each in graph.flows(step):
            text = one.condition or (one.data.partition("?")[0] if one.app in _CONDITIONAL else "")
            if self.in_text(text) or any(edge.kind is Kind.JUMP and self.choose(edge) for edge in each.edges):
                return True
        return False


def _ways(graph: Graph, served: _Served, answers: _Answers, step: Step) -> Iterator[bool]:
    """For each branch of STEP, whether it serves the call."""
    for _, each in graph.flows(step):
        if each.goes_on:
            follower = graph.following(step)
            yield follower is not None and served.any([follower])
        elif not each.edges and not each.returns:
            yield False
        for edge in each.edges:
            yield from _leads(graph, served, answers, step, edge)


def _leads(graph: Graph, served: _Served, answers: _Answers, step: Step, edge: Edge) -> Iterator[bool]:
    found = graph.find(step, edge)
    if found.unknown or edge.kind is not Kind.JUMP:
        yield True
    elif answers.choose(edge):  # every one of them is some answer's
        yield from (served.any([one]) for one in found.steps)
    else:
        yield served.any(found.steps)


def _hangs_up(step: Step) -> Finding:
    text = "a call ends here because of what the caller answered, or because callguard was not there"
    fix = "connect the call on every branch: saying no costs the caller nothing"
    return blocker("refusal-ends-call", step.place, text, fix)


def _dead_end(step: Step) -> Finding:
    text = "nobody is reached after the question: whatever the caller answers, the call ends"
    return blocker("refusal-ends-call", step.place, text, "a destination after the Gosub: Dial, Queue, Return")


@dataclass(slots=True)
class _Served:
    """Whether a call can still reach somebody or something. `dead`, `alive`: what is known already."""

    graph: Graph
    trusted: Trusted
    dead: set[Step] = field(default_factory=set)
    alive: set[Step] = field(default_factory=set)

    def any(self, steps: Iterable[Step]) -> bool:
        """From one of STEPS."""
        steps = [step for step in steps if step not in self.dead]
        return self._walk(steps)

    def before(self, steps: Iterable[Step]) -> list[Step]:
        """All that follows STEPS, up to where a call is served."""
        waiting = list(dict.fromkeys(steps))
        seen = dict.fromkeys(waiting)
        entered: set[Found] = set()
        while waiting:
            step = waiting.pop()
            if not self._serves(step):
                ways = onward_steps(self.graph, self.trusted, step, entered)
                new = [each for each in dict.fromkeys(ways) if each not in seen]
                waiting += new
                seen.update(dict.fromkeys(new))
        return list(seen)

    def _walk(self, steps: list[Step]) -> bool:
        waiting: list[Step] = list(steps)
        came: dict[Step, Step | None] = dict.fromkeys(steps)
        entered: set[Found] = set()
        while waiting:
            step = waiting.pop()
            if step in self.alive or self._serves(step) or self._unknown(step):
                self._remember(step, came)
                return True
            for each in onward_steps(self.graph, self.trusted, step, entered):
                if each not in came and each not in self.dead:
                    came[each] = step
                    waiting.append(each)
        self.dead |= came.keys()
        return False

    def _remember(self, step: Step | None, came: Mapping[Step, Step | None]) -> None:
        """The way to STEP is alive: who asks from anywhere on it does not walk it again."""
        while step is not None:
            self.alive.add(step)
            step = came[step]

    def _unknown(self, step: Step) -> bool:
        onward = self.graph.onward(step)
        return any(found.unknown for edge, found in onward if not is_ours(edge.target.context, self.trusted))

    def _serves(self, step: Step) -> bool:
        return any(one.app in DESTINATIONS for one, _ in self.graph.flows(step))

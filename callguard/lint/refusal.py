"""After the question: who says no is served like anybody else.

What belongs here: branches on the answer, and what is reached behind the Gosub. What does not: ways around the question
(notice.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from callguard.lint.finding import Finding, blocker
from callguard.lint.flow import Call, Edge, Kind
from callguard.lint.graph import Graph
from callguard.lint.model import Step
from callguard.lint.notice import BRIDGES
from callguard.lint.snippet import Trusted, is_ours
from callguard.lint.walk import ANSWER, onward_steps

DESTINATIONS = BRIDGES | frozenset(
    "voicemail voicemailmain minivmrecord stasis agi eagi deadagi fastagi externalivr read waitexten background disa "
    "directory return macroexit originate channelredirect transfer".split()
)
"""Where a call is still served: it did not just end."""


def refused(graph: Graph, trusted: Trusted) -> Iterator[Finding]:
    """Who says no is served like anybody else: no branch on the answer, and no way on, just hangs up."""
    for step in graph.plan.steps():
        if step.context in trusted.own:
            continue
        for one, each in graph.flows(step):
            text = one.condition or (one.data.partition("?")[0] if one.app.endswith(("if", "iftime")) else "")
            if ANSWER.search(text) and _ends(graph, trusted, step, one, each.edges):
                yield _hangs_up(step)
                break
            if any(edge.kind is Kind.CALL and is_ours(edge.target.context, trusted) for edge in each.edges):
                follower = graph.following(step)
                if follower is None or not _served(graph, trusted, [follower]):
                    yield _dead_end(step)


def _hangs_up(step: Step) -> Finding:
    text = "a call ends here because of what the caller answered, or because callguard was not there"
    fix = "connect the call on every branch: saying no costs the caller nothing"
    return blocker("refusal-ends-call", step.place, text, fix)


def _dead_end(step: Step) -> Finding:
    text = "nobody is reached after the question: whatever the caller answers, the call ends"
    return blocker("refusal-ends-call", step.place, text, "a destination after the Gosub: Dial, Queue, Return")


def _ends(graph: Graph, trusted: Trusted, step: Step, one: Call, edges: Iterable[Edge]) -> bool:
    """Whether a branch of ONE leads nowhere but out."""
    if one.app in ("hangup", "busy", "congestion"):
        return True
    for edge in edges:
        found = graph.find(step, edge)
        if edge.kind is Kind.JUMP and found.steps and not _served(graph, trusted, found.steps):
            return True
    return False


def _served(graph: Graph, trusted: Trusted, steps: Iterable[Step]) -> bool:
    """Whether a call that is at STEPS can still reach somebody or something."""
    waiting, seen = list(steps), set(steps)
    while waiting:
        step = waiting.pop()
        if any(one.app in DESTINATIONS for one, _ in graph.flows(step)):
            return True
        onward = graph.onward(step)
        if any(found.unknown for edge, found in onward if not is_ours(edge.target.context, trusted)):
            return True
        new = [each for each in onward_steps(graph, trusted, step, onward) if each not in seen]
        waiting += new
        seen.update(new)
    return False

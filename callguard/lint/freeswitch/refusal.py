"""After the question: who says no is served like anybody else.

What belongs here: what follows the hand-over, and branches on what came of it. What does not: ways around the question
(notice.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from callguard.lint.finding import Finding, blocker
from callguard.lint.freeswitch.plan import Condition, Extension, Plan, Step, targets
from callguard.lint.freeswitch.snippet import Trusted
from callguard.lint.freeswitch.way import BRIDGES, ENDS

SERVES = BRIDGES | frozenset(
    "voicemail ivr transfer execute_extension lua javascript python python3 perl socket httapi playback park fifo "
    "directory loop_playback play_and_get_digits endless_playback deflect redirect".split()
)
"""Where a call is still served: it did not just end."""
_ANSWER = re.compile(r"callguard_(?:asked|status|before)|CALLGUARD_\w+", re.IGNORECASE)
_COND = re.compile(r"\$\{cond\([^)]*callguard_[^)]*\)", re.IGNORECASE)
_FIX = "connect the call on every branch: saying no costs the caller nothing"


def refused(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    """Behind the question no branch on the answer, and no way on, just hangs up."""
    for extension in plan.extensions():
        if (extension.context, extension.name) in trusted.own:
            continue
        yield from _dead_end(plan, trusted, extension)
        for condition in extension.conditions:
            yield from _branches(condition)
        for step in extension.steps():
            if _COND.search(step.data) and "hangup" in f"{step.app} {step.data}":
                yield _hangs_up(step)


def _branches(condition: Condition) -> Iterator[Finding]:
    if any(_ANSWER.search(name) for name, _ in condition.tests):
        for anti in (False, True):
            yield from _branch([step for step in condition.steps if step.anti is anti])


def _branch(steps: list[Step]) -> Iterator[Finding]:
    """One side of a branch: nothing serves the call before it ends."""
    for step in steps:
        if step.app in SERVES:
            return
        if step.app in ENDS:
            yield _hangs_up(step)
            return


def _hangs_up(step: Step) -> Finding:
    text = "a call ends here because of what the caller answered, or because callguard was not there"
    return blocker("refusal-ends-call", step.place, text, _FIX)


def _dead_end(plan: Plan, trusted: Trusted, extension: Extension) -> Iterator[Finding]:
    """Something is reached after the question, in this extension or, where the look-up goes on, in a later one."""
    steps = list(extension.steps())
    asking = [at for at, step in enumerate(steps) if trusted.asks(step)]
    if not asking or steps[asking[-1]].app == "transfer":
        return
    for step in steps[asking[-1] + 1 :]:
        if step.app in SERVES or targets(step) is not None:
            return
        if step.app in ENDS:
            break
    else:
        if extension.goes_on:
            return
    text = "nobody is reached after the question: whatever the caller answers, the call ends"
    yield blocker("refusal-ends-call", steps[asking[-1]].place, text, "a destination behind it: bridge, transfer")

"""Ways around the notice: people are connected on a way that never met the snippet, or meets it too late.

What belongs here: where calls come in, and the findings about ways. What does not: following them (way.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from callguard.lint.finding import Finding, Place, blocker, warning
from callguard.lint.freeswitch.plan import Context, Extension, Plan, Step, targets
from callguard.lint.freeswitch.snippet import ASK, Trusted
from callguard.lint.freeswitch.way import BRIDGES, Ways, surely_before
from callguard.lint.snippet import EMERGENCY

_PROGRAMS = ("lua", "javascript", "python", "python3", "perl", "socket", "httapi", "managed")
TRUNKS = re.compile(r"public|from[-_]?(?:trunk|pstn|did)|inbound|incoming|trunk", re.IGNORECASE)
"""Contexts of calls from outside, by their names."""
INSIDE = re.compile(
    r"default|features|internal|intern\b|agents?\b|phones?\b|staff|office|users?\b|.*\.[a-z]+\Z|\$\{", re.I
)
"""Contexts of one's own phones, on FusionPBX a domain: calls among them are not asked unless a call type says so."""
_SHOWN = 4


def bypassed(plan: Plan, trusted: Trusted, named: Sequence[str], *, strict: bool) -> Iterator[Finding]:
    """Nobody who calls in is connected before the question."""
    trunks, others = _entries(plan, trusted, named)
    for names, say in ((trunks, blocker), (others, warning)):
        ways = Ways(plan, trusted)
        for name in names:
            context = plan.contexts[name]
            ways.follow(each for each in context.extensions if _comes_in(plan, trusted, each))
        for met in ways.met.values():
            text = f"{met.step.app} connects a caller whom nobody has asked{_way(met.through)}"
            yield say("bypass", met.step.place, text, f"{ASK} before it")
        for step in ways.unknown:
            text = f"{step.app} leads to a target that is made while the call runs: nothing is claimed about that way"
            yield warning("not-followed", step.place, text, "look through that way by hand")
        if strict:
            yield from _hidden(plan, names)


def _entries(plan: Plan, trusted: Trusted, named: Sequence[str]) -> tuple[list[str], list[str]]:
    """Contexts where calls come in: by the admin's word, or by name; and those that nothing leads to."""
    if named:
        return list(named), []
    led = {target[1] for step in plan.steps() if (target := targets(step)) is not None}
    own = {context for context, _ in trusted.entered if _only_ours(plan.contexts[context], trusted)}
    names = [name for name in plan.contexts if name not in own]
    trunks = [name for name in names if TRUNKS.match(name)]
    return trunks, [name for name in names if name not in (*trunks, *led) and not INSIDE.match(name)]


def _only_ours(context: Context, trusted: Trusted) -> bool:
    return all((each.context, each.name) in trusted.own for each in context.extensions)


def _comes_in(plan: Plan, trusted: Trusted, extension: Extension) -> bool:
    """Whether a call that has to be asked comes in here."""
    if (extension.context, extension.name) in trusted.own:
        return False
    own, site = extension.numbers, re.findall(r"\d+", plan.constants.get("callguard_emergency", ""))
    passes = (*EMERGENCY, *site, *(f"{line}{each}" for line in "089" for each in EMERGENCY))
    return not own or not all(number in passes or number[0] in "*#" for number in own)


def _way(through: Sequence[Step]) -> str:
    """The way by lines."""
    shown = [str(step.place) for step in through[-_SHOWN:]]
    return f", by way of {', '.join(shown)}" if shown else ""


def _hidden(plan: Plan, names: Sequence[str]) -> Iterator[Finding]:
    for extension in (each for name in names for each in plan.contexts[name].extensions):
        for step in extension.steps():
            if step.app in _PROGRAMS:
                text = f"what {step.app} does to the call is not seen here"
                yield warning("not-seen", step.place, text, "look through it by hand")


def late(plan: Plan, trusted: Trusted) -> Iterator[Finding]:
    """The question comes before people are connected, and something leads to it."""
    for context in plan.contexts.values():
        for extension in context.extensions:
            asking = [step for step in extension.steps() if trusted.asks(step)]
            if asking and (context.name, extension.name) not in trusted.own:
                yield from _too_late(extension, trusted)
                yield from _never(context, extension, asking[0])


def _too_late(extension: Extension, trusted: Trusted) -> Iterator[Finding]:
    bridged: Place | None = None
    for step in extension.steps():
        if step.app in BRIDGES:
            bridged = bridged or step.place
        elif trusted.asks(step) and bridged:
            text = f"the question comes behind people were connected, at {bridged}: they talk unasked"
            yield blocker("notice-late", step.place, text, "move it before the first bridge")


def _never(context: Context, extension: Extension, step: Step) -> Iterator[Finding]:
    if (before := surely_before(context, extension)) is not None:
        text = f"the question is never reached: the extension at {before.place} takes these calls before it"
        yield blocker("notice-unreachable", step.place, text, "move this extension before that one")

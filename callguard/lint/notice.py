"""Ways around the notice: people are connected on a way that never met the snippet.

What belongs here: applications that connect people, and the findings about ways. What does not: the walk itself
(walk.py), recorders (recorder.py), what follows an answer (refusal.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from callguard.lint.entry import entries, first_steps, site_numbers
from callguard.lint.finding import Finding, Place, blocker, warning
from callguard.lint.flow import SUBROUTINES, Call, called, destinations, dial_options
from callguard.lint.graph import Graph
from callguard.lint.model import Step
from callguard.lint.snippet import GOSUB, Trusted
from callguard.lint.walk import SHOWN, Here, Walk

BRIDGES = frozenset(
    "dial retrydial queue page confbridge meetme followme bridge bridgeadd pickup pickupchan park parkandannounce "
    "parkedcall slastation slatrunk".split()
)
"""Applications that let people hear one another."""

_OUTWARD = re.compile(r"^[^/@]+/[^/@]+[/@].")


def bypassed(graph: Graph, trusted: Trusted, named: Sequence[str], *, strict: bool) -> Iterator[Finding]:
    """People are connected on a way that never met the snippet. Certain from a trunk, a warning from elsewhere."""
    where, site = entries(graph, trusted, named), site_numbers(graph)
    walks = [Walk(graph, trusted) for _ in range(3)]
    walks[0].start(first_steps(graph, where.trunks, site))
    walks[1].start([*first_steps(graph, where.others, site), *_originated(graph, trusted)])
    walks[2].start(first_steps(graph, where.inside, site))
    told: set[Step] = set()
    for walk, make, matters in zip(walks, (blocker, warning, warning), (_connects, _connects, _calls_out), strict=True):
        found = [(step, here, one) for step, here, one in _around(walk, matters) if step not in told]
        yield from (make("bypass", step.place, *_bypass(walk.way(here), one)) for step, here, one in found)
        told.update(step for step, _, _ in found)
    yield from _unknown({step: why for walk in walks for step, why in walk.unknown.items()})
    if strict:
        yield from _scripts((step for walk in walks for step, _ in walk.reached()), graph)


def _originated(graph: Graph, trusted: Trusted) -> Iterator[Step]:
    """Calls that the dialplan itself makes are new calls: asked anew."""
    for step in graph.plan.steps():
        if step.app.lower() == "originate" and step.context not in trusted.own:
            for _, found in graph.onward(step):
                yield from found.steps


def _around(walk: Walk, matters: Callable[[Call], bool]) -> Iterator[tuple[Step, Here, Call]]:
    for step, here in walk.reached():
        for one, _ in walk.graph.flows(step):
            if matters(one) and not _handed_on(one, walk.trusted):
                yield step, here, one


def _connects(one: Call) -> bool:
    return one.app in BRIDGES


def _calls_out(one: Call) -> bool:
    """Whether ONE calls a number through a trunk: NUMBER@trunk or trunk/NUMBER, not one of the own phones."""
    return one.app in ("dial", "retrydial") and any(_OUTWARD.search(each) for each in destinations(one))


def _handed_on(one: Call, trusted: Trusted) -> bool:
    """Only Local channels are rung, whose own dialplan is walked; or an option of Dial hands over whoever answers."""
    if one.app not in ("dial", "retrydial"):
        return False
    rung = destinations(one)
    if rung and all(each.lower().startswith("local/") for each in rung):
        return True
    options = [(letter, text) for letter, text in dial_options(one).items() if letter in SUBROUTINES and text]
    return any(called(letter, text).context in trusted.own for letter, text in options)


def _bypass(way: list[Step], one: Call) -> tuple[str, str]:
    """(text, fix) of the finding."""
    shown = _shown([step.place for step in way])
    if len(way) > SHOWN:
        shown[1:1] = ["..."]
    text = f"{one.name} connects people who were never told: from context {way[0].context} by {' > '.join(shown)}"
    return text, f"{GOSUB} on this way, before {one.name}"


def _shown(places: Sequence[Place]) -> list[str]:
    """PLACES, each file named once as long as it stays the same."""
    before = [None, *(place.file for place in places)]
    return [str(place.line) if place.file == last else str(place) for place, last in zip(places, before, strict=False)]


def _unknown(steps: dict[Step, str]) -> Iterator[Finding]:
    """One finding for all lines that are alike: generated dialplans have one in each extension."""
    alike: dict[tuple[str, str, str], list[Step]] = defaultdict(list)
    for step, why in steps.items():
        alike[step.app, step.data, why].append(step)
    for (app, _, why), same in alike.items():
        more = f" (and in {len(same) - 1} more lines like it)" if len(same) > 1 else ""
        text = f"{app} cannot be followed: {why}{more}; nothing is claimed about this way"
        place = min(step.place for step in same)
        yield warning("not-followed", place, text, f"a fixed target, or {GOSUB} before this line")


def _scripts(steps: Iterable[Step], graph: Graph) -> Iterator[Finding]:
    """Each script and ARI application once."""
    seen: set[str] = set()
    for step in steps:
        for one, each in graph.flows(step):
            name = one.data.partition(",")[0]
            if each.hidden and name not in seen:
                seen.add(name)
                text = f"{one.name} runs {each.hidden}, which cannot be seen into: it may record or connect people"
                yield warning("not-seen", step.place, text, f"look through it, or {GOSUB} before this line")

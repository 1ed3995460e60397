"""Recorders outside of the snippet: each application, option and setting of the dialplan that makes a file of a call.

What belongs here: one small rule a kind of recorder, over single applications. What does not: ways (notice.py), other
files (beside.py). VoiceMail is no recorder: the caller makes that recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from callguard.lint.alive import alive
from callguard.lint.argument import options, split
from callguard.lint.finding import Finding, Place, Severity, blocker, warning
from callguard.lint.flow import Call, calls, dial_options
from callguard.lint.graph import Graph
from callguard.lint.model import Dialplan, Step
from callguard.lint.snippet import GOSUB, Trusted

RECORDERS = frozenset(("mixmonitor", "monitor", "record", "dictate"))
"""Applications that do nothing but record."""

_STOPPERS = frozenset("stopmixmonitor stopmonitor pausemonitor unpausemonitor changemonitor mixmonitormute".split())
_TRUE = ("yes", "true", "on", "1", "y", "t")
_LEAVE = f"remove it; {GOSUB} before the call is connected records what may be recorded"

Rule = Callable[[Call, Place], Iterator[Finding]]


def recorders(graph: Graph, trusted: Trusted, named: Sequence[str] = ()) -> Iterator[Finding]:
    """Every recorder in a context that is not the snippet's. A warning where no way leads to it. NAMED: entries."""
    reached = alive(graph, trusted, named)
    for step in graph.plan.steps():
        if step.context not in trusted.own:
            for one in _run_by(graph, step):
                rules = _RULES.get(one.app, ())
                found = [each for rule in rules for each in rule(one, step.place)]
                yield from found if step in reached else map(_asleep, found)


def _asleep(finding: Finding) -> Finding:
    text = f"no way that can be followed leads here, but: {finding.text}"
    return replace(finding, severity=Severity.WARNING, text=text)


def _run_by(graph: Graph, step: Step) -> Iterable[Call]:
    return calls(step, graph.plan)


def constants(plan: Dialplan, places: dict[str, Place]) -> Iterator[Finding]:
    """[globals] that switch one-touch recording on. PLACES: where each global is."""
    value = plan.constants.get("DYNAMIC_FEATURES", "")
    if _dynamic(value):
        yield _one_touch(places["DYNAMIC_FEATURES"], "DYNAMIC_FEATURES")


def _plain(one: Call, place: Place) -> Iterator[Finding]:
    yield blocker("recorder", place, f"{one.name} records without anybody having been asked", _LEAVE)


def _stops(one: Call, place: Place) -> Iterator[Finding]:
    text = f"{one.name} stops or mutes recorders that callguard started: a recording with a gap that nobody ordered"
    yield warning("recorder-stopped", place, text, "remove it, or name the one recorder that it means by its id")


def _one_touch(place: Place, what: str) -> Finding:
    text = f"{what} lets a party start a recording by keys, whatever the other one agreed to"
    return blocker("one-touch", place, text, "without w, W, x, X, automon and automixmon")


def feature_options(one: Call) -> dict[str, str]:
    """The options of an application that lets features.conf listen to people; none of any other."""
    match one.app:
        case "dial" | "retrydial":
            return dial_options(one)
        case "queue" | "bridge":
            return _second_argument(one)
    return {}


def _dial(one: Call, place: Place) -> Iterator[Finding]:
    one_touch = "wW" if one.app == "bridge" else "wWxX"  # x of Bridge hangs up
    if letters := [letter for letter in feature_options(one) if letter in one_touch]:
        yield _one_touch(place, f"option {''.join(letters)} of {one.name}")


def _second_argument(one: Call) -> dict[str, str]:
    return options([*split(one.data), ""][1])


def _option_r(one: Call, place: Place) -> Iterator[Finding]:
    if "r" in _second_argument(one):
        text = f"option r of {one.name} makes a file of what is heard there"
        yield blocker("recorder", place, text, f"{one.name} without option r")


def _originate(one: Call, place: Place) -> Iterator[Finding]:
    kind, app = [*split(one.data), "", ""][1:3]
    if kind.lower() == "app" and app.lower() in RECORDERS:
        yield from _plain(replace(one, name=app), place)


def _set(one: Call, place: Place) -> Iterator[Finding]:
    for piece in split(one.data) if one.app == "mset" else [one.data]:
        name, _, value = piece.partition("=")
        name = name.strip().upper().lstrip("_")
        if name.startswith("CONFBRIDGE(") and "RECORD_CON" in name and value.strip().lower() in _TRUE:
            yield blocker("recorder", place, "this conference is recorded", "record_conference=no")
        elif (name == "DYNAMIC_FEATURES" and _dynamic(value)) or _switches_on(name, value.strip()):
            yield _one_touch(place, name.partition("(")[0])


def _switches_on(name: str, value: str) -> bool:
    """Whether a feature code, or the options of whatever bridge comes, are set to one-touch recording."""
    if name == "BRIDGE_FEATURES":
        return bool(set("wWxX") & options(value).keys())
    return name.startswith("FEATUREMAP(") and _dynamic(name) and bool(value)


def _dynamic(value: str) -> bool:
    return "automon" in value.lower() or "automixmon" in value.lower()


_RULES: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(RECORDERS, (_plain,)),
    **dict.fromkeys(_STOPPERS, (_stops,)),
    "dial": (_dial,),
    "retrydial": (_dial,),
    "queue": (_dial,),
    "bridge": (_dial,),
    **dict.fromkeys(("chanspy", "extenspy", "meetme", "page"), (_option_r,)),
    "originate": (_originate,),
    "set": (_set,),
    "mset": (_set,),
}

"""Checks for what else on the PBX records calls, or takes the keys that we listen for.

What belongs here: recorders outside the snippet, one-touch keys, feature codes. What does not: the snippet
(dialplan.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from callguard.core.policy import Policy
from callguard.doctor.dialplan import own_contexts
from callguard.doctor.site import Finding, Sections, Severity, Site, Step, blocker, unchecked, warning

GENERATED = re.compile(r"sub-record-\w+|macro-(one-touch-)?record\w*|sub-rec\w*|macro-hangupcall")
"""Contexts that FreePBX writes whether or not anything is recorded."""
FEATURES = {
    "t": "blindxfer", "T": "blindxfer", "h": "disconnect", "H": "disconnect", "k": "parkcall", "K": "parkcall",
    "w": "automon", "W": "automon", "x": "automixmon", "X": "automixmon",
}  # fmt: skip
"""Features of features.conf by the option of Dial and Queue that switches them on."""
DEFAULT_CODES = {"blindxfer": "#", "disconnect": "*"}
"""What features.conf means where it is silent; the others are off."""
_OPTIONS = {"Dial": 2, "Queue": 1, "FollowMe": 1}
"""Which argument holds the options."""
ANSWERS = ("1", "2", "9")
"""The keys of the question itself."""
_INSIDE = re.compile(r"\([^()]*\)|\$\{[^{}]*\}")


@dataclass(frozen=True)
class _Kind:
    """One way to record. `word`: how a finding names it."""

    word: str
    severity: Severity
    change: str
    there: Callable[[Step], bool]


def _runs(app: str) -> Callable[[Step], bool]:
    """Whether a step runs APP itself, or through ExecIf, Exec, TryExec."""
    nested = re.compile(rf"(?<![A-Za-z]){app}\(")
    return lambda step: (
        step.app == app or (step.app in ("ExecIf", "Exec", "TryExec") and bool(nested.search(step.data)))
    )


_SWITCHED = re.compile(r"FEATUREMAP\(auto(mix)?mon\)\s*=\s*[^\s,)]|BRIDGE_FEATURES\s*=\s*\w*[wWxX]", re.IGNORECASE)
_CONFERENCE = re.compile(r"CONFBRIDGE\(bridge,record_conference\)\s*=\s*(yes|true|1|on)", re.IGNORECASE)
_OURS = "remove it: callguard starts the recorder itself, when everybody was told"
KINDS = (
    _Kind("MixMonitor", Severity.BLOCKER, _OURS, _runs("MixMonitor")),
    _Kind("Monitor", Severity.BLOCKER, _OURS, _runs("Monitor")),
    _Kind("a recorded conference", Severity.BLOCKER, _OURS, lambda step: bool(_CONFERENCE.search(step.data))),
    _Kind("Record", Severity.WARNING, "make sure that it never runs on a call of two", _runs("Record")),
    _Kind(
        "one-touch recording (option w, W, x or X)",
        Severity.WARNING,
        "take w, W, x and X out of the options of Dial and Queue",
        lambda step: bool(set("wWxX") & set(options(step))),
    ),
    _Kind(
        "one-touch recording (DYNAMIC_FEATURES)",
        Severity.WARNING,
        "take automon and automixmon out of DYNAMIC_FEATURES",
        lambda step: "DYNAMIC_FEATURES" in step.data and bool(re.search(r"automon|automixmon", step.data)),
    ),
    _Kind(
        "one-touch recording (FEATUREMAP, BRIDGE_FEATURES)",
        Severity.WARNING,
        "leave automon and automixmon without keys, and w, W, x, X out of BRIDGE_FEATURES",
        lambda step: step.app in ("Set", "MSet", "ExecIf") and bool(_SWITCHED.search(step.data)),
    ),
)


def options(step: Step) -> str:
    """The option letters of Dial, Queue and FollowMe, without their arguments; '' for others."""
    data = step.data
    if step.app not in _OPTIONS:
        return ""
    while (inner := _INSIDE.sub("", data)) != data:
        data = inner
    arguments = data.split(",")
    place = _OPTIONS[step.app]
    return arguments[place] if len(arguments) > place else ""


def others(site: Site) -> Iterator[Finding]:
    """Nothing else in the dialplan records."""
    found: dict[tuple[str, str], list[Step]] = defaultdict(list)
    kinds = {kind.word: kind for kind in KINDS}
    own = own_contexts(site)
    steps = [step for step in site.pbx.dialplan or () if step.context not in own]
    for step, kind in product(steps, KINDS):
        if kind.there(step):
            found[kind.word, step.context].append(step)
    for (word, context), steps in found.items():
        yield _other(kinds[word], context, steps)


def _other(kind: _Kind, context: str, steps: list[Step]) -> Finding:
    more = f" and {len(steps) - 1} more place(s) of this context" if len(steps) > 1 else ""
    where = steps[0].place + more
    if GENERATED.fullmatch(context):
        what = f"{kind.word} in a context that FreePBX generates: harmless only while no recording option leads there"
        return warning(what, where, "FreePBX: every recording option of routes, extensions and queues to Never")
    return Finding(
        kind.severity, f"{kind.word} outside the snippet records without having told anybody", where, kind.change
    )


SWITCHES: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "queues.conf": ("monitor-format", lambda value: bool(value)),
    "confbridge.conf": ("record_conference", lambda value: value.lower() in ("yes", "true", "1", "on")),
}
"""Settings that record: (key, whether this value switches it on) by file."""


def settings(site: Site) -> Iterator[Finding]:
    """Queues and conferences do not record by themselves."""
    for name, (key, records) in SWITCHES.items():
        sections = site.pbx.files.get(name)
        if sections is None:
            yield unchecked(f"whether {name} records", "AMI could not be asked, or its user may not read it")
            continue
        for category, pairs in sections.items():
            if any(word == key and records(value) for word, value in pairs):
                what = f"{key} records without having told anybody"
                yield blocker(what, f"{name}: [{category}]", f"remove {key}")


@dataclass(frozen=True, slots=True)
class _Code:
    feature: str
    keys: str
    active: bool
    written: bool


def keys(site: Site) -> Iterator[Finding]:
    """The keys by which people withdraw or pause mean nothing else on this PBX."""
    features = site.pbx.files.get("features.conf")
    if features is None:
        why = "AMI could not be asked, or its user may not read features.conf"
        yield unchecked("whether feature codes collide with callguard's keys", why)
        return
    if site.plan.policy is None:
        yield unchecked("whether feature codes collide with callguard's keys", "the policy does not load")
        return
    ours = _own_keys(site.plan.policy)
    for (sequence, places), code in product(ours.items(), _codes(features, site.pbx.dialplan or ())):
        if sequence.startswith(code.keys) or code.keys.startswith(sequence):
            others = f" (and {len(places) - 1} more)" if places[1:] else ""
            yield from _collision(code, places[0] + others)


def _own_keys(policy: Policy) -> dict[str, list[str]]:
    """Keys that callguard takes, with where each is written."""
    ours: dict[str, list[str]] = {}
    for name, kind in policy.call_types.items():
        for what, sequence in kind.sequences.items():
            ours.setdefault(sequence, []).append(f"call_type.{name}.{what} = {sequence}")
    return ours | {key: [f"the answer {key} of people who are asked when they are bridged"] for key in ANSWERS}


def _collision(code: _Code, ours: str) -> Iterator[Finding]:
    change = f"other keys in policy.toml, or another code for {code.feature} in features.conf"
    if code.active:
        yield blocker(
            f"{code.feature} takes {code.keys} on bridged calls: it collides with {ours}", "features.conf", change
        )
    elif code.written:
        what = f"{code.feature} = {code.keys} collides with {ours} wherever the dialplan switches it on"
        yield warning(what, "features.conf", change)


def _codes(features: Sections, dialplan: Iterable[Step]) -> Iterator[_Code]:
    """Every feature code of this PBX that has keys."""
    steps = list(dialplan)
    switched = {FEATURES[letter] for step in steps for letter in options(step) if letter in FEATURES}
    switched |= {"atxfer"} if "blindxfer" in switched else set()
    written = {key.lower(): value for key, value in features.get("featuremap", ())}
    mapped: Mapping[str, str] = DEFAULT_CODES | written
    yield from (_Code(name, code, name in switched, name in written) for name, code in mapped.items() if code)
    dynamic = " ".join(step.data for step in steps if "DYNAMIC_FEATURES" in step.data)
    for name, value in features.get("applicationmap", ()):
        code = value.partition(",")[0].strip()
        if code:
            yield _Code(name, code, name in re.split(r"[^\w-]+", dynamic), True)

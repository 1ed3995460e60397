"""Checks of the live dialplan: our snippet is there as shipped, and calls reach it in time.

What belongs here: the context callguard and the lines that hand calls to it. What does not: other recorders
(recorder.py); files, and paths through a dialplan that is not loaded (callguard lint).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from callguard.doctor.site import Finding, Site, Step, blocker, warning

CONTEXT = "callguard"
LABELS = ("unrecorded", "done", "emergency")
"""Where the guard sends callers on, where the snippet ends, and where nothing of ours runs."""
BRIDGING = frozenset("Dial Queue ConfBridge MeetMe Bridge Page FollowMe Pickup".split())
"""Applications that bring two people together."""
DIRECTIONS = ("inbound", "outbound", "internal")
INCLUDE = "#include callguard.conf"
GOSUB = "same => n,Gosub(callguard,s,1(support,inbound))"

_LINE = re.compile(r"\s*(?:exten\s*=>\s*(?P<extension>[^,]+),|same\s*=>\s*)(?P<rest>.*)")
_PRIORITY = re.compile(r"(?P<number>n|\d+)(?:\((?P<label>[^)]*)\))?,(?P<app>\w+)\((?P<data>.*)\)\s*\Z")
_HANDED = re.compile(r"\bcallguard,s,1(?:\((?P<type>[^,)]*)(?:,(?P<way>[^),]*))?)?")


def parse_snippet(text: str) -> tuple[Step, ...]:
    """The priorities of the snippet's text: contexts, `exten` and `same` lines, numbers or n."""
    found: list[Step] = []
    context, extension, number = CONTEXT, "", 0
    for line in text.splitlines():
        if line.startswith("["):
            context = line[1:].partition("]")[0]
        head = _LINE.match(line)
        parts = _PRIORITY.match(head["rest"]) if head else None
        if head is None or parts is None:
            continue
        extension = head["extension"] or extension
        number = number + 1 if parts["number"] == "n" else int(parts["number"])
        found.append(Step(context, extension, number, parts["label"] or "", parts["app"], parts["data"]))
    return tuple(found)


def own_contexts(site: Site) -> frozenset[str]:
    """The contexts of the snippet."""
    return frozenset(step.context for step in parse_snippet(site.plan.snippet)) | {CONTEXT}


def snippet(site: Site) -> Iterator[Finding]:
    """The context callguard is there, and is the one of this release."""
    own = own_contexts(site)
    live = {step for step in site.pbx.dialplan or () if step.context in own}
    labels = {step.label for step in live if (step.context, step.extension) == (CONTEXT, "s")}
    if not any(step.context == CONTEXT for step in live):
        yield blocker("the context callguard is missing: no call can be handed over", "extensions.conf", INCLUDE)
        return
    missing = [label for label in LABELS if label not in labels]
    if missing:
        what = (
            f"the context callguard is not ours: s has no label {', '.join(missing)}. Its name is taken, or it was cut"
        )
        yield blocker(what, "extensions.conf", f"{INCLUDE}, and another name for the other context")
    elif site.plan.least_privilege and "record" not in labels:
        what = "the snippet is too old for least_privilege: it starts no recorder, and nothing is recorded"
        yield blocker(what, "extensions.conf", "copy the shipped callguard.conf anew, then `dialplan reload`")
    elif differing := sorted(live ^ set(parse_snippet(site.plan.snippet)), key=lambda step: step.priority):
        what = f"the snippet differs from the one of this release in {len({s.place for s in differing})} place(s)"
        yield warning(what, differing[0].place, "copy the shipped callguard.conf anew, then `dialplan reload`")


def application(site: Site) -> Iterator[Finding]:
    """Dialplan and callguard.toml name the same Stasis application."""
    named, own = site.pbx.app or "callguard", site.plan.asterisk.ari.app
    if named != own:
        what = f"the dialplan hands calls to application {named}, the controller is {own}: every call goes unrecorded"
        yield blocker(what, "extensions.conf: [globals] CALLGUARD_APP", f"CALLGUARD_APP = {own}")


def handed(site: Site) -> Iterator[Finding]:
    """Calls reach the snippet, by Gosub, with a call type that the policy knows, before anybody is bridged."""
    own = own_contexts(site)
    elsewhere = [step for step in site.pbx.dialplan or () if step.context not in own]
    entering = [(step, found) for step in elsewhere if (found := _HANDED.search(step.data))]
    if not entering:
        yield blocker("no line of the dialplan hands a call to callguard", "where calls come in", GOSUB)
    for step, found in entering:
        yield from _entrance(site, step, found)
    yield from _too_late(elsewhere, {step for step, _ in entering})


def _entrance(site: Site, step: Step, found: re.Match[str]) -> Iterator[Finding]:
    kind, way, policy = (found["type"] or "").strip(), (found["way"] or "").strip(), site.plan.policy
    if step.app.lower().startswith("goto"):
        yield blocker("Goto enters the snippet, which then cannot return: the call ends", step.place, GOSUB)
    if "$" not in kind and policy is not None and policy.find(kind) is None:
        what = f"call type {kind or '(none)'} is not in the policy: these calls are never recorded"
        yield warning(what, step.place, f"policy.toml: [call_type.{kind or 'NAME'}]")
    if "$" not in way and way not in DIRECTIONS:
        yield warning(f"direction {way or '(none)'} is not one of {', '.join(DIRECTIONS)}", step.place, GOSUB)


def _too_late(steps: list[Step], entering: set[Step]) -> Iterator[Finding]:
    """A bridge at a lower priority of the same extension than its Gosub."""
    first: dict[tuple[str, str], int] = defaultdict(lambda: 1_000_000)
    for step in entering:
        key = step.context, step.extension
        first[key] = min(first[key], step.priority)
    for step in steps:
        if step.app in BRIDGING and step.priority < first.get((step.context, step.extension), 0):
            what = f"{step.app} comes before the Gosub of the same extension: these people are never told"
            yield warning(what, step.place, f"{GOSUB}    before {step.app}")

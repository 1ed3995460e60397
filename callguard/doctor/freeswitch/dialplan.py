"""Checks of the dialplan that FreeSWITCH has loaded, and of what records beside it.

What belongs here: what `lint dialplan` says of the loaded XML, the snippet against the shipped one, the socket's
address. What does not: the rules (callguard/lint/freeswitch).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from callguard.doctor.site import Finding, Severity, SwitchSite, blocker, unchecked, warning
from callguard.errors import BadInput
from callguard.lint.examine import Options
from callguard.lint.finding import Severity as Weight
from callguard.lint.freeswitch.examine import lint_texts, plan_of
from callguard.lint.freeswitch.plan import Plan
from callguard.lint.freeswitch.snippet import ASK, recognise

LOADED = "dialplan"
"""What the loaded dialplan is called in a finding's place: fs_cli shows it by `xml_locate dialplan`."""
SOCKET = "callguard_socket"
DEFAULT_SOCKET = "127.0.0.1:8084"


def params(text: str) -> Mapping[str, str]:
    """The params of a module's configuration, given as XML; none where it is none."""
    try:
        return {each.name: each.value for each in plan_of({"": text}).settings}
    except BadInput:
        return {}


def handed(site: SwitchSite) -> Iterator[Finding]:
    """Some line hands calls to the snippet, which is there and as shipped."""
    plan = plan_of({LOADED: site.pbx.dialplan or ""})
    trusted = recognise(plan)
    if not trusted.entered:
        yield blocker("callguard's snippet is not in the dialplan", LOADED, "copy callguard.xml into conf/dialplan/")
    elif not any(trusted.asks(step) for step in plan.steps() if not trusted.is_ours(step)):
        what = "no line of the dialplan hands a call to callguard: nobody is asked"
        yield blocker(what, LOADED, f"{ASK} in front of the destination")
    elif _snippet(plan) not in _shipped(site.plan.snippets):
        what = "the snippet in the dialplan differs from the one of this release"
        yield warning(what, f"{LOADED}: extension callguard", "copy this release's callguard.xml over it, reloadxml")


def _shipped(snippets: Mapping[str, str]) -> tuple[Mapping[str, object], ...]:
    """As a context of its own, and as the entries of FusionPBX, which stand in one file each."""
    entries = {name: text for name, text in snippets.items() if name.startswith("fusionpbx")}
    own = {name: text for name, text in snippets.items() if name not in entries}
    return tuple(_snippet(plan_of(each)) for each in (own, entries))


def _snippet(plan: Plan) -> Mapping[str, object]:
    """What each of its extensions runs, by name."""
    own = recognise(plan).own
    found = [each for each in plan.extensions() if (each.context, each.name) in own]
    return {each.name: tuple((step.app, step.data) for step in each.steps()) for each in found}


def address(site: SwitchSite) -> Iterator[Finding]:
    """The snippet's socket leads to where we listen."""
    said = site.pbx.constants.get(SOCKET, DEFAULT_SOCKET)
    host, _, port = said.rpartition(":")
    own = f"{site.plan.listen[0]}:{site.plan.listen[1]}"
    if port != str(site.plan.listen[1]):
        change = f'vars.xml: <X-PRE-PROCESS cmd="set" data="{SOCKET}={own}"/>, or callguard.toml: freeswitch.listen'
        yield blocker(f"the dialplan's socket leads to {said[:60]}, and callguard listens at {own}", SOCKET, change)
    elif host != site.plan.listen[0]:
        yield unchecked("whether the dialplan's socket reaches callguard", f"{said[:60]} may be {own}, or not")


def examined(site: SwitchSite) -> Iterator[Finding]:
    """What `lint dialplan` finds in what is loaded: other recorders, ways around the notice, keys that collide."""
    policy = site.plan.policy
    kinds = policy.call_types if policy else {}
    keys = {key for kind in kinds.values() for key in kind.sequences.values()}
    options = Options(call_types=frozenset(kinds) if policy else None)
    options = replace(options, sequences=tuple(sorted(keys))) if keys else options
    texts = {LOADED: site.pbx.dialplan or "", **site.pbx.configuration}
    try:
        report = lint_texts({name: text for name, text in texts.items() if text}, options)
    except BadInput as odd:
        yield unchecked("the dialplan", str(odd))
        return
    for each in report.findings:
        if each.rule != "snippet-missing":  # said by `handed`
            severity = Severity.BLOCKER if each.severity is Weight.BLOCKER else Severity.WARNING
            yield Finding(severity, each.text, f"{each.place} (fs_cli: xml_locate)", each.fix)

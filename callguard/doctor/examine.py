"""The table of checks, and running them.

What belongs here: which checks there are, what is said where nothing is wrong, and a check that fails itself. What does
not: any one check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from callguard.doctor import dialplan, folder, link, module, privilege, process, promise, recorder, share, way
from callguard.doctor.ask import ask
from callguard.doctor.look import look
from callguard.doctor.site import Anywhere, AsteriskPlan, Finding, Severity, Site, unchecked
from callguard.errors import CallguardError

S = TypeVar("S", bound=Anywhere)


@dataclass(frozen=True, slots=True)
class Check(Generic[S]):
    """One check. `fine`: what is said where it finds nothing; `needs`: what must be known of the PBX to say so."""

    name: str
    fine: str
    run: Callable[[S], Iterable[Finding]]
    needs: str = ""


WHY = {
    "modules": ("ARI could not be asked", ""),
    "applications": ("ARI could not be asked", ""),
    "commands": ("the controller's AMI user was not let in", ""),
    "phones": (
        "ARI or AMI could not be asked, or func_pjsip_endpoint is not loaded",
        "modules.conf: load => func_pjsip_endpoint.so",
    ),
    "guard_commands": ("the guard's AMI user was not let in", ""),
    "dialplan": ("AMI could not be asked, or its user may not: class reporting", f"manager.conf: {privilege.WRITE}"),
}
"""Why something is not known, and what to change."""


CHECKS: tuple[Check[Site], ...] = (
    Check("links", "ARI and both AMI accounts answer and let us in", link.reached),
    Check("version", "Asterisk is new enough", link.version),
    Check("privileges", "both AMI accounts may do what they must, and no more", privilege.actions),
    Check("least privilege", privilege.WHY_SYSTEM, privilege.least, "commands"),
    Check(
        "guard account",
        "the guard has an account that cannot start a recorder",
        privilege.guard_account,
        "guard_commands",
    ),
    Check("events", "the controller's account hears of other recorders", privilege.hears),
    Check("modules", "every module that is needed runs", module.needed, "modules"),
    Check("other modules", "no module hides keys or calls", module.unwanted, "modules"),
    Check("snippet", "the snippet is loaded as shipped", dialplan.snippet, "dialplan"),
    Check("application", "dialplan and controller name the same application", dialplan.application, "dialplan"),
    Check("calls handed over", "calls reach the snippet before anybody is bridged", dialplan.handed, "dialplan"),
    Check("outbound calls", "who is dialled is told where the dialplan says so", way.told, "dialplan"),
    Check("other recorders", "nothing else in the dialplan records", recorder.others, "dialplan"),
    Check("queues and conferences", "neither records by itself", recorder.settings),
    Check("keys", "the keys for withdraw and pause mean nothing else", recorder.keys, "dialplan"),
    Check("recordings folder", "there, closed to others, with room", folder.recordings),
    Check("same folder", "Asterisk sees the recordings folder and may write there", folder.shared),
    Check("data directory", "ours alone, with room for its sockets", folder.data),
    Check("spool", "nothing of the event log was left behind", folder.spool),
    Check("user", "this runs as callguard's own user", folder.user),
    Check("master key", "readable by its owner alone", folder.key),
    Check("configuration file", "readable by its owner alone", folder.configuration),
    Check("alerts", "incidents are told besides the database", folder.alerts),
    Check("prompts", "complete, unaltered, readable for Asterisk", folder.prompts),
    Check("policy", "complete, and no review is due within 30 days", promise.complete),
    Check("places", "the rules know every place, and no override has ended", promise.places),
    Check("texts", "callers are told what the policy promises", promise.told),
    Check("displays", "every phone that is to show the status is sent it", promise.displays, "phones"),
    Check("secrets", "long, and each its own", privilege.secret),
    Check("encryption", "nothing crosses the network in the clear", link.sealed),
    Check("exposure", "ARI and AMI answer on no address that others can reach", link.closed),
    Check("clocks", "kept right, and the PBX's is ours", link.clocks),
    Check("database", "reachable; schema, grants and triggers as they should be", process.database),
    Check("database role", "callguard_app, without the owner's password beside it", privilege.database_role),
    Check("share of calls asked", "no calls yet", share.asked),
    Check("other applications", "no application of ARI has everything sent", process.eager, "applications"),
    Check("controller", "running, no link lost", process.controller),
    Check("guard", "running, with a link of its own", process.guard),
)
ODD = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, CallguardError)
"""What data that nobody thought of does to a check."""


async def visit(plan: AsteriskPlan) -> Site:
    """Look at the real thing, once, for all checks."""
    ami = plan.asterisk.ami
    pbx, host = await ask(plan), await look(plan, ami.host, ami.port)
    return Site(plan=plan, pbx=pbx, host=host)


def examine(site: Site, checks: Iterable[Check[Site]] = CHECKS) -> Iterator[Finding]:
    """Everything that the checks say about SITE, in the order of the table."""
    return run_checks(site, checks, WHY)


def run_checks(site: S, checks: Iterable[Check[S]], why: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
    """What CHECKS find, or that they are fine. WHY: why something is not known of the PBX, and what to change."""
    for check in checks:
        for finding in _run(check, site, why) or (Finding(Severity.OK, check.fine),):
            yield replace(finding, check=check.name)


def _run(check: Check[S], site: S, why: Mapping[str, tuple[str, str]]) -> tuple[Finding, ...]:
    if check.needs and getattr(site.pbx, check.needs) in (None, ""):
        return (unchecked(check.name, *why[check.needs]),)
    try:
        return tuple(check.run(site))
    except ODD as error:
        return (unchecked(check.name, f"the check met something unexpected ({type(error).__name__})"),)

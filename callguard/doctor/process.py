"""Checks of what should be running beside Asterisk: controller, guard, database.

What belongs here: what these three answered. What does not: files (folder.py), Asterisk (link.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from callguard.doctor.site import Anywhere, AsteriskPlan, Finding, Site, blocker, warning

RUN = "callguard run --config callguard.toml"
LATER = frozenset({"partition_missing"})
"""What callguard makes good by itself."""


def controller(site: Site) -> Iterator[Finding]:
    """The controller runs, and has lost no link."""
    answer, app = site.host.control, site.plan.asterisk.ari.app
    if answer is None and app in (site.pbx.applications or ()):
        what = f"somebody else holds the ARI application {app}, while no controller of this site answers"
        yield blocker(what, "callguard.toml: asterisk.app", "end the other program, or give it another name")
        return
    yield from answers(site)
    if answer is not None and site.pbx.applications is not None and app not in site.pbx.applications:
        yield blocker(f"the controller runs, and Asterisk has no application {app}", "callguard.toml: asterisk.app")


def answers(site: Anywhere) -> Iterator[Finding]:
    """The controller runs, and has lost no link."""
    if site.host.control is None:
        yield warning("the controller does not run: no call is recorded", "control.sock", RUN)
        return
    faults = site.host.control.get("faults")
    for fault in faults if isinstance(faults, list) else ["its answer cannot be read"]:
        yield blocker(f"the controller runs, and reports: {str(fault)[:80]}", "control.sock")


def eager(site: Site) -> Iterator[Finding]:
    """No application of ARI has everything sent."""
    for name in site.pbx.eager:
        own = name == site.plan.asterisk.ari.app
        what = (
            f"ARI application {name} has every event sent, device states too: Asterisk can deadlock for good when its"
            " websocket closes while one changes (asterisk/asterisk#2170), and all calls hang"
        )
        change = (
            "another program uses callguard's application: give it a name of its own, and there " if own else "there "
        )
        yield warning(
            what, f"ARI application {name}", f"{change}subscribeAll=false, and a subscription to what it needs"
        )


def guard(site: Anywhere) -> Iterator[Finding]:
    """The guard runs beside the controller, with a link of its own."""
    answer = site.host.heartbeat
    if answer is None:
        say = warning if site.host.control is None else blocker
        yield say("the guard does not run: no recording starts without it", "guard.sock", f"{RUN} starts it")
    elif answer.get("ready") is not True:
        what = f"the guard has no link of its own to {site.plan.name}: it could not stop a recorder"
        asterisk = isinstance(site.plan, AsteriskPlan)
        yield blocker(what, f"callguard.toml: {'guard.ami_user, ami_secret' if asterisk else 'freeswitch'}")


def database(site: Anywhere) -> Iterator[Finding]:
    """Postgres answers; schema, grants and triggers are as they should be."""
    for code, text in site.host.database:
        yield (warning if code in LATER else blocker)(text, "callguard.toml: database.url", _upgrade(code))


def _upgrade(code: str) -> str:
    return "callguard db upgrade" if code in ("revision", "partition_missing", "role_missing") else ""

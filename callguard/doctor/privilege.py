"""Checks of what our accounts may do, and of their secrets.

What belongs here: the least that works, and everything above it. What does not: whether they get in (link.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from callguard.doctor.site import Anywhere, AsteriskPlan, Finding, Severity, Site, blocker, unchecked, warning
from callguard.store.schema import APP

WRITE, GUARD_WRITE, READ = "write = system,call,reporting", "write = call,reporting", "read = call,user,dialplan"
NEEDED = {
    "MixMonitor": "system",
    "MixMonitorMute": "call",
    "StopMixMonitor": "call",
    "Redirect": "call",
    "Getvar": "call",
    "ShowDialPlan": "reporting",
}
"""Actions of the controller's account, with the class that allows each."""
ARMED = {"MixMonitor": "", "Setvar": "call"}
"""What least privilege changes of that: the snippet starts the recorder, and is told that it may go on."""
GUARD_NEEDED = {"StopMixMonitor": "call", "Redirect": "call", "Getvar": "call"}
TOO_MUCH = {
    "Command": ("command", "runs commands on the PBX"),
    "UpdateConfig": ("config", "rewrites Asterisk's configuration"),
    "Originate": ("originate", "places calls"),
}
"""Actions that nothing here uses: (class, what somebody who has the secret could do)."""
STARTS = {"MixMonitor": ("system", "starts recorders, and runs programs by MixMonitor's Command")}
"""What is too much besides that under least privilege."""
WHY_SYSTEM = (
    "recorders are started over AMI: the controller needs system for MixMonitor, call to mute, stop and send on, "
    "reporting to look; asterisk.least_privilege does without system"
)
CANNOT = (
    "start a recorder again within a call: one that ended, or was stopped while the log was away, leaves a gap: an"
    " incident (recording_gap)",
    "record who is told after the bridge (outbound calls of the kind `bridged`): an incident (recording_gap)",
    "keep the time in a queue out of the length of a file: it is silence there",
    "hear a channel variable or user event that asks for a pause: its account hears of calls alone",
)
"""What least privilege gives up."""
DEFAULTS = frozenset(
    "amp111 cluecon admin asterisk callguard changeme default elastix freepbx guard issabel letmein manager mysecret "
    "mysecretpassword pass passw0rd password postgres qwerty secret secret5 test vicidial 12345 123456 12345678".split()
)
SHORT = 12
"""Fewer characters than this can be guessed."""


def actions(site: Site) -> Iterator[Finding]:
    """Both AMI accounts may do what they must, and nothing else."""
    plan, pbx = site.plan, site.pbx
    own, line = needed_by(plan), GUARD_WRITE if plan.least_privilege else WRITE
    accounts = (
        (plan.asterisk.ami.user, pbx.commands, own, line, TOO_MUCH | (STARTS if plan.least_privilege else {})),
        (plan.guard.user, pbx.guard_commands, GUARD_NEEDED, GUARD_WRITE, TOO_MUCH),
    )
    for user, commands, needed, line, excess in accounts:
        where = f"manager.conf: [{user}]"
        if commands is None:
            yield unchecked(f"what AMI user {user} may do", "it was not let in")
            continue
        for action in needed.keys() - commands:
            yield blocker(f"AMI user {user} may not use {action} (class {needed[action]})", where, line)
        for action in excess.keys() & commands:
            group, can = excess[action]
            yield warning(f"AMI user {user} has class {group}: whoever has its secret {can}", where, line)


def needed_by(plan: AsteriskPlan) -> Mapping[str, str]:
    """Actions of the controller's account as PLAN has it, with their classes."""
    return {action: group for action, group in (NEEDED | ARMED).items() if group} if plan.least_privilege else NEEDED


def least(site: Site) -> Iterator[Finding]:
    """What least privilege cannot do: nothing is wrong with it, and nobody is to be surprised."""
    for what in CANNOT if site.plan.least_privilege else ():
        yield Finding(Severity.OK, f"with least_privilege callguard cannot {what}")


def guard_account(site: Site) -> Iterator[Finding]:
    """The guard has an account of its own, which cannot start a recorder."""
    where = f"manager.conf: [{site.plan.guard.user}]"
    if site.plan.guard.user == site.plan.asterisk.ami.user:
        yield warning(
            "the guard uses the controller's AMI account", "callguard.toml: guard.ami_user", "ami_user = guard"
        )
    elif "MixMonitor" in (site.pbx.guard_commands or ()):
        yield warning("the guard's account may start recorders, which it never needs", where, GUARD_WRITE)


def hears(site: Site) -> Iterator[Finding]:
    """The controller's AMI account hears of recorders that somebody else starts, and of signals for a pause."""
    read = site.pbx.read
    if read is None:
        why = "Asterisk did not show it: func_config is not loaded, or AMI could not be asked"
        change = "modules.conf: load => func_config.so"
        yield unchecked("which events the controller's AMI account hears", why, change)
        return
    where, heard = f"manager.conf: [{site.plan.asterisk.ami.user}]", {word.strip() for word in read.split(",")}
    needed = {"call": _CLASSES["call"]} if site.plan.least_privilege else _CLASSES
    for group, unheard in needed.items() if "all" not in heard else ():
        if group not in heard:
            what = f"the controller's AMI account does not hear events of class {group}: {unheard}"
            yield (blocker if group == "call" else warning)(what, where, READ)


_CLASSES = {
    "call": "a foreign recorder goes unnoticed",
    "user": "no user event sent by AMI pauses a recording",
    "dialplan": "no channel variable pauses a recording",
}
"""Classes of AMI events, and what stays unheard without them."""


def secret(site: Site) -> Iterator[Finding]:
    """Secrets are long and each its own. They are judged, never shown."""
    plan = site.plan
    held = {
        "asterisk.ari_password": (plan.asterisk.ari.user, plan.asterisk.ari.password),
        "asterisk.ami_secret": (plan.asterisk.ami.user, plan.asterisk.ami.secret),
        "guard.ami_secret": (plan.guard.user, plan.guard.secret),
        **database_secret(site),
    }
    yield from weak(held)
    yield from _shared({key: value for key, (_, value) in held.items() if value}, plan.guard == plan.asterisk.ami)


def database_secret(site: Anywhere) -> dict[str, tuple[str, str]]:
    """User and password of the database by its key; none where a socket's owner, a certificate or .pgpass tells."""
    database = _database(site.plan.database_url)
    return {"database.url": (database.get("user", ""), database["password"])} if "password" in database else {}


def weak(held: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
    """Secrets, with the users that they are of, by their keys in callguard.toml, that anybody could guess."""
    change = "a new one: openssl rand -hex 24"
    for key, (user, value) in held.items():
        if not value or value.lower() in DEFAULTS or value.lower() == user.lower():
            yield blocker("the secret is empty, a default, or the user's name", f"callguard.toml: {key}", change)
        elif len(value) < SHORT:
            yield warning(f"the secret has fewer than {SHORT} characters", f"callguard.toml: {key}", change)


def _shared(held: dict[str, str], one_account: bool) -> Iterator[Finding]:
    keys = [key for key in held if not (one_account and key == "guard.ami_secret")]
    for place, key in enumerate(keys):
        for other in keys[place + 1 :]:
            if held[key] == held[other]:
                yield warning(
                    f"{key} and {other} are the same secret", "callguard.toml", "a secret of its own for each"
                )


def database_role(site: Anywhere) -> Iterator[Finding]:
    """The controller logs in as the role that may add evidence and not change it."""
    user = _database(site.plan.database_url).get("user", "")
    if not user:
        why = "database.url names no user"
        yield unchecked("as whom the database is used", why, f"postgresql://{APP}:...@...")
    elif user != APP:
        what = f"the database is used as {user}, who is not bound by the grants of {APP}"
        yield blocker(what, "callguard.toml: database.url", f"postgresql://{APP}:...@...")
    if site.plan.owner_url:
        change = "leave it out; give CALLGUARD_OWNER_URL to `callguard db upgrade` when it is needed"
        what = "the owner's password lies beside the controller, which never needs it"
        yield warning(what, "callguard.toml: database.owner_url", change)


def _database(url: str) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except ProgrammingError:
        return {}  # said by the check of the database

"""Checks of the way to FreeSWITCH: reachable, let in, closed to others, able to do what it is asked for.

What belongs here: the event socket, versions, modules, commands. What does not: the dialplan (dialplan.py), folders.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

from callguard.doctor import folder
from callguard.doctor.freeswitch.dialplan import params
from callguard.doctor.link import own_clock, skew
from callguard.doctor.look import is_loopback
from callguard.doctor.privilege import database_secret, weak
from callguard.doctor.site import Finding, SwitchSite, blocker, unchecked, warning
from callguard.pbx.freeswitch.site import password_problem

Judge = Callable[[SwitchSite], Iterator[Finding]]
OLDEST = (1, 10)
CONF = "autoload_configs/event_socket.conf.xml"
ANYWHERE = ("::", "0.0.0.0", "*")
MODULES = {
    "mod_commands": "recordings are started, masked and stopped by its uuid_record",
    "mod_dptools": "the snippet and every notice are its applications",
    "mod_event_socket": "everything is heard and asked over it",
    "mod_sndfile": "nothing can be recorded or played as .wav without it",
    "mod_dialplan_xml": "the snippet is a dialplan of it",
    "mod_hash": "the snippet remembers with it who called an emergency number",
}
"""What has to be loaded, and why."""
APPS = ("answer", "playback", "socket", "set", "unset", "export", "hash", "transfer")
COMMANDS = (
    "uuid_record uuid_break uuid_broadcast uuid_buglist uuid_dump uuid_exists uuid_getvar uuid_kill uuid_setvar"
    " uuid_transfer sched_api sched_del show"
).split()


def _where(site: SwitchSite) -> str:
    return f"{site.plan.esl.host}:{site.plan.esl.port}"


def reached(site: SwitchSite) -> Iterator[Finding]:
    """The event socket answers and lets us in."""
    wrong = site.pbx.link
    if not wrong:
        return
    if "password" in wrong:
        change = f'{CONF}: <param name="password" value="..."/>, the same as callguard.toml: freeswitch.password'
    elif "turns us away" in wrong:
        line = '<param name="apply-inbound-acl" value="callguard"/>'
        change = f"{CONF}: {line}, and this machine in that list of acl.conf"
    else:
        change = f"{CONF}: listen-ip, listen-port; callguard.toml: freeswitch.host, port; load mod_event_socket"
    yield blocker(wrong, _where(site), change)


def version(site: SwitchSite) -> Iterator[Finding]:
    """FreeSWITCH is new enough."""
    said = site.pbx.version
    number = tuple(int(part) for part in said.split(".")[:2] if part.isdecimal())
    if len(number) < len(OLDEST):
        yield unchecked("the version of FreeSWITCH", "it did not say which it is")
    elif number < OLDEST:
        what = f"FreeSWITCH {said[:20]} is too old: its recorders and events are not those callguard relies on"
        yield blocker(what, _where(site), "install FreeSWITCH 1.10 or newer")


def password(site: SwitchSite) -> Iterator[Finding]:
    """The password of the event socket, and the database's, is nobody's guess. They are judged, never shown."""
    own = site.plan.esl
    if problem := password_problem(own.host, own.password):
        say = warning if is_loopback(own.host) else blocker
        yield say(problem, "callguard.toml: freeswitch.password", f'{CONF}: <param name="password" value="..."/>')
    else:
        yield from weak({"freeswitch.password": ("", own.password)})
    yield from weak(database_secret(site))


def sealed(site: SwitchSite) -> Iterator[Finding]:
    """What leaves this machine is encrypted: the password and callers' names pass over this link."""
    own = site.plan.esl
    if own.tls is None and not is_loopback(own.host):
        change = "callguard.toml: freeswitch.tls = true, and a TLS tunnel in front of the socket; or run on one machine"
        yield blocker("the event socket crosses the network without TLS", _where(site), change)


def closed(site: SwitchSite) -> Iterator[Finding]:
    """Nobody else can knock at the event socket: whoever gets in can run any command."""
    own = params(site.pbx.configuration.get("event_socket.conf", ""))
    if not own:
        yield unchecked("where the event socket listens", "its configuration could not be read", CONF)
    elif own.get("listen-ip", "") in ANYWHERE:
        listed = own.get("apply-inbound-acl", "")
        what = f"the event socket listens at every address ({own['listen-ip']})"
        what += f", for {listed[:40]} of acl.conf" if listed else ", for everybody"
        say = warning if listed else blocker
        yield say(what, f"{CONF}: listen-ip", '<param name="listen-ip" value="127.0.0.1"/>')
    for address in site.pbx.outside:
        public = ipaddress.ip_address(address).is_global
        what = f"the event socket answers on {address}, {'a public address' if public else 'which others can reach'}"
        yield (blocker if public else warning)(what, CONF, '<param name="listen-ip" value="127.0.0.1"/>')


def modules(site: SwitchSite) -> Iterator[Finding]:
    """Every module that is needed is loaded."""
    for name, why in MODULES.items():
        if name not in (site.pbx.modules or ()):
            line = f'autoload_configs/modules.conf.xml: <load module="{name}"/>'
            yield blocker(f"{name} is not loaded: {why}", "modules.conf.xml", line)


def commands(site: SwitchSite) -> Iterator[Finding]:
    """Every application and command that is needed is there."""
    lacks = [name for name in APPS if name not in (site.pbx.apps or APPS)]
    lacks += [name for name in COMMANDS if name not in (site.pbx.commands or ())]
    if lacks:
        what = f"FreeSWITCH does not know {', '.join(lacks)}"
        yield blocker(what, "modules.conf.xml", "load mod_commands and mod_dptools of this FreeSWITCH's own release")


def deadman(site: SwitchSite) -> Iterator[Finding]:
    """A stop can be scheduled and taken back: without the dead man's switch no recording starts."""
    if site.pbx.scheduled is None:
        yield unchecked("the dead man's switch", "the event socket could not be asked")
    elif not site.pbx.scheduled:
        what = "a scheduled stop cannot be taken back (sched_del is refused): no recording starts without that switch"
        yield blocker(what, _where(site), "load mod_commands; the password of event_socket.conf.xml, not a user's")


def shared(site: SwitchSite) -> Iterator[Finding]:
    """FreeSWITCH sees the recordings folder."""
    why = "it takes an answering event socket, and a path of letters, digits and _ . - / that callguard may write"
    yield from folder.reached(site, site.pbx.same_folder, why, "callguard.toml: recordings.directory")


def prompts(site: SwitchSite) -> Iterator[Finding]:
    """Complete, unaltered, and where FreeSWITCH sees them."""
    if site.pbx.prompts is False:
        what = "FreeSWITCH does not see the prompts: another path, machine or right; no notice can be played"
        change = "callguard.toml: prompts.directory, a folder that both reach under the same path"
        yield blocker(what, str(site.plan.prompts), change)
    yield from folder.prompts(site)


def clocks(site: SwitchSite) -> Iterator[Finding]:
    """Both clocks tell the same time: the log's times are evidence, and FreeSWITCH's are taken as they are."""
    yield from own_clock(site)
    if site.pbx.ahead is None:
        yield unchecked("the PBX's clock", "FreeSWITCH did not tell its time")
    else:
        yield from skew(site.pbx.ahead, _where(site))

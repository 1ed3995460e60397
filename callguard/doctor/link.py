"""Checks of the way to Asterisk: reachable, let in, the right version, the right clock, closed to others.

What belongs here: ARI and AMI as connections. What does not: what the accounts may do (privilege.py).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from callguard.doctor.look import is_loopback
from callguard.doctor.site import Anywhere, Finding, Site, blocker, unchecked, warning
from callguard.pbx.asterisk.version import OLDEST, major, too_old

SKEW_WARNING, SKEW_BLOCKER = 2.0, 30.0
"""Seconds between the PBX's clock and ours. The date that Asterisk gives is half a second off at most."""


def reached(site: Site) -> Iterator[Finding]:
    """ARI and both AMI accounts answer and let us in."""
    plan, pbx = site.plan, site.pbx
    if pbx.ari:
        change = f"ari.conf: [{plan.asterisk.ari.user}] as in ari_callguard.conf; or asterisk.ari_url, ari_password"
        yield blocker(f"ARI: {pbx.ari}", plan.asterisk.ari.url, change)
    for name, user, wrong in (("ami", plan.asterisk.ami.user, pbx.ami), ("guard", plan.guard.user, pbx.guard)):
        if wrong:
            change = f"manager.conf: [{user}] as in manager_callguard.conf; or {_keys(name)}"
            yield blocker(wrong, f"{plan.asterisk.ami.host}:{plan.asterisk.ami.port}", change)
    if pbx.ari_writes is False:
        yield blocker(f"ARI user {plan.asterisk.ari.user} may only read", "ari.conf", "read_only = no")


def _keys(name: str) -> str:
    return "guard.ami_user, ami_secret" if name == "guard" else "asterisk.ami_user, ami_secret"


def version(site: Site) -> Iterator[Finding]:
    """Asterisk is new enough."""
    if not site.pbx.version:
        yield unchecked("the version of Asterisk", "it did not say which it is")
        return
    if major(site.pbx.version) is None:
        yield unchecked("the version of Asterisk", f"it calls itself {site.pbx.version[:40]}")
    elif what := too_old(site.pbx.version):
        yield blocker(what, site.plan.asterisk.ari.url, f"install Asterisk {OLDEST} or newer")


def sealed(site: Site) -> Iterator[Finding]:
    """What leaves this machine is encrypted: passwords and callers' names pass over these links."""
    ari, ami = site.plan.asterisk.ari, site.plan.asterisk.ami
    url = urlsplit(ari.url)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        change = "http.conf: tlsenable = yes; callguard.toml: asterisk.ari_url = https://..."
        yield blocker("ARI crosses the network without TLS", ari.url, change)
    if ami.tls is None and not is_loopback(ami.host):
        change = "manager.conf: tlsenable = yes; callguard.toml: asterisk.ami_tls = true, ami_port = 5039"
        yield blocker("AMI crosses the network without TLS", f"{ami.host}:{ami.port}", change)


def closed(site: Site) -> Iterator[Finding]:
    """Nobody else can knock at ARI or AMI: whoever gets in can listen to calls."""
    files = {"AMI": "manager.conf", "ARI": "http.conf"}
    hosts = {"AMI": site.plan.asterisk.ami.host, "ARI": urlsplit(site.plan.asterisk.ari.url).hostname or ""}
    for name, host in hosts.items():
        if not is_loopback(host):
            why = (
                f"the PBX is another machine: {files[name]} there should bind to an address that only callguard reaches"
            )
            yield unchecked(f"who else can reach {name}", why)
    for name, address in site.pbx.outside:
        public = ipaddress.ip_address(address).is_global
        what = f"{name} answers on {address}, {'a public address' if public else 'which other machines can reach'}"
        yield (blocker if public else warning)(what, files[name], "bindaddr = 127.0.0.1")


def clocks(site: Site) -> Iterator[Finding]:
    """Both clocks tell the same time: the log's times are evidence."""
    yield from own_clock(site)
    if site.pbx.ahead is None:
        yield unchecked("the PBX's clock", "ARI did not tell its time")
    else:
        yield from skew(site.pbx.ahead, site.plan.asterisk.ari.url)


def own_clock(site: Anywhere) -> Iterator[Finding]:
    """Something keeps our clock right."""
    if not site.host.synchronised:
        change = "run chrony or systemd-timesyncd here, or on the host of this container"
        yield warning("nothing keeps this machine's clock right: times in the log may drift", "this machine", change)


def skew(ahead: float, where: str) -> Iterator[Finding]:
    """The PBX, reached at WHERE, is AHEAD seconds of us."""
    if abs(ahead) > SKEW_WARNING:
        what = f"the PBX's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours"
        say = blocker if abs(ahead) > SKEW_BLOCKER else warning
        yield say(what, where, "run chrony or systemd-timesyncd on both machines")

"""Checks of files and folders: recordings, data directory, key, configuration, prompts.

What belongs here: what is on this machine's disks and who may touch it. What does not: the database, the PBX's
answers.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from callguard.core.disclosure import render_command
from callguard.doctor.look import account, may
from callguard.doctor.site import Anywhere, Finding, Site, blocker, unchecked, warning
from callguard.engine.script import Scripts
from callguard.errors import BadInput
from callguard.store.keys import load_master_key

SOCKET_BYTES = 107
"""Longest path of a unix socket."""
SOCKETS = ("control.sock", "guard.sock")
ROOM = 2
"""Free space below this many floors is soon none."""
NETWORK = frozenset("nfs nfs4 cifs smb3 smbfs fuse.sshfs 9p ceph glusterfs fuse.glusterfs".split())
_KEY = "callguard.toml: recordings.directory"


def recordings(site: Anywhere) -> Iterator[Finding]:
    """The recordings folder is there, ours, local, closed to others, with room."""
    folder = site.plan.recordings
    if not folder.is_dir():
        yield blocker("the recordings folder is not there", f"{_KEY}: {folder}", f"install -d -m 2770 {folder}")
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        what = "callguard may not read and write the recordings folder"
        yield blocker(what, str(folder), f"chgrp a group of both on {folder}; chmod 2770")
    if stat.S_IMODE(folder.stat().st_mode) & 0o007:
        what = "everybody on this machine can get into the recordings folder"
        yield warning(what, str(folder), f"chmod o= {folder}")
    if (kind := filesystem(folder)) in NETWORK:
        what = f"the recordings folder lies on the network ({kind}): a stop may not reach the file in time"
        yield warning(what, _KEY, "a local disk")
    yield from _room(folder, site.plan.floor)


def _room(folder: Path, floor: int) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    said = f"{free // 1_000_000} MB free, the floor is {floor // 1_000_000} MB"
    if free < floor:
        yield blocker(f"{said}: no recording starts", str(folder), "make room, or callguard.toml: recordings.floor_mb")
    elif free < floor * ROOM:
        yield warning(f"{said}: soon no recording starts", str(folder), "make room")


def filesystem(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The kind of file system that FOLDER lies on, '' where the kernel does not say."""
    try:
        rows = [line.split() for line in mounts.read_text(errors="replace").splitlines()]
    except OSError:
        return ""
    real = folder.resolve()
    over = [row for row in rows if len(row) > 2 and real.is_relative_to(row[1].replace("\\040", " "))]
    return max(over, key=lambda row: len(row[1]), default=["", "", ""])[2]


def shared(site: Site) -> Iterator[Finding]:
    """Asterisk sees the recordings folder under the same path, and may write there."""
    why = "it takes an answering AMI, module func_config, and a folder that callguard may write"
    yield from reached(site, site.pbx.same_folder, why, "modules.conf: load => func_config.so")


def reached(site: Anywhere, seen: bool | None, why: str, change: str) -> Iterator[Finding]:
    """The PBX sees the recordings folder under the same path, and may write there. WHY it is not known; CHANGE."""
    folder, name = site.plan.recordings, site.plan.name
    if not folder.is_dir():
        yield unchecked(f"whether {name} may use the recordings folder", "it is not there")
        return
    if seen is None:
        yield unchecked(f"whether {name} sees the same recordings folder", why, change)
    elif not seen:
        what = f"{name} does not see what callguard puts into the recordings folder: another path, machine or right"
        yield blocker(what, f"{_KEY}: {folder}", "a folder that both reach under the same path")
    user = site.host.pbx_user
    if user is None:
        yield unchecked(f"whether {name} may write the recordings folder", "it is not known under which user it runs")
    elif not may(user, folder, os.R_OK | os.W_OK | os.X_OK):
        what = f"{account(user)}, under which {name} runs, may not write the recordings folder, as owner and mode tell"
        yield blocker(what, str(folder), f"chown {account(user)} {folder}, or a common group and chmod 2770")


def data(site: Anywhere) -> Iterator[Finding]:
    """The data directory is ours alone, and short enough for its sockets."""
    folder = site.plan.data
    longest = max(len(os.fsencode(folder / name)) for name in SOCKETS)
    if longest > SOCKET_BYTES:
        what = f"a socket's path would have {longest} bytes, {SOCKET_BYTES} are possible"
        yield blocker(what, "callguard.toml: data_dir", "a shorter path")
    if not folder.exists():
        there = next(parent for parent in folder.parents if parent.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            yield blocker(f"the data directory cannot be made in {there}", str(folder), f"install -d -m 700 {folder}")
    elif not (folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)):
        yield blocker(
            "callguard may not use the data directory", str(folder), f"chown it to callguard's user: {folder}"
        )
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield warning("others can get into the data directory", str(folder), f"chmod 700 {folder}")


def spool(site: Anywhere) -> Iterator[Finding]:
    """Nothing of the event log was left behind in the spool."""
    aside = sorted(site.plan.spool.glob("*.aside"))
    if aside:
        what = (
            f"{len(aside)} file(s) of events that the event log could not take: these calls have gaps in their evidence"
        )
        change = "keep a copy, look for the reason in syslog at the file's time, then move it elsewhere"
        yield warning(what, str(aside[0]), change)


def user(site: Anywhere) -> Iterator[Finding]:
    """These checks run as the user that callguard runs as: only then do they see what it may do."""
    folder = site.plan.data
    if folder.is_dir() and (owner := folder.stat().st_uid) != os.getuid():
        why = f"this is {account(os.getuid())}, and the data directory is {account(owner)}'s"
        change = f"sudo -u {account(owner)} callguard doctor --config {site.plan.config}"
        yield unchecked("what callguard's own user may do", why, change)


def key(site: Anywhere) -> Iterator[Finding]:
    """The master key can be read, by callguard alone."""
    try:
        load_master_key(site.plan.master_key)
    except BadInput as problem:
        change = f"chmod 600 {site.plan.master_key}; or a new one, for a new site, by `callguard init`"
        yield blocker(str(problem), "callguard.toml: master_key", change)


def configuration(site: Anywhere) -> Iterator[Finding]:
    """callguard.toml, which holds secrets, is not for everybody."""
    path = site.plan.config
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield warning("others can read callguard.toml, which holds secrets", str(path), f"chmod 600 {path}")


def alerts(site: Anywhere) -> Iterator[Finding]:
    """Incidents are told somewhere besides the database."""
    syslog = site.plan.syslog
    if not syslog:
        what = "incidents reach no syslog: standard error has them, and webhook or mail where they are configured"
        yield warning(what, "callguard.toml: alerts.syslog", 'syslog = "/dev/log"')
    elif syslog.startswith("/") and not Path(syslog).exists():
        what = f"{syslog} is not there: incidents reach standard error, and webhook or mail where they are configured"
        yield warning(what, "callguard.toml: alerts.syslog", "run a syslog service, or name a host:port")


def prompts(site: Anywhere) -> Iterator[Finding]:
    """Every prompt that the policy needs is there, unaltered, and the PBX can read it."""
    policy, root = site.plan.policy, site.plan.prompts
    if policy is None:
        yield unchecked("the prompts", "the policy does not load")
        return
    scripts, problems = Scripts.load_leniently(policy, root)
    for problem in problems:
        yield blocker(problem, str(root), "put the file back, or make the folder anew: callguard prompts render")
    complete = {language for language, known in scripts.languages.items() if known}
    for kind, language, name in scripts.missing(policy):
        if language in complete:
            change = f"{render_command(kind, language)}; or name another notice in policy.toml"
            yield blocker(f"no prompt {name} in {language}", str(root / language), change)
    for language in sorted(complete):
        heard = [*scripts.languages[language].values()]
        heard += [prompt for (_, other), own in scripts.own.items() if other == language for prompt in own.values()]
        yield from _heard(site, [prompt.path for prompt in heard], str(root / language))


def _heard(site: Anywhere, paths: list[Path], where: str) -> Iterator[Finding]:
    user, name = site.host.pbx_user, site.plan.name
    if user is None:
        yield unchecked(f"whether {name} may read the prompts", "it is not known under which user it runs")
    elif closed := [path for path in paths if not may(user, path, os.R_OK)]:
        what = (
            f"{account(user)}, under which {name} runs, may not read {len(closed)} prompt(s): no notice can be played"
        )
        yield blocker(what, where, "install callguard where everybody may read, or copy the prompts: prompts.directory")

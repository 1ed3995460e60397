"""Looks at this machine: clock, addresses, who listens, who may write, the two sockets, the database.

What belongs here: reading, without changing anything. What does not: the PBX's own answers (ask.py, switch.py),
judging.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import ipaddress
import json
import os
import pwd
import socket
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callguard.doctor.site import HostSeen, Plan
from callguard.engine import clock
from callguard.errors import CallguardError
from callguard.store import schema
from callguard.store.share import Share, count_modes

ANSWER_SECONDS = 3.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC of adjtimex(2)."""
_NO_CLOCK = 5
"""TIME_ERROR of adjtimex(2)."""
_SIOCGIFADDR = 0x8915
_LISTENS = "0A"


async def look(plan: Plan, host: str, port: int) -> HostSeen:
    """What this machine shows; the PBX listens at HOST, PORT. Never raises for what is merely wrong there."""
    control, heartbeat, database, share = await asyncio.gather(
        ask_socket(plan.data / "control.sock", b'{"do": "list"}\n'),
        ask_socket(plan.data / "guard.sock", b"status\n"),
        asyncio.to_thread(database_problems, plan.database_url),
        asyncio.to_thread(last_week, plan.database_url),
    )
    return HostSeen(
        today=clock.read().wall.date(),
        control=control,
        heartbeat=heartbeat,
        pbx_user=listener(port) if is_loopback(host) else None,
        database=database,
        synchronised=synchronised(),
        share=share,
    )


async def ask_socket(path: Path, line: bytes) -> Mapping[str, object] | None:
    """The JSON object that answers LINE on a unix socket, or None."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                writer.write(line)
                answer = json.loads(await reader.readline())
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError):
        return None
    return answer if isinstance(answer, dict) else None


def database_problems(url: str) -> tuple[tuple[str, str], ...]:
    """(code, sentence) of what is wrong with the database; "unreachable" where it cannot be asked."""
    try:
        found = schema.check(url, datetime.now(UTC).date())
    except CallguardError as error:
        return (("unreachable", str(error)),)
    return tuple((finding.code, finding.text) for finding in found)


def last_week(url: str) -> tuple[Share, ...] | str:
    """The calls of the last seven days by the rule that they stood under, or why they cannot be counted."""
    try:
        return count_modes(url, datetime.now(UTC) - timedelta(days=7))
    except CallguardError as error:
        return str(error)


def synchronised() -> bool:
    """Whether the kernel says that something keeps its clock right (adjtimex, read only)."""
    buffer = (ctypes.c_long * 64)()
    libc = ctypes.CDLL(None, use_errno=True)
    state = libc.adjtimex(ctypes.byref(buffer)) if hasattr(libc, "adjtimex") else _NO_CLOCK
    status = ctypes.cast(ctypes.byref(buffer, 5 * ctypes.sizeof(ctypes.c_long)), ctypes.POINTER(ctypes.c_int))[0]
    return bool(state != _NO_CLOCK and not status & _UNSYNCHRONISED)


def is_loopback(host: str) -> bool:
    """Whether HOST is this machine, unreachable from any other."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK


def own_addresses() -> tuple[str, ...]:
    """This machine's IPv4 and IPv6 addresses that others could reach."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                found.append(socket.inet_ntoa(fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)[20:24]))
            except OSError:
                continue  # it has no IPv4 address
    usable = [one for one in dict.fromkeys(found + _six()) if not ipaddress.ip_address(one).is_loopback]
    return tuple(one for one in usable if not ipaddress.ip_address(one).is_link_local)


def _six() -> list[str]:
    try:
        lines = Path("/proc/net/if_inet6").read_text("ascii").splitlines()
    except OSError:
        return []
    return [str(ipaddress.IPv6Address(int(line.split()[0], 16))) for line in lines]


def listener(port: int) -> int | None:
    """The uid of who listens on TCP PORT of this machine, or None where the kernel does not say."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in Path(table).read_text("ascii").splitlines()[1:]]
        except OSError:
            continue
        for row in rows:
            if row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port:
                return int(row[7])
    return None


def account(uid: int) -> str:
    """The name of UID."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def may(uid: int, path: Path, want: int) -> bool:
    """Whether UID may do WANT (4 read, 2 write, 1 pass; added up) with PATH, as owner, group and mode tell.

    Every folder above must let it pass. False where PATH is not there.
    """
    groups = _groups(uid)
    try:
        above = all(_allows(folder.stat(), uid, groups, os.X_OK) for folder in path.resolve().parents)
        return above and _allows(path.stat(), uid, groups, want)
    except OSError:
        return False


def _groups(uid: int) -> frozenset[int]:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return frozenset()
    return frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid))


def _allows(stat: os.stat_result, uid: int, groups: frozenset[int], want: int) -> bool:
    if uid == 0:
        return True
    shift = 6 if stat.st_uid == uid else 3 if stat.st_gid in groups else 0
    return (stat.st_mode >> shift) & want == want

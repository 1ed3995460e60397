"""Asks the real FreeSWITCH over its event socket, and changes nothing there.

What belongs here: requests that read, and their answers as values. What does not: judging them (the checks), this
machine (look.py).
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from callguard.doctor.ask import opens
from callguard.doctor.look import is_loopback, own_addresses
from callguard.doctor.site import SwitchPlan, SwitchSeen
from callguard.errors import BadInput, CallguardError, PbxRefused, Unreachable
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.site import OWN_PREFIX

FILES = ("event_socket.conf", "callcenter.conf", "conference.conf", "fifo.conf", "sofia.conf")
"""Configurations that are asked for: where the socket listens, and what else records."""
PATIENCE = 20.0
"""A dialplan of some megabytes takes a while."""
_VERSION = re.compile(r"Version ([0-9][0-9.]*)")
_NAME = re.compile(r"[A-Za-z0-9_./-]+\Z")
"""A path that goes into a command as it stands."""
_PROMPTS = 20


async def ask(plan: SwitchPlan) -> SwitchSeen:
    """What FreeSWITCH shows. A link that fails is a fact, not an error."""
    try:
        esl = await Esl.connect(plan.esl, _ignore, heartbeat=PATIENCE, patience=PATIENCE)
    except (Unreachable, BadInput) as wrong:
        return SwitchSeen(link=str(wrong), outside=await _outside(plan))
    try:
        return await _read(plan, esl)
    except CallguardError as wrong:
        return SwitchSeen(link=str(wrong))
    finally:
        await esl.close()


async def _read(plan: SwitchPlan, esl: Esl) -> SwitchSeen:
    version = _VERSION.search(await _said(esl, "version"))
    files = {name: await _xml(esl, f"configuration configuration name {name}") for name in FILES}
    sent = time.time()
    epoch = await _said(esl, "strepoch")
    return SwitchSeen(
        version=version[1] if version else "",
        ahead=int(epoch) + 0.5 - (sent + time.time()) / 2 if epoch.isdecimal() else None,
        modules=await _names(esl, "modules", "ikey"),
        apps=await _names(esl, "application", "name"),
        commands=await _names(esl, "api", "name"),
        dialplan=await _xml(esl, "dialplan"),
        configuration={**files, "directory": await _xml(esl, "directory")},
        constants=dict(line.split("=", 1) for line in (await _said(esl, "global_getvar")).splitlines() if "=" in line),
        same_folder=await _same_folder(plan.recordings, esl),
        prompts=await _prompts(_some(plan.prompts), esl),
        scheduled=(await _said(esl, f"sched_del {OWN_PREFIX}doctor-{secrets.token_hex(8)}")).startswith("+OK"),
        outside=await _outside(plan),
    )


async def _said(esl: Esl, command: str) -> str:
    """The answer to an API command, '' where it is refused. Raises LinkDown."""
    try:
        return await esl.ask(f"api {command}")
    except PbxRefused:
        return ""


async def _xml(esl: Esl, what: str) -> str:
    """A part of the configuration as it is loaded; '' where FreeSWITCH has none of its own."""
    text = await _said(esl, f"xml_locate {what}")
    return text if text.startswith("<") else ""


async def _names(esl: Esl, what: str, key: str) -> frozenset[str] | None:
    """The values of KEY in a list; None where it cannot be had."""
    try:
        rows = json.loads(await _said(esl, f"show {what} as json"))["rows"]
        return frozenset(str(row[key]) for row in rows)
    except (ValueError, KeyError, TypeError):
        return None


async def _sees(esl: Esl, path: Path) -> bool | None:
    """Whether FreeSWITCH sees PATH; None where it cannot be asked."""
    if not _NAME.match(str(path)):
        return None
    return {"true": True, "false": False}.get(await _said(esl, f"file_exists {path}"))


async def _same_folder(folder: Path, esl: Esl) -> bool | None:
    """Whether FreeSWITCH sees, under the same path, a file that we put there for a moment."""
    with _planted(folder) as path:
        return await _sees(esl, path) if path else None


def _some(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.wav"))[:_PROMPTS]


async def _prompts(paths: list[Path], esl: Esl) -> bool | None:
    """Whether FreeSWITCH sees the prompts, as far as a few of them tell."""
    seen = [await _sees(esl, path) for path in paths]
    return None if not seen or None in seen else all(seen)


@contextmanager
def _planted(folder: Path) -> Iterator[Path | None]:
    path = folder / f"{OWN_PREFIX}doctor-{secrets.token_hex(8)}"
    try:
        path.touch()
    except OSError:
        yield None
        return
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink()


async def _outside(plan: SwitchPlan) -> tuple[str, ...]:
    """Addresses of this machine that others can reach and where the event socket answers."""
    if not is_loopback(plan.esl.host):
        return ()
    addresses = own_addresses()
    reached = await asyncio.gather(*(opens(address, plan.esl.port) for address in addresses))
    return tuple(address for address, there in zip(addresses, reached, strict=True) if there)


def _ignore(message: Message) -> None:
    """The doctor asks for no event."""

"""Asks the real Asterisk, over ARI and AMI, and changes nothing there.

What belongs here: requests that read, and their answers as values. What does not: judging them (the checks), this
machine (look.py). ARI's websocket is never opened: it would take the application away from a running controller.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from callguard.core.purpose import Indicator
from callguard.doctor.look import is_loopback, own_addresses
from callguard.doctor.site import AsteriskPlan, PbxSeen, Sections, Step
from callguard.errors import LinkDown, PbxRefused, Unreachable
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.site import AmiAddress, AriAddress
from callguard.pbx.asterisk.translate import parts

REQUEST_SECONDS = 5.0
LIST_SECONDS = 30.0
"""A dialplan of 50,000 lines is listed in a few seconds."""
KNOCK_SECONDS = 1.0
FILES = ("features.conf", "queues.conf", "confbridge.conf")
"""What is read of Asterisk's configuration, where the account may: never a file that holds secrets."""
SENDS = ("send_pai", "send_rpid")
"""What lets a phone hear of another name."""
_PJSIP = re.compile(r"PJSIP/[A-Za-z0-9_.+@-]+")
_MARK = "callguard-doctor"
_EVERYTHING = {"__AST_DEVICE_STATE_ALL_TOPIC"}
"""What ARI lists where an application asked for all device states, as `subscribeAll` does."""


async def ask(plan: AsteriskPlan) -> PbxSeen:
    """What Asterisk shows. A link that fails is a fact, not an error."""
    shown = asyncio.create_task(_ask_ari(plan.asterisk.ari))
    ari, ami, guard, outside = await asyncio.gather(
        shown, _ask_ami(plan, shown), _ask_guard(plan.guard), _outside(plan)
    )
    return replace(
        ari,
        ami=ami.ami,
        commands=ami.commands,
        dialplan=ami.dialplan,
        includes=ami.includes,
        files=ami.files,
        phones=ami.phones,
        app=ami.app,
        read=ami.read,
        same_folder=ami.same_folder,
        guard=guard.guard,
        guard_commands=guard.guard_commands,
        version=ari.version or ami.version,
        outside=outside,
    )


# ---------------------------------------------------------------- ARI
@dataclass(frozen=True)
class _Answer:
    status: int
    document: object
    ahead: float | None


@dataclass(frozen=True)
class _Ari:
    """Requests with ARI's user. Raises LinkDown."""

    address: AriAddress
    session: aiohttp.ClientSession

    async def request(self, path: str, method: str = "GET") -> _Answer:
        url = f"{self.address.url.rstrip('/')}/{path}"
        try:
            sent = time.time()
            async with self.session.request(method, url, ssl=self.address.tls or True) as answer:
                ahead = _ahead(answer.headers.get("Date", ""), (sent + time.time()) / 2)
                kind = answer.content_type
                return _Answer(answer.status, await answer.json() if "json" in kind else None, ahead)
        except aiohttp.ClientSSLError as wrong:
            raise LinkDown("TLS fails: check scheme, port and certificate") from wrong
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as wrong:
            raise LinkDown(f"no answer ({type(wrong).__name__}): check host, port, http.conf and ari.conf") from wrong

    async def objects(self, path: str) -> list[Mapping[str, object]] | None:
        """The JSON list at PATH, or None where it is refused."""
        answer = await self.request(path)
        return parts(answer.document) if answer.status == 200 else None


def _ahead(date: str, now: float) -> float | None:
    """Seconds that an HTTP date is ahead of NOW; it is cut to whole seconds, half a second off on average."""
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - now
    except ValueError:
        return None


async def _ask_ari(address: AriAddress) -> PbxSeen:
    credentials = b64encode(f"{address.user}:{address.password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        ari = _Ari(address, session)
        try:
            entrance = await ari.request("applications")
            if entrance.status != 200:
                return PbxSeen(ari=_refusal(entrance.status, address))
            return await _read_ari(ari, entrance)
        except LinkDown as silent:
            return PbxSeen(ari=str(silent))


def _refusal(status: int, address: AriAddress) -> str:
    match status:
        case 401:
            return f"wrong password or unknown user {address.user}"
        case 404:
            return "nothing under this path: the URL should end in /ari, and res_ari must be loaded"
        case _:
            return f"HTTP status {status}: does this URL lead to Asterisk's ARI?"


async def _read_ari(ari: _Ari, entrance: _Answer) -> PbxSeen:
    info = await ari.request("asterisk/info")
    modules, endpoints = await ari.objects("asterisk/modules"), await ari.objects("endpoints")
    # nothing has this id: who may write is told "not found", who may only read is told so
    tried = await ari.request(f"playbacks/{_MARK}-{secrets.token_hex(8)}", "DELETE")
    return PbxSeen(
        ari_writes=tried.status != 403,
        version=_version(info.document),
        modules=None if modules is None else _statuses(modules),
        technologies=None if endpoints is None else Counter(str(one.get("technology")) for one in endpoints),
        endpoints=None
        if endpoints is None
        else tuple(f"{one.get('technology')}/{one.get('resource')}" for one in endpoints),
        applications=tuple(str(one.get("name")) for one in parts(entrance.document)),
        eager=tuple(str(one.get("name")) for one in parts(entrance.document) if _EVERYTHING & _devices(one)),
        ahead=entrance.ahead,
    )


def _devices(application: Mapping[str, object]) -> set[str]:
    """The device states that an application has sent."""
    names = application.get("device_names")
    return {str(name) for name in names} if isinstance(names, list) else set()


def _version(info: object) -> str:
    system = info.get("system") if isinstance(info, Mapping) else None
    return str(system.get("version", "")) if isinstance(system, Mapping) else ""


def _statuses(modules: list[Mapping[str, object]]) -> dict[str, str]:
    return {str(one.get("name")).removesuffix(".so"): str(one.get("status")) for one in modules}


# ---------------------------------------------------------------- AMI
async def _ask_guard(address: AmiAddress) -> PbxSeen:
    try:
        ami = await Ami.connect(address, _ignore)
    except Unreachable as wrong:
        return PbxSeen(guard=str(wrong))
    try:
        return PbxSeen(guard_commands=await _commands(ami))
    except LinkDown as wrong:
        return PbxSeen(guard=str(wrong))
    finally:
        await ami.close()


async def _ask_ami(plan: AsteriskPlan, shown: Awaitable[PbxSeen]) -> PbxSeen:
    heard: asyncio.Queue[Message] = asyncio.Queue()
    try:
        ami = await Ami.connect(plan.asterisk.ami, heard.put_nowait, heartbeat=LIST_SECONDS)
    except Unreachable as wrong:
        return PbxSeen(ami=str(wrong))
    try:
        return replace(await _read_ami(plan, ami, heard), phones=await _phones(plan, ami, (await shown).endpoints))
    except LinkDown as wrong:
        return PbxSeen(ami=str(wrong))
    finally:
        await ami.close()


async def _read_ami(plan: AsteriskPlan, ami: Ami, heard: asyncio.Queue[Message]) -> PbxSeen:
    listed = await _dialplan(ami, heard)
    return PbxSeen(
        commands=await _commands(ami),
        version=await _answer(ami, "CoreSettings", "AsteriskVersion") or "",
        dialplan=None if listed is None else tuple(step for message in listed for step in _steps(message)),
        includes=_includes(listed or []),
        files={name: await _file(ami, name) for name in FILES},
        app=await _answer(ami, "Getvar", "Value", Variable="GLOBAL(CALLGUARD_APP)"),
        read=await _config_value(ami, f"manager.conf,{plan.asterisk.ami.user},read"),
        same_folder=await _same_folder(plan.recordings, ami),
    )


async def _answer(ami: Ami, action: str, key: str, **headers: str) -> str | None:
    """One header of an answer; None where Asterisk says no."""
    try:
        return (await ami.action(action, **headers)).get(key)
    except PbxRefused:
        return None


async def _commands(ami: Ami) -> frozenset[str]:
    """The actions that this account may use: Asterisk lists no others."""
    try:
        listed = await ami.action("ListCommands")
    except PbxRefused:
        return frozenset()
    return frozenset(name for name, _ in listed.headers) - {"Response", "ActionID", "Message"}


async def _dialplan(ami: Ami, heard: asyncio.Queue[Message]) -> list[Message] | None:
    """The dialplan as it is loaded, line by line; None where the account may not see it."""
    try:
        mine = (await ami.action("ShowDialPlan")).get("ActionID")
    except PbxRefused:
        return None
    try:
        async with asyncio.timeout(LIST_SECONDS):
            return [message async for message in _list(heard, mine)]
    except TimeoutError:
        return None


async def _list(heard: asyncio.Queue[Message], action: str) -> AsyncIterator[Message]:
    """The answers to ACTION up to the one that says they are complete."""
    while (message := await heard.get()).get("EventList") != "Complete" or message.get("ActionID") != action:
        if message.get("ActionID") == action:
            yield message


def _steps(message: Message) -> Iterator[Step]:
    priority = message.get("Priority")
    if priority.isdecimal():  # neither a hint nor an include
        yield Step(
            context=message.get("Context"),
            extension=message.get("Extension"),
            priority=int(priority),
            label=message.get("ExtensionLabel"),
            app=message.get("Application"),
            data=message.get("AppData"),
        )


def _includes(messages: list[Message]) -> dict[str, tuple[str, ...]]:
    """What each context includes, in the order in which Asterisk looks."""
    found: dict[str, tuple[str, ...]] = {}
    for message in messages:
        if included := message.get("IncludeContext"):
            context = message.get("Context")
            found[context] = (*found.get(context, ()), included.partition(",")[0])
    return found


async def _file(ami: Ami, name: str) -> Sections | None:
    """A configuration file as Asterisk reads it, {} where it is not there, None where this account may not see it."""
    try:
        answer = await ami.action("GetConfig", Filename=name)
    except PbxRefused as no:
        return {} if "not found" in no.reason else None
    if answer.cut:
        return None
    return sections(answer.headers)


def sections(headers: tuple[tuple[str, str], ...]) -> Sections:
    """(key, value) pairs by category, from "Category-000001: general" and "Line-000001-000000: key=value"."""
    names: dict[str, str] = {}
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for header, value in headers:
        kind, _, number = header.partition("-")
        if kind == "Category":
            names[number] = value
            found.setdefault(value, ())
        elif kind == "Line" and (name := names.get(number.partition("-")[0])) is not None:
            key, _, text = value.partition("=")
            found[name] += ((key.strip(), text.removeprefix(">").strip()),)
    return found


async def _config_value(ami: Ami, place: str) -> str | None:
    """One value of Asterisk's configuration; None where func_config is not loaded or there is none."""
    return await _answer(ami, "Getvar", "Value", Variable=f"AST_CONFIG({place})") or None


async def _phones(plan: AsteriskPlan, ami: Ami, endpoints: tuple[str, ...] | None) -> dict[str, bool] | None:
    """Whether a changed name is sent to each agent's endpoint where a call type shows one; None where that cannot be
    asked."""
    types = plan.policy.call_types.values() if plan.policy else ()
    kinds = [kind for kind in types if kind.indicator is Indicator.NAME]
    if kinds and endpoints is None:
        return None
    found: dict[str, bool] = {}
    for name in endpoints or ():
        if _PJSIP.fullmatch(name) and any(kind.is_agent(name) for kind in kinds):
            sends = await _sends(ami, name)
            if sends is None:
                return None
            found[name] = sends
    return found


async def _sends(ami: Ami, endpoint: str) -> bool | None:
    asked = [f"PJSIP_ENDPOINT({endpoint.removeprefix('PJSIP/')},{option})" for option in SENDS]
    values = {await _answer(ami, "Getvar", "Value", Variable=one) for one in asked}
    return None if values & {None, ""} else bool(values & {"true", "yes"})


async def _same_folder(folder: Path, ami: Ami) -> bool | None:
    """Whether Asterisk reads, under the same path, a word that we put there; None where that cannot be asked."""
    if not await _config_value(ami, "asterisk.conf,directories,astetcdir") and not await _loads(ami):
        return None
    with _planted(folder) as (name, word):
        return None if not name or set(name) & set(",\r\n") else await _config_value(ami, f"{name},probe,word") == word


async def _loads(ami: Ami) -> bool:
    return await _answer(ami, "Getvar", "Value", Variable="IFMODULE(func_config.so)") == "1"


@contextmanager
def _planted(folder: Path) -> Iterator[tuple[str, str]]:
    """A small file in FOLDER for as long as it is needed: its path, and the random word in it."""
    path, word = folder / f"{_MARK}-{secrets.token_hex(8)}.conf", secrets.token_hex(8)
    try:
        path.write_text(f"[probe]\nword={word}\n")
        path.chmod(0o644)
    except OSError:
        yield "", word
        return
    try:
        yield str(path), word
    finally:
        with suppress(OSError):
            path.unlink()


# ---------------------------------------------------------------- from outside
async def _outside(plan: AsteriskPlan) -> tuple[tuple[str, str], ...]:
    """Which links answer on an address of this machine that others can reach: only asked of a PBX on this machine."""
    ami, url = plan.asterisk.ami, urlsplit(plan.asterisk.ari.url)
    doors = [
        ("AMI", ami.host, ami.port),
        ("ARI", url.hostname or "", url.port or (443 if url.scheme == "https" else 80)),
    ]
    tries = [(name, own, port) for name, host, port in doors if is_loopback(host) for own in own_addresses()]
    open_ = await asyncio.gather(*(opens(own, port) for _, own, port in tries))
    return tuple((name, own) for (name, own, _), reached in zip(tries, open_, strict=True) if reached)


async def opens(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _ignore(message: Message) -> None:
    """The doctor listens to no event of this account."""

"""Caller ids that attack, through real SIP calls, all the way to the database, the log and the command line."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from callguard.errors import Unreachable
from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from callguard.store.keys import load_master_key
from callguard.store.query import QUERIES
from callguard.store.statement import Sealer
from tests.e2e.corpus import CANARY, FORGED, PWNED, escaped, paired, quoted, strings
from tests.e2e.site import Site, is_over, states

COUNT = 520
"""Strings. A call carries two: one as its name, one as its number."""
AT_ONCE = 8
PATIENCE = 20.0
TORN = 16
"""Every so many pairs are sent once more as they are, quotes and all: that may be no SIP any more."""
OURS = re.compile(r"[0-9a-f-]{36}(-left|-right)?\.wav")


async def caller(site: Site, work: list[tuple[bytes, bytes]], patience: float = PATIENCE) -> int:
    """One phone that makes call after call and gives each up once it is answered; how many were."""
    taken = 0
    async with await Phone.open("caller", site.stand.asterisk.server) as phone:
        while work:
            name, number = work.pop()
            call = await phone.dial("support_14", display=name, user=number)
            with suppress(Unreachable):  # without escapes not every one of them is SIP at all
                await call.answered(timeout=patience)
                taken += 1
            await call.hangup()
    return taken


async def recorded(site: Site, name: bytes, number: bytes) -> None:
    """A call of this caller that is recorded to its end."""
    server, ports = site.stand.asterisk.server, site.stand.asterisk.agent_ports
    agent = await Phone.open("agent3", server, port=ports["agent3"], answer_after=0.05, media=CounterTone(20000))
    async with agent, await Phone.open("caller", server) as phone:
        call = await phone.dial("support_3", media=CounterTone(), display=name, user=number)
        await call.answered()
        await asyncio.sleep(1.6)  # the notice
        await call.press("1")
        await (await agent.incoming()).answered()
        await asyncio.sleep(2.5)
        await call.hangup()


def reaped(pid: int) -> int:
    """Page faults of all children that this process ever had and waited for: no child can live without any."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[8])


def alive(pid: int) -> set[str]:
    """Its children now."""
    return {child for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()}


def names_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def at_rest(folder: Path) -> list[str]:
    """Files below FOLDER that hold a name in the clear: tables, their log of changes, spool, register."""
    found = subprocess.run(["grep", "-rla", CANARY, folder], capture_output=True, text=True, check=False)
    return found.stdout.splitlines()


def forged(text: str) -> list[str]:
    """Lines that somebody else than the program wrote."""
    return [line for line in text.splitlines() if line.startswith((FORGED, "Event:", "X-Evil:"))]


def spoken_in(log: str, corpus: Iterable[bytes]) -> list[str]:
    """Lines of LOG that hold any line of any string, whatever ended that line."""
    texts = (re.split(r"[\x00-\x1f\x85\u2028\u2029]", name.decode(errors="replace")) for name in corpus)
    parts = {part.strip() for text in texts for part in text if len(part.strip()) >= 6}
    return [line for line in log.splitlines() if any(part in line for part in parts)]


async def said_of(site: Site, call_id: str) -> str:
    """What the command line says about all calls, and about this one."""
    config = ("--config", str(site.stand.config))
    said = [(await site.stand.run("calls", "list", "--stored", "--limit", "1000", *config))[1]]
    said += [(await site.stand.run("calls", word, call_id, *config))[1] for word in ("show", "card")]
    return "\n".join(said)


async def values_of(site: Site, call_ids: Iterable[str]) -> list[tuple[str, str]]:
    """Name and number of every caller, as the database holds them under a key of its own."""
    found: list[tuple[str, str]] = []
    sealer = Sealer(load_master_key(site.stand.work / "master.key"))
    async with await AsyncConnection.connect(site.stand.postgres.app_dsn, row_factory=dict_row) as connection:
        for call_id in call_ids:
            rows = await (await connection.execute(QUERIES["parties"], {"call_id": call_id})).fetchall()
            parties = map(sealer.opened_party, rows)
            found += [(item.values["display"], item.values["number"]) for item in parties if item.role == "far"]
    return found


def test_the_checks_see_what_they_are_for() -> None:
    log = f"callguard: fine\n{FORGED}\n"
    assert forged(log) == spoken_in(log, [f"{CANARY}\n{FORGED}".encode()]) == [FORGED]


def test_the_check_of_children_sees_one() -> None:
    before = reaped(os.getpid())
    subprocess.run(["/bin/true"], check=True)
    assert reaped(os.getpid()) > before


@pytest.mark.requirement("S29")
async def test_no_caller_id_reaches_a_shell_a_path_a_row_or_a_line_of_a_log(own_site: Site) -> None:
    site = own_site
    stand, corpus = site.stand, strings(own_site.stand.work, COUNT)
    assert len(set(corpus)) == COUNT
    work = [(quoted(name), escaped(number)) for name, number in paired(corpus)]
    torn = [(name, number) for name, number in paired(corpus)[::TORN]]
    whole = len(work)
    assert stand.controller is not None
    processes = (stand.asterisk.pid, stand.controller.pid)
    before = [(reaped(pid), alive(pid)) for pid in processes]
    printed, there = site.printed(), names_below(stand.recordings)
    await recorded(site, *work[0])
    taken = 1 + sum(await asyncio.gather(*(caller(site, work) for _ in range(AT_ONCE))))
    assert taken == 1 + whole, "not every one of them arrived"
    taken += sum(await asyncio.gather(*(caller(site, torn, patience=0.5) for _ in range(AT_ONCE))))
    async with asyncio.timeout(20):
        while len(heads := [head.call_id async for head in site.log.calls()]) < taken or await site.live():
            await asyncio.sleep(0.1)
    assert [(reaped(pid), alive(pid)) for pid in processes] == before, "a process was started"
    came = await values_of(site, heads)
    assert len(came) == taken
    assert [pair for pair in came if CANARY not in pair[0] or CANARY not in pair[1]] == [], "they did not arrive"
    stored = await site.log.load(heads[-1])  # the newest comes first
    assert stored is not None and is_over(stored) and states(stored) == ["verified"], "the first of them was recorded"
    assert CANARY not in repr(stored)
    new = names_below(stand.recordings) - there
    assert new == {f"{stored.recordings[0].recording_id}.wav"} and all(OURS.fullmatch(name) for name in new)
    assert not [name for name in names_below(stand.work) if CANARY in name or name.endswith(PWNED)]
    assert not spoken_in(site.printed().removeprefix(printed), corpus)
    assert at_rest(stand.work / "postgres") == [] and at_rest(stand.data) == []
    said = await said_of(site, heads[-1])
    assert CANARY not in said and "\x1b" not in said and forged(said) == []
    assert "0 finding(s)" in (await stand.run("verify", "--all", "--config", str(stand.config)))[1]

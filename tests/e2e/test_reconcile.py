"""The books of a real Asterisk against the log and the files of the calls it had."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.site import Site, Talk

pytestmark = pytest.mark.asyncio(loop_scope="session")

CEL = (
    "eventtype eventtime CALLERID(name) CALLERID(num) CALLERID(ANI) CALLERID(RDNIS) CALLERID(DNID) CHANNEL(exten) "
    "CHANNEL(context) CHANNEL(channame) CHANNEL(appname) CHANNEL(appdata) CHANNEL(amaflags) CHANNEL(accountcode) "
    "CHANNEL(uniqueid) CHANNEL(linkedid) BRIDGEPEER CHANNEL(userfield) userdeftype eventextra"
).split()
"""The line of cel_custom's sample."""


async def recorded(talk: Talk) -> None:
    await talk.recorded()
    await talk.says(1)
    await talk.ends()


async def refused(talk: Talk) -> None:
    await talk.told()
    await talk.call.press("2")
    await talk.meets()
    await talk.ends()


async def withdrawn(talk: Talk) -> None:
    await talk.recorded()
    await talk.call.press("*7")
    await talk.row("recording_discarded")
    await talk.ends()


@pytest.mark.requirement("S4", "S118")
async def test_every_leg_of_a_real_cdr_is_in_exactly_one_class(site: Site) -> None:
    began = datetime.now(UTC)
    ids: dict[str, str] = {}

    async def one(what: str) -> None:
        async with site.talk() as talk:
            await {"recorded": recorded, "refused": refused, "withdrawn": withdrawn, "lost": recorded}[what](talk)
            assert talk.stored is not None
            ids[talk.call_id] = what
            if what == "lost":
                (item,) = talk.stored.recordings
                (site.stand.recordings / f"{item.recording_id}.wav").unlink()

    await asyncio.gather(*(one(what) for what in ("recorded", "refused", "withdrawn", "lost")))
    await site.stand.asterisk.cli(f"dialplan set global LAST {site.free[0]}")
    async with site.talk("911", agent_number=site.free[0]) as talk:
        await talk.meets()
        await talk.call.hangup()
    book = site.stand.asterisk.work / "log/cdr-csv/Master.csv"
    arguments = ("--since", began.isoformat(), "--cdr", str(book), "--config", str(site.stand.config), "--json")
    status, out, error = await site.stand.run("reconcile", *arguments, check=False)
    found = json.loads(out)
    assert status == 1 and found["books"] and not error
    classes = {ids[leg["call_id"]]: leg["cls"] for leg in found["legs"] if leg["call_id"] in ids}
    assert classes == {
        "recorded": "recorded as due",
        "refused": "not recorded as due",
        "withdrawn": "not recorded as due",
        "lost": "lost",
    }
    assert [(leg["leg"], leg["reason"]) for leg in found["legs"] if leg["cls"] == "unknown file"] == []
    assert [leg["reason"] for leg in found["legs"] if not leg["call_id"]] == ["an emergency number"]
    assert found["counts"]["unexplained"] == 0


@pytest.mark.requirement("S4", "S118")
async def test_a_file_that_was_cut_or_exchanged_after_its_verdict_is_lost(site: Site) -> None:
    began = datetime.now(UTC)
    foreign = site.stand.work / "foreign.wav"
    foreign.write_bytes(b"RIFF of somebody else")

    def link(tape: Path) -> None:
        tape.unlink()
        tape.symlink_to(foreign)

    def folder(tape: Path) -> None:
        tape.unlink()
        tape.mkdir()

    harms: tuple[Callable[[Path], object], ...] = (
        lambda tape: os.truncate(tape, 2000),
        lambda tape: tape.write_bytes(b""),
        lambda tape: shutil.copy(foreign, tape),
        link,
        folder,
    )

    async def one(harm: Callable[[Path], object] | None) -> tuple[str, Path]:
        async with site.talk() as talk:
            await recorded(talk)
            if harm:
                harm(talk.file())
            return talk.call_id, talk.file()

    made = await asyncio.gather(*(one(harm) for harm in (None, *harms)))
    (whole, _), *harmed = made
    arguments = ("--since", began.isoformat(), "--config", str(site.stand.config), "--json")
    status, out, _ = await site.stand.run("reconcile", *arguments, check=False)
    classes = {leg["call_id"]: leg["cls"] for leg in json.loads(out)["legs"]}
    assert status == 1 and classes[whole] == "recorded as due"
    assert {classes[call_id] for call_id, _ in harmed} == {"lost"}
    for _, tape in harmed:
        tape.rmdir() if tape.is_dir() and not tape.is_symlink() else tape.unlink()


@pytest.mark.requirement("S4", "S118")
async def test_a_real_cel_with_our_own_snoops_and_both_legs_of_an_emergency_call(own_site: Site) -> None:
    asterisk, began = own_site.stand.asterisk, datetime.now(UTC)
    book = asterisk.work / "log/cel-custom/Master.csv"
    book.parent.mkdir(parents=True)
    line = ",".join(f"${{CSV_QUOTE(${{{each}}})}}" for each in CEL)
    (asterisk.work / "etc/cel.conf").write_text("[general]\nenable=yes\napps=dial\nevents=ALL\n")
    (asterisk.work / "etc/cel_custom.conf").write_text(f"[mappings]\nMaster.csv => {line}\n")
    await asterisk.cli("module reload cel")
    for name in ("res_cdrel_custom", "cel_custom"):  # older ones have no module of the first name
        await asterisk.cli(f"module load {name}.so")
    await asterisk.cli(f"dialplan set global LAST {own_site.free[0]}")
    async with own_site.talk("911", agent_number=own_site.free[0]) as talk:
        await talk.meets()
        await talk.call.hangup()
    async with own_site.talk() as talk:
        await recorded(talk)
    arguments = ("--since", began.isoformat(), "--cel", str(book), "--config", str(own_site.stand.config), "--json")
    status, out, error = await own_site.stand.run("reconcile", *arguments, check=False)
    assert "Snoop/" in book.read_text() and not error and status == 0
    reasons = sorted(leg["reason"] for leg in json.loads(out)["legs"])
    assert reasons == ["an emergency number"] * 2 + ["verified, in the spool"] * 2

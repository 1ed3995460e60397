"""Recorders that are not ours, and files that nobody knows: found while calls run, within 2 s."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callguard.lab.sip import Phone
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.site import AmiAddress
from callguard.ports import IncidentRow, StoredCall, Wanted
from callguard.reconcile import Class, Stock, judge
from tests.e2e.site import POLICY, Site, incidents, states

pytestmark = pytest.mark.asyncio(loop_scope="session")
TAPED = """\
exten => taped,1,Set(CONFBRIDGE(bridge,record_conference)=yes)
 same => n,Set(CONFBRIDGE(bridge,record_file)=room.wav)
 same => n,ConfBridge(87)
"""


@asynccontextmanager
async def somebody(site: Site) -> AsyncIterator[Ami]:
    """Another AMI client, who may record."""
    own = site.stand.asterisk
    address = AmiAddress(host="127.0.0.1", user=own.ami_user, secret=own.ami_secret, port=own.ami_port)
    ami = await Ami.connect(address, lambda _: None)
    yield ami
    await ami.close()


async def told(site: Site, kind: str, seconds: float = 2.0) -> IncidentRow:
    """The newest incident of this kind that is of no call."""
    async with asyncio.timeout(seconds + 3):
        while not (found := await site.log.find_incidents(Wanted(kind=kind, call_id="", open_only=True))):
            await asyncio.sleep(0.05)
    return found[-1]


async def stands_still(path: Path) -> bool:
    """Whether a file that was recorded grows no more."""
    before = size(path)
    await asyncio.sleep(2.2)  # a running recorder writes every two seconds
    return size(path) == before


def size(path: Path) -> int:
    return path.stat().st_size


@pytest.mark.requirement("S4")
async def test_somebody_else_s_recorder_of_a_call_is_seen_and_stopped_and_ours_goes_on(site: Site) -> None:
    async with somebody(site) as other, site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        rogue, began = site.stand.work / "rogue.wav", time.time()
        assert talk.stored is not None
        await other.action("MixMonitor", Channel=talk.stored.events[0].channel_id, File=str(rogue))
        seen = await talk.row("rogue_recording_seen")
        assert seen.recorded_at.timestamp() - began < 2
        assert seen.decision and seen.decision["effects"][0]["effect"] == "StopRogue"
        assert await stands_still(rogue)
        stored = await talk.ends()
        left, right = talk.tape().numbers()
    assert incidents(stored) == {"rogue_recording"} and states(stored) == ["verified"]
    assert min(len(left), len(right)) > 80, "ours did not go on"


@pytest.mark.requirement("S4")
async def test_a_recorder_on_a_channel_of_no_call_and_a_file_of_nobody_are_incidents(site: Site) -> None:
    rogue, stray = site.stand.work / "outside.wav", site.stand.recordings / "+15125550143.wav"
    async with somebody(site) as other:
        before = {row.split("!")[0] for row in (await site.channels()).splitlines()}
        await site.stand.asterisk.cli("channel originate Local/601@internal application Wait 6")
        async with asyncio.timeout(5):
            while not (new := {row.split("!")[0] for row in (await site.channels()).splitlines()} - before):
                await asyncio.sleep(0.02)
        began = time.time()
        await other.action("MixMonitor", Channel=sorted(new)[0], File=str(rogue))
        stray.write_bytes(b"RIFF")
        for kind in ("rogue_recording", "unknown_file"):
            assert (await told(site, kind)).opened_at.timestamp() - began < 2
        async with asyncio.timeout(5):
            while "kind=unknown_file call=-" not in site.printed():
                await asyncio.sleep(0.05)
    assert "5550143" not in site.printed()
    stray.unlink()
    ours = {path.name for path in site.stand.recordings.iterdir()}
    assert ours and len(await site.log.find_incidents(Wanted(kind="unknown_file"))) == 1


@pytest.mark.requirement("S4")
async def test_a_conference_that_records_itself_is_seen_within_two_seconds_and_stopped(site: Site) -> None:
    number, tape = site.free.pop(0), site.stand.work / "room.wav"
    port = site.stand.agent_ports[f"agent{number}"]
    async with await Phone.open(f"agent{number}", site.stand.server, port=port) as guest:
        await (await guest.dial("room_88")).answered()
        before = {row.incident_id for row in await site.log.find_incidents(Wanted(kind="rogue_recording", call_id=""))}
        async with asyncio.timeout(5):  # the room is there a moment after the answer
            while "started" not in await site.stand.asterisk.cli(f"confbridge record start 88 {tape}"):
                await asyncio.sleep(0.05)
        began = time.time()
        while (row := await told(site, "rogue_recording")).incident_id in before:
            assert time.time() - began < 5, "nobody was told"
            await asyncio.sleep(0.05)
        assert row.opened_at.timestamp() - began < 2
        (written,) = site.stand.work.glob("room*.wav")  # Asterisk puts the second into its name
        assert await stands_still(written)
    site.free.append(number)
    assert not await site.log.find_incidents(Wanted(kind="rogue_not_stopped"))


@pytest.mark.requirement("S4")
async def test_who_is_sent_into_a_conference_that_records_is_told_of_in_its_call(folder: Path) -> None:
    """Where one call type does not say that somebody else's recorder is stopped, none is that runs for no call."""
    async with await Site.open(folder, policy=f'{POLICY}\non_rogue = "report"\n', dialplan=TAPED) as site:
        async with site.talk() as talk:
            await talk.recorded()
            await talk.answered.refer("taped")
            seen = await talk.row("rogue_recording_seen")
            assert seen.data["bridge_id"] and seen.decision and seen.decision["effects"][0]["effect"] == "StopRogue"
            (written,) = (site.stand.asterisk.work / "spool" / "monitor").glob("room*.wav")
            assert await stands_still(written)
            stored = await talk.ends()
        assert "rogue_recording" in incidents(stored)


async def is_found(site: Site, harm: Callable[[Path], None]) -> StoredCall:
    """HARM is done to the file of the caller's side while it is written, and is an incident while they talk."""
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("recording_growing")
        assert talk.stored is not None
        harm(site.stand.recordings / f"{talk.stored.recordings[0].recording_id}-left.wav")
        await talk.row("incident_opened", seconds=4)
        await talk.row("stop_acknowledged")
        assert await talk.hears_each_other()
        return await talk.ends()


@pytest.mark.requirement("S4", "S124")
async def test_a_file_that_is_cut_or_exchanged_under_its_recorder_is_found_while_they_talk(site: Site) -> None:
    foreign = site.stand.work / "somebody else's.wav"
    foreign.write_bytes(b"RIFF of somebody else")

    def exchange(leg: Path) -> None:
        leg.unlink()
        leg.symlink_to(foreign)

    def pipe(leg: Path) -> None:
        leg.unlink()
        os.mkfifo(leg)  # who opened that would look at no recording any more

    cut, exchanged, piped = await asyncio.gather(
        is_found(site, lambda leg: os.truncate(leg, 44)), is_found(site, exchange), is_found(site, pipe)
    )
    assert incidents(cut) == {"recording_damaged"} and incidents(exchanged) == incidents(piped) == {"recording_lost"}
    (gone,) = (row.data["lost_ms"] for row in exchanged.events if row.type == "recording_lost")
    (opened,) = (row.data["lost_ms"] for row in exchanged.events if row.type == "incident_opened")
    assert gone == opened > 1500, "a file that had grown is gone, and nothing says how much that was"
    assert judge(exchanged, Stock()) == (Class.LOST, f"file gone, {gone} ms missing")
    assert states(exchanged) == ["lost"] and foreign.read_bytes() == b"RIFF of somebody else"


@pytest.mark.requirement("S4")
async def test_a_copy_of_a_recording_that_runs_is_nobody_s_file(own_site: Site) -> None:
    async with own_site.talk() as talk:
        await talk.recorded()
        await talk.says(2)
        leg = next(own_site.stand.recordings.glob("*-left.wav"))
        began, copies = time.time(), [leg.with_suffix(".bak"), leg.with_name(f"{leg.stem}-copy.wav")]
        for copy in copies:
            copy.write_bytes(leg.read_bytes())
        async with asyncio.timeout(5):
            while len(found := await own_site.log.find_incidents(Wanted(kind="unknown_file"))) < len(copies):
                await asyncio.sleep(0.05)
        assert max(row.opened_at.timestamp() for row in found) - began < 2
        stored = await talk.ends()
    assert states(stored) == ["verified"] and all(copy.exists() for copy in copies)

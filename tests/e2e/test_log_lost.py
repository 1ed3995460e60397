"""Postgres goes away: recordings stop, or go on from the spool, as the call type says; no row is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import time

import psycopg
import pytest

from callguard.lab.media import CounterTone
from tests.e2e.site import Site, incidents, states, types


def recorded_after(tone: CounterTone, numbers: list[int], moment: float) -> list[int]:
    """Which of these packets left after a moment of the wall clock."""
    return [number for number in numbers if tone.sent[number].wall > moment]


async def command(site: Site, *arguments: str) -> str:
    """What a command that must succeed prints."""
    status, out, error = await site.stand.run(*arguments, "--config", str(site.stand.config), check=False)
    assert status == 0, error or out
    return out


@pytest.mark.requirement("S1", "S125")
async def test_postgres_killed_under_recordings_stops_one_and_lets_the_other_go_on_from_the_spool(
    own_site: Site,
) -> None:
    site = own_site
    async with site.talk("support") as stopped, site.talk("kept") as kept:
        await asyncio.gather(stopped.recorded(), kept.recorded())
        await kept.says(2.2)
        killed = time.time()
        await asyncio.to_thread(site.stand.postgres.kill)
        await kept.says(2)
        shown = {str(row["call_id"]): row["recording"] for row in await site.live()}
        assert shown[stopped.call_id] in ("stopped", "verified") and shown[kept.call_id] == "growing"
        # the command line works without it
        assert json.loads(await command(site, "calls", "pause", kept.call_id, "--json"))["recording"] == "masked"
        await command(site, "calls", "resume", kept.call_id, "--reason", "mistake")
        async with site.talk("support") as late:  # a call that begins now
            await late.meets()
            assert await late.hears_each_other() and len(list(site.stand.recordings.glob("*-left.wav"))) <= 1
            await late.call.hangup()
        await kept.says(1)
        assert await stopped.hears_each_other()
        await asyncio.to_thread(site.stand.postgres.again)
        await site.stand.healthy()
        first, second = await stopped.ends(), await kept.ends()
        unrecorded = await late.over()
    assert states(first)[:1] == ["verified"] and states(second) == ["verified"]
    left, _ = stopped.tape().numbers()
    assert len(recorded_after(stopped.far, left, killed)) <= 15, "the recorder ran on for more than 0.3 s"
    left, _ = kept.tape().numbers()
    assert len(recorded_after(kept.far, left, killed + 1)) > 50
    assert not unrecorded.recordings and "not_recordable" in incidents(unrecorded)
    assert "link_restored" in types(second) and "log_lost" in incidents(second)
    assert "0 finding(s)" in await command(site, "verify", "--all")


@pytest.mark.requirement("S16")
async def test_a_withdrawal_does_not_wait_for_a_postgres_that_hangs(own_site: Site) -> None:
    site = own_site
    async with site.talk("kept") as talk:
        await talk.recorded()
        await talk.says(2.2)
        await asyncio.to_thread(site.stand.postgres.freeze)
        try:
            await talk.call.press("*7")
            pressed = time.time()
            await talk.says(1.5)
        finally:
            await asyncio.to_thread(site.stand.postgres.thaw)
        await site.stand.healthy()
        stored = await talk.ends()
    assert "consent_withdrawn" in types(stored)
    left, _ = talk.tape().numbers()
    assert len(recorded_after(talk.far, left, pressed)) <= 5


@pytest.mark.requirement("S125")
async def test_postgres_away_at_a_calls_start_means_no_recording(own_site: Site) -> None:
    site = own_site
    await asyncio.to_thread(site.stand.postgres.kill)
    async with asyncio.timeout(5):
        while (await site.stand.ask({"do": "list"}))["faults"] != ["log"]:
            await asyncio.sleep(0.05)
    async with site.talk() as talk:
        await talk.meets()
        assert await talk.hears_each_other() and not list(site.stand.recordings.glob("*"))
        await asyncio.to_thread(site.stand.postgres.again)
        await site.stand.healthy()
        stored = await talk.ends()
    assert not stored.recordings and incidents(stored) == {"not_recordable"}


@pytest.mark.requirement("S125")
async def test_a_database_that_takes_nobodys_rows_is_a_lost_log_until_it_is_mended(own_site: Site) -> None:
    """A grant is missing for a while: one recording stops, one goes on, and no row is left aside."""
    site = own_site

    def grant(words: str) -> None:
        with psycopg.connect(site.stand.postgres.admin_dsn) as admin:
            admin.execute(words)

    async with site.talk("support") as stopped, site.talk("kept") as kept:
        await asyncio.gather(stopped.recorded(), kept.recorded())
        await asyncio.to_thread(grant, "REVOKE INSERT ON callguard.channel_event FROM callguard_app")
        async with asyncio.timeout(10):
            while (await site.stand.ask({"do": "list"}))["faults"] != ["log"]:
                await asyncio.sleep(0.05)
        async with site.talk("support") as late:
            await late.meets()
            await late.call.hangup()
        await kept.says(1)
        await asyncio.to_thread(grant, "GRANT INSERT ON callguard.channel_event TO callguard_app")
        await site.stand.healthy()
        await kept.says(1)
        first, second, unrecorded = await stopped.ends(), await kept.ends(), await late.over()
    assert states(first)[:1] == ["verified"] and states(second) == ["verified"] and not unrecorded.recordings
    assert "log_lost" in incidents(first) and "log_lost" in incidents(second)
    assert not [*(site.stand.data / "spool").iterdir()] and "psycopg" not in site.printed()
    assert "0 finding(s)" in await command(site, "verify", "--all")


@pytest.mark.requirement("S4", "S125")
async def test_a_standby_that_lacks_a_calls_last_rows_is_an_incident_in_the_list(own_site: Site) -> None:
    """Its chain does not go on there, and what the log takes no row of cannot be told of in those rows."""
    site = own_site

    def fail_over() -> None:
        with psycopg.connect(site.stand.postgres.admin_dsn, autocommit=True) as admin:
            admin.execute("SET session_replication_role = replica")
            (last,) = admin.execute("SELECT max(seq) FROM callguard.channel_event").fetchone() or (0,)
            admin.execute("DELETE FROM callguard.decision WHERE event_seq > %s", [last - 3])
            admin.execute("DELETE FROM callguard.channel_event WHERE seq > %s", [last - 3])
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'callguard_app'")

    async with site.talk("support") as talk:
        await talk.recorded()
        await talk.says(1)
        await asyncio.to_thread(fail_over)
        await talk.says(3)  # by now the loss was noticed, and is over
        await site.stand.healthy()
        assert await talk.hears_each_other()
        await talk.call.hangup()
        async with asyncio.timeout(10):
            while not (found := json.loads(await command(site, "incidents", "list", "--json"))["incidents"]):
                await asyncio.sleep(0.2)
    assert [row["kind"] for row in found] == ["log_refused"]
    assert talk.call_id in await command(site, "incidents", "show", found[0]["incident_id"])

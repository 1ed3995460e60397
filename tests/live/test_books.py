"""FreeSWITCH's own books (mod_cdr_csv, its stock template, the legs of who calls) against the event log."""

from __future__ import annotations

import json

import pytest

from callguard.reconcile import Class
from tests.e2e.site import Talk
from tests.live.outward import dials_out
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "15125550199"


async def agrees(talk: Talk) -> str:
    """The called party says yes, and both talk."""
    await talk.row("notice_ended", script="notice")
    await talk.call.press("1")
    await talk.row("notice_ended", script="recording_on")
    await talk.ends()
    return talk.call_id


@pytest.mark.requirement("S118", "S123")
async def test_every_leg_of_the_books_is_in_one_class_and_every_call_in_the_books(site: LiveSite) -> None:
    async with dials_out(site, f"told_{NUMBER}") as talk:
        told = await agrees(talk)
    async with dials_out(site, f"bridged_{NUMBER}") as talk:
        bridged = await agrees(talk)
    async with dials_out(site, f"told_{NUMBER}") as talk:
        left = talk.call_id
        await talk.row("notice_started", script="notice")
        await talk.call.hangup()
        await talk.answered.ended()
    async with dials_out(site, f"9_{NUMBER}") as talk:  # nobody said when: nobody is asked
        unasked = talk.answered
        await unasked.answered()
        await talk.call.hangup()
        await unasked.ended()
    async with site.talk() as talk:
        await talk.recorded()
        await talk.ends()
        inbound = talk.call_id
    book = site.live_stand.freeswitch.work / "log" / "cdr-csv" / "Master.csv"
    words = ("reconcile", "--since", "24h", "--cdr", str(book), "--json", "--config", str(site.stand.config))
    status, out, _ = await site.stand.run(*words, check=False)
    found = {(item["call_id"], item["cls"], item["reason"]) for item in json.loads(out)["legs"]}
    for call_id in (told, bridged, inbound):
        assert (call_id, Class.DUE.value, "verified, in the spool") in found
    assert (left, Class.NOT_DUE.value, "nobody was put through") in found
    assert ("", Class.LOST.value, "answered, and callguard was not asked or not there") in found and status == 1
    assert not {item for item in found if item[1] == Class.UNEXPLAINED.value}

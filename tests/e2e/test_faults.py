"""Faults that others met on their Asterisk, made to happen on a real one under real calls (docs/faults.md)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from callguard.errors import Unreachable
from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from tests.e2e.site import Site, Talk, at, gone_at, incidents, sent_between, states

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def recorded(talk: Talk) -> None:
    """The recorder runs, and the line was heard."""
    await talk.recorded()
    await talk.row("notice_ended", script="recording_on")


@pytest.mark.requirement("S123")
async def test_fault_asterisk_851_every_seventh_packet_of_one_side_is_lost(site: Site) -> None:
    """Then the file is as long as the conversation, or it is damaged and somebody is told."""
    async with site.talk() as talk:
        await recorded(talk)
        talk.call.rtp.loses = 7
        await talk.says(5)
        stored = await talk.ends()
    lasted = (gone_at(stored) - at(stored, "recording_acknowledged")).total_seconds()
    assert lasted > 5
    if abs(talk.tape().seconds - lasted) <= max(0.5, 0.02 * lasted):
        assert states(stored) == ["verified"] and not stored.incidents
    else:
        assert states(stored) == ["damaged"] and incidents(stored) == {"recording_damaged"}


@pytest.mark.requirement("S123")
async def test_fault_mikopbx_1125_a_transfer_fails_and_the_recording_resumes(site: Site) -> None:
    """The agent holds, a consultation and a transfer lead nowhere, and the conversation goes on: so does the file."""
    async with site.talk() as talk:
        await recorded(talk)
        await talk.answered.hold()
        await talk.row("mask_acknowledged")
        await (await talk.agent.dial("777")).ended()
        with suppress(Unreachable):  # refused at once, or told so a moment later
            await talk.answered.refer("777")
        await talk.answered.unhold()
        back = await talk.row("unmask_acknowledged")
        await talk.says(1)
        stored = await talk.ends()
    assert states(stored) == ["verified"]
    left, right = talk.tape().numbers()
    assert set(left) & sent_between(talk.far, back.at, gone_at(stored))
    assert set(right) & sent_between(talk.near, back.at, gone_at(stored))


@pytest.mark.requirement("S123")
async def test_fault_freepbx_868_a_call_is_redirected_in_the_middle(site: Site) -> None:
    """The caller is sent to another extension: with whoever is met there, both sides are in a file again."""
    number, tone = site.free.pop(0), CounterTone(40000)
    server, port = site.stand.asterisk.server, site.stand.asterisk.agent_ports[f"agent{number}"]
    other = await Phone.open(f"agent{number}", server, port=port, answer_after=0.05, media=tone)
    async with other, site.talk() as talk:
        await recorded(talk)
        rows = [row.split("!") for row in (await site.channels()).splitlines()]
        assert talk.stored is not None
        caller = next(row[0] for row in rows if row[-1] == talk.stored.events[0].channel_id)
        await site.stand.asterisk.cli(f"channel redirect {caller} inbound,support_{number},1")
        await (await other.incoming()).answered()
        await talk.says(3)
        stored = await talk.ends()
    site.free.append(number)
    assert set(states(stored)) == {"verified"}
    tapes = [talk.tape(item.segment_no) for item in stored.recordings]
    assert [1 for tape in tapes if tape.left and {number for _, number in tape.right} & tone.sent.keys()]
    assert not {item.kind for item in stored.incidents} - {"recorder_ended"}


@pytest.mark.requirement("S50")
async def test_fault_cdr_viewer_111_nobody_answers_and_there_is_no_file(site: Site) -> None:
    """Consent alone starts no recorder: there is nobody to talk to."""
    async with site.talk(answer_after=60) as talk:
        await talk.grants()
        await talk.agent.incoming()
        await asyncio.sleep(1)
        stored = await talk.ends()
    assert stored.recordings == () and site.files(stored) == [] and not stored.incidents

"""Outbound calls with the real controller: the called party is told and asked, before the bridge or in it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.lab.dialog import Call, CallState
from callguard.lab.media import CounterTone, find_counters
from tests.e2e.shapes import Shapes, hears, notices, speakers
from tests.e2e.site import incidents, sent_before, states, types

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENT, FAR, NEW = 0, 1, 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shapes() -> AsyncIterator[Shapes]:
    folder = Path(tempfile.mkdtemp(prefix="callguard-e2e-"))
    await asyncio.to_thread(folder.chmod, 0o755)
    async with await Shapes.open(folder) as running:
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.requirement("S1")
async def test_told_key_1_is_recorded_from_the_bridge_on(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", "95551234")
        theirs = await shapes.reached("trunk")
        await shapes.row("notice_ended", script="notice")
        assert call.state is CallState.RINGING and len(call.heard().samples) == 0
        await theirs.press("1")
        await call.answered(timeout=3)
        await hears(call, FAR)
        await shapes.row("recording_opened")
        await asyncio.sleep(2.5)
        await theirs.hangup()
        [stored] = await shapes.over()
    found = types(stored)
    order = "call_started notice_started notice_ended consent_granted bridged recording_requested recording_opened"
    assert sorted(order.split(), key=found.index) == order.split()
    assert notices(stored) == ["notice", "recording_on"] and not stored.incidents
    assert stored.call.direction == "outbound" and states(stored) == ["verified"]
    tape = shapes.tape(stored)
    assert speakers(tape.left) == {FAR} and speakers(tape.right) == {AGENT}


async def test_told_key_2_is_put_through_and_not_recorded(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", "95551234")
        theirs = await shapes.reached("trunk")
        await shapes.row("notice_started", script="notice")
        await theirs.press("2")
        await hears(call, FAR)
        await call.hangup()
        [stored] = await shapes.over()
    assert "consent_refused" in types(stored) and not stored.recordings and not stored.incidents


async def test_told_silence_is_put_through_and_not_recorded(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", "95551234")
        theirs = await shapes.reached("trunk")
        await call.answered(timeout=25)
        await hears(theirs, AGENT)
        await call.hangup()
        [stored] = await shapes.over()
    assert notices(stored) == ["notice", "question", "refusal"]
    assert "consent_silent" in types(stored) and not stored.recordings and not stored.incidents


@pytest.mark.parametrize("who", ["called", "caller"])
async def test_told_either_may_hang_up_in_the_notice(shapes: Shapes, who: str) -> None:
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", "95551234")
        theirs = await shapes.reached("trunk")
        await shapes.row("notice_started", script="notice")
        await (theirs if who == "called" else call).hangup()
        async with asyncio.timeout(3):
            while CallState.ENDED not in (call.state, theirs.state) or call.state is not theirs.state:
                await asyncio.sleep(0.05)
        [stored] = await shapes.over()
    assert not stored.recordings and not stored.incidents and "bridged" not in types(stored)
    assert await shapes.stand.asterisk.cli("core show channels concise") == ""


async def replaced(shapes: Shapes) -> tuple[Call, Call]:
    """The agent's call, and that of the phone that takes the called party's place in mid-notice (RFC 3891)."""
    call = await shapes.dial("agent1", "95551234")
    theirs = await shapes.reached("trunk")
    await shapes.row("notice_started", script="notice")
    other = shapes.phones["agent2"]
    new = await other.dial("95551234", media=other.media, replaces=theirs)
    await new.answered()
    await theirs.ended()
    return call, new


@pytest.mark.requirement("S1", "S22")
async def test_told_who_takes_the_called_partys_place_in_the_notice_is_told_and_put_through(shapes: Shapes) -> None:
    """Asterisk keeps the place and gives it another name: to the caller's wait that looks like a hang-up."""
    async with shapes.with_phones("agent1", "trunk", "agent2"):
        call, new = await replaced(shapes)
        await shapes.row("notice_ended", script="notice")
        assert call.state is CallState.RINGING and len(call.heard().samples) == 0
        await new.press("1")
        await shapes.row("recording_opened")
        await hears(call, NEW)
        await hears(new, AGENT)
        await asyncio.sleep(2.5)
        await new.hangup()
        await call.ended()
        first, second = await shapes.over(2)
    assert not first.recordings and not first.incidents
    found = types(second)
    order = "call_started notice_started notice_ended consent_granted bridged recording_requested recording_opened"
    assert sorted(order.split(), key=found.index) == order.split()
    assert states(second) == ["verified"] and not second.incidents
    assert (second.call.call_type, second.call.direction) == ("sales", "outbound")
    tape = shapes.tape(second)
    assert speakers(tape.left) == {NEW} and speakers(tape.right) == {AGENT}


async def test_told_who_took_the_called_partys_place_may_hang_up_in_the_notice(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "trunk", "agent2"):
        call, new = await replaced(shapes)
        await shapes.row("notice_started", nth=1, script="notice")
        await new.hangup()
        await call.ended()
        assert not [one for stored in await shapes.over(2) for one in (*stored.recordings, *stored.incidents)]
    assert await shapes.stand.asterisk.cli("core show channels concise") == ""


async def test_told_a_caller_whose_called_party_is_led_away_does_not_ring_on(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", "95551234")
        theirs = await shapes.reached("trunk")
        await shapes.row("notice_started", script="notice")
        asterisk = shapes.stand.asterisk
        channels = await asterisk.cli("core show channels concise")
        [name] = [line.split("!")[0] for line in channels.splitlines() if line.startswith("PJSIP/trunk")]
        await asterisk.cli(f"channel redirect {name} internal,away,1")
        await call.ended()
        assert theirs.state is CallState.UP
        await theirs.hangup()


@pytest.mark.requirement("S1")
async def test_bridged_first_both_hear_the_notice_and_key_1_records(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", "85551234")
        theirs = await shapes.reached("trunk")
        await hears(call, FAR)
        await hears(theirs, AGENT)
        await shapes.row("notice_ended", script="notice")
        await theirs.press("1")
        await shapes.row("recording_opened")
        await asyncio.sleep(2.5)
        await call.hangup()
        [stored] = await shapes.over()
    found = types(stored)
    order = "call_started bridged notice_started notice_ended consent_granted recording_requested recording_opened"
    assert sorted(order.split(), key=found.index) == order.split()
    assert notices(stored) == ["notice", "recording_on"] and not stored.incidents and states(stored) == ["verified"]
    tape = shapes.tape(stored)
    assert speakers(tape.left) == {FAR} and speakers(tape.right) == {AGENT}


async def test_bridged_first_key_2_goes_on_unrecorded(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", "85551234")
        theirs = await shapes.reached("trunk")
        await shapes.row("notice_started", script="notice")
        await theirs.press("2")
        await shapes.row("consent_refused")
        await hears(call, FAR)
        await call.hangup()
        [stored] = await shapes.over()
    assert not stored.recordings and not stored.incidents


@pytest.mark.requirement("S1")
@pytest.mark.parametrize("number", ["705551234", "715551234"])
async def test_without_told_or_bridged_nobody_is_asked_and_nothing_recorded(shapes: Shapes, number: str) -> None:
    """The agent dials, unanswered or answered before by its own dialplan: it is not the one who has to agree."""
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", number)
        await shapes.reached("trunk")
        await hears(call, FAR)
        await call.press("1")
        await asyncio.sleep(1)
        await call.hangup()
        stored = await shapes.over(1 if number.startswith("71") else 0)
    for one in stored:
        assert notices(one) == [] and not one.recordings and incidents(one) == {"asked_wrong_end"}


@pytest.mark.requirement("S1")
async def test_without_told_or_bridged_who_is_called_is_told_in_the_bridge(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.dial("agent1", "725551234")
        theirs = await shapes.reached("trunk")
        await hears(call, FAR)
        await shapes.row("notice_ended", script="notice")
        await theirs.press("2")
        await shapes.row("consent_refused")
        await call.hangup()
        [stored] = await shapes.over()
    assert stored.call.direction == "outbound" and not stored.recordings and not stored.incidents


@pytest.mark.requirement("S1")
async def test_a_call_back_from_a_queue_is_a_call_of_its_own(shapes: Shapes) -> None:
    """The caller granted, left a number and hung up: who is called back is told anew, and recorded after its answer."""
    before = set(shapes.stand.recordings.glob("*"))
    async with shapes.with_phones("agent1", "trunk"):
        call = await shapes.phones["trunk"].dial("400", media=shapes.phones["trunk"].media)
        await shapes.row("notice_ended", script="notice")
        await call.press("1")
        await shapes.row("consent_granted")
        await call.answered()
        await asyncio.sleep(0.5)
        await call.press("5")
        await asyncio.sleep(1)
        await call.press("5551234#")
        await shapes.reached("agent1")
        theirs = await shapes.reached("trunk")
        await call.hangup()
        await shapes.row("notice_ended", script="notice", nth=1)
        assert set(shapes.stand.recordings.glob("*")) == before
        await theirs.press("1")
        await shapes.row("recording_opened")
        await asyncio.sleep(2.5)
        await theirs.hangup()
        first, back = await shapes.over(2)
    assert "consent_granted" in types(first) and not first.recordings and not first.incidents
    assert {row.data["digit"] for row in first.events if row.type == "digit_pressed"} == {"1", "x"}
    assert back.call.direction == "outbound" and notices(back) == ["notice", "recording_on"]
    assert types(back).index("consent_granted") < types(back).index("recording_requested")
    assert states(back) == ["verified"] and not back.incidents
    tape = shapes.tape(back)
    assert speakers(tape.left) == {FAR} and speakers(tape.right) == {AGENT}


# ---------------------------------------------------------------- dialled into a call that is recorded
@pytest.mark.requirement("S73")
async def test_whom_a_transfer_dials_is_told_and_asked_at_the_gate_before_anybody_hears_it(shapes: Shapes) -> None:
    """Caller, agent, and somebody outside to whom the agent transfers: no millisecond of it before it agreed."""
    async with shapes.with_phones("caller", "agent1", "trunk"):
        outside = shapes.phones["trunk"].media
        assert isinstance(outside, CounterTone)
        call = await shapes.dial("caller", "310")
        await shapes.row("notice_ended", script="notice")
        await call.press("1")
        agent = await shapes.reached("agent1")
        await shapes.row("notice_ended", script="recording_on")
        await asyncio.sleep(1)
        await agent.refer("45551234")
        third = await shapes.reached("trunk")
        told = await shapes.row("notice_ended", nth=1, script="notice")
        assert 0 not in speakers(find_counters(third.heard().samples)), "it hears nobody yet"
        await third.press("1")
        await hears(third, 0)
        await shapes.row("notice_ended", nth=1, script="recording_on")
        await asyncio.sleep(1)
        await third.hangup()
        [stored] = await shapes.over()
    granted = [row for row in stored.events if row.type == "consent_granted"]
    entered = next(row for row in stored.events if row.type == "channel_entered")
    assert granted[1].channel_id == told.channel_id == entered.channel_id and not stored.incidents
    assert states(stored) == ["verified", "verified"]
    before, after = shapes.tape(stored), shapes.tape(stored, 1)
    assert speakers(before.left) == speakers(after.left) == {0}
    assert speakers(before.right) == {1} and speakers(after.right) == {2}
    early = sent_before(outside, granted[1].at)
    kept = {number for tape in (before, after) for side in tape.numbers() for number in side}
    assert len(early) > 50 and not early & kept


@pytest.mark.requirement("S73")
async def test_who_refuses_at_the_gate_is_put_through_unrecorded_and_no_call_is_lost(shapes: Shapes) -> None:
    async with shapes.with_phones("caller", "agent1", "trunk"):
        call = await shapes.dial("caller", "310")
        await shapes.row("notice_ended", script="notice")
        await call.press("1")
        agent = await shapes.reached("agent1")
        await shapes.row("notice_ended", script="recording_on")
        await agent.refer("45551234")
        third = await shapes.reached("trunk")
        await shapes.row("notice_started", nth=1, script="notice")
        await third.press("2")
        await hears(third, 0)
        await hears(call, 2)
        await call.hangup()
        [stored] = await shapes.over()
    assert len(stored.recordings) == 1 and states(stored) == ["verified"] and not stored.incidents
    assert not {2} & (speakers(shapes.tape(stored).left) | speakers(shapes.tape(stored).right))

"""Who comes in at an odd moment: each is told and asked alone, and the file is silent until all have agreed or left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import numpy as np
import pytest

from callguard.audio.wav import WavReader
from callguard.core.recording import State
from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from callguard.ports import EventRow, StoredCall
from tests.e2e.matrix import THIRD_NUMBERS, Change, changing, sounds
from tests.e2e.site import Site, Talk, at, gone_at, incidents, states

pytestmark = pytest.mark.asyncio(loop_scope="session")
EDGE = 0.2
"""Seconds around a mask in which a busy machine's clocks may differ."""


@asynccontextmanager
async def another(site: Site, talk: Talk, number: int) -> AsyncIterator[Change]:
    """One more phone that comes into the call of TALK."""
    name, tone = f"agent{number}", CounterTone(THIRD_NUMBERS + 10_000)
    port = site.stand.agent_ports[name]
    async with await Phone.open(name, site.stand.server, port=port, media=tone) as phone:
        yield Change(site, talk, phone, tone)


async def about(change: Change, type: str) -> EventRow:
    """The row of this type about who came."""
    with change.talk.telling(f"no {type} about who came"):
        async with asyncio.timeout(20):
            while not (found := [row for row in await change.talk.rows(type) if row.channel_id == change.channel_id]):
                await asyncio.sleep(0.04)
    return found[0]


async def begun(talk: Talk) -> None:
    await talk.recorded()
    await talk.row("notice_ended", script="recording_on")


async def over(change: Change) -> StoredCall:
    """Everybody hangs up."""
    for call in (change.talk.call, change.talk.answered, change.coming):
        if call:
            await call.hangup()
    return await change.talk.over()


def sound_between(talk: Talk, start: datetime, end: datetime) -> int:
    """Samples of the file between two moments that are not zero."""
    assert talk.stored is not None
    began = at(talk.stored, "recording_acknowledged")
    first, last = ((moment - began).total_seconds() for moment in (start, end))
    with WavReader(talk.file()) as reader:
        span = reader.span(round((first + EDGE) * reader.rate), round((last - EDGE) * reader.rate))
    assert len(span) > 0, "nothing was looked at"
    return int(np.count_nonzero(span))


async def one_refuses_who_came_while_another_was_asked(site: Site) -> None:
    async with changing(site, 3, 10, "moved") as first, another(site, first.talk, 11) as second:
        talk = first.talk
        await begun(talk)
        await first.dials(f"add_{talk.number}")
        came = await about(first, "bridged")
        await about(first, "notice_started")
        await second.dials(f"add_{talk.number}")
        await about(first, "notice_ended")
        assert first.coming and second.coming
        await first.coming.press("1")
        await about(first, "consent_granted")
        await about(second, "notice_ended")
        await second.coming.press("2")
        await about(second, "consent_refused")
        await talk.says(1)
        await second.coming.hangup()
        left = await about(second, "channel_hung_up")
        await sounds(talk)
        stored = await over(first)
        assert states(stored) == [State.VERIFIED.value] and incidents(stored) == set()
        assert sound_between(talk, came.at, left.at) == 0


async def one_listens_from_within_a_pause_on(site: Site) -> None:
    async with changing(site, 5, 12, "moved") as spy:
        talk = spy.talk
        await begun(talk)
        await site.stand.ask({"do": "act", "call": talk.call_id, "action": "pause"})
        masked = await talk.row("mask_acknowledged")
        await spy.dials(f"spy_{talk.number}")
        await about(spy, "listening_started")
        await site.stand.ask({"do": "act", "call": talk.call_id, "action": "resume", "reason": "mistake"})
        await about(spy, "notice_ended")
        assert spy.coming
        await spy.coming.press("1")
        agreed = await about(spy, "consent_granted")
        await sounds(talk)
        stored = await over(spy)
        assert states(stored) == [State.VERIFIED.value] and incidents(stored) == set()
        assert sound_between(talk, masked.at, agreed.at) == 0


@pytest.mark.requirement("S6", "S46", "S73")
async def test_nothing_is_recorded_while_anybody_who_hears_has_not_agreed(site: Site) -> None:
    await asyncio.gather(one_refuses_who_came_while_another_was_asked(site), one_listens_from_within_a_pause_on(site))


@pytest.mark.requirement("S22")
async def test_a_second_transfer_right_behind_the_first_leaves_no_gap_untold(site: Site) -> None:
    async with changing(site, 7, 8, "moved") as change, another(site, change.talk, 6) as between:
        await begun(change.talk)
        await change.talk.answered.refer("to_6")
        await between.rings()
        await change.redirects("to_8", "caller")
        await change.rings()
        await sounds(change.talk)
        stored = await over(change)
        assert incidents(stored) == set()
        began = [row.data["recording_id"] for row in stored.events if row.type == "recording_acknowledged"]
        continued = [row.data["after"] for row in stored.events if row.type == "recording_continued"]
        assert len(began) > 1 and continued == began[:-1]
        kept = {item.recording_id for item in stored.recordings if item.state == State.VERIFIED.value}
        assert {began[0], began[-1]} <= kept  # who came in between may have been gone before anything was written


def heard_by(stored: StoredCall, channel_id: str) -> list[tuple[str, object]]:
    """Which notices this party was told, as its call's log has it."""
    return [(row.type, row.data.get("prompt")) for row in notices(stored, channel_id)]


def notices(stored: StoredCall, channel_id: str) -> list[EventRow]:
    types = ("notice_started", "notice_ended", "notice_failed")
    told = [row for row in stored.events if row.channel_id == channel_id and row.type in types]
    return [row for row in told if row.data["script"] == "notice"]


@pytest.mark.requirement("S6", "S17", "S20")
@pytest.mark.parametrize(
    ("first", "second", "told"),
    [("moved", "sealed", ("short", "sensitive")), ("soft", "staff", ("soft", "hr"))],
    ids=["short notices", "as long as they are"],
)
async def test_who_comes_into_two_calls_at_once_hears_the_notice_of_each_and_one_after_another(
    site: Site, first: str, second: str, told: tuple[str, str]
) -> None:
    """Two callers in a room. Whoever joins is told what each call says, to its end."""
    async with site.talk(first, agent_number=3) as plain, changing(site, 4, 10, second) as change:
        await asyncio.gather(begun(plain), begun(change.talk))
        joined = Change(site, plain, change.third, change.tone)
        for each in (joined, change):
            await each.redirects("room_3", "caller")
        for talk in (plain, change.talk):
            await talk.row("call_merged")
            await talk.row("notice_ended", script="notice", nth=1)
        await asyncio.gather(plain.call.press("1"), change.talk.call.press("1"))
        await asyncio.gather(sounds(plain), sounds(change.talk))
        await change.dials("room_3")
        await about(change, "notice_ended")
        joined.channel_id = change.channel_id
        await about(joined, "notice_ended")
        assert change.coming
        await change.coming.press("1")
        granted = [await about(each, "consent_granted") for each in (joined, change)]
        await asyncio.gather(sounds(plain), sounds(change.talk))
        for call in (change.coming, plain.call, change.talk.call):
            await call.hangup()
        both = [await talk.over() for talk in (plain, change.talk)]
    assert granted[0].at == granted[1].at  # one key, after both
    for stored, notice in zip(both, (f"notice-{each}" for each in told), strict=True):
        assert heard_by(stored, change.channel_id) == [("notice_started", notice), ("notice_ended", notice)]
        assert set(states(stored)) == {State.VERIFIED.value} and incidents(stored) == set()
    spans = [[row.at for row in notices(stored, change.channel_id)] for stored in both]
    (_, first_ended), (second_began, _) = sorted(spans)
    assert first_ended <= second_began


@pytest.mark.requirement("S2", "S6", "S73")
async def test_who_listens_to_a_visitor_of_another_call_hears_that_call_too(site: Site) -> None:
    """An agent of one call sits in a room with the caller of another one, and somebody listens to that agent."""
    async with site.talk("moved", agent_number=3) as plain, changing(site, 4, 10, "moved") as change:
        await asyncio.gather(begun(plain), begun(change.talk))
        here = Change(site, plain, change.third, change.tone)
        await here.redirects("room_9", "caller")
        await change.redirects("room_9", "agent4")
        await plain.row("call_merged")
        await sounds(plain)
        await change.dials("spy_4")
        here.channel_id = change.channel_id
        began = await about(here, "listening_started")
        await about(here, "notice_ended")
        assert change.coming
        await change.coming.press("1")
        agreed = await about(here, "consent_granted")
        await sounds(plain)
        for call in (change.coming, plain.call, change.talk.call, change.talk.answered):
            await call.hangup()
        stored = await plain.over()
        await change.talk.over()
    masked = [row for row in stored.events if row.type in ("mask_acknowledged", "stop_acknowledged")]
    assert any(began.seq < row.seq < agreed.seq for row in masked) and incidents(stored) == set()


@pytest.mark.requirement("S6", "S22", "S73")
async def test_who_takes_an_agents_place_in_a_conference_is_a_newcomer_and_so_is_a_caller_who_does(site: Site) -> None:
    """Asterisk says of neither that it entered; a recorder that hung on the agent's channel would run on unasked."""
    await asyncio.gather(one_is_handed_an_agents_place(site), a_caller_is_handed_over_into_a_room(site))


async def one_is_handed_an_agents_place(site: Site) -> None:
    async with changing(site, 3, 8, "moved") as staff, another(site, staff.talk, 10) as stranger:
        talk = staff.talk
        await begun(talk)
        await talk.answered.refer("to_8")
        await staff.rings()
        await talk.row("notice_ended", script="recording_on", nth=1)  # its segment hangs on the newcomer's channel
        await staff.redirects("room_11", "caller", "agent8")
        await sounds(talk)
        assert staff.coming
        await staff.coming.hold()
        consulted = await staff.third.dial("to_10", media=staff.tone)
        await stranger.rings()
        await staff.coming.hand_over(consulted)
        came = await about(stranger, "bridged")
        await about(stranger, "notice_ended")
        assert talk.stored and stranger.coming
        legs = list(site.stand.recordings.glob(f"{talk.stored.recordings[-1].recording_id}-*"))
        before = [path.stat().st_size for path in legs]
        await asyncio.sleep(2.2)  # a running recorder writes every two seconds
        assert before == [path.stat().st_size for path in legs] and len(legs) == 2
        await stranger.coming.press("1")
        agreed = await about(stranger, "consent_granted")
        await sounds(talk)
        await stranger.coming.hangup()
        stored = await over(staff)
    loud = [row for row in stored.events if came.at < row.at < agreed.at and row.type == "unmask_acknowledged"]
    assert not loud and set(states(stored)) == {State.VERIFIED.value} and incidents(stored) == set()


async def a_caller_is_handed_over_into_a_room(site: Site) -> None:
    async with changing(site, 5, 11, "moved") as change:
        talk = change.talk
        await begun(talk)
        await change.dials("room_12")
        consulted = await change.consults("room_12")
        await asyncio.sleep(0.5)
        await talk.answered.hand_over(consulted)
        await about(change, "notice_ended")
        assert change.coming
        await change.coming.press("1")
        await about(change, "consent_granted")
        await sounds(talk)
        await talk.says(1)
        stored = await over(change)
        assert set(states(stored)) == {State.VERIFIED.value} and incidents(stored) == set()
        last = talk.tape(len(stored.recordings) - 1)
        assert any(number in change.tone.sent for number in last.numbers()[1]), "nobody who was met there is heard"


@pytest.mark.requirement("S6", "S22")
async def test_an_answer_to_one_call_does_not_cut_the_line_of_the_other(site: Site) -> None:
    """The far party of one call is told by another one as its own recording begins, and refuses the other."""
    async with site.talk("moved", agent_number=3) as plain, changing(site, 4, 10, "soft") as change:
        await asyncio.gather(begun(plain), begun(change.talk))
        joined = Change(site, plain, change.third, change.tone)
        for each in (joined, change):
            await each.redirects("room_4", "caller")
        await plain.row("notice_ended", script="notice", nth=1)
        await change.talk.row("notice_started", script="notice", nth=1)
        await change.talk.call.press("1")
        await plain.row("notice_started", script="recording_on", nth=1)
        await plain.call.press("2")
        await change.talk.row("consent_refused")
        await plain.row("notice_ended", script="recording_on", nth=1)
        await sounds(plain)
        for call in (plain.call, change.talk.call):
            await call.hangup()
        both = [await talk.over() for talk in (plain, change.talk)]
    for stored in both:
        assert set(states(stored)) == {State.VERIFIED.value} and incidents(stored) == set()


@pytest.mark.requirement("S22")
async def test_a_call_that_is_stopped_in_its_line_leaves_the_other_one_its_recording(site: Site) -> None:
    async with site.talk("moved", agent_number=3) as plain, changing(site, 4, 10, "moved") as change:
        other = change.talk
        await asyncio.gather(begun(plain), begun(other))
        for each in (Change(site, plain, change.third, change.tone), change):
            await each.redirects("room_5", "caller")
        await asyncio.gather(*(talk.row("notice_ended", script="notice", nth=1) for talk in (plain, other)))
        await asyncio.gather(plain.call.press("1"), other.call.press("1"))
        await asyncio.gather(*(talk.row("notice_started", script="recording_on", nth=1) for talk in (plain, other)))
        await site.stand.ask({"do": "act", "call": plain.call_id, "action": "stop"})
        await other.row("notice_ended", script="recording_on", nth=1)
        await sounds(other)
        for call in (plain.call, other.call):
            await call.hangup()
        both = [await talk.over() for talk in (plain, other)]
    for stored in both:
        assert incidents(stored) == set()
    assert set(states(both[1])) == {State.VERIFIED.value}


@pytest.mark.requirement("S6", "S17", "S73")
async def test_who_stayed_on_in_its_own_call_is_asked_by_a_call_that_has_to_ask(site: Site) -> None:
    """Two callers of one call type whose joins are a gate: where one of them is, staying on was enough."""
    async with site.talk("east", agent_number=3) as asked, changing(site, 4, 10, "stayed") as change:
        stayed = change.talk
        await begun(asked)
        await stayed.meets()
        assert (await stayed.row("consent_granted")).data["how"] == "implied"
        for each in (Change(site, asked, change.third, change.tone), change):
            await each.redirects("room_6", "caller")
        await stayed.row("call_merged")
        visitor = (await asked.row("call_merged")).channel_id
        await asked.row("notice_ended", script="notice", nth=1)
        await asyncio.sleep(1)
        await stayed.call.press("2")
        await stayed.row("consent_refused")
        await asked.says(2)
        for call in (asked.call, stayed.call):
            await call.hangup()
        both = [await talk.over() for talk in (asked, stayed)]
    assert [row.type for row in both[0].events if row.channel_id == visitor and row.type.startswith("consent")] == [
        "consent_refused"
    ]
    assert sound_between(asked, at(both[0], "call_merged"), gone_at(both[0])) == 0


@pytest.mark.requirement("S6", "S22", "S46")
async def test_callers_in_one_parking_lot_are_alone_there(site: Site) -> None:
    """A parking lot is one bridge to Asterisk: each hears music, and nobody the other."""
    async with site.talk("moved", agent_number=3) as plain, changing(site, 4, 10, "moved") as change:
        both = (plain, change.talk)
        await asyncio.gather(*map(begun, both))
        for each in (Change(site, plain, change.third, change.tone), change):
            await site.manager("Park", Channel=await each.find("caller"))
        await asyncio.gather(*(talk.row("mask_acknowledged") for talk in both))
        await change.dials("wait")
        await site.manager("Park", Channel=await change.find("agent10"))
        await plain.says(1.5)
        for call in (plain.call, change.talk.call, change.coming):
            assert call
            await call.hangup()
        for talk in both:
            stored = await talk.over()
            assert states(stored) == [State.VERIFIED.value] and incidents(stored) == set()
            assert {row.type for row in stored.events}.isdisjoint({"call_merged", "unmask_requested"})
            told = {row.channel_id for row in stored.events if row.data.get("script") == "notice"}
            assert told == {stored.events[0].channel_id}, "who is parked beside it was told of its recording"

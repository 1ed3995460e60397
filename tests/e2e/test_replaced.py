"""Who takes another one's place by SIP alone, of which Asterisk says nothing: told and asked as any newcomer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callguard.core.recording import State
from callguard.lab.media import CounterTone
from callguard.ports import StoredCall
from tests.e2e.matrix import Change, changing, sounds
from tests.e2e.site import POLICY, Site, Talk, incidents, sent_between, states
from tests.e2e.test_joins import EDGE, about, another, begun, over, sound_between
from tests.e2e.test_rogue import size, somebody, stands_still

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def replaced_in_a_room(site: Site, agent: int, third: int, *, far: bool) -> tuple[Change, StoredCall]:
    """Caller and agent sit in a ConfBridge; a phone of somebody else takes the place of one of them by SIP alone."""
    async with changing(site, agent, third, "moved") as change:
        talk = change.talk
        await begun(talk)
        await change.redirects(f"room_{agent}", "caller", f"agent{agent}")
        await sounds(talk)
        change.coming = await change.third.dial("wait", media=change.tone, replaces=talk.call if far else talk.answered)
        await change.coming.answered()
        change.channel_id = await change.channel_of(change.third)
        if far:
            await talk.row("stop_acknowledged")
        else:
            await about(change, "notice_ended")
            await change.coming.press("1")
            await about(change, "consent_granted")
            await talk.row("notice_ended", script="recording_on", nth=1)
        await talk.says(1)
        return change, await over(change)


@pytest.mark.requirement("S6", "S22", "S73")
async def test_who_takes_a_place_in_a_conference_by_an_invite_that_replaces_a_call_is_a_newcomer(site: Site) -> None:
    """RFC 3891: of this Asterisk says nothing at all but that the one who was there is gone."""
    (agent, stored), (caller, other) = await asyncio.gather(
        replaced_in_a_room(site, 3, 10, far=False), replaced_in_a_room(site, 4, 11, far=True)
    )
    assert set(states(stored)) == {State.VERIFIED.value} and incidents(stored) == set()
    masked = next(row for row in stored.events if row.type == "mask_acknowledged" and row.at > came(stored, agent))
    assert masked.at - came(stored, agent) < timedelta(seconds=0.25)
    heard = {number for segment in range(len(stored.recordings)) for number in agent.talk.tape(segment).numbers()[1]}
    agreed = next(
        row.at for row in stored.events if row.type == "consent_granted" and row.channel_id == agent.channel_id
    )
    said = {number: sent.wall for number, sent in agent.tone.sent.items() if number in heard}
    assert said and min(said.values()) > agreed.timestamp() - EDGE
    assert states(other) == [State.VERIFIED.value] and incidents(other) == set()
    assert len(set(caller.talk.tape().numbers()[0]) & caller.tone.sent.keys()) * 0.02 < 0.25


def came(stored: StoredCall, change: Change) -> datetime:
    return next(row.at for row in stored.events if row.type == "bridged" and row.channel_id == change.channel_id)


async def a_listener_gives_its_place_away(site: Site, agent: int, first: int, second: int, *, by_invite: bool) -> None:
    """Who listened and had agreed is exchanged for another phone, which listens on."""
    async with changing(site, agent, first, "moved") as spy, another(site, spy.talk, second) as stranger:
        talk = spy.talk
        await begun(talk)
        await spy.dials(f"spy_{agent}")
        await about(spy, "notice_ended")
        assert spy.coming
        await spy.coming.press("1")
        await about(spy, "consent_granted")
        await sounds(talk)
        if by_invite:
            stranger.coming = await stranger.third.dial("wait", media=stranger.tone, replaces=spy.coming)
            await stranger.coming.answered()
            stranger.channel_id = await stranger.channel_of(stranger.third)
        else:
            await spy.coming.hold()
            consulted = await spy.third.dial(f"to_{second}", media=spy.tone)
            await stranger.rings()
            await spy.coming.hand_over(consulted)
        began = await about(stranger, "listening_started")
        await about(stranger, "notice_ended")
        await talk.says(1)
        assert stranger.coming
        await stranger.coming.hangup()
        left = await about(stranger, "channel_hung_up")
        await sounds(talk)
        stored = await over(spy)
    assert states(stored) == [State.VERIFIED.value] and incidents(stored) == set()
    assert sound_between(talk, began.at, left.at) == 0


@pytest.mark.requirement("S6", "S73")
async def test_who_takes_a_listeners_place_is_told_and_asked_as_a_listener(site: Site) -> None:
    """By an attended transfer or an INVITE with Replaces: Asterisk says of neither that somebody else listens now."""
    await asyncio.gather(
        a_listener_gives_its_place_away(site, 3, 10, 11, by_invite=True),
        a_listener_gives_its_place_away(site, 4, 12, 13, by_invite=False),
    )


# ---------------------------------------------------------------- whom others listen to
def kept(talk: Talk, start: datetime, end: datetime, *tones: CounterTone) -> int:
    """Packets of these in any file of the call that left between two moments."""
    assert talk.stored is not None
    tapes = [talk.tape(segment).numbers() for segment in range(len(talk.stored.recordings))]
    edge = timedelta(seconds=EDGE)
    sent = {number for tone in tones for number in sent_between(tone, start + edge, end - edge)}
    assert sent, "nothing was looked at"
    return len(sent & {number for sides in tapes for side in sides for number in side})


async def listens_to_an_agent_who_is_replaced(site: Site, agent: int, spy: int, other: int, *, by_invite: bool) -> None:
    """In a ConfBridge. Who listens has refused; other staff comes in the agent's place."""
    async with changing(site, agent, spy, "moved") as ear, another(site, ear.talk, other) as staff:
        talk = ear.talk
        await begun(talk)
        await ear.redirects(f"room_{agent}", "caller", f"agent{agent}")
        await sounds(talk)
        await ear.dials(f"spy_{agent}")
        await about(ear, "notice_ended")
        assert ear.coming
        await ear.coming.press("2")
        await about(ear, "consent_refused")
        if by_invite:
            staff.coming = await staff.third.dial("wait", media=staff.tone, replaces=talk.answered)
            await staff.coming.answered()
        else:
            consulted = await talk.agent.dial(f"to_{other}", media=talk.near)
            await staff.rings()
            await talk.answered.hand_over(consulted)
        staff.channel_id = await staff.channel_of(staff.third)
        came_at = (await about(staff, "bridged")).at
        await leaves_and_is_in_no_file(ear, staff, came_at)


async def leaves_and_is_in_no_file(ear: Change, staff: Change, start: datetime) -> None:
    """Nothing is recorded until who listens is gone; from then on all is."""
    talk = ear.talk
    assert ear.coming and staff.coming
    await talk.says(2)
    await ear.coming.hangup()
    left = await about(ear, "channel_hung_up")
    await sounds(talk)
    await staff.coming.hangup()
    stored = await over(ear)
    assert set(states(stored)) == {State.VERIFIED.value} and incidents(stored) == set()
    assert kept(talk, start, left.at, talk.far, staff.tone) == 0


async def listens_to_a_phone_that_rings(site: Site, agent: int, spy: int, ringing: int, other: int) -> None:
    """A transfer rings; other staff picks it up."""
    async with changing(site, agent, spy, "moved") as ear, another(site, ear.talk, other) as staff:
        talk = ear.talk
        await begun(talk)
        await talk.answered.refer(f"to_{ringing}")
        await ear.is_called(f"agent{ringing}")
        await ear.dials(f"spy_{ringing}")
        await about(ear, "listening_started")
        staff.coming = await staff.third.dial(f"take_{ringing}", media=staff.tone)
        await staff.coming.answered()
        staff.channel_id = await staff.channel_of(staff.third)
        await leaves_and_is_in_no_file(ear, staff, (await about(staff, "bridged")).at)


@pytest.mark.requirement("S6", "S22", "S73")
async def test_who_listens_to_a_channel_listens_to_who_takes_its_place(site: Site) -> None:
    """Asterisk says of none of these that somebody else is heard now."""
    await asyncio.gather(
        listens_to_an_agent_who_is_replaced(site, 3, 10, 6, by_invite=True),
        listens_to_an_agent_who_is_replaced(site, 4, 11, 7, by_invite=False),
        listens_to_a_phone_that_rings(site, 5, 12, 9, 8),
    )


@pytest.mark.requirement("S4", "S22", "S73")
async def test_what_hangs_on_a_leg_that_rings_comes_to_the_caller_who_is_handed_over(folder: Path) -> None:
    """A listener of it, whom no call knew, and somebody else's recorder."""
    plan = "exten => ear,1,Answer()\n same => n,ChanSpy(${SPIED},q)\n"
    policy = f'{POLICY}\non_rogue = "report"\n'  # of one type: none that runs for no call is stopped
    async with (
        await Site.open(folder, policy=policy, dialplan=plan) as site,
        somebody(site) as other,
        changing(site, 3, 10, "moved") as ear,
        another(site, ear.talk, 5) as staff,
    ):
        talk, rogue = ear.talk, site.stand.work / "rogue.wav"
        await begun(talk)
        await talk.answered.hold()
        consulted = await talk.agent.dial("to_5", media=talk.near)
        staff.coming = await staff.third.incoming()
        rows = [line.split("!")[0] for line in (await site.channels()).splitlines()]
        leg = max(row for row in rows if row.startswith("PJSIP/agent3-"))
        await site.stand.asterisk.cli(f"dialplan set global SPIED {leg}")
        await ear.dials("ear")
        await talk.says(0.5)  # of whom nobody is told that it listens
        await other.action("MixMonitor", Channel=leg, File=str(rogue))
        await talk.answered.hand_over(consulted)
        began = await about(ear, "listening_started")
        await talk.row("rogue_recording_seen")
        staff.coming.answer()
        await staff.coming.answered()
        await about(ear, "notice_ended")
        assert await stands_still(rogue) and size(rogue) < 32_000
        assert ear.coming
        await ear.coming.hangup()
        left = await about(ear, "channel_hung_up")
        await sounds(talk)
        await staff.coming.hangup()
        stored = await over(ear)
        assert set(states(stored)) == {State.VERIFIED.value} and incidents(stored) == {"rogue_recording"}
        assert kept(talk, began.at, left.at, talk.far, staff.tone) == 0


@pytest.mark.requirement("S22")
async def test_a_caller_who_is_handed_over_while_the_consulted_party_is_told_is_put_through(site: Site) -> None:
    """The agent hears it ring and lets go; the caller rings on in its place, under a name that nobody was told."""
    async with changing(site, 6, 13, "moved") as change:
        talk = change.talk
        await begun(talk)
        consulted = await change.consults("gate_13")
        await change.rings()
        began = datetime.now(UTC)
        await talk.answered.hand_over(consulted)
        await talk.row("channel_hung_up")
        assert change.coming
        await change.coming.press("2")
        await about(change, "bridged")
        talk.answered, talk.near = change.coming, change.tone
        assert await talk.hears_each_other(), "a call was lost"
        stored = await over(change)
    assert incidents(stored) == set() and states(stored) == [State.VERIFIED.value]
    assert kept(talk, began, datetime.now(UTC), change.tone) == 0

"""Who takes another one's place by SIP alone, of which Asterisk says nothing: told and asked as any newcomer."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from callguard.core.recording import State
from callguard.ports import StoredCall
from tests.e2e.matrix import Change, changing, sounds
from tests.e2e.site import Site, incidents, states
from tests.e2e.test_joins import EDGE, about, another, begun, over, sound_between

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

"""Who listens as a new controller comes: a snoop of somebody else's ARI application, and a ChanSpy of all channels."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.site import AriAddress
from tests.e2e.matrix import changing, sounds
from tests.e2e.site import Site, states, types
from tests.e2e.test_joins import about, begun, over
from tests.e2e.test_replaced import kept

SNOOP = "somebody-elses-snoop"


@asynccontextmanager
async def application(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    """Requests of another application, which is connected."""
    own = site.stand.asterisk
    address = AriAddress(url=own.ari_url, user=own.ari_user, password=own.ari_password)
    ari = await Ari.connect(replace(address, app="other"))
    who = {"Authorization": aiohttp.encode_basic_auth(own.ari_user, own.ari_password)}
    async with aiohttp.ClientSession(f"{own.ari_url}/", headers=who) as session:
        yield session
    await ari.close()


@pytest.mark.requirement("S6", "S73")
async def test_nothing_is_recorded_while_it_listens_whichever_controller_is_there(own_site: Site) -> None:
    """Nobody can be told there. A new controller took it for gone, and the old one after two looks at the channels."""
    async with application(own_site) as other, own_site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        assert talk.stored is not None
        where = f"channels/{talk.stored.events[0].channel_id}/snoop"
        async with other.post(where, params={"spy": "both", "app": "other", "snoopId": SNOOP}) as answer:
            assert answer.status == 200, await answer.text()
        await talk.row("mask_observed")
        await own_site.stand.stop_controller(signal.SIGKILL)
        await own_site.stand.start_controller()
        await talk.row("link_restored")
        await asyncio.sleep(3)
        stored = await talk.load()
        assert stored and types(stored).count("recording_opened") == 1 and "unmask_requested" not in types(stored)
        assert not [row for row in stored.events if row.channel_id == SNOOP and row.type == "channel_hung_up"]
        async with other.delete(f"channels/{SNOOP}") as answer:
            assert answer.status == 204
        await talk.row("recording_opened", nth=1)
        await talk.says(1)
        stored = await talk.ends()
    assert states(stored)[1:] == ["verified"] and types(stored).count("listening_ended") == 1


@pytest.mark.requirement("S6", "S73")
async def test_who_began_to_listen_to_everybody_while_no_controller_was_there_is_told(folder: Path) -> None:
    plan = "[internal](+)\nexten => all,1,Answer()\n same => n,ChanSpy(all,q)\n"
    async with await Site.open(folder, dialplan=plan) as site, changing(site, 3, 10, "moved") as ear:
        talk = ear.talk
        await begun(talk)
        await site.stand.stop_controller(signal.SIGKILL)
        await ear.dials("all")
        await site.stand.start_controller()
        began = await about(ear, "listening_started")
        await about(ear, "notice_ended")
        await talk.says(2)
        assert ear.coming
        await ear.coming.hangup()
        left = await about(ear, "channel_hung_up")
        await sounds(talk)
        await over(ear)
        assert kept(talk, began.at, left.at, talk.far, talk.near) == 0


@pytest.mark.requirement("S6", "S73")
async def test_staff_that_talked_with_them_and_only_listens_from_now_on_is_told_and_asked(site: Site) -> None:
    """A panel takes it into ChanSpy. Of staff nobody on the line had to be told, nor it of them; of a listener, yes."""
    async with changing(site, 4, 8, "moved") as staff:
        talk = staff.talk
        await begun(talk)
        await staff.dials("add_4")
        await about(staff, "bridged")
        assert staff.coming
        await staff.redirects("spy_4", "agent8")
        began = await about(staff, "listening_started")
        await about(staff, "notice_ended")
        await staff.coming.press("1")
        agreed = await about(staff, "consent_granted")
        await sounds(talk)
        stored = await over(staff)
    assert states(stored) == ["verified"] and not stored.incidents
    assert kept(talk, began.at, agreed.at, talk.far, talk.near) == 0

"""Channels that wait: FreeSWITCH connects to us for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from callguard.errors import BadInput, PbxRefused
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.outbound import Outbound, channel_id_of
from tests.pbx.freeswitch.session import Exchange


class Desk:
    """An outbound socket and a FreeSWITCH that connects to it."""

    def __init__(self, switch: Exchange) -> None:
        self.switch = switch
        self.seen: list[Message] = []
        self.outbound = Outbound(self.seen.append, patience=0.3)

    async def entered(self) -> str:
        """A caller waits here."""
        channel = await self.switch.enter()
        for _ in range(400):
            if channel.uuid in self.outbound.waiting:
                return channel.uuid
            await asyncio.sleep(0.005)
        raise AssertionError("nobody came")


@pytest_asyncio.fixture(loop_scope="session")
async def desk() -> AsyncIterator[Desk]:
    async with Exchange() as switch:
        own = Desk(switch)
        await own.outbound.listen("127.0.0.1", 0)
        switch.controller = own.outbound.port
        yield own
        await own.outbound.close()


async def gone(desk: Desk) -> None:
    """Nobody waits any more."""
    for _ in range(400):
        if not desk.outbound.waiting:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("somebody still waits")


async def test_a_channel_that_connects_waits_and_says_who_it_is(desk: Desk) -> None:
    channel_id = await desk.entered()
    assert channel_id_of(desk.seen[0]) == channel_id
    assert desk.seen[0]["variable_callguard_type"] == "support"


async def test_sent_on_it_waits_no_more(desk: Desk) -> None:
    channel_id = await desk.entered()
    await desk.outbound.send_on(channel_id)
    assert not desk.outbound.waiting and desk.switch.channels[channel_id].left.is_set()
    with pytest.raises(PbxRefused):
        await desk.outbound.send_on(channel_id)


async def test_a_caller_who_hangs_up_waits_no_more(desk: Desk) -> None:
    channel = desk.switch.channels[await desk.entered()]
    desk.switch.hang_up(channel)
    await gone(desk)


async def test_closing_sends_everyone_on(desk: Desk) -> None:
    channels = [desk.switch.channels[await desk.entered()] for _ in range(3)]
    await desk.outbound.close()
    await asyncio.wait_for(asyncio.gather(*(channel.left.wait() for channel in channels)), 5)


@pytest.mark.parametrize("says", [b"", b"nonsense\n\n", b"Content-Length: -1\n\n", b"Content-Type: command/reply\n\n"])
async def test_who_is_no_channel_is_let_go(desk: Desk, says: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.outbound.port)
    writer.write(says)
    assert await asyncio.wait_for(reader.read(), 5) == b"connect\n\n"
    assert not desk.seen and not desk.outbound.waiting
    writer.close()


@pytest.mark.parametrize("evil", ["", "a b", "a\nb", "../x", "x" * 65])
def test_an_id_that_could_be_more_than_an_id_is_none(evil: str) -> None:
    assert channel_id_of({"Unique-ID": evil}) == ""


async def test_an_address_that_is_taken_is_named(desk: Desk) -> None:
    with pytest.raises(BadInput, match=r"freeswitch\.listen"):
        await Outbound(lambda _: None).listen("127.0.0.1", desk.outbound.port)

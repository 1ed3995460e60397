from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import numpy as np
import pytest

from callguard.lab.media import CounterTone, find_counters
from callguard.lab.rtp import RtpStream


class Tap(asyncio.DatagramProtocol):
    """Keeps raw datagrams."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.seen.append(data)


@pytest.fixture
async def pair() -> AsyncIterator[tuple[RtpStream, RtpStream]]:
    one, two = await RtpStream.open("127.0.0.1", CounterTone()), await RtpStream.open("127.0.0.1", CounterTone(1000))
    yield one, two
    one.close()
    two.close()


async def test_what_is_sent_is_heard_packet_by_packet(pair: tuple[RtpStream, RtpStream]) -> None:
    one, two = pair
    one.send_to(("127.0.0.1", two.port))
    await asyncio.sleep(0.3)
    one.close()
    await asyncio.sleep(0.02)
    numbers = [number for _, number in find_counters(two.heard().samples)]
    assert numbers == list(range(len(numbers))) and len(numbers) >= 5
    assert isinstance(one.source, CounterTone) and len(one.source.sent) == len(numbers)


async def test_what_was_heard_can_be_cut_by_time(pair: tuple[RtpStream, RtpStream]) -> None:
    one, two = pair
    one.send_to(("127.0.0.1", two.port))
    await asyncio.sleep(0.2)
    heard = two.heard()
    middle = float(heard.monotonic[3])
    assert len(heard.between(0, middle)) == 3 * 160
    assert len(heard.between(middle, np.inf)) == len(heard.samples) - 3 * 160


async def test_a_muted_stream_sends_nothing(pair: tuple[RtpStream, RtpStream]) -> None:
    one, two = pair
    one.muted = True
    one.send_to(("127.0.0.1", two.port))
    await asyncio.sleep(0.1)
    assert len(two.heard().samples) == 0


async def test_a_key_is_rfc_4733() -> None:
    loop = asyncio.get_running_loop()
    transport, tap = await loop.create_datagram_endpoint(Tap, local_addr=("127.0.0.1", 0))
    stream = await RtpStream.open("127.0.0.1")
    stream.send_to(transport.get_extra_info("sockname")[:2])
    await stream.press("*", seconds=0.1)
    await asyncio.sleep(0.02)
    stream.close()
    transport.close()
    events = [data for data in tap.seen if data[1] & 0x7F == 101]
    assert len(events) == 8 and {data[12] for data in events} == {10}
    assert [data[1] >> 7 for data in events] == [1] + [0] * 7
    assert len({data[4:8] for data in events}) == 1
    assert [data[13] >> 7 for data in events] == [0] * 5 + [1] * 3
    assert [int.from_bytes(data[14:16]) for data in events] == [160, 320, 480, 640, 800, 800, 800, 800]


async def test_a_line_may_lose_one_packet_of_so_many(pair: tuple[RtpStream, RtpStream]) -> None:
    one, two = pair
    one.loses = 3
    one.send_to(("127.0.0.1", two.port))
    await asyncio.sleep(0.3)
    one.close()
    await asyncio.sleep(0.02)
    numbers = [number for _, number in find_counters(two.heard().samples)]
    assert isinstance(one.source, CounterTone) and {later - number for number, later in pairwise(numbers)} == {1, 2}

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from callguard.errors import Unreachable
from callguard.lab.asterisk import Asterisk
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone


@pytest.fixture
async def agent(asterisk: Asterisk) -> AsyncIterator[Phone]:
    port = asterisk.agent_ports["agent1"]
    async with await Phone.open("agent1", port=port, answer_after=0.1, media=CounterTone(10000)) as phone:
        yield phone


async def channels(asterisk: Asterisk) -> str:
    return await asterisk.cli("core show channels")


async def gone(asterisk: Asterisk) -> None:
    async with asyncio.timeout(5):
        while "0 active channels" not in await channels(asterisk):
            await asyncio.sleep(0.02)


async def test_a_call_is_answered_and_both_hear_each_other(caller: Phone, agent: Phone, asterisk: Asterisk) -> None:
    call = await caller.dial("1", media=CounterTone())
    await call.answered()
    theirs = await agent.incoming()
    await theirs.answered()
    await asyncio.sleep(0.4)
    await call.hangup()
    await theirs.ended()
    mine = [number for _, number in find_counters(call.heard().samples)]
    other = [number for _, number in find_counters(theirs.heard().samples)]
    assert len(mine) > 10 and mine[0] >= 10000 and mine == list(range(mine[0], mine[0] + len(mine)))
    assert len(other) > 10 and other[-1] < 1000 and other == list(range(other[0], other[0] + len(other)))
    await gone(asterisk)


async def test_the_agent_may_hang_up_first(caller: Phone, agent: Phone) -> None:
    call = await caller.dial("1")
    theirs = await agent.incoming()
    await theirs.answered()
    await call.answered()
    await theirs.hangup()
    await call.ended()


async def test_a_caller_may_give_up_while_it_rings(caller: Phone, agent: Phone, asterisk: Asterisk) -> None:
    agent.answer_after = None
    call = await caller.dial("1")
    await call.ringing()
    theirs = await agent.incoming()
    await call.hangup()
    await theirs.ended()
    assert call.status == 487
    await gone(asterisk)


async def test_an_agent_may_refuse_or_answer_by_hand(caller: Phone, agent: Phone) -> None:
    agent.answer_after = None
    first = await caller.dial("1")
    theirs = await agent.incoming()
    await theirs.hangup()
    await first.ended()
    assert first.status in (486, 603)
    second = await caller.dial("1")
    (await agent.incoming()).answer()
    await second.answered()


async def test_a_phone_may_refuse_every_call(caller: Phone, agent: Phone) -> None:
    agent.reject = 480
    call = await caller.dial("1")
    with pytest.raises(Unreachable, match="ended with status"):
        await call.answered()


async def test_hold_plays_music_to_the_other_and_unhold_ends_it(caller: Phone, agent: Phone) -> None:
    call = await caller.dial("1", media=CounterTone())
    theirs = await agent.incoming()
    await theirs.answered()
    await asyncio.sleep(0.2)
    await call.hold()
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.1)
    held = loop.time()
    await asyncio.sleep(0.4)
    back = loop.time()
    await call.unhold()
    await asyncio.sleep(0.3)
    music = theirs.heard().between(held, back)
    assert music.any() and find_counters(music) == []
    assert len(find_counters(theirs.heard().between(back, loop.time()))) > 5


async def test_keys_arrive_once_each_and_in_order(caller: Phone, asterisk: Asterisk) -> None:
    call = await caller.dial("4")
    await call.answered()
    await asyncio.sleep(0.1)
    await call.press("1*")
    await call.ended()
    assert "app_verbose.c: keys 1*\n" in asterisk.log.read_text()
    again = await caller.dial("4")
    await again.answered()
    await again.signal("2#")
    await again.ended()
    assert "app_verbose.c: keys 2\n" in asterisk.log.read_text(), "# ends what is read"


async def test_an_extension_that_is_not_there(caller: Phone) -> None:
    call = await caller.dial("99")
    await call.ended()
    assert call.status == 404


async def test_a_pbx_that_is_not_there() -> None:
    async with await Phone.open("caller", ("127.0.0.1", 9)) as phone:
        call = await phone.dial("1")
        with pytest.raises(Unreachable):
            await call.answered(timeout=0.3)


@pytest.mark.parametrize(
    "name",
    [b"$(touch x) ${SYSTEM(touch x)}", b"\xff\xfe\x80", b"a" * 10_000, b"<img src=x onerror=alert(1)>", b"'; --"],
)
async def test_a_hostile_name_is_sent_as_it_is(caller: Phone, asterisk: Asterisk, name: bytes) -> None:
    call = await caller.dial("3", display=name)
    await call.ended()
    assert call.status == 200
    log = asterisk.log.read_bytes()
    assert name[:200] in log or name[:1] == b"\xff"


async def test_an_unknown_user_is_taken_as_a_stranger(caller: Phone, asterisk: Asterisk) -> None:
    call = await caller.dial("2", user="%24%7BX%7D")
    await call.answered()
    assert "PJSIP/anonymous" in await channels(asterisk)
    await call.hangup()


async def test_nobody_calls() -> None:
    async with await Phone.open("agent9") as phone:
        with pytest.raises(Unreachable, match="nobody called"):
            await phone.incoming(timeout=0.05)

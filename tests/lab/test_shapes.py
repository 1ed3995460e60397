"""The shipped examples on a real Asterisk, shape by shape: who is handed over, and that it is once a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from callguard.lab.asterisk import Asterisk, dialplan_dir
from callguard.lab.dialog import Call
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from tests.lab.listener import Listener, channels, listening, warnings

Phones = Callable[..., Awaitable[Phone]]


@pytest.fixture
async def asterisk(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Asterisk]:
    """With the example that the test names, as it stands in the folder."""
    text = (dialplan_dir() / f"example-{request.param}.conf").read_text()
    async with Asterisk(tmp_path, dialplan=text, agents=3) as running:
        yield running
        await running.kill()


@pytest.fixture
async def listener(asterisk: Asterisk) -> AsyncIterator[Listener]:
    async with listening(asterisk) as app:
        app.lets_go = True
        yield app


@pytest.fixture
async def phones(asterisk: Asterisk) -> AsyncIterator[Phones]:
    """Opens phones by the name of their endpoint."""
    ports = {**asterisk.agent_ports, "trunk": asterisk.trunk_port}
    async with AsyncExitStack() as opened:

        async def make(name: str, answer_after: float | None = 0.1) -> Phone:
            phone = await Phone.open(name, asterisk.server, port=ports.get(name, 0), answer_after=answer_after)
            phone.media = CounterTone()
            return await opened.enter_async_context(phone)

        yield make


async def talking(*calls: Call) -> None:
    """Wait until each hears somebody's counted packets from now on."""
    before = [len(find_counters(call.heard().samples)) for call in calls]
    async with asyncio.timeout(8):
        while any(
            len(find_counters(call.heard().samples)) < known + 10 for call, known in zip(calls, before, strict=True)
        ):
            await asyncio.sleep(0.05)


def example(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("asterisk", [name], indirect=True)


# --- internal --------------------------------------------------------------------------------------------------------


@example("internal")
async def test_extension_to_extension(asterisk: Asterisk, listener: Listener, phones: Phones) -> None:
    one, two = await phones("agent1"), await phones("agent2")
    call = await one.dial("602", media=CounterTone())
    answered = await two.incoming()
    await talking(call, answered)
    start = await listener.nth("StasisStart")
    assert start["args"][:4] == ["1", "helpdesk", "internal", start["channel"]["id"]]
    assert listener.asked() == ["agent1"]
    assert listener.story() == ["agent2 enters 1", "agent1 enters 2"]
    await call.hangup()
    assert await channels(asterisk) == [] and warnings(asterisk) == []


@example("internal")
async def test_a_ring_group_asks_once_and_only_the_winner_joins(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    one, two, three = await phones("agent1", None), await phones("agent2", None), await phones("agent3", None)
    call = await one.dial("610", media=CounterTone())
    answered, lost = await two.incoming(), await three.incoming()
    answered.answer()
    await talking(call, answered)
    await lost.ended(timeout=2)
    assert listener.asked() == ["agent1"]
    assert listener.story() == ["agent2 enters 1", "agent1 enters 2"]


@example("internal")
async def test_follow_me_by_local_channels_asks_once(asterisk: Asterisk, listener: Listener, phones: Phones) -> None:
    three, two = await phones("agent3"), await phones("agent2")
    await phones("agent1", None)
    call = await three.dial("620", media=CounterTone())
    answered = await two.incoming()
    await talking(call, answered)
    # two bridges, in whatever order; then the Local channel between them optimises itself away, and one moves over
    async with asyncio.timeout(8):
        while listener.together() != [{"agent2", "agent3"}]:
            await asyncio.sleep(0.05)
    assert listener.asked() == ["agent3"]
    assert {"agent2", "agent3"} <= {said.split()[0] for said in listener.story() if " enters " in said}


@example("internal")
async def test_who_picks_up_a_ringing_phone_is_not_asked(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    one, two, three = await phones("agent1"), await phones("agent2", None), await phones("agent3")
    call = await one.dial("602", media=CounterTone())
    await two.incoming()
    taken = await three.dial("*8602", media=CounterTone())
    await talking(call, taken)
    assert listener.asked() == ["agent1"]
    assert listener.story() == ["agent3 enters 1", "agent1 enters 2"]


@example("internal")
async def test_a_second_call_to_a_busy_extension_is_a_call_of_its_own(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    one, two, three = await phones("agent1"), await phones("agent2"), await phones("agent3")
    first = await one.dial("602", media=CounterTone())
    answered = await two.incoming()
    await talking(first, answered)
    second = await three.dial("602", media=CounterTone())
    waiting = await two.incoming()
    await answered.hold()
    await talking(second, waiting)
    assert listener.asked() == ["agent1", "agent3"]
    assert listener.story() == ["agent2 enters 1", "agent1 enters 2", "agent2 enters 1", "agent3 enters 2"]


@example("internal")
async def test_a_blind_transfer_asks_nobody_again(asterisk: Asterisk, listener: Listener, phones: Phones) -> None:
    one, two, three = await phones("agent1"), await phones("agent2"), await phones("agent3")
    call = await one.dial("602", media=CounterTone())
    answered = await two.incoming()
    await talking(call, answered)
    await answered.refer("603")
    third = await three.incoming()
    await talking(call, third)
    assert listener.asked() == ["agent1"]
    assert listener.story()[:2] == ["agent2 enters 1", "agent1 enters 2"]
    assert listener.story()[-2:] == ["agent3 enters 1", "agent1 enters 2"]
    assert len(listener.of("BridgeBlindTransfer")) == 1


# --- a menu first ----------------------------------------------------------------------------------------------------


@example("ivr")
async def test_after_the_menu_a_caller_is_asked_once(asterisk: Asterisk, listener: Listener, phones: Phones) -> None:
    caller, one = await phones("caller"), await phones("agent1")
    call = await caller.dial("300", media=CounterTone())
    await call.answered()
    assert listener.asked() == []
    await call.press("1")
    await talking(call, await one.incoming())
    assert listener.asked() == ["caller"]
    assert (await listener.nth("StasisStart"))["args"][1:3] == ["support", "inbound"]


@example("ivr")
async def test_who_only_wants_the_opening_hours_is_never_asked(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    call = await (await phones("caller")).dial("300")
    await call.answered()
    await call.press("2")
    await call.ended(timeout=8)
    assert listener.asked() == []


@example("ivr")
async def test_a_call_back_is_told_anew(asterisk: Asterisk, listener: Listener, phones: Phones) -> None:
    caller, far, one = await phones("caller"), await phones("trunk"), await phones("agent1")
    call = await caller.dial("300", user="5551234")
    await call.answered()
    await call.press("3")
    back = await far.incoming()
    await talking(back, await one.incoming())
    assert listener.asked() == ["trunk"]
    assert (await listener.nth("StasisStart"))["args"][1:3] == ["support", "outbound"]


# --- emergency -------------------------------------------------------------------------------------------------------


@example("emergency")
@pytest.mark.requirement("S4")
@pytest.mark.parametrize("number", ["911", "9911", "95999", "9112"])
async def test_an_emergency_call_meets_nothing_of_ours(
    asterisk: Asterisk, listener: Listener, phones: Phones, number: str
) -> None:
    one, far = await phones("agent1"), await phones("trunk")
    call = await one.dial(number, media=CounterTone())
    await talking(call, await far.incoming())
    assert listener.asked() == [] and listener.of("ChannelUserevent") == [] and listener.of("PlaybackStarted") == []


@example("emergency")
@pytest.mark.requirement("S4")
async def test_who_was_called_in_an_emergency_may_ring_back(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    one, far, caller = await phones("agent1"), await phones("trunk"), await phones("caller")
    call = await one.dial("911", media=CounterTone())
    await talking(call, await far.incoming())
    await call.hangup()
    back = await caller.dial("5550100", media=CounterTone())
    await talking(back, await one.incoming())
    assert listener.asked() == []
    await back.hangup()
    ordinary = await caller.dial("5550100", user="1", media=CounterTone())
    await talking(ordinary, await one.incoming())
    assert listener.asked() == []


@example("emergency")
@pytest.mark.requirement("S4")
async def test_the_security_desk_is_reached_as_if_we_were_not_there(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    two, one = await phones("agent2"), await phones("agent1")
    await talking(await two.dial("555", media=CounterTone()), await one.incoming())
    assert listener.asked() == []

"""Outbound calls through the shipped example on a real Asterisk: told before anyone is bridged, or bridged first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callguard.lab.asterisk import Asterisk, dialplan_dir
from callguard.lab.dialog import Call, CallState
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.message import Message
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.site import AmiAddress
from tests.lab.listener import Listener, channels, listening, warnings

EXAMPLE = dialplan_dir() / "example-outbound.conf"
HOME = """
exten => h,1,Verbose(1,home ${DIALSTATUS})
[inbound]
[agents]
"""


@pytest.fixture
async def asterisk(tmp_path: Path) -> AsyncIterator[Asterisk]:
    async with Asterisk(tmp_path, dialplan=EXAMPLE.read_text() + HOME, agents=1) as running:
        yield running
        await running.kill()


@pytest.fixture
async def agent(asterisk: Asterisk) -> AsyncIterator[Phone]:
    async with await Phone.open("agent1", asterisk.server, port=asterisk.agent_ports["agent1"]) as phone:
        yield phone


@pytest.fixture
async def far(asterisk: Asterisk) -> AsyncIterator[Phone]:
    """The called party, who picks up at once."""
    async with await Phone.open("trunk", port=asterisk.trunk_port, answer_after=0.1, media=CounterTone()) as phone:
        yield phone


@pytest.fixture
async def listener(asterisk: Asterisk) -> AsyncIterator[Listener]:
    async with listening(asterisk) as app:
        yield app


async def call_out(agent: Phone, far: Phone, number: str = "95551234") -> tuple[Call, Call]:
    call = await agent.dial(number, media=CounterTone())
    theirs = await far.incoming()
    await theirs.answered()
    return call, theirs


async def talking(one: Call, two: Call) -> None:
    """Wait until each has heard ten packets of the other."""
    async with asyncio.timeout(5):
        while any(len(find_counters(call.heard().samples)) < 10 for call in (one, two)):
            await asyncio.sleep(0.05)


# --- told before bridged ---------------------------------------------------------------------------------------------


async def test_the_called_party_is_handed_over_while_the_caller_only_hears_ringing(
    agent: Phone, far: Phone, asterisk: Asterisk, listener: Listener
) -> None:
    call, theirs = await call_out(agent, far)
    start = await listener.nth("StasisStart")
    caller = (await listener.nth("ChannelCreated"))["channel"]
    assert listener.asked() == ["trunk"]
    assert start["args"][:4] == ["1", "sales", "outbound", caller["id"]]
    await listener.beep(start["channel"]["id"], asterisk)
    assert (await listener.nth("PlaybackFinished"))["playback"]["state"] == "done"
    assert call.state is CallState.RINGING and len(call.heard().samples) == 0
    assert len(theirs.heard().samples) > 0 and not find_counters(theirs.heard().samples)
    await theirs.press("2")
    assert (await listener.nth("ChannelDtmfReceived"))["channel"]["id"] == start["channel"]["id"]
    assert listener.of("BridgeCreated") == []


async def test_after_the_answer_both_are_bridged_and_the_caller_is_answered_at_once(
    agent: Phone, far: Phone, asterisk: Asterisk, listener: Listener
) -> None:
    call, theirs = await call_out(agent, far)
    start = await listener.nth("StasisStart")
    await listener.ari.send_on(start["channel"]["id"])
    await call.answered(timeout=2)
    await talking(call, theirs)
    assert listener.story() == ["trunk enters 1", "agent1 enters 2"]
    await theirs.hangup()
    await call.ended(timeout=2)
    assert await channels(asterisk) == []
    assert listener.asked() == ["trunk"] and warnings(asterisk) == []
    assert "home ANSWER" in asterisk.log.read_text()


async def test_the_caller_may_hang_up_during_the_conversation(
    agent: Phone, far: Phone, asterisk: Asterisk, listener: Listener
) -> None:
    call, theirs = await call_out(agent, far)
    await listener.ari.send_on((await listener.nth("StasisStart"))["channel"]["id"])
    await talking(call, theirs)
    await call.hangup()
    await theirs.ended(timeout=2)
    assert await channels(asterisk) == [] and warnings(asterisk) == []
    assert "home ANSWER" in asterisk.log.read_text()


async def test_a_called_party_who_hangs_up_in_the_notice_ends_the_call(
    agent: Phone, far: Phone, asterisk: Asterisk, listener: Listener
) -> None:
    call, theirs = await call_out(agent, far)
    start = await listener.nth("StasisStart")
    await listener.beep(start["channel"]["id"], asterisk)
    await theirs.hangup()
    async with asyncio.timeout(2):
        while call.state is not CallState.ENDED:
            await call.changed.wait()
    assert call.status == 603 and len(call.heard().samples) == 0  # never answered
    assert await channels(asterisk) == [] and warnings(asterisk) == []


async def test_a_caller_who_hangs_up_in_the_notice_keeps_nobody_waiting(
    agent: Phone, far: Phone, asterisk: Asterisk, listener: Listener
) -> None:
    call, theirs = await call_out(agent, far)
    start = await listener.nth("StasisStart")
    await listener.beep(start["channel"]["id"], asterisk)
    await call.hangup()
    await theirs.ended(timeout=2)  # our controller did nothing: the dialplan sees to it alone
    assert await channels(asterisk) == [] and warnings(asterisk) == []


async def test_without_callguard_both_are_bridged_unrecorded_at_once(
    agent: Phone, far: Phone, asterisk: Asterisk
) -> None:
    for _ in range(10):  # both legs leave Dial at the same moment: neither order may lose one
        call, theirs = await call_out(agent, far)
        await call.answered(timeout=1)
        await talking(call, theirs)
        await call.hangup()
        await theirs.ended(timeout=2)
    assert await channels(asterisk) == [] and warnings(asterisk) == []


async def test_the_guard_can_send_a_called_party_on(
    agent: Phone, far: Phone, asterisk: Asterisk, listener: Listener
) -> None:
    call, theirs = await call_out(agent, far)
    channel = (await listener.nth("StasisStart"))["channel"]["id"]
    address = AmiAddress(
        host=asterisk.ami_host, port=asterisk.ami_port, user=asterisk.guard_user, secret=asterisk.guard_secret
    )
    guard = await Ami.connect(address, lambda message: None)
    await guard.action("Redirect", Channel=channel, Context="callguard", Exten="s", Priority="unrecorded")
    await guard.close()
    await call.answered(timeout=2)
    await talking(call, theirs)


async def test_nobody_is_told_when_nobody_answers(agent: Phone, asterisk: Asterisk, listener: Listener) -> None:
    async with await Phone.open("trunk", port=asterisk.trunk_port, reject=486):
        call = await agent.dial("95551234")
        async with asyncio.timeout(5):
            while call.state is not CallState.ENDED:
                await call.changed.wait()
    assert listener.asked() == []
    assert await channels(asterisk) == [] and "home BUSY" in asterisk.log.read_text()


class FullOnce(Phone):
    """A trunk that has no free line for the first call."""

    def _invited(self, message: Message, call: Call | None) -> None:
        super()._invited(message, call)
        self.reject = 0


async def test_a_second_trunk_is_told_as_the_first_would_have_been(
    agent: Phone, asterisk: Asterisk, listener: Listener
) -> None:
    async with await FullOnce.open("trunk", port=asterisk.trunk_port, answer_after=0, reject=503) as far:
        call, theirs = await call_out(agent, far)
        await listener.ari.send_on((await listener.nth("StasisStart"))["channel"]["id"])
        await call.answered(timeout=2)
        assert len(listener.of("ChannelCreated")) == 3 and listener.asked() == ["trunk"]
        await theirs.hangup()


# --- bridged first ---------------------------------------------------------------------------------------------------


async def test_bridged_first_the_conversation_begins_at_once_and_callguard_is_told_of_it(
    agent: Phone, far: Phone, asterisk: Asterisk, listener: Listener
) -> None:
    call, theirs = await call_out(agent, far, "85551234")
    await call.answered(timeout=1)
    await talking(call, theirs)
    caller, called = (event["channel"] for event in listener.of("ChannelCreated"))
    mark = await listener.nth("ChannelUserevent")
    assert mark["eventname"] == "callguard" and mark["channel"]["id"] == called["id"]
    told = {key.lower(): value for key, value in mark["userevent"].items()}
    assert told["calltype"] == "campaign" and told["direction"] == "outbound" and told["linkedid"] == caller["id"]
    assert listener.asked() == []
    kinds = [event["type"] for _, event in listener.events]
    assert kinds.index("ChannelUserevent") < kinds.index("ChannelEnteredBridge")
    await theirs.hangup()
    await call.ended(timeout=2)
    assert await channels(asterisk) == [] and warnings(asterisk) == []


async def test_bridged_first_needs_no_callguard(agent: Phone, far: Phone) -> None:
    started = time.monotonic()
    call, theirs = await call_out(agent, far, "85551234")
    await call.answered(timeout=1)
    await talking(call, theirs)
    assert time.monotonic() - started < 5


# --- what is never asked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["9911", "8112"])
async def test_an_emergency_call_is_a_plain_dial(
    agent: Phone, far: Phone, asterisk: Asterisk, listener: Listener, number: str
) -> None:
    call, theirs = await call_out(agent, far, number)
    await call.answered(timeout=1)
    await talking(call, theirs)
    assert listener.asked() == [] and listener.of("ChannelUserevent") == []
    assert f'Dial("PJSIP/agent1-00000000", "PJSIP/{number[1:]}@trunk,60,T")' in asterisk.log.read_text()

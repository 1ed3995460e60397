"""The dialplan snippet that admins include, on a real Asterisk: who is handed over, who never is, that it lets go."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from callguard.errors import PbxRefused
from callguard.lab.asterisk import Asterisk
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.site import AmiAddress, AriAddress

WORDS = ("site=", "place=", "line=", "language=", "dialled=100", "dialplan=")
"""What the snippet has to say of a call of which nothing else is known."""
SITE = """
[globals]
CALLGUARD_EMERGENCY=555&5556&
CALLGUARD_BYPASS=700&701&
[inbound]
exten => _X!,1,Gosub(callguard,s,1(support,inbound))
 same => n,Verbose(1,result ${EXTEN} ${CALLGUARD_ASKED} ${STASISSTATUS})
 same => n,Gosub(callguard,s,1(support,inbound))
 same => n,Verbose(1,again ${EXTEN} ${CALLGUARD_ASKED} ${STASISSTATUS})
 same => n,Answer()
 same => n,Wait(5)
exten => 300,1,Answer()
 same => n,MixMonitor(${ASTSPOOLDIR}/x.wav,i(CALLGUARD_MIX))
 same => n,MixMonitor(${ASTSPOOLDIR}/theirs.wav)
 same => n,Wait(0.3)
 same => n,Goto(internal,911,1)
[internal]
exten => _[*#0-9]!,1,Gosub(callguard,s,1(sa$l,es:out,outbound))
 same => n,Verbose(1,result ${EXTEN} ${CALLGUARD_ASKED} ${STASISSTATUS})
 same => n,Wait(3)
exten => 800,1,Set(CALLGUARD_DIALLED=911)
 same => n,Goto(internal,*900,1)
[agents]
"""


@pytest.fixture
async def asterisk(tmp_path: Path) -> AsyncIterator[Asterisk]:
    async with Asterisk(tmp_path, dialplan=SITE, agents=1) as running:
        yield running
        await running.kill()


@pytest.fixture
async def agent(asterisk: Asterisk) -> AsyncIterator[Phone]:
    async with await Phone.open("agent1", asterisk.server, port=asterisk.agent_ports["agent1"]) as phone:
        yield phone


@dataclass
class App:
    """A controller that only listens."""

    ari: Ari
    started: asyncio.Queue[tuple[str, list[str]]] = field(default_factory=asyncio.Queue)

    async def read(self) -> None:
        async for event in self.ari.events():
            if isinstance(event, Mapping) and event["type"] == "StasisStart":
                self.started.put_nowait((event["channel"]["id"], event["args"]))


@pytest.fixture
async def app(asterisk: Asterisk) -> AsyncIterator[App]:
    address = AriAddress(url=asterisk.ari_url, user=asterisk.ari_user, password=asterisk.ari_password)
    app = App(await Ari.connect(address))
    reader = asyncio.create_task(app.read())
    yield app
    reader.cancel()
    await app.ari.close()


async def results(asterisk: Asterisk, word: str = "result", count: int = 1) -> list[str]:
    """What the dialplan said after the Gosub, once there are `count` of them."""
    for _ in range(250):
        found = re.findall(rf"app_verbose\.c: {word} (.*)", asterisk.log.read_text(errors="replace"))
        if len(found) >= count:
            return [str(line).strip() for line in found]
        await asyncio.sleep(0.02)
    raise AssertionError(f"no {count} lines of {word!r}")


async def dial(phone: Phone, numbers: list[str], asterisk: Asterisk) -> list[str]:
    """The result of each number in turn."""
    for count, number in enumerate(numbers, 1):
        call = await phone.dial(number)
        await results(asterisk, count=count)
        await call.hangup()
    return await results(asterisk)


async def test_without_callguard_the_call_goes_on(caller: Phone, asterisk: Asterisk) -> None:
    call = await caller.dial("100")
    await call.answered(timeout=2)
    assert await results(asterisk) == ["100 asked FAILED"]


async def test_a_call_is_handed_over_once_and_comes_back(caller: Phone, asterisk: Asterisk, app: App) -> None:
    call = await caller.dial("100")
    channel, arguments = await asyncio.wait_for(app.started.get(), 3)
    assert arguments == ["1", "support", "inbound", channel, *WORDS]
    await app.ari.send_on(channel)
    await call.answered()
    assert await results(asterisk) == ["100 asked SUCCESS"]
    assert await results(asterisk, "again") == ["100 asked SUCCESS"]
    assert app.started.empty()


async def test_emergency_numbers_never_reach_callguard(agent: Phone, asterisk: Asterisk, app: App) -> None:
    numbers = ["911", "933", "112", "999", "000", "110", "118", "119", "9911", "0112", "8999", "555", "95556"]
    assert await dial(agent, numbers, asterisk) == [f"{number} emergency" for number in numbers]
    assert app.started.empty()


async def test_other_numbers_do(agent: Phone, asterisk: Asterisk, app: App) -> None:
    for count, number in enumerate(["0", "9", "91", "7911", "9112345", "55", "12"], 1):
        call = await agent.dial(number)
        channel, arguments = await asyncio.wait_for(app.started.get(), 3)
        assert arguments[1:3] == ["sal", "esout"]
        await app.ari.send_on(channel)
        assert len(await results(asterisk, count=count)) == count
        await call.hangup()


async def test_an_outside_prefix_means_nothing_to_those_who_call_in(caller: Phone, asterisk: Asterisk) -> None:
    assert await dial(caller, ["9112", "112"], asterisk) == ["9112 asked FAILED", "112 emergency"]


async def test_feature_codes_and_the_bypass_list_are_left_alone(agent: Phone, asterisk: Asterisk, app: App) -> None:
    assert await dial(agent, ["*97", "700", "701"], asterisk) == ["*97 bypass", "700 bypass", "701 bypass"]
    assert app.started.empty()


async def test_the_number_may_be_told_by_a_variable(agent: Phone, asterisk: Asterisk) -> None:
    await agent.dial("800")
    assert await results(asterisk) == ["*900 emergency"]


async def test_who_called_911_may_be_rung_back_for_half_an_hour(
    agent: Phone, caller: Phone, asterisk: Asterisk
) -> None:
    assert await dial(caller, ["601"], asterisk) == ["601 asked FAILED"]
    call = await agent.dial("911")
    await results(asterisk, count=2)
    await call.hangup()
    back = await caller.dial("601")
    assert (await results(asterisk, count=3))[-1] == "601 bypass"
    await back.hangup()
    await asterisk.cli(f"database put callguard-emergency 601 {int(time.time()) - 1801}")
    await caller.dial("601")
    assert (await results(asterisk, count=4))[-1] == "601 asked FAILED"


async def test_a_recorded_call_that_goes_to_911_is_recorded_no_more(caller: Phone, asterisk: Asterisk) -> None:
    await caller.dial("300")
    assert await results(asterisk) == ["911 emergency"]
    listing = await asterisk.cli("core show channels concise")
    running = await asterisk.cli(f"mixmonitor list {listing.split('!')[0]}")
    assert "/theirs\t" in running and "/x\t" not in running


async def test_the_guard_sends_a_waiting_caller_on_but_starts_nothing(
    caller: Phone, asterisk: Asterisk, app: App
) -> None:
    call = await caller.dial("100")
    channel, _ = await asyncio.wait_for(app.started.get(), 3)
    address = AmiAddress(
        host=asterisk.ami_host, port=asterisk.ami_port, user=asterisk.guard_user, secret=asterisk.guard_secret
    )
    guard = await Ami.connect(address, lambda message: None)
    with pytest.raises(PbxRefused, match="Permission denied"):
        await guard.action("MixMonitor", Channel=channel, File="x.wav")
    await guard.action("Redirect", Channel=channel, Context="callguard", Exten="s", Priority="unrecorded")
    await call.answered(timeout=2)
    assert len(await results(asterisk)) == 1
    await guard.close()


@pytest.mark.requirement("S29")
@pytest.mark.parametrize("name", [b"${SYSTEM(touch x)}", b"),1,1)", b"a&911&b", b'\\"; touch x'])
async def test_a_callers_name_changes_nothing(caller: Phone, asterisk: Asterisk, app: App, name: bytes) -> None:
    await caller.dial("100", display=name, user="911")
    channel, arguments = await asyncio.wait_for(app.started.get(), 3)
    assert arguments == ["1", "support", "inbound", channel, *WORDS]

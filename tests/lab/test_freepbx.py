"""The FreePBX files on a real Asterisk, in a dialplan of the shape that FreePBX generates."""

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
from tests.lab.listener import Listener, channels, listening

FREEPBX = dialplan_dir().parent / "freepbx"
CUSTOM = ("extensions_custom.conf", "extensions_custom-internal.conf")
OVERRIDE = "extensions_override_freepbx.conf"

# how its extensions.conf reads its parts, and the empty hooks that it brings along
CORE = """
#include extensions_override_freepbx.conf
#include extensions_additional.conf
#include extensions_custom.conf
#include extensions_custom-internal.conf
[inbound]
include => from-pstn
[from-pstn]
include => from-did-direct
include => ext-did
[from-did-direct]
include => ext-local
[internal]
include => from-internal
[from-internal]
include => from-internal-xfer
[from-internal-xfer]
include => outrt-1
include => outrt-2
include => ext-local
[macro-dialout-trunk-predial-hook]
exten => s,1,Return()
[macro-dialout-one-predial-hook]
exten => s,1,Return()
"""

# what it generates: one DID to a custom destination, one straight to a queue, extensions, two routes, its recorders
ADDITIONAL = """
[globals]
TRUNK_OPTIONS=T
[ext-did]
include => ext-did-0002
[ext-did-0002]
exten => 5550100,1,Set(__DIRECTION=INBOUND)
 same => n,Gosub(sub-record-check,s,1(in,${EXTEN},force))
 same => n,Set(__FROM_DID=${EXTEN})
 same => n,Set(CDR(did)=${FROM_DID})
 same => n(dest-ext),Goto(customdests,dest-1,1)
exten => 5550101,1,Set(__DIRECTION=INBOUND)
 same => n,Gosub(sub-record-check,s,1(in,${EXTEN},force))
 same => n,Set(__FROM_DID=${EXTEN})
 same => n(dest-ext),Goto(customdests,dest-2,1)
[customdests]
exten => dest-1,1,Gosub(callguard-inbound,s,1())
 same => n,Goto(ext-queues,400,1)
exten => dest-2,1,Gosub(callguard-inbound,sales,1())
 same => n,Goto(from-did-direct,602,1)
[ext-queues]
exten => 400,1,Gosub(macro-user-callerid,s,1())
 same => n,Answer()
 same => n,Gosub(sub-record-check,s,1(q,400,always))
 same => n,Queue(support,t,,,60)
 same => n,Gosub(macro-hangupcall,s,1())
exten => h,1,Gosub(macro-hangupcall,s,1())
[ext-local]
exten => _60X,1,Set(__RINGTIMER=20)
 same => n,Gosub(macro-user-callerid,s,1())
 same => n,Gosub(sub-record-check,s,1(exten,${EXTEN},))
 same => n,Gosub(macro-dial-one,s,1(${RINGTIMER},Tt,${EXTEN}))
 same => n,Gosub(macro-hangupcall,s,1())
; what *1 runs
exten => 699,1,Answer()
 same => n,Gosub(macro-one-touch-record,s,1())
 same => n,Verbose(1,touched)
 same => n,Wait(0.3)
[macro-dial-one]
exten => s,1,Set(EXTTOCALL=${ARG3})
 same => n,Set(D_OPTIONS=${ARG2})
 same => n,Set(DSTRING=PJSIP/agent${EXTTOCALL:2})
 same => n(godial),Gosub(macro-dialout-one-predial-hook,s,1())
 same => n(dial),Dial(${DSTRING},${ARG1},${D_OPTIONS}b(func-apply-sipheaders^s^1))
 same => n,Return()
exten => h,1,Gosub(macro-hangupcall,s,1())
[outrt-1]
exten => _9X.,1,Gosub(macro-user-callerid,s,1(LIMIT,EXTERNAL,))
 same => n,Gosub(sub-record-check,s,1(out,${EXTEN},force))
 same => n,Gosub(macro-dialout-trunk,s,1(1,${EXTEN:1},,off))
 same => n,Gosub(macro-dialout-trunk,s,1(2,${EXTEN:1},,off))
 same => n,Gosub(macro-outisbusy,s,1())
[outrt-2]
exten => 911,1,Gosub(macro-user-callerid,s,1(LIMIT,EXTERNAL,))
 same => n,Set(EMERGENCYROUTE=YES)
 same => n,Gosub(macro-dialout-trunk,s,1(1,${EXTEN},,off))
[macro-dialout-trunk]
exten => s,1,Set(DIAL_TRUNK=${ARG1})
 same => n,GosubIf($["${ARG3}" != ""]?sub-pincheck,s,1())
 same => n,Set(DIAL_NUMBER=${ARG2})
 same => n,Set(DIAL_TRUNK_OPTIONS=${TRUNK_OPTIONS})
 same => n,Set(OUTNUM=${DIAL_NUMBER})
 same => n(gocall),Gosub(macro-dialout-trunk-predial-hook,s,1())
 same => n,GotoIf($["${PREDIAL_HOOK_RET}" = "BYPASS"]?bypass,1)
 same => n,Dial(PJSIP/${OUTNUM}@trunk,30,${DIAL_TRUNK_OPTIONS}b(func-apply-sipheaders^s^1)U(sub-send-obroute-email^1))
 same => n,Goto(s-${DIALSTATUS},1)
exten => s-BUSY,1,Busy(2)
exten => s-ANSWER,1,Gosub(macro-hangupcall,s,1())
exten => _s-.,1,Return()
exten => bypass,1,Return()
exten => h,1,Gosub(macro-hangupcall,s,1())
[macro-user-callerid]
exten => s,1,Set(AMPUSER=${CALLERID(num)})
 same => n,Return()
[macro-outisbusy]
exten => s,1,Congestion(2)
[macro-hangupcall]
exten => s,1,Verbose(1,hangupcall ${DIALSTATUS})
 same => n,Hangup()
[func-apply-sipheaders]
exten => s,1,Return()
[sub-send-obroute-email]
exten => s,1,Verbose(1,mail)
 same => n,Return()
[sub-pincheck]
exten => s,1,Return()
[sub-record-check]
exten => s,1,ExecIf($["${REC_STATUS}" = ""]?Set(__REC_STATUS=INITIALIZED))
 same => n,ExecIf($["${DEXTEN}" != ""]?StopMixMonitor())
 same => n,GotoIf($[${DIALPLAN_EXISTS(sub-record-check,${ARG1},1)}]?${ARG1},1)
 same => n,Gosub(recordcheck,1(${ARG3},${ARG1},${ARG2}))
 same => n,Return()
exten => in,1,Gosub(recordcheck,1(${ARG3},in,${ARG2}))
 same => n,Return()
exten => out,1,Gosub(recordcheck,1(${ARG3},out,${ARG2}))
 same => n,Return()
exten => recordcheck,1,Goto(${IF($["${ARG1}" = ""]?dontcare:${ARG1})})
 same => n(dontcare),Return()
 same => n(always),NoOp()
 same => n(force),GotoIf($["${REC_STATUS}" != "RECORDING"]?startrec)
 same => n,Return()
 same => n(startrec),MixMonitor(${ARG2}-${ARG3}-${UNIQUEID}.wav,ai(LOCAL_MIXMON_ID))
 same => n,Set(__REC_STATUS=RECORDING)
 same => n,Return()
[macro-one-touch-record]
exten => s,1,NoOp()
 same => n,MixMonitor(touch-${UNIQUEID}.wav,ai(LOCAL_MIXMON_ID))
 same => n,Return()
"""


def write(asterisk: Asterisk, **replaced: str) -> None:
    """The files as they lie in /etc/asterisk of a FreePBX with callguard; keyword arguments replace one."""
    texts = {name: (FREEPBX / name).read_text() for name in (*CUSTOM, OVERRIDE)}
    texts |= {"extensions.conf": CORE, "extensions_additional.conf": ADDITIONAL}
    texts |= {f"{name}.conf": text for name, text in replaced.items()}
    for name, text in texts.items():
        (asterisk.work / "etc" / name).write_text(text)


@pytest.fixture
async def asterisk(tmp_path: Path) -> AsyncIterator[Asterisk]:
    async with Asterisk(tmp_path, dialplan="[inbound]\n", agents=2) as running:
        write(running)
        await running.cli("dialplan reload")
        yield running
        await running.kill()


@pytest.fixture
async def listener(asterisk: Asterisk) -> AsyncIterator[Listener]:
    async with listening(asterisk) as app:
        app.lets_go = True
        yield app


Phones = Callable[..., Awaitable[Phone]]


@pytest.fixture
async def phones(asterisk: Asterisk) -> AsyncIterator[Phones]:
    """Opens phones by the name of their endpoint."""
    ports = {**asterisk.agent_ports, "trunk": asterisk.trunk_port}
    async with AsyncExitStack() as opened:

        async def make(name: str) -> Phone:
            phone = await Phone.open(name, asterisk.server, port=ports.get(name, 0), answer_after=0.1)
            phone.media = CounterTone()
            return await opened.enter_async_context(phone)

        yield make


async def talk(caller: Phone, number: str, other: Phone) -> tuple[Call, Call]:
    """A call to `number` that `other` answers, once both hear each other."""
    call = await caller.dial(number, media=CounterTone())
    answered = await other.incoming()
    async with asyncio.timeout(8):
        while any(len(find_counters(one.heard().samples)) < 10 for one in (call, answered)):
            await asyncio.sleep(0.05)
    return call, answered


def recorded(asterisk: Asterisk) -> list[str]:
    """What FreePBX recorded by itself."""
    return [path.name.rpartition("-")[0] for path in (asterisk.spool / "monitor").rglob("*.wav")]


def mails(asterisk: Asterisk) -> int:
    """How often FreePBX's notice of an outbound call ran."""
    return asterisk.log.read_text().count("app_verbose.c: mail")


@pytest.mark.requirement("S1")
async def test_an_inbound_route_asks_and_goes_on_where_it_led(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    caller, agent = await phones("caller"), await phones("agent1")
    call, _ = await talk(caller, "5550100", agent)
    start = await listener.nth("StasisStart")
    assert start["args"][:4] == ["1", "support", "inbound", start["channel"]["id"]]
    assert listener.asked() == ["caller"] and recorded(asterisk) == []
    await call.hangup()
    assert await channels(asterisk) == []
    assert "hangupcall" in asterisk.log.read_text()


async def test_a_custom_destination_may_name_its_call_type(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    caller, agent = await phones("caller"), await phones("agent2")
    await talk(caller, "5550101", agent)
    assert (await listener.nth("StasisStart"))["args"][1:3] == ["sales", "inbound"]
    assert listener.asked() == ["caller"]  # not again by the hook before the extension
    assert recorded(asterisk) == []


async def test_an_outbound_route_tells_the_called_party_first(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    agent, far = await phones("agent1"), await phones("trunk")
    call, _ = await talk(agent, "95551234", far)
    start = await listener.nth("StasisStart")
    assert listener.asked() == ["trunk"] and start["args"][1:3] == ["sales", "outbound"]
    assert recorded(asterisk) == [] and mails(asterisk) == 0  # the one thing of FreePBX that is lost
    await call.hangup()
    assert await channels(asterisk) == []
    assert "hangupcall ANSWER" in asterisk.log.read_text()  # FreePBX ends the call as it always does


@pytest.mark.requirement("S4")
@pytest.mark.parametrize("number", ["911", "9911"])
async def test_an_emergency_route_is_dialled_as_freepbx_made_it(
    asterisk: Asterisk, listener: Listener, phones: Phones, number: str
) -> None:
    agent, far = await phones("agent1"), await phones("trunk")
    await talk(agent, number, far)
    assert listener.asked() == []
    assert "@trunk,30,Tb(func-apply-sipheaders^s^1)U(sub-send-obroute-email^1)" in asterisk.log.read_text()
    assert mails(asterisk) == 1


async def test_calls_between_extensions_are_asked_by_their_own_hook(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    agent, other = await phones("agent1"), await phones("agent2")
    await talk(agent, "602", other)
    assert (await listener.nth("StasisStart"))["args"][1:3] == ["internal", "internal"]
    assert recorded(asterisk) == []


async def test_freepbx_reloads_and_everything_still_holds(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    caller, agent, far = await phones("caller"), await phones("agent1"), await phones("trunk")
    first, _ = await talk(caller, "5550100", agent)
    write(asterisk, extensions_additional=ADDITIONAL + "[ext-new]\nexten => 1,1,NoOp()\n")
    await asterisk.cli("dialplan reload")
    assert "ext-new" in await asterisk.cli("dialplan show ext-new")
    await first.hangup()
    await talk(caller, "5550100", agent)
    await talk(agent, "95551234", far)
    assert listener.asked() == ["caller", "caller", "trunk"] and recorded(asterisk) == []


async def test_without_our_override_its_recorders_would_run(
    asterisk: Asterisk, listener: Listener, phones: Phones
) -> None:
    write(asterisk, extensions_override_freepbx="")
    await asterisk.cli("dialplan reload")
    caller, agent, far = await phones("caller"), await phones("agent1"), await phones("trunk")
    await talk(caller, "5550100", agent)
    await talk(agent, "95551234", far)
    assert sorted(recorded(asterisk)) == ["in-5550100", "out-95551234"]


async def test_its_key_for_recording_records_nothing(asterisk: Asterisk, phones: Phones) -> None:
    call = await (await phones("agent1")).dial("699")
    await call.ended(timeout=5)
    assert "app_verbose.c: touched" in asterisk.log.read_text() and recorded(asterisk) == []


async def test_without_callguard_every_route_works(asterisk: Asterisk, phones: Phones) -> None:
    caller, agent, far = await phones("caller"), await phones("agent1"), await phones("trunk")
    call, _ = await talk(caller, "5550100", agent)
    await call.hangup()
    await talk(agent, "95551234", far)
    assert recorded(asterisk) == []

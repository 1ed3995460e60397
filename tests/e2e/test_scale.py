"""Fifty recorded calls and two hundred strange channels: a controller is replaced, killed and started among them."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path

import psycopg
import pytest

from callguard.lab.dialog import Call, CallState
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.site import AriAddress
from callguard.ports import StoredCall
from callguard.proof import prove
from tests.e2e import shapes
from tests.e2e.site import AGENT_NUMBERS, Site, Tape, incidents, is_over, states

CALLS = 50
TRIPPED = 2.0
"""Seconds after a controller's death in which its guard must have stopped every recorder."""
EDGE = 0.1
"""Seconds by which a packet at the edge of a recorder's or a mask's time may be off: five packets."""


@dataclass
class Pair:
    """A caller and an agent. `name`: the caller's display name; `far`, `near`: what each said."""

    name: str
    caller: Phone
    agent: Phone
    far: CounterTone
    near: CounterTone
    call: Call = field(init=False)
    answered: Call = field(init=False)

    async def meets(self) -> None:
        """The agent answers, and both are put through."""
        self.answered = await self.agent.incoming(60)
        await self.answered.answered()

    async def hears_each_other(self) -> bool:
        """Both are up, and each hears the other now."""
        ends = ((self.call, self.near), (self.answered, self.far))
        before = [len(call.heard().samples) for call, _ in ends]
        await asyncio.sleep(0.6)
        up = {call.state for call, _ in ends} == {CallState.UP}
        return up and all(
            {number for _, number in find_counters(call.heard().samples[start:])} & tone.sent.keys()
            for (call, tone), start in zip(ends, before, strict=True)
        )


@asynccontextmanager
async def crowd(site: Site) -> AsyncIterator[list[Pair]]:
    """CALLS recorded calls."""
    server, ports = site.stand.asterisk.server, site.stand.asterisk.agent_ports
    async with AsyncExitStack() as opened:
        agents = [await Phone.open(name, server, port=port, answer_after=0.05) for name, port in ports.items()]
        callers = [await Phone.open("caller", server) for _ in agents]  # last: any free port may be an agent's
        for phone in (*agents, *callers):
            opened.push_async_callback(phone.close)
        pairs = []
        for number, (caller, agent) in enumerate(zip(callers, agents, strict=True), 1):
            far, near = CounterTone(number * 200), CounterTone(AGENT_NUMBERS + number * 200)
            agent.media = near
            pairs.append(Pair(f"call {number}", caller, agent, far, near))
        for number, pair in enumerate(pairs, 1):
            pair.call = await pair.caller.dial(f"support_{number}", media=pair.far, display=pair.name)
        await written(site, "notice_ended", CALLS)
        await asyncio.gather(*(pair.call.press("1") for pair in pairs))
        await asyncio.gather(*(pair.meets() for pair in pairs))
        await written(site, "notice_ended", 2 * CALLS)  # the line too: over it nobody finds a counter
        yield pairs


async def written(site: Site, type: str, count: int, seconds: float = 60) -> None:
    """COUNT rows of this type are in the log. One question for all calls: fifty that poll are a load of their own."""
    question = (
        "SELECT type || coalesce(' ' || (data->>'incident'), ''), count(*) FROM callguard.channel_event GROUP BY 1"
    )
    found: dict[str, int] = {}
    async with await psycopg.AsyncConnection.connect(site.stand.postgres.app_dsn, autocommit=True) as log:
        end = time.monotonic() + seconds
        while found.get(type, 0) < count:
            assert time.monotonic() < end, str(found)
            await asyncio.sleep(0.1)
            found = dict(await (await log.execute(question)).fetchall())


async def over(site: Site) -> dict[str, StoredCall]:
    """All calls once their verdicts are in, by the callers' display names; each proves itself."""
    async with asyncio.timeout(60):
        while await site.live():
            await asyncio.sleep(0.1)
    found: dict[str, StoredCall] = {}
    async for head in site.log.calls():
        stored = await site.log.load(head.call_id)
        assert stored and is_over(stored) and prove(stored) == []
        found |= {
            party.values["display"]: stored for party in await site.log.party(head.call_id) if party.role == "far"
        }
    return found


async def replace(site: Site) -> int:
    """`callguard run --replace`: the exit status of the controller that was."""
    old = site.stand.controller
    assert old is not None
    with site.stand.log.open("ab") as log:
        command = (sys.executable, "-m", "callguard", "run", "--replace", "--config", str(site.stand.config))
        site.stand.controller = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    status = await asyncio.wait_for(old.wait(), 20)
    await site.stand.healthy(40)
    return status


async def all_talk(pairs: list[Pair]) -> bool:
    """Whether every call is up and carries both voices now."""
    return all(await asyncio.gather(*(pair.hears_each_other() for pair in pairs)))


@pytest.mark.requirement("S1", "S123")
async def test_a_controller_is_replaced_and_killed_under_fifty_calls(folder: Path) -> None:
    async with await Site.open(folder, agents=CALLS) as site, crowd(site) as pairs:
        watchman = (site.stand.data / "guard.pid").read_text()
        assert await replace(site) == 0 and f"handed over {CALLS} live call(s)" in site.printed()
        assert len(await site.live()) == CALLS and await all_talk(pairs)
        killed = time.time()
        await site.stand.stop_controller(signal.SIGKILL)
        assert await all_talk(pairs)
        await asyncio.sleep(1)
        await site.stand.start_controller()
        await recorded_again(site)
        assert await all_talk(pairs) and (site.stand.data / "guard.pid").read_text() == watchman
        await asyncio.gather(*(pair.call.hangup() for pair in pairs))
        stored = await over(site)
        for pair in pairs:
            recorded_only_when_it_may_be(site, pair, stored.pop(pair.name), killed)
        assert stored == {}


async def recorded_again(site: Site) -> None:
    """Every call was taken over and has a second recording, but where a slow machine barred it: that is an incident."""
    barred = (
        "SELECT count(DISTINCT call_id) FROM callguard.incident WHERE kind IN ('mask_unacknowledged', 'line_failed')"
    )
    async with await psycopg.AsyncConnection.connect(site.stand.postgres.app_dsn, autocommit=True) as log:
        without = await (await log.execute(barred)).fetchone()
    assert without and without[0] < CALLS / 2 and len(await site.live()) == CALLS
    await written(site, "notice_ended", 3 * CALLS - without[0])


def recorded_only_when_it_may_be(site: Site, pair: Pair, stored: StoredCall, killed: float) -> None:
    """The segments hold what was said, and nothing of a time without consent, under a mask, or without a guard.

    A machine too slow for a hundred phones loses some of what they say or of the line, or does not answer a mask in
    time: all of it is found, and is all that may be.
    """
    damaged = [row.data["findings"] for row in stored.events if row.type == "recording_damaged"]
    findings = set(chain.from_iterable(item for item in damaged if isinstance(item, list)))
    barred = "mask_unacknowledged" in incidents(stored)
    ran = [state for state in states(stored) if state != "discarded"]  # a start that a mask overtook never ran
    assert len(ran) == (1 if barred else 2) and set(ran) <= {"verified", "damaged"}, told(stored)
    assert findings <= {"length differs", "line not heard", "sound under mask"}, told(stored)
    late = {"recording_damaged", "mask_failed", "unmask_failed", "unmask_unacknowledged"}
    assert barred or incidents(stored) - late == {"pbx_lost", "stopped_by_guard"}, told(stored)
    granted = next(row.at.timestamp() for row in stored.events if row.type == "consent_granted")
    began = [row.at.timestamp() for row in stored.events if row.type == "recording_requested"]
    known = zip(stored.recordings, began, strict=False)
    kept = [(item, start) for item, start in known if item.state != "discarded"]
    for (item, start), end in zip(kept, (killed + TRIPPED, time.time()), strict=False):
        spoken = sent_at(pair, Tape.read(site.stand.recordings / f"{item.recording_id}.wav"))
        assert len(spoken) > 50 and granted - EDGE < start - EDGE < min(spoken) <= max(spoken) < end, told(stored)
        for masked_from, masked_to in masked(stored):
            assert not [moment for moment in spoken if masked_from + EDGE < moment < masked_to - EDGE]


def told(stored: StoredCall) -> str:
    """Its rows in a few words, for a failure."""
    return shapes.told(stored.events)


def sent_at(pair: Pair, tape: Tape) -> list[float]:
    """When the recorded packets left."""
    left, right = tape.numbers()
    return [pair.far.sent[number].wall for number in left] + [pair.near.sent[number].wall for number in right]


def masked(stored: StoredCall) -> list[tuple[float, float]]:
    """Spans in which a mask was acknowledged."""
    turns = [row for row in stored.events if row.type in ("mask_acknowledged", "unmask_requested")]
    return [
        (mask.at.timestamp(), unmask.at.timestamp())
        for mask, unmask in pairwise(turns)
        if mask.type == "mask_acknowledged" and unmask.type == "unmask_requested"
    ]


# ---------------------------------------------------------------- strangers
STRANGERS = """\
[strangers]
exten => idle,1,Answer()
 same => n,Wait(120)
exten => talks,1,Answer()
 same => n,Dial(Local/idle@strangers/n,30)
exten => waits,1,Answer()
 same => n,Stasis(callguard,1,support,inbound,x)
 same => n(on),Wait(120)
exten => swarm,1,Answer()
 same => n,Set(N=0)
 same => n(more),Set(N=$[${N} + 1])
 same => n,Originate(Local/talks@strangers/n,app,Wait,120,,30,a)
 same => n,GotoIf($[${N} < 45]?more)
 same => n,Set(N=0)
 same => n(yet),Set(N=$[${N} + 1])
 same => n,Originate(Local/waits@strangers/n,app,Wait,120,,30,a)
 same => n,GotoIf($[${N} < 10]?yet)
"""
"""45 talks of four channels, 10 that wait in our application, each with the channel that called it."""
TALKS, WAITS = 45 * 4, 10


@pytest.mark.requirement("S1", "S123")
async def test_a_controller_starts_among_two_hundred_strange_channels(folder: Path) -> None:
    async with await Site.open(folder, controller=False, dialplan=STRANGERS) as site:
        before = await Ari.connect(ari_of(site))  # whoever had the application before, and left its callers in it
        await site.stand.asterisk.cli("channel originate Local/swarm@strangers application Wait 60")
        async with asyncio.timeout(20):
            while len(await channels(site)) != TALKS + 2 * WAITS or len(await channels(site, "Stasis")) < WAITS:
                await asyncio.sleep(0.1)
        await before.close()
        names = {row[0] for row in await channels(site)}
        await site.stand.start_controller()
        async with asyncio.timeout(5):
            while await channels(site, "Stasis"):
                await asyncio.sleep(0.05)
        assert {row[0] for row in await channels(site)} == names
        assert {row[3] for row in await channels(site) if row[2] == "waits" and row[0].endswith(";2")} == {"3"}
        assert await site.live() == [] and [head async for head in site.log.calls()] == []
        assert list(site.stand.recordings.iterdir()) == []
        async with site.talk() as talk:  # and there is nothing wrong with it
            await talk.recorded()
            assert states(await talk.ends()) == ["verified"]
        assert {row[0] for row in await channels(site)} == names


async def channels(site: Site, app: str = "") -> list[list[str]]:
    """What Asterisk has up, in columns: name, context, extension, priority, state, application...; those in APP."""
    rows = [line.split("!") for line in (await site.channels()).splitlines()]
    return [row for row in rows if not app or row[5] == app]


def ari_of(site: Site) -> AriAddress:
    """The application, as the controller uses it."""
    own = site.stand.asterisk
    return AriAddress(url=own.ari_url, user=own.ari_user, password=own.ari_password)

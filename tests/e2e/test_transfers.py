"""Every way in which the parties of a live call change: the recording is silent first, and goes on with both voices."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.matrix import HEAD, OTHERS, STAFF, Change, Kind, Line, observe, table
from tests.e2e.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = Path(__file__).parents[2] / "docs" / "transfers.md"
NOBODY, ABSENT = 13, 9
"""Phones that do not answer."""


def number(change: Change) -> str:
    return change.third.user.removeprefix("agent")


async def as_it_is(change: Change) -> None:
    """Nobody comes in after the agent."""


async def blind(change: Change) -> None:
    await change.talk.answered.refer(f"to_{number(change)}")
    await change.rings()


async def attended(change: Change) -> None:
    consulted = await change.consults(f"to_{number(change)}")
    await change.rings()
    await change.talk.answered.hand_over(consulted)


async def merged(change: Change) -> None:
    consulted = await change.consults(f"desk_{number(change)}")
    await change.rings()
    await change.talk.answered.hand_over(consulted)


async def falls_back(change: Change) -> None:
    consulted = await change.consults(f"to_{NOBODY}")
    await asyncio.sleep(0.5)
    await consulted.hangup()
    await change.talk.answered.unhold()


async def picked_up(change: Change) -> None:
    await change.talk.answered.refer(f"to_{ABSENT}")
    await change.is_called(f"agent{ABSENT}")
    await change.dials(f"take_{ABSENT}")


async def parked(change: Change) -> None:
    await change.site.manager("Park", Channel=await change.find("caller"))
    await asyncio.sleep(0.5)
    await change.dials("fetch")


async def three_way(change: Change) -> None:
    change.mutes = True
    agent = await change.find(f"agent{change.talk.number}")
    await change.site.manager("Atxfer", Channel=agent, Context="internal", Exten=f"9{number(change)}")
    await change.rings()
    await change.talk.answered.press("*3")


async def added(change: Change) -> None:
    change.mutes = True
    await change.dials(f"add_{change.talk.number}")


async def bridged(change: Change) -> None:
    await change.dials("wait")
    caller, newcomer = await change.find("caller"), await change.find(change.third.user)
    await change.site.manager("Bridge", Channel1=caller, Channel2=newcomer)


async def queued(change: Change) -> None:
    await change.talk.answered.refer(f"queue_{number(change)}")
    await change.rings()


async def by_local(change: Change) -> None:
    await change.talk.answered.refer(f"local_{number(change)}")
    await change.rings()


async def by_staying_local(change: Change) -> None:
    await change.talk.answered.refer(f"stay_{number(change)}")
    await change.rings()


async def conference(change: Change) -> None:
    change.mutes = True
    await change.redirects("room_1", "caller", f"agent{change.talk.number}")
    await change.dials("room_1")


async def gated(change: Change) -> None:
    change.mutes = True
    await change.redirects("room_2", "caller", f"agent{change.talk.number}")
    await change.comes_by_a_door("door_2")


async def at_the_gate(change: Change) -> None:
    await change.talk.answered.refer(f"gate_{number(change)}")
    await change.rings()


async def redirected(change: Change) -> None:
    await change.redirects(f"to_{number(change)}", "caller")
    await change.rings()


async def listened_to(change: Change) -> None:
    change.speaks = False
    await change.dials(f"spy_{change.talk.number}")


async def whispered_to(change: Change) -> None:
    change.speaks = False  # the agent alone hears it
    await change.dials(f"whisper_{change.talk.number}")


async def barged_in(change: Change) -> None:
    change.speaks = False  # it is heard, but a side of the file is a channel's
    await change.dials(f"barge_{change.talk.number}")


CHANGES: tuple[Kind, ...] = (
    Kind("Dial: staff answers", as_it_is, STAFF),
    Kind("Dial: somebody else answers", as_it_is, STAFF, dialled=OTHERS),
    Kind("blind transfer to staff", blind, STAFF),
    Kind("blind transfer to somebody else", blind, OTHERS),
    Kind("attended transfer to staff", attended, STAFF),
    Kind("attended transfer to somebody else", attended, OTHERS),
    Kind("attended transfer that falls back", falls_back, OTHERS),
    Kind("attended transfer between two calls of ours", merged, STAFF),
    Kind("pickup of a transfer that rings", picked_up, STAFF),
    Kind("park and retrieve", parked, STAFF),
    Kind("three-way: both talk to whom the agent consulted", three_way, OTHERS),
    Kind("bridge add: somebody enters the bridge", added, OTHERS),
    Kind("AMI bridge with somebody who waits", bridged, OTHERS),
    Kind("into a ConfBridge, somebody joins", conference, OTHERS),
    Kind("the same behind a gate", gated, OTHERS, call_type="gated"),
    Kind("blind transfer to somebody else, at the gate", at_the_gate, OTHERS),
    Kind("queue: staff answers", queued, STAFF),
    Kind("by Local channels, optimised away", by_local, OTHERS),
    Kind("by Local channels that stay", by_staying_local, OTHERS),
    Kind("AMI redirect to staff", redirected, STAFF),
    Kind("ChanSpy: somebody listens in", listened_to, OTHERS),
    Kind("ChanSpy: somebody whispers to the agent", whispered_to, OTHERS),
    Kind("ChanSpy: somebody barges in", barged_in, OTHERS),
)
DESKS = ({STAFF: (3, 4), OTHERS: (10,)}, {STAFF: (5, 6), OTHERS: (11,)}, {STAFF: (7, 8), OTHERS: (12,)})
"""Phones of as many calls as change at the same time: more would measure the machine."""


@pytest.mark.requirement("S6", "S22", "S73", "S123")
async def test_the_recording_follows_every_change_of_parties(site: Site) -> None:
    lines: list[Line] = []
    for first in range(0, len(CHANGES), len(DESKS)):
        together = zip(CHANGES[first:], DESKS, strict=False)
        lines += await asyncio.gather(*(observe(site, kind, *phones(kind, desk)) for kind, desk in together))
    print(f"\n{table(lines)}")
    assert [line for line in lines if not (line.both and line.complete) or "NO" in (line.told, line.asked)] == []
    assert [line.kind for line in lines if "call_merged" in line.rows] == [
        "attended transfer between two calls of ours",
        "the same behind a gate",
    ]
    assert shown(PAGE.read_text()) == shown(table(lines))


def phones(kind: Kind, desk: Mapping[str, tuple[int, ...]]) -> tuple[int, int]:
    """The number of the phone that is dialled first, and of the one that comes in."""
    return desk[kind.dialled][0], desk[kind.comes][-1]


def shown(page: str) -> list[str]:
    """The rows of the matrix in a text, without its figures, which differ from run to run."""
    lines = page.splitlines()
    first = [f"| {HEAD[0]} |" in line for line in lines].index(True)
    rows = itertools.takewhile(lambda line: line.startswith("| "), lines[first:])
    return [re.sub(r"[0-9]+ ms", "N ms", line) for line in rows]

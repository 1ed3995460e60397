"""Every way in which the parties of a live call change: the recording is silent first, and goes on with both voices."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.e2e.matrix import HEAD, Change, Line, Make, observe, table
from tests.e2e.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = Path(__file__).parents[2] / "docs" / "transfers.md"
NOBODY = 13
"""A phone that does not answer."""


def number(change: Change) -> str:
    return change.third.user.removeprefix("agent")


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
    await change.talk.answered.refer(f"to_{NOBODY}")
    await asyncio.sleep(0.5)
    await change.dials(f"take_{NOBODY}")


async def parked(change: Change) -> None:
    await change.site.manager("Park", Channel=await change.find("caller"))
    await asyncio.sleep(0.5)
    await change.dials("fetch")


async def three_way(change: Change) -> None:
    change.mutes = True
    await change.dials(f"add_{change.talk.number}")


async def conference(change: Change) -> None:
    change.mutes = True
    await change.redirects("room_1", "caller", f"agent{change.talk.number}")
    await change.dials("room_1")


async def gated(change: Change) -> None:
    change.mutes = True
    await change.redirects("room_2", "caller", f"agent{change.talk.number}")
    await change.comes_by_a_door("door_2")


async def redirected(change: Change) -> None:
    await change.redirects(f"to_{number(change)}", "caller")
    await change.rings()


async def listened_to(change: Change) -> None:
    change.speaks = False
    await change.dials(f"spy_{change.talk.number}")


async def barged_in(change: Change) -> None:
    change.speaks = False  # it is heard, but a side of the file is a channel's
    await change.dials(f"barge_{change.talk.number}")


CHANGES: tuple[tuple[str, int, int, Make, str], ...] = (
    ("blind transfer to staff", 3, 4, blind, "moved"),
    ("blind transfer to somebody else", 5, 10, blind, "moved"),
    ("attended transfer to staff", 6, 7, attended, "moved"),
    ("attended transfer to somebody else", 8, 11, attended, "moved"),
    ("attended transfer that falls back", 3, 12, falls_back, "moved"),
    ("attended transfer between two calls of ours", 5, 6, merged, "moved"),
    ("pickup of a transfer that rings", 3, 4, picked_up, "moved"),
    ("park and retrieve", 5, 6, parked, "moved"),
    ("three-way: somebody is added", 3, 10, three_way, "moved"),
    ("into a ConfBridge, somebody joins", 4, 11, conference, "moved"),
    ("the same behind a gate", 3, 10, gated, "gated"),
    ("AMI redirect to staff", 5, 6, redirected, "moved"),
    ("ChanSpy: somebody listens in", 3, 11, listened_to, "moved"),
    ("ChanSpy: somebody barges in", 4, 12, barged_in, "moved"),
)
AT_ONCE = 2
"""Calls that change at the same time: more would measure the machine."""


@pytest.mark.requirement("S6", "S22", "S73", "S123")
async def test_the_recording_follows_every_change_of_parties(site: Site) -> None:
    lines: list[Line] = []
    for first in range(0, len(CHANGES), AT_ONCE):
        lines += await asyncio.gather(*(observe(site, *change) for change in CHANGES[first : first + AT_ONCE]))
    print(f"\n{table(lines)}")
    assert [line for line in lines if not (line.both and line.complete) or "NO" in (line.told, line.asked)] == []
    assert [line.kind for line in lines if "call_merged" in line.rows] == [
        "attended transfer between two calls of ours",
        "the same behind a gate",
    ]
    assert shown(PAGE.read_text()) == shown(table(lines))


def shown(page: str) -> list[str]:
    """The rows of the matrix in a text, without its figures, which differ from run to run."""
    rows = [re.sub(r"[0-9]+ ms", "N ms", line) for line in page.splitlines() if line.startswith("| ")]
    return rows[[HEAD[0] in row for row in rows].index(True) :]

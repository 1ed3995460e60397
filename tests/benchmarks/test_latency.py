"""How long the main job takes, on live calls: from the key to the file, and from a request to the last packet.

Figures are printed; bars are held. Run it alone: `./dev bench`.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from callguard.ports import EventRow
from tests.benchmarks.table import percentile, show
from tests.e2e.site import Site, Talk, at
from tests.e2e.test_controller_lost import leg_numbers

pytestmark = pytest.mark.timeout(0)  # a thousand trials take longer than any test

CALLS = 60
SIDE_BY_SIDE = 3
KILLS = 10
PACKET_MS = 20.0
JOINS = 5
"""How often somebody else joins one call."""
MASKS = 5
"""How often one call is paused."""
JOIN_BAR_MS = 40.0
PAIR = 2
"""Calls that somebody joins at the same time: each has three phones here too."""


def milliseconds(start: datetime, end: datetime) -> float:
    """From START to END."""
    return (end - start).total_seconds() * 1000


def written(talk: Talk, type: str) -> datetime:
    """When the first row of this type was written."""
    assert talk.stored is not None
    return next(row.recorded_at for row in talk.stored.events if row.type == type)


@pytest.mark.asyncio(loop_scope="session")
async def test_from_the_key_to_the_open_file(site: Site) -> None:
    found: dict[str, list[float]] = defaultdict(list)

    async def one(turn: int) -> None:
        await asyncio.sleep(turn * 0.4)
        async with site.talk(answer_after=0.0) as talk:
            await talk.told()
            down = time.time()
            await talk.call.press("1", seconds=0.1, gap=0)
            await talk.meets()
            await talk.row("recording_opened")
            await talk.call.hangup()
            stored = await talk.over()
        key = at(stored, "digit_pressed")
        bridged = [row.at for row in stored.events if row.type == "bridged"][1]
        opened = at(stored, "recording_opened")
        found["answer -> notice started"].append(
            milliseconds(at(stored, "channel_answered"), at(stored, "notice_started"))
        )
        found["key down -> key reported (it lasts 100 ms)"].append(key.timestamp() * 1000 - down * 1000)
        found["key -> consent row written"].append(milliseconds(key, written(talk, "consent_granted")))
        found["key -> sent on to the dialplan"].append(milliseconds(key, at(stored, "channel_left")))
        found["key -> put through to the agent"].append(milliseconds(key, bridged))
        found["put through -> rows durable, recorder asked"].append(
            milliseconds(bridged, at(stored, "recording_acknowledged"))
        )
        found["put through -> file open"].append(milliseconds(bridged, opened))
        found["key -> file open"].append(milliseconds(key, opened))

    for _ in range(CALLS // SIDE_BY_SIDE):
        await asyncio.gather(*(one(turn) for turn in range(SIDE_BY_SIDE)))
    show("From key 1 to the open file", found)
    assert percentile(found["answer -> notice started"], 0.99) < 2000


def late(tone: CounterTone, numbers: list[int], start: datetime, end: datetime) -> tuple[float, int]:
    """Milliseconds from START to the end of the last packet in the file, and how many of them left after START.

    END: when sound was asked for again. A packet may be under way in the PBX then: the last 60 ms are left out.
    """
    sent = [tone.sent[number].wall for number in numbers]
    before = [moment for moment in sent if moment < end.timestamp() - 0.06]
    after = [moment for moment in before if moment > start.timestamp()]
    return (max(before) - start.timestamp()) * 1000 + PACKET_MS, len(after)


@pytest.mark.asyncio(loop_scope="session")
async def test_from_a_mask_or_stop_to_the_last_packet_that_can_be_heard(site: Site, trials: int) -> None:
    found: dict[str, list[float]] = defaultdict(list)
    packets: dict[str, list[float]] = defaultdict(list)

    def note(name: str, talk: Talk, start: datetime, end: datetime) -> None:
        left, right = talk.tape().numbers()
        sides = [late(talk.far, left, start, end), late(talk.near, right, start, end)]
        found[f"{name} -> last audible packet's end"].append(max(last for last, _ in sides))
        packets[f"{name}: packets sent after it in the file"].append(max(count for _, count in sides))

    async def one(turn: int) -> None:
        await asyncio.sleep(turn * 0.3)
        async with site.talk("kept", answer_after=0.0) as talk:
            await talk.recorded()
            await talk.row("notice_ended", script="recording_on")
            for _ in range(MASKS):
                for action in ("pause", "resume"):
                    await site.stand.ask({"do": "act", "call": talk.call_id, "action": action, "reason": "mistake"})
                    await asyncio.sleep(0.25)
            await talk.call.press("*7")
            await talk.row("stop_observed")
            await talk.call.hangup()
            stored = await talk.over()
        asked = [row for row in stored.events if row.type == "mask_requested"]
        for row in asked:
            note("mask requested", talk, row.at, following(stored.events, row, "unmask_requested"))
            answer = following(stored.events, row, "mask_acknowledged")
            found["mask requested -> acknowledged"].append(milliseconds(row.at, answer))
        asked_stop, key = at(stored, "stop_requested"), at(stored, "digit_pressed", digit="7")
        found["withdrawal key -> recorder stopped"].append(milliseconds(key, at(stored, "stop_acknowledged")))
        note("stop requested", talk, asked_stop, at(stored, "channel_hung_up"))
        found["stop requested -> acknowledged"].append(milliseconds(asked_stop, at(stored, "stop_acknowledged")))

    for _ in range(max(1, trials // (MASKS * SIDE_BY_SIDE))):
        await asyncio.gather(*(one(turn) for turn in range(SIDE_BY_SIDE)))
    show("From a request to silence", found)
    show("Packets of 20 ms", packets, unit="packets")
    assert all(max(times) < 2 * PACKET_MS for name, times in found.items() if "packet" in name)


def following(events: tuple[EventRow, ...], first: EventRow, type: str) -> datetime:
    """When the next row of this type after FIRST happened."""
    return next(row.at for row in events if row.seq > first.seq and row.type == type)


async def seen(talk: Talk, type: str, nth: int) -> bool:
    """Whether the NTH row of this type comes: a recorder that fell behind its clock is stopped."""
    try:
        await talk.row(type, nth=nth, seconds=5)
    except AssertionError:
        return False
    return True


@pytest.mark.asyncio(loop_scope="session")
async def test_from_a_join_to_the_mask(site: Site, trials: int) -> None:
    """From the PBX's own moment of the newcomer in the bridge: what callguard takes, and AMI's answer."""
    found: dict[str, list[float]] = defaultdict(list)
    cut: list[int] = []

    async def one(turn: int) -> None:
        await asyncio.sleep(turn * 0.3)
        stranger = await Phone.open("caller", site.stand.asterisk.server)
        async with site.talk(answer_after=0.0) as talk:
            await talk.recorded()
            await talk.row("notice_ended", script="recording_on")
            for nth in range(JOINS):
                joined = await stranger.dial(f"add_{talk.number}", media=CounterTone(50000))
                masked = await seen(talk, "mask_acknowledged", nth)
                await joined.hangup()
                if not (masked and await seen(talk, "unmask_acknowledged", nth)):
                    cut.append(nth)
                    break
            await talk.call.hangup()
            stored = await talk.over()
        await stranger.close()
        masks = sum(row.type == "mask_acknowledged" for row in stored.events)
        for row in [row for row in stored.events if row.type == "mask_requested"][: min(masks, JOINS)]:
            joins = [item.at for item in stored.events if item.type == "bridged" and item.seq < row.seq]
            acknowledged = following(stored.events, row, "mask_acknowledged")
            found["in the bridge -> mask sent, decision made"].append(milliseconds(joins[-1], row.recorded_at))
            found["mask sent -> its answer heard"].append(milliseconds(row.recorded_at, acknowledged))
            found["in the bridge -> masked"].append(milliseconds(joins[-1], acknowledged))

    for _ in range(max(1, trials // (JOINS * PAIR))):
        await asyncio.gather(*(one(turn) for turn in range(PAIR)))
    show("From a join to the mask", found)
    print(f"{'recordings that the machine was too busy for':44}{len(cut):6}")
    assert percentile(found["in the bridge -> masked"], 0.99) < JOIN_BAR_MS


async def test_from_a_killed_controller_to_the_last_recorded_packet(own_site: Site) -> None:
    site = own_site
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(KILLS):
        async with site.talk() as talk:
            await talk.recorded()
            await talk.says(0.5)
            killed = time.time()
            await site.stand.stop_controller(signal.SIGKILL)
            await talk.says(1.5)
            assert talk.stored is not None
            leg: Path = site.stand.recordings / f"{talk.stored.recordings[0].recording_id}-left.wav"
            last = talk.far.sent[max(leg_numbers(leg))].wall
            found["kill -9 -> last recorded packet's end"].append((last - killed) * 1000 + PACKET_MS)
            await talk.call.hangup()
            await site.stand.start_controller()
            await talk.over(40)
    show("Without the controller", found)
    assert max(found["kill -9 -> last recorded packet's end"]) < 2000

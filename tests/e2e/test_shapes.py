"""Internal calls, menus, groups, pickup and transfers with the real controller: one notice a call, no needless mask."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.ports import StoredCall
from tests.e2e.shapes import SILENT_POLICY, Shapes, hears, masks, notices, speakers
from tests.e2e.site import states, types

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shapes() -> AsyncIterator[Shapes]:
    folder = Path(tempfile.mkdtemp(prefix="callguard-e2e-"))
    await asyncio.to_thread(folder.chmod, 0o755)
    async with await Shapes.open(folder) as running:
        yield running
    shutil.rmtree(folder, ignore_errors=True)


def recorded_once(stored: StoredCall) -> bool:
    """One notice, one line, one good file, nothing masked, nothing to look into."""
    return (
        notices(stored) == ["notice", "recording_on"]
        and states(stored) == ["verified"]
        and masks(stored) == 0
        and not stored.incidents
    )


async def granted(shapes: Shapes, name: str, number: str) -> None:
    """That phone calls, is told, and presses 1."""
    call = await shapes.dial(name, number)
    await shapes.row("notice_ended", script="notice")
    await call.press("1")


async def recorded(shapes: Shapes) -> None:
    """The recorder runs, and has heard something."""
    await shapes.row("recording_opened")
    await asyncio.sleep(2.5)


async def test_an_internal_call_is_asked_where_the_call_type_says_so(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "agent2"):
        await granted(shapes, "agent1", "602")
        theirs = await shapes.reached("agent2")
        await recorded(shapes)
        await theirs.press("*8")  # internal: either side may pause
        await shapes.row("mask_acknowledged")
        await theirs.press("*8")
        await shapes.row("unmask_acknowledged")
        await theirs.hangup()
        [stored] = await shapes.over()
    assert stored.call.direction == "internal" and notices(stored) == ["notice", "recording_on"]
    tape = shapes.tape(stored)
    assert speakers(tape.left) == {0} and speakers(tape.right) == {1}


async def test_fault_mikopbx_1084_a_ring_group_is_one_call(shapes: Shapes) -> None:
    async with shapes.with_phones("agent3", "agent1", "agent2", answer_after=None):
        await granted(shapes, "agent3", "610")
        answered = await shapes.reached("agent2")
        await recorded(shapes)
        await answered.hangup()
        [stored] = await shapes.over()
    assert recorded_once(stored)
    assert speakers(shapes.tape(stored).right) == {2}


async def test_follow_me_is_one_call(shapes: Shapes) -> None:
    async with shapes.with_phones("agent3", "agent1", "agent2", answer_after=None):
        await granted(shapes, "agent3", "620")
        answered = await shapes.reached("agent2")
        await recorded(shapes)
        await answered.hangup()
        [stored] = await shapes.over()
    assert recorded_once(stored)
    tape = shapes.tape(stored)
    assert speakers(tape.left) == {0} and speakers(tape.right) == {2}


async def test_who_picks_up_is_part_of_the_call(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "agent2", "agent3", answer_after=None):
        await granted(shapes, "agent1", "602")
        await shapes.phones["agent2"].incoming()
        taken = await shapes.dial("agent3", "*8602")
        await taken.answered()
        await recorded(shapes)
        await taken.hangup()
        [stored] = await shapes.over()
    assert recorded_once(stored)
    assert speakers(shapes.tape(stored).right) == {2}


@pytest.mark.requirement("S22", "S123")
async def test_fault_asterisk_507_a_transfer_by_an_agent_brings_no_second_notice(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "agent2", "agent3"):
        await granted(shapes, "agent1", "602")
        theirs = await shapes.reached("agent2")
        await recorded(shapes)
        await theirs.refer("603")
        third = await shapes.reached("agent3")
        await hears(third, 0)
        await shapes.row("notice_ended", nth=1, script="recording_on")
        await third.hangup()
        [stored] = await shapes.over()
    assert notices(stored) == ["notice", "recording_on", "recording_on"] and not stored.incidents
    assert states(stored) == ["verified", "verified"]
    before, after = shapes.tape(stored), shapes.tape(stored, 1)
    assert speakers(before.left) == speakers(after.left) == {0}
    assert speakers(before.right) == {1} and speakers(after.right) == {2}
    [gap] = [row.data["milliseconds"] for row in stored.events if row.type == "recording_continued"]
    assert max(number for _, number in before.left) + gap // 20 + 5 > min(number for _, number in after.left)


async def test_a_second_call_to_a_busy_agent_is_told_for_itself(shapes: Shapes) -> None:
    async with shapes.with_phones("agent1", "agent2", "agent3"):
        await granted(shapes, "agent1", "602")
        first = await shapes.reached("agent2")
        await shapes.row("recording_opened")
        second = await shapes.dial("agent3", "602")
        await shapes.row("notice_started", nth=1, script="notice")
        await second.press("2")
        waiting = await shapes.reached("agent2")
        await first.hold()
        await hears(waiting, 2)
        await waiting.hangup()
        await first.unhold()
        await shapes.row("unmask_acknowledged")
        await first.hangup()
        one, two = await shapes.over(2)
    assert notices(one).count("notice") == notices(two).count("notice") == 1
    assert not one.incidents and not two.incidents and states(one) == ["verified"] and not two.recordings


@pytest.mark.requirement("S1")
async def test_after_a_menu_the_notice_is_heard_once(shapes: Shapes) -> None:
    async with shapes.with_phones("caller", "agent1"):
        call = await shapes.dial("caller", "300")
        await call.answered()
        await call.press("1")
        await shapes.row("notice_ended", script="notice")
        await call.press("1")
        await shapes.reached("agent1")
        await recorded(shapes)
        await call.hangup()
        [stored] = await shapes.over()
    assert recorded_once(stored)


async def test_a_call_back_is_told_anew(shapes: Shapes) -> None:
    async with shapes.with_phones("trunk", "agent1"):
        caller = shapes.phones["trunk"]
        asking = await caller.dial("300", user="5551234")
        await asking.answered()
        await asking.press("3")
        back = await shapes.reached("trunk")
        await shapes.row("notice_ended", script="notice")
        await back.press("1")
        await shapes.reached("agent1")
        await recorded(shapes)
        await back.hangup()
        [stored] = await shapes.over()
    assert recorded_once(stored) and stored.call.direction == "outbound"


async def test_without_a_word_in_the_policy_internal_calls_are_left_alone() -> None:
    folder = Path(tempfile.mkdtemp(prefix="callguard-e2e-"))
    await asyncio.to_thread(folder.chmod, 0o755)
    async with await Shapes.open(folder, SILENT_POLICY) as quiet, quiet.with_phones("agent1", "agent2"):
        call = await quiet.dial("agent1", "602")
        await call.answered(timeout=3)
        await hears(call, 1)
        await call.hangup()
        [stored] = await quiet.over()
        assert notices(stored) == [] and not stored.recordings and not stored.incidents
        assert "digit_pressed" not in types(stored)
    shutil.rmtree(folder, ignore_errors=True)

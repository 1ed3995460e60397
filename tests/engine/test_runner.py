"""One call's order of things: restrictive effects at once, then the commit, then the permissive ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from callguard.core.call import Call, open_call
from callguard.core.effects import (
    Effect,
    MaskRecording,
    PlayPrompt,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
    UnmaskRecording,
)
from callguard.core.events import (
    Action,
    Bridged,
    CallStarted,
    ChannelSeen,
    DigitPressed,
    Event,
    Link,
    LinkLost,
    MaskAcknowledged,
    NoticeEnded,
    NoticeStarted,
    OperatorActed,
    PartyIdentified,
    Role,
    StopAcknowledged,
    StopObserved,
)
from callguard.core.rules import STRICTEST
from callguard.engine.ledger import Ledger
from callguard.engine.runner import HELD_UP, Runner
from callguard.ports import Batch, CallRow
from tests.engine.stage import POLICY
from tests.fake_pbx import START

CALL = "018d0000-0000-7000-8000-000000000001"
GRANTED: tuple[Event, ...] = (
    CallStarted(at=START, channel_id="far"),
    NoticeStarted(at=START, channel_id="far"),
    NoticeEnded(at=START, channel_id="far"),
    DigitPressed(at=START, channel_id="far", digit="1"),
)
TALKING: tuple[Event, ...] = (
    ChannelSeen(at=START, channel_id="agent", role=Role.AGENT),
    Bridged(at=START, channel_id="far", bridge_id="b"),
    Bridged(at=START, channel_id="agent", bridge_id="b"),
)


@dataclass
class Diary:
    """A runner.World that writes down the order of what it is asked. `there`: whether the log is."""

    there: bool = True
    lines: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    over: bool = False

    async def keep(self, batches: Sequence[Batch]) -> bool:
        self.lines.append("append begins")
        await asyncio.sleep(0)
        self.batches += batches
        self.lines.append("durable")
        return self.there

    def carry_out(self, call: Call, effect: Effect) -> None:
        self.effects.append(effect)
        self.lines.append(type(effect).__name__)

    def pass_on(self, said: OperatorActed) -> None:
        self.lines.append(f"passed on: {said.action}")

    def alert(self, call: Call, incident: str) -> None:
        self.lines.append(f"alert {incident}")

    def values_of(self, party_id: str) -> Mapping[str, str]:
        return {"number": party_id}

    def ended(self, call: Call) -> None:
        self.over = True


def head() -> CallRow:
    kind = POLICY.call_types["support"]
    return CallRow(
        call_id=CALL,
        call_month=date(2026, 1, 1),
        tenant="acme",
        pbx_id="pbx1",
        direction="inbound",
        call_type=kind.name,
        policy_version=POLICY.version,
        rule_pack=STRICTEST.version,
        policy=kind.as_data(),
        started_at=START,
    )


async def play(world: Diary, *events: Event, raw: Mapping[str, Any] | None = None, kind: str = "support") -> Runner:
    """A runner after EVENTS; the diary starts with the last one."""
    runner = Runner(open_call(CALL, POLICY.call_types[kind]), Ledger(head()), world)
    for event in events:
        world.lines.clear()
        world.effects.clear()
        await runner.handle(event, raw or {})
    return runner


@pytest.mark.requirement("S81")
async def test_the_consent_row_is_durable_before_the_recorder_starts() -> None:
    world = Diary()
    await play(world, *GRANTED, *TALKING)
    assert world.lines == ["append begins", "durable", "StartRecording"]
    kept = [row.type for batch in world.batches for row in batch.events]
    assert kept.index("consent_granted") < kept.index("recording_requested")


async def test_what_comes_while_the_log_is_busy_goes_into_it_at_once() -> None:
    world = Diary()
    runner = await play(world, *GRANTED)
    world.batches.clear()
    world.lines.clear()
    running = asyncio.create_task(runner.run())
    runner.feed(TALKING[0])
    while "append begins" not in world.lines:
        await asyncio.sleep(0)
    runner.feed_all(TALKING[1:])
    await runner.written()
    running.cancel()
    assert world.lines == ["append begins", "durable", "append begins", "durable", "StartRecording"]
    assert [batch.events[0].type for batch in world.batches] == ["channel_seen", "bridged", "bridged"]


@pytest.mark.requirement("S81")
async def test_a_recorder_of_the_dialplan_is_armed_after_the_commit_and_never_without_it() -> None:
    armed = CallStarted(at=START, channel_id="far", least_privilege=True)
    world = Diary()
    await play(world, armed, *GRANTED[1:])
    assert world.lines[-3:] == ["append begins", "durable", "ArmRecording"] and "SendOn" not in world.lines
    world = Diary()
    runner = await play(world, armed, *GRANTED[1:-1])
    world.there = False
    await runner.handle(GRANTED[-1], {})
    failed, _ = runner.queue.get_nowait()
    assert failed.data()["effect"] == "ArmRecording" and SendOn(channel_id="far") not in world.effects
    await runner.handle(failed, {})
    assert SendOn(channel_id="far") in world.effects


@dataclass
class Noting(Diary):
    """Notes how many rows there were when a mask was asked for."""

    ledger: Ledger = field(default_factory=lambda: Ledger(head()))
    rows: list[int] = field(default_factory=list)

    def carry_out(self, call: Call, effect: Effect) -> None:
        super().carry_out(call, effect)
        self.rows += [self.ledger.seq] * isinstance(effect, MaskRecording)


async def test_a_mask_does_not_wait_for_the_rows_of_what_was_said_before_it() -> None:
    world = Noting()
    runner = await play(world, *GRANTED, *TALKING)
    world.ledger, written = runner.ledger, runner.ledger.seq
    runner.feed_all([ChannelSeen(at=START, channel_id="guest"), Bridged(at=START, channel_id="guest", bridge_id="b")])
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert world.rows == [written] and runner.ledger.seq > written


async def test_a_call_whose_rows_cannot_be_made_is_not_kept_up_in_silence() -> None:
    runner = await play(Diary(), *GRANTED)
    runner.ledger.hash = "no hash"  # type: ignore[assignment]
    runner.feed(Bridged(at=START, channel_id="far", bridge_id="b"))
    with pytest.raises(TypeError):
        await asyncio.wait_for(runner.run(), 2)


async def test_a_mask_is_asked_for_before_the_append_begins() -> None:
    world = Diary()
    guest = Bridged(at=START, channel_id="guest", bridge_id="b")
    await play(world, *GRANTED, *TALKING, ChannelSeen(at=START, channel_id="guest"), guest)
    assert world.lines == ["MaskRecording", "PlayPrompt", "append begins", "durable"]


@pytest.mark.requirement("S81")
async def test_nothing_is_destroyed_before_it_is_written_down_why() -> None:
    world = Diary()
    runner = await play(world, *GRANTED, *TALKING, act(Action.WITHDRAW))
    assert runner.call.recording and isinstance(world.effects[0], StopRecording)
    about: dict[str, Any] = {"at": START, "channel_id": "far", "recording_id": runner.call.recording.recording_id}
    await runner.handle(StopAcknowledged(**about), {})
    world.lines.clear()
    await runner.handle(StopObserved(**about), {})
    assert world.lines[-3:] == ["append begins", "durable", "DiscardRecording"]


async def test_sending_on_and_ending_a_prompt_do_not_wait() -> None:
    world = Diary()
    question = NoticeEnded(at=START, channel_id="far")
    await play(world, *GRANTED[:2], DigitPressed(at=START, channel_id="far", digit="2"))
    assert world.lines == ["append begins", "durable", "PlayPrompt"] or world.lines[0] == "StopPrompt"
    assert [type(item) for item in world.effects] == [StopPrompt, PlayPrompt]
    world = Diary()
    await play(world, *GRANTED[:2], question, GRANTED[3])
    assert world.lines[0] == "SendOn" and world.effects == [SendOn(channel_id="far")]


@pytest.mark.requirement("S125")
async def test_without_the_log_neither_start_nor_unmask_is_performed() -> None:
    world = Diary()
    runner = await play(world, *GRANTED, *TALKING[:2])
    world.there = False
    await runner.handle(TALKING[2], {})
    assert world.effects == []
    failed, _ = runner.queue.get_nowait()
    assert (failed.type, failed.data()["effect"]) == ("effect_failed", StartRecording.__name__)
    await runner.handle(failed, {})
    assert runner.call.barred and runner.call.running is None


async def test_an_unmask_that_is_not_in_the_log_is_not_performed() -> None:
    world = Diary()
    runner = await play(world, *GRANTED, *TALKING, act(Action.PAUSE))
    recording = runner.call.running
    assert recording and isinstance(world.effects[0], MaskRecording)
    await runner.handle(MaskAcknowledged(at=START, channel_id="far", recording_id=recording.recording_id), {})
    world.there = False
    world.effects.clear()
    await runner.handle(act(Action.RESUME), {})
    assert world.effects == []
    failed, _ = runner.queue.get_nowait()
    assert failed.data()["effect"] == UnmaskRecording.__name__


def act(action: Action) -> OperatorActed:
    return OperatorActed(at=START, action=action, operator="user:op")


@pytest.mark.requirement("S125")
async def test_under_keep_the_unmask_follows_the_spooled_event() -> None:
    world = Diary()
    runner = await play(world, *GRANTED, *TALKING, kind="kept")
    world.there = False
    await runner.handle(LinkLost(at=START, link=Link.LOG), {})
    recording = runner.call.running
    assert recording and isinstance(world.effects[-1], MaskRecording)
    await runner.handle(MaskAcknowledged(at=START, channel_id="far", recording_id=recording.recording_id), {})
    assert not any(isinstance(item, UnmaskRecording) for item in world.effects)
    world.lines.clear()
    spooled, _ = await asyncio.wait_for(runner.queue.get(), 2)  # the timer that `spooled` asked for
    await runner.handle(spooled, {})
    assert world.lines == ["append begins", "durable", "UnmaskRecording"]


async def test_what_a_pbx_says_twice_counts_once_and_is_written_down() -> None:
    world = Diary()
    runner = await play(world, *GRANTED[:3])
    raw = {"type": "ChannelDtmfReceived"}
    await runner.handle(GRANTED[3], raw)
    await runner.handle(GRANTED[3], raw)
    again = world.batches[-1].events[0]
    assert (again.type, again.data) == ("unexpected", {"what": "digit_pressed again"})
    later = DigitPressed(at=START + timedelta(seconds=1), channel_id="far", digit="1")
    await runner.handle(later, raw)
    assert world.batches[-1].events[0].type == "digit_pressed"


async def test_a_key_that_means_nothing_is_stored_as_x() -> None:
    world = Diary()
    await play(world, *GRANTED, DigitPressed(at=START, channel_id="far", digit="4"))
    assert world.batches[-1].events[0].data == {"digit": "x"}


async def test_personal_values_go_beside_the_chain_and_once() -> None:
    world = Diary()
    known = PartyIdentified(at=START, channel_id="far", party_id="p1", role=Role.FAR)
    await play(world, GRANTED[0], known, GRANTED[1])
    parties = [row for batch in world.batches for row in batch.parties]
    assert [(row.party_id, row.values) for row in parties] == [("p1", {"number": "p1"})]


async def test_a_deadline_comes_back_as_a_fact_and_not_after_the_end() -> None:
    world = Diary()
    runner = await play(world, *GRANTED[:3])
    runner.wake_at({"answer": START, "last_answer": START - timedelta(seconds=1)}, START)
    names = [(await asyncio.wait_for(runner.queue.get(), 2))[0].data()["name"] for _ in range(2)]
    assert sorted(names) == ["answer", "last_answer"]


async def test_an_answer_that_came_in_time_is_heard_before_a_deadline_that_is_late() -> None:
    """A loop that was held up finds the timer due and the answer in its socket: the answer is read over some turns."""
    loop = asyncio.get_running_loop()
    runner = await play(Diary(), *GRANTED)
    answer = MaskAcknowledged(at=START, channel_id="far", recording_id="r")

    def hop(left: int) -> None:
        loop.call_soon(hop, left - 1) if left else runner.feed(answer)

    runner.wake_at({"mask:1": START}, START)
    loop.call_soon(time.sleep, 2 * HELD_UP)  # blocks: that is the point
    loop.call_later(0.001, hop, 4)
    heard = [(await asyncio.wait_for(runner.queue.get(), 2))[0].type for _ in range(2)]
    assert heard == ["mask_acknowledged", "deadline_passed"]


async def test_a_deadline_that_is_put_off_comes_later() -> None:
    runner = await play(Diary(), *GRANTED)
    left, asked = [0.0, 0.01], list[str]()

    def put_off(call: Call, deadline: str) -> float:
        asked.append(deadline)
        return left.pop()

    runner.put_off = put_off
    runner.wake_at({"prompt:1": START}, START)
    event, _ = await asyncio.wait_for(runner.queue.get(), 2)
    assert event.data()["name"] == "prompt:1" and asked == ["prompt:1"] * 2


async def test_the_run_ends_with_the_call_and_says_so() -> None:
    from callguard.core.events import ChannelHungUp

    world = Diary()
    runner = Runner(open_call(CALL, POLICY.call_types["support"]), Ledger(head()), world)
    told: list[str] = []
    runner.watchers.append(lambda call, event: told.append(event.type))
    runner.feed_all([GRANTED[0], ChannelHungUp(at=START, channel_id="far")])
    await asyncio.wait_for(runner.run(), 2)
    assert world.over and told == ["call_started", "channel_hung_up"]


@pytest.mark.requirement("S73")
async def test_what_is_said_of_the_far_party_is_passed_on_for_its_other_calls() -> None:
    diary = Diary()
    await play(diary, *GRANTED, OperatorActed(at=START, action=Action.WITHDRAW, operator="uid:1"))
    assert "passed on: withdraw" in diary.lines

"""A controller that dies, and the one that takes its calls over."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from callguard.core.call import Call
from callguard.core.consent import Standing
from callguard.core.effects import MaskRecording, MeasureRecording, SendOn, StartRecording, StopRecording
from callguard.core.events import (
    Action,
    ChannelHeld,
    DeadlinePassed,
    DigitPressed,
    Event,
    Link,
    OperatorActed,
    StopObserved,
)
from callguard.core.recording import Mask, State
from callguard.engine.recovery import HANDED_OVER, Away, GuardAct, LiveCalls, guard_acts, waiting_deadlines
from callguard.ports import CallRow, Dialled, Playable, Sighted, StoredCall
from callguard.proof import prove
from callguard.store.memory import MemoryLog
from tests.engine.stage import Contented, Stage, endpoint
from tests.fake_pbx import START, FakePbx


def acted(data: Path, **what: str) -> None:
    """The guard's journal says that it did this."""
    with (data / "guard.jsonl").open("a") as journal:
        journal.write(json.dumps({"at": START.isoformat(), **what}) + "\n")


async def died(data: Path, log: MemoryLog, *, plays_on: bool = False, withdraws: bool = False) -> tuple[Call, str]:
    """A controller dies on a call that is recorded, or in the middle of the notice, or of the stop."""
    async with Stage(data, log, FakePbx(plays_on=plays_on)).running() as stage:
        if plays_on:
            await stage.enter()
            return stage.call("far"), ""
        recording_id = await stage.talk()
        stage.pbx.auto = not withdraws
        for key in "*7" * withdraws:
            stage.pbx.say(DigitPressed(at=START, channel_id="far", digit=key))
        await stage.settled()
        return stage.call("far"), recording_id


@pytest.mark.requirement("S125")
async def test_a_call_is_taken_over_as_it_was(tmp_path: Path) -> None:
    log = MemoryLog()
    before, recording_id = await died(tmp_path, log)
    second = Stage(tmp_path, log)
    second.there("far", "agent1", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: second.engine.runners)
        await second.settled()
        assert second.call("far").summary() == before.summary() | {"faults": []}
        assert second.pbx.asked(StartRecording) == []
        stored = await second.finish("far", "agent1")
    assert prove(stored) == [] and [item.recording_id for item in stored.recordings] == [recording_id]
    assert not list((tmp_path / "live").iterdir())


@pytest.mark.requirement("S125")
@pytest.mark.parametrize("consents", [True, False])
async def test_what_the_guard_stopped_goes_on_only_while_consent_stands(tmp_path: Path, consents: bool) -> None:
    log = MemoryLog()
    _, recording_id = await died(tmp_path, log, withdraws=not consents)
    acted(tmp_path, stopped=recording_id)
    second = Stage(tmp_path, log)
    second.there("far", "agent1", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: second.engine.runners)
        await second.settled()
        started = [item.segment_no for item in second.pbx.asked(StartRecording) if isinstance(item, StartRecording)]
        assert started == ([1] if consents else [])
        stored = await second.finish("far", "agent1")
    assert prove(stored) == []
    assert [item.state for item in stored.recordings] == (["verified", "verified"] if consents else ["discarded"])
    incidents = [row.data["incident"] for row in stored.events if row.type == "incident_opened"]
    assert ("stopped_by_guard" in incidents) is consents


@pytest.mark.requirement("S1")
def test_recorders_that_a_guard_watches_are_watched_but_for_one_that_hangs(tmp_path: Path) -> None:
    alive, soon = tmp_path / "alive", HANDED_OVER - 1
    assert Away.read(alive, START, guarded=False) == Away(), "there never was a controller"
    alive.touch()
    os.utime(alive, (START.timestamp(),) * 2)
    for seconds, guarded, unwatched in ((soon, True, False), (soon, False, True), (HANDED_OVER + 1, True, True)):
        away = Away.read(alive, START + timedelta(seconds=seconds), guarded=guarded)
        assert away == Away(round(seconds * 1000), unwatched=unwatched)


@pytest.mark.requirement("S1", "S125")
@pytest.mark.parametrize("stopped", [True, False])
async def test_what_ran_while_nobody_watched_is_told_unless_the_guard_stopped_it(tmp_path: Path, stopped: bool) -> None:
    log = MemoryLog()
    _, recording_id = await died(tmp_path, log)
    if stopped:
        acted(tmp_path, stopped=recording_id)
    second = Stage(tmp_path, log)
    second.engine.away = Away(4000, unwatched=True)
    second.there("far", "agent1", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: second.engine.runners)
        await second.settled()
        stored = await second.finish("far", "agent1")
    assert prove(stored) == []
    told = [row.data.get("unwatched_ms", 0) for row in stored.events if row.type == "link_lost"]
    assert sorted(told)[-1] == (0 if stopped else 4000)


async def test_a_caller_whom_the_guard_sent_on_is_not_waited_for(tmp_path: Path) -> None:
    log = MemoryLog()
    await died(tmp_path, log, plays_on=True)
    acted(tmp_path, sent_on="far")
    second = Stage(tmp_path, log)
    second.there("far")
    async with second.running():
        await second.until(lambda: second.engine.runners)
        await second.until(lambda: (far := second.call("far").far) and not far.waiting)
        assert second.pbx.asked(SendOn) == []
        assert prove(await second.finish("far")) == []


async def test_a_caller_who_still_waits_is_not_forgotten(tmp_path: Path) -> None:
    """Its prompt ended in the gap and nobody heard: the watch over the prompt survives the controller."""
    log = Aged()
    await died(tmp_path, log, plays_on=True)
    log.seconds = 12.0
    second = Stage(tmp_path, log)
    second.there("far", waiting=frozenset({"far"}))
    async with second.running():
        await second.until(lambda: second.pbx.asked(SendOn), 4)


class Torn(MemoryLog):
    """A log into which a controller did not write all that it had heard."""

    def tear(self, call_id: str, channel_id: str, kept: int, since: str = "channel_seen") -> None:
        """Of a call's last rows about this channel so many are left, from its first one of type SINCE, and nothing
        behind them."""
        rows = self._kept[call_id].events
        first = next(at for at, row in enumerate(rows) if (row.type, row.channel_id) == (since, channel_id))
        del rows[first + kept :]


@pytest.mark.requirement("S73", "S125")
@pytest.mark.parametrize("kept", [0, 1, 2])
async def test_who_came_in_as_a_controller_died_is_told_by_the_next(tmp_path: Path, kept: int) -> None:
    """Its own call knows where it is; the one that it visits never got so far."""
    log = Torn()
    async with Stage(tmp_path, log).running() as stage:
        await asyncio.gather(stage.talk("far", "agent1"), stage.talk("other", "agent2"))
        stage.join("bridge-far", "other")
        await stage.settled()
        call_id = stage.call("far").call_id
    log.tear(call_id, "other", kept)
    second = Stage(tmp_path, log, FakePbx(plays_on=True))
    second.there("far", "agent1", "other", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: len(second.engine.runners) == 2)
        await second.settled()
        call = second.call("far")
        assert call.channels["other"].visits and not call.channels["other"].standing.allows
        assert call.running is None or call.running.mask is not Mask.OFF
        assert second.engine.board.calls["other"] != call.call_id


@pytest.mark.requirement("S13", "S125")
@pytest.mark.parametrize("kept", [False, True])
async def test_what_was_said_of_a_party_as_a_controller_died_counts_in_the_call_that_it_visits(
    tmp_path: Path, kept: bool
) -> None:
    """The row of its own call was written, the one of the other call perhaps not."""
    log, act = Torn(), OperatorActed(at=START + timedelta(hours=1), action=Action.WITHDRAW, operator="uid:1")
    async with Stage(tmp_path, log).running() as stage:
        await asyncio.gather(stage.talk("far", "agent1"), stage.talk("other", "agent2"))
        stage.join("bridge-far", "other")
        await stage.settled()
        call_id = stage.call("far").call_id
        stage.engine.runners[stage.call("other").call_id].feed(act)
        await stage.settled()
        assert stage.call("far").channels["other"].standing is Standing.REFUSED
    if not kept:
        log.tear(call_id, "other", 0, OperatorActed.type)
    second = Stage(tmp_path, log)
    second.there("far", "agent1", "other", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: len(second.engine.runners) == 2)
        await second.settled()
        assert second.call("far").channels["other"].standing is Standing.REFUSED
        stored = await second.finish("far", "agent1", "other")
    assert [row.type for row in stored.events].count(OperatorActed.type) == 1 and prove(stored) == []


async def test_of_whom_the_log_does_not_tell_who_it_is_is_asked_anew(tmp_path: Path) -> None:
    """Where staff sits may make the rule stricter."""
    log = Torn()
    async with Stage(tmp_path, log).running() as stage:
        await stage.talk()
        stage.pbx.hear(Sighted(START, endpoint("agent2")))
        stage.pbx.hear(Dialled(START, "agent1", "agent2"))
        await stage.settled()
        call_id = stage.call("far").call_id
    log.tear(call_id, "agent2", 1)
    second = Stage(tmp_path, log)
    second.there("far", "agent1", "agent2", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: second.engine.runners)
        await second.settled()
        stored = await second.finish("far", "agent1", "agent2")
    assert ("party_identified", "agent2") in [(row.type, row.channel_id) for row in stored.events]
    assert prove(stored) == []


class Aged(MemoryLog):
    """A log whose rows were written so many seconds earlier."""

    seconds = 0.0

    async def load(self, call_id: str) -> StoredCall | None:
        stored = await super().load(call_id)
        earlier = timedelta(seconds=self.seconds)
        rows = [replace(row, recorded_at=row.recorded_at - earlier) for row in stored.events] if stored else []
        return replace(stored, events=tuple(rows)) if stored else None


async def test_deadlines_that_have_not_passed_are_those_that_wait(tmp_path: Path) -> None:
    log = MemoryLog()
    async with Stage(tmp_path, log, FakePbx(plays_on=True)).running() as stage:
        await stage.enter()
        waiting = waiting_deadlines(await stage.stored("far"))
        stage.pbx.end_prompt("far")
        await stage.settled()
        later = waiting_deadlines(await stage.stored("far"))
        stage.engine.runners[stage.call("far").call_id].feed(DeadlinePassed(at=START, name="answer"))
        await stage.settled()
        last = waiting_deadlines(await stage.stored("far"))
    assert [name.partition(":")[0] for name in waiting] == ["prompt"] and "answer" in later and "answer" not in last


async def test_fault_asternet_190_a_channel_that_hung_up_meanwhile_closes_the_call(tmp_path: Path) -> None:
    log = MemoryLog()
    before, _ = await died(tmp_path, log)
    second = Stage(tmp_path, log)
    async with second.running():
        await second.until(lambda: not list((tmp_path / "live").iterdir()))
        assert second.engine.runners == {}
        stored = await second.stored(before.call_id)
    assert prove(stored) == [] and stored.recordings[0].state == "verified"


async def test_a_recording_that_waits_for_its_verdict_gets_it(tmp_path: Path) -> None:
    class Slow(Contented):
        def measure(self, effect: MeasureRecording, line: Playable | None) -> tuple[Event, ...]:
            raise OSError("the controller dies before it can say")

    log = MemoryLog()
    first = Stage(tmp_path, log)
    first.engine.archive = Slow(tmp_path / "recordings")
    async with first.running():
        await first.talk()
        call_id = first.call("far").call_id
        first.hang_up("far", "agent1")
        await first.until(lambda: (found := first.engine.runners[call_id].call.recording) and not found.state.runs)
        await first.settled()
    second = Stage(tmp_path, log)
    async with second.running():
        await second.until(lambda: not list((tmp_path / "live").iterdir()))
        stored = await second.stored(call_id)
    assert prove(stored) == [] and stored.recordings[0].state == "verified"


async def test_a_files_end_that_is_told_before_the_calls_are_read_back_is_not_missed(tmp_path: Path) -> None:
    log = MemoryLog()
    call, recording_id = await died(tmp_path, log)
    log.cut()
    second = Stage(tmp_path, log)
    second.there(bridge="bridge-far")
    async with second.running(frozenset({Link.LOG})):
        second.pbx.say(StopObserved(at=START, channel_id="far", recording_id=recording_id))
        await second.settled()
        log.mend()
        await second.until(lambda: not list((tmp_path / "live").iterdir()))
        stored = await second.stored(call.call_id)
    assert prove(stored) == [] and stored.recordings[0].state == "verified"


async def test_the_rules_of_a_call_that_is_taken_over_are_kept(tmp_path: Path) -> None:
    """Who died had written rows under them, and may not have got so far."""
    log = MemoryLog()
    call, _ = await died(tmp_path, log)
    second = Stage(tmp_path, log)
    second.there("far", "agent1", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: second.engine.runners)
        assert call.pack.version in second.evidence.packs


async def test_without_the_log_taking_over_waits_and_new_callers_do_not(tmp_path: Path) -> None:
    log = MemoryLog()
    await died(tmp_path, log)
    log.cut()
    second = Stage(tmp_path, log)
    second.there("far", "agent1", bridge="bridge-far")
    async with second.running(without=frozenset({Link.LOG})):
        await second.until(lambda: second.engine.faults == {Link.LOG})
        await second.enter("new")
        assert second.pbx.effects == [SendOn(channel_id="new")]
        assert second.engine.is_helpless()  # nobody knows who is in a call that cannot be read: the guard ends it
        await second.engine.guard_tripped()
        assert not second.engine.is_helpless()
        log.mend()
        await second.until(lambda: "far" in second.engine.board.calls)
        await second.until(lambda: not second.engine.faults)
        await second.settled()
        running = second.call("far").running
        assert running and running.state is State.GROWING


@pytest.mark.requirement("S125")
@pytest.mark.parametrize("withdraws", [False, True])
async def test_what_is_said_once_while_a_call_waits_to_be_taken_over_counts_then(
    tmp_path: Path, withdraws: bool
) -> None:
    log = MemoryLog()
    _, recording_id = await died(tmp_path, log)
    log.cut()
    second = Stage(tmp_path, log)
    second.there("far", "agent1", bridge="bridge-far")
    async with second.running(without=frozenset({Link.LOG})):
        await second.until(lambda: second.engine.faults == {Link.LOG})
        for key in "*7" * withdraws:
            second.pbx.say(DigitPressed(at=START, channel_id="far", digit=key))
        if not withdraws:
            second.pbx.say(ChannelHeld(at=START, channel_id="agent1"))
        log.mend()
        asked = StopRecording if withdraws else MaskRecording
        await second.until(lambda: second.pbx.asked(asked))
        assert [effect.recording_id for effect in second.pbx.asked(asked)] == [recording_id]  # type: ignore[attr-defined]


async def test_a_call_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    log = Spoilt()
    await died(tmp_path, log)
    log.spoilt = True
    LiveCalls(tmp_path / "live").add("no-call")
    second, entered = Stage(tmp_path, log), list[tuple[str, str]]()
    second.engine.enter_incident = lambda kind, subject: entered.append((kind, subject))
    async with second.running():
        assert [kind for kind, _ in second.alerts] == ["take_over_failed"] and entered == second.alerts
        await second.talk("other", "agent2")
    assert not (tmp_path / "live" / "no-call").exists()


class Spoilt(MemoryLog):
    """A log whose heads carry a call type of a later version."""

    spoilt = False

    async def load(self, call_id: str) -> StoredCall | None:
        stored = await super().load(call_id)
        if stored is None or not self.spoilt:
            return stored
        head: CallRow = replace(stored.call, policy={**stored.call.policy, "invented_later": True})
        return replace(stored, call=head)


def test_a_torn_or_foreign_line_of_the_journal_is_passed_over(tmp_path: Path) -> None:
    journal = tmp_path / "guard.jsonl"
    assert list(guard_acts(journal)) == []
    acted(tmp_path, stopped="r1")
    with journal.open("ab") as handle:
        handle.write(b'[1]\nnull\n{"stopped":"r2"}\n{"at":"x"}\n\xff\xfe\n')
    acted(tmp_path, sent_on="c1")
    with journal.open("a") as text:
        text.write('{"at": "2026-01-02T03:0')
    assert list(guard_acts(journal)) == [GuardAct(START, stopped="r1"), GuardAct(START, sent_on="c1")]
    journal.unlink()
    journal.mkdir()
    assert list(guard_acts(journal)) == [], "a controller that cannot read it takes its calls over all the same"

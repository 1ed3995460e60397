"""The engine over a fake PBX: calls from entry to verdict, side by side, and what a gap in the link means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from callguard.core.call import Call
from callguard.core.consent import Standing
from callguard.core.effects import PlayPrompt, SendOn, StartRecording, StopRecording, StopRogue
from callguard.core.events import (
    Action,
    Bridged,
    DigitPressed,
    Link,
    OperatorActed,
    RogueRecordingSeen,
    Script,
    StopAcknowledged,
)
from callguard.core.policy import Joins, parse_policy
from callguard.core.recording import Mask, State
from callguard.engine.engine import DRAIN_SECONDS
from callguard.engine.sweeper import Sweeper
from callguard.ports import Dialled, Entered, Playable, Sighted
from callguard.ports import Link as LinkHeard
from callguard.proof import prove
from callguard.store.memory import MemoryLog
from tests.engine.stage import POLICY, Stage, endpoint
from tests.fake_pbx import START, FakePbx


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Stage(tmp_path).running() as own:
        yield own


@pytest.mark.requirement("S1")
async def test_a_call_from_entry_to_verdict(stage: Stage) -> None:
    await stage.talk()
    stored = await stage.finish("far", "agent1")
    assert [item.state for item in stored.recordings] == ["verified"]
    assert prove(stored) == [] and stage.alerts == []
    types = [row.type for row in stored.events]
    assert types.index("consent_granted") < types.index("recording_requested") < types.index("recording_acknowledged")


@pytest.mark.requirement("S1", "S125")
async def test_a_disk_that_takes_no_mark_of_a_call_means_no_recording_until_it_does(stage: Stage) -> None:
    """Who comes next would not find that call: it goes on unrecorded, and its controller lives."""
    (stage.data / "live").write_text("in the way")
    await stage.grant()
    assert Link.SPOOL in stage.engine.faults and ("spool_lost", "") in stage.alerts
    assert (await stage.stored(stage.engine.board.calls["far"])).events[0].type == "call_started"
    assert not (await stage.finish("far")).recordings
    await stage.enter("other")
    (stage.data / "live").unlink()
    await stage.until(lambda: Link.SPOOL not in stage.engine.faults)
    assert [path.name for path in (stage.data / "live").iterdir()] == [stage.call("other").call_id]
    stage.hang_up("other")


async def test_two_calls_side_by_side_never_mix(stage: Stage) -> None:
    first, second = await asyncio.gather(stage.talk("far", "agent1"), stage.talk("other", "agent2"))
    assert first != second
    one = await stage.finish("far", "agent1")
    assert stage.call("other").running
    two = await stage.finish("other", "agent2")
    for stored, own in ((one, {"far", "agent1"}), (two, {"other", "agent2"})):
        assert {row.channel_id for row in stored.events} - {""} == own
        assert prove(stored) == []


async def test_a_far_party_of_another_call_in_the_bridge_masks_both(stage: Stage) -> None:
    """Whoever enters a recorded bridge is a party there, also when it belongs to a call of its own."""
    await asyncio.gather(stage.talk("far", "agent1"), stage.talk("other", "agent2"))
    stage.join("bridge-far", "other")
    await stage.settled()
    for far, guest in (("far", "other"), ("other", "far")):
        call = stage.call(far)
        assert call.running and call.running.mask is Mask.ON, far
        assert call.channels[guest].standing is Standing.AWAITING and call.channels[guest].visits
    stage.hang_up("other")
    await stage.until(lambda: (running := stage.call("far").running) and running.mask is Mask.OFF)
    stored = await stage.finish("far", "agent1")
    assert any(row.type == "call_merged" for row in stored.events) and prove(stored) == []


@pytest.mark.requirement("S13", "S73")
async def test_what_is_said_of_a_party_in_its_own_call_counts_in_every_call_that_it_is_in(tmp_path: Path) -> None:
    gated = replace(POLICY.call_types["support"], joins=Joins.GATE, someone_else="*5")
    policy = replace(POLICY, call_types={**POLICY.call_types, "support": gated})
    async with Stage(tmp_path, policy=policy).running() as stage:
        await asyncio.gather(stage.talk("far", "agent1"), stage.talk("other", "agent2"))
        stage.join("bridge-far", "other")
        await stage.settled()
        for digit in "*5":
            stage.pbx.say(DigitPressed(at=stage.pbx.now, channel_id="agent2", digit=digit))
        await stage.settled()
        call = stage.call("far")
        assert call.running and call.running.mask is Mask.ON and call.far
        assert call.channels["other"].standing is Standing.AWAITING and call.far.standing is Standing.GRANTED
        stage.pbx.say(DigitPressed(at=stage.pbx.now, channel_id="other", digit="1"))
        await stage.until(lambda: (running := stage.call("far").running) and running.mask is Mask.OFF)
        own = stage.engine.runners[stage.engine.board.calls["other"]]
        own.feed(OperatorActed(at=stage.pbx.now, action=Action.WITHDRAW, operator="uid:1"))
        await stage.until(lambda: stage.call("far").running is None and stage.call("other").running is None)
        stored = await stage.finish("far", "agent1", "other")
    assert prove(stored) == [] and "consent_withdrawn" in [row.type for row in stored.events]


@pytest.mark.requirement("S73")
async def test_behind_a_gate_who_agreed_at_a_door_of_its_own_is_masked_by_nobody(tmp_path: Path) -> None:
    gated = replace(POLICY.call_types["support"], joins=Joins.GATE)
    policy = replace(POLICY, call_types={**POLICY.call_types, "support": gated})
    async with Stage(tmp_path, policy=policy).running() as stage:
        await asyncio.gather(stage.talk("far", "agent1"), stage.talk("other", "agent2"))
        stage.join("bridge-far", "other")
        await stage.settled()
        for far, guest in (("far", "other"), ("other", "far")):
            call = stage.call(far)
            assert call.running and call.running.mask is Mask.OFF, far
            assert call.channels[guest].standing is Standing.GRANTED and call.channels[guest].visits
        stage.hang_up("other")
        stored = await stage.finish("far", "agent1")
    assert "mask_requested" not in [row.type for row in stored.events] and prove(stored) == []


async def test_an_unknown_call_type_goes_on_unrecorded(stage: Stage) -> None:
    await stage.enter(call_type="no-such")
    assert stage.pbx.effects == [SendOn(channel_id="far")]
    assert [kind for kind, _ in stage.alerts] == ["unknown_call_type"]


@pytest.mark.parametrize("args", [(), ("2", "support", "inbound"), ("1", "support", "sideways"), ("1", "", "inbound")])
async def test_what_the_dialplan_passes_is_checked(stage: Stage, args: tuple[str, ...]) -> None:
    stage.pbx.hear(Entered(START, endpoint("far"), args))
    await stage.settled()
    assert stage.pbx.effects == [SendOn(channel_id="far")]


async def test_a_hostile_linkedid_is_replaced(stage: Stage) -> None:
    stage.pbx.hear(Entered(START, endpoint("far"), ("1", "support", "inbound", "'; DROP\n")))
    await stage.settled()
    assert (await stage.stored("far")).call.linked_id == "far"


async def test_the_same_entry_twice_is_one_call(stage: Stage) -> None:
    entered = Entered(START, endpoint("far"), ("1", "support", "inbound"))
    stage.pbx.hear(entered)
    stage.pbx.hear(entered)
    await stage.settled()
    assert len(stage.engine.runners) == 1 and stage.pbx.asked(SendOn) == []


@pytest.mark.parametrize("channel", ["far", "agent1"])
async def test_who_is_asked_a_second_time_is_sent_on(stage: Stage, channel: str) -> None:
    await stage.talk()
    before = len(stage.pbx.asked(SendOn))
    stage.pbx.hear(Entered(START, endpoint(channel), ("1", "support", "inbound")))
    await stage.settled()
    assert stage.pbx.asked(SendOn)[before:] == [SendOn(channel_id=channel)] and len(stage.engine.runners) == 1


async def at_the_gate(stage: Stage) -> None:
    """Somebody whom a transfer dials waits in our application."""
    await stage.talk()
    stage.hang_up("agent1")
    stage.pbx.hear(Sighted(START, endpoint("guest")))
    stage.pbx.hear(Dialled(START, "far", "guest"))
    stage.pbx.hear(Entered(START, endpoint("guest"), ("1", "support", "outbound")))
    await stage.settled()


@pytest.mark.requirement("S73")
async def test_whom_a_transfer_dials_waits_at_the_gate_of_the_same_call(stage: Stage) -> None:
    await at_the_gate(stage)
    assert stage.pbx.asked(PlayPrompt)[-1] == PlayPrompt(channel_id="guest", script=Script.NOTICE)
    assert len(stage.engine.runners) == 1 and SendOn(channel_id="guest") not in stage.pbx.effects
    stage.pbx.say(DigitPressed(at=stage.pbx.now, channel_id="guest", digit="1"))
    await stage.until(lambda: SendOn(channel_id="guest") in stage.pbx.effects)
    stage.join("bridge-two", "far", "guest")
    await stage.until(lambda: len(stage.call("far").recordings) == 2)
    stored = await stage.finish("far", "guest")
    assert "channel_entered" in [row.type for row in stored.events] and prove(stored) == []


async def test_who_left_the_gate_in_a_gap_is_not_waited_for(stage: Stage) -> None:
    await at_the_gate(stage)
    stage.there("far", "guest")
    assert await stage.engine.resync()
    await stage.settled()
    assert not stage.call("far").channels["guest"].waiting and SendOn(channel_id="guest") not in stage.pbx.effects


@pytest.mark.requirement("S125")
@pytest.mark.parametrize("link", [Link.GUARD, Link.DISK, Link.SPOOL, Link.LOG, Link.VAULT])
async def test_without_one_of_its_links_no_recording_starts(stage: Stage, link: Link) -> None:
    await stage.settled()
    stage.engine.faults.add(link)
    await stage.enter()
    assert stage.pbx.effects == [SendOn(channel_id="far")]
    assert "not_recordable" in [kind for kind, _ in stage.alerts]


async def test_a_lost_link_to_the_pbx_masks_and_its_return_unmasks(stage: Stage) -> None:
    await stage.talk()
    stage.pbx.hear(LinkHeard(START, up=False))
    await stage.until(lambda: (running := stage.call("far").running) and running.mask is Mask.ON)
    stage.there("far", "agent1", bridge="bridge-far")
    stage.pbx.hear(LinkHeard(START, up=True))
    await stage.until(lambda: (running := stage.call("far").running) and running.mask is Mask.OFF)
    assert prove(await stage.finish("far", "agent1")) == []


@pytest.mark.requirement("S22")
async def test_what_is_said_of_a_recording_reaches_its_call_on_whichever_channel_it_hangs(stage: Stage) -> None:
    first = await stage.talk()
    stage.pbx.say(StopAcknowledged(at=START, channel_id="of another call", recording_id=first))
    await stage.until(lambda: stage.call("far").recordings[0].state is State.STOPPED)


async def test_a_mask_that_the_lost_link_swallowed_stops_the_recorder_when_it_is_back(stage: Stage) -> None:
    first = await stage.talk()
    stage.pbx.cut()
    await stage.until(lambda: stage.call("far").blind)
    assert stage.engine.is_helpless()  # the guard is to stop it
    stage.there("far", "agent1", bridge="bridge-far")
    stage.pbx.mend()
    await stage.until(lambda: (running := stage.call("far").running) and running.recording_id != first)
    assert first not in stage.pbx.recordings and not stage.engine.is_helpless()
    assert prove(await stage.finish("far", "agent1")) == []


async def test_who_hung_up_in_a_gap_is_found_out(stage: Stage) -> None:
    await stage.talk()
    call_id = stage.call("far").call_id
    stage.there()
    stage.pbx.hear(LinkHeard(START, up=True))
    await stage.until(lambda: call_id not in stage.engine.runners)
    assert prove(await stage.stored(call_id)) == []
    assert not list((stage.data / "live").iterdir())


async def test_who_waits_and_is_known_to_nobody_is_sent_on(stage: Stage) -> None:
    stage.there("stranger", waiting=frozenset({"stranger"}))
    stage.pbx.hear(LinkHeard(START, up=True))
    await stage.settled()
    assert stage.pbx.effects == [SendOn(channel_id="stranger")]


async def test_who_enters_while_the_pbx_is_asked_is_no_stranger(stage: Stage) -> None:
    stage.there("far", waiting=frozenset({"far"}))
    stage.pbx.hear(LinkHeard(START, up=True))
    stage.pbx.hear(Entered(START, endpoint("far"), ("1", "support", "inbound")))
    await stage.settled()
    assert stage.pbx.asked(SendOn) == [] and stage.call("far").far


async def test_who_left_our_application_in_a_gap_is_not_waited_for(tmp_path: Path) -> None:
    async with Stage(tmp_path, pbx=FakePbx(plays_on=True)).running() as stage:
        await stage.enter()
        stage.there("far")
        stage.pbx.hear(LinkHeard(START, up=True))
        await stage.until(lambda: (far := stage.call("far").far) and not far.waiting)


async def test_what_failed_about_a_file_is_an_incident(stage: Stage) -> None:
    recording_id = await stage.talk()
    (stage.data / "recordings" / f"{recording_id}-left.wav").mkdir()
    for key in "*7":
        stage.pbx.say(DigitPressed(at=START, channel_id="far", digit=key))
    await stage.until(lambda: "discard_failed" in [kind for kind, _ in stage.alerts])


async def test_facts_about_channels_of_nobody_change_nothing(stage: Stage) -> None:
    stage.pbx.hear(Sighted(START, endpoint("a")))
    stage.join("b", "a", "c")
    stage.hang_up("a", "c", "d")
    await stage.settled()
    assert stage.engine.runners == {} and stage.pbx.effects == []
    assert stage.engine.board.endpoints == {} and stage.engine.board.bridges == {}


async def test_a_call_that_is_over_leaves_nothing_behind(stage: Stage) -> None:
    await stage.talk()
    await stage.finish("far", "agent1")
    board = stage.engine.board
    assert not (board.endpoints or board.calls or board.bridges or board.types or board.parties)


async def test_the_recording_is_on_line_is_asked_for_once(stage: Stage) -> None:
    await stage.talk()
    on = [item for item in stage.pbx.asked(PlayPrompt) if isinstance(item, PlayPrompt)]
    assert [item.script for item in on].count(Script.RECORDING_ON) == 1
    assert len(stage.pbx.asked(StartRecording)) == 1
    recording = stage.call("far").recording
    assert recording and recording.state is State.GROWING


@pytest.mark.requirement("S123")
async def test_a_drained_engine_takes_no_new_call_and_leaves_the_others_running(stage: Stage) -> None:
    await stage.talk()
    stage.join("another-bridge", "far")  # something that is not written yet
    await stage.engine.drain()
    stored = await stage.stored(stage.call("far").call_id)
    assert [row.type for row in stored.events][-1] == "bridged"
    await stage.enter("late")
    assert stage.pbx.asked(SendOn)[-1] == SendOn(channel_id="late") and len(stage.engine.runners) == 1
    assert stage.pbx.asked(StopRecording) == [] and (stage.data / "live").exists()


@pytest.mark.requirement("S123")
async def test_what_one_engine_drained_the_next_goes_on_with(tmp_path: Path) -> None:
    first = Stage(tmp_path)
    async with first.running():
        recording_id = await first.talk()
        call_id = first.call("far").call_id
        await first.engine.drain()
    second = Stage(tmp_path, log=first.log)
    second.there("far", "agent1", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: call_id in second.engine.runners)
        await second.until(lambda: (own := second.call("far").recording) and own.state is State.GROWING)
        assert second.pbx.asked(StartRecording) == second.pbx.asked(StopRecording) == []
        stored = await second.finish("far", "agent1")
    assert [item.recording_id for item in stored.recordings] == [recording_id] and prove(stored) == []


async def test_an_engine_that_cannot_write_is_drained_all_the_same(stage: Stage) -> None:
    await stage.talk(call_type="kept")
    assert isinstance(stage.log, MemoryLog)
    stage.log.cut()
    await asyncio.wait_for(stage.engine.drain(), DRAIN_SECONDS + 1)
    assert stage.engine.draining


async def test_a_new_policy_is_for_calls_that_begin_from_then_on(stage: Stage) -> None:
    await stage.enter("before")
    stage.engine.entrance.policy = parse_policy(
        {"call_type": {"support": {"purpose": "safety", "agents": ["PJSIP/agent*"]}}}
    )
    await stage.enter("after")
    before, after = [await stage.stored(stage.call(name).call_id) for name in ("before", "after")]
    assert before.call.policy_version != after.call.policy_version == stage.engine.entrance.policy.version
    assert (before.call.policy["purpose"], after.call.policy["purpose"]) == ("qa", "safety")


@pytest.mark.requirement("S81")
async def test_a_flood_of_keys_stores_none_of_them_and_holds_no_other_call_up(stage: Stage) -> None:
    """500 keys in 5 s from a caller who is recorded: beginnings of a sequence, and what means nothing."""
    await stage.talk()
    for count in range(500):
        at = stage.pbx.now + timedelta(milliseconds=10 * count)
        stage.pbx.say(DigitPressed(at=at, channel_id="far", digit="***4**56*0#*"[count % 12]))
    await stage.grant("other")
    await stage.settled()
    assert stage.call("far").running is not None and stage.call("far").far is not None
    stored = await stage.finish("far", "agent1")
    pressed = [row.data["digit"] for row in stored.events if row.type == "digit_pressed"]
    assert len(pressed) == 501 and pressed[0] == "1" and set(pressed[1:]) == {"x", "*"} and prove(stored) == []


# ---------------------------------------------------------------- somebody else records
def with_rogues(data: Path, word: str) -> tuple[Stage, list[tuple[str, str]]]:
    """A stage whose policy says WORD of them, and what was entered of incidents that are of no call."""
    document = {"call_type": {"support": {**POLICY.as_data()["call_type"]["support"], "on_rogue": word}}}
    stage, entered = Stage(data, policy=parse_policy(document)), list[tuple[str, str]]()
    stage.engine.enter_incident = lambda kind, subject: entered.append((kind, subject))
    return stage, entered


def rogue(stage: Stage, channel_id: str = "", bridge_id: str = "") -> None:
    stage.pbx.say(RogueRecordingSeen(at=stage.pbx.now, channel_id=channel_id, bridge_id=bridge_id))


@pytest.mark.requirement("S4")
@pytest.mark.parametrize("word", ["report", "stop"])
async def test_a_recorder_on_a_channel_of_no_call_is_told_and_stopped_where_the_policy_says_so(
    tmp_path: Path, word: str
) -> None:
    stage, entered = with_rogues(tmp_path, word)
    async with stage.running():
        stage.pbx.hear(Sighted(stage.pbx.now, endpoint("stranger")))
        rogue(stage, "stranger")
        rogue(stage, bridge_id="nowhere")
        unstopped = [("rogue_not_stopped", f"a bridge, {stage.pbx.now.isoformat()}")] if word == "stop" else []
        await stage.until(lambda: len(entered) == 2 + len(unstopped))  # this PBX has no such bridge
        assert entered == [("rogue_recording", "stranger"), ("rogue_recording", "nowhere"), *unstopped]
        assert stage.alerts.count(("rogue_recording", "")) == 2
        asked = [StopRogue(channel_id="stranger"), StopRogue(bridge_id="nowhere")]
        assert stage.pbx.asked(StopRogue) == (asked if word == "stop" else [])


@pytest.mark.requirement("S4")
async def test_a_call_hears_of_a_recorder_that_began_before_it_and_of_one_on_its_bridge(tmp_path: Path) -> None:
    stage, entered = with_rogues(tmp_path, "stop")
    async with stage.running():
        stage.pbx.hear(Sighted(stage.pbx.now, endpoint("agent1")))
        for channel_id in ("far", "agent1"):
            rogue(stage, channel_id)
        await stage.talk()
        rogue(stage, bridge_id="bridge-far")
        await stage.settled()
        stored = await stage.finish("far", "agent1")
    seen = [(row.channel_id, row.data["bridge_id"]) for row in stored.events if row.type == "rogue_recording_seen"]
    assert sorted(seen) == [("agent1", ""), ("far", ""), ("far", "bridge-far")]
    assert [item.kind for item in stored.incidents] == ["rogue_recording"] * 3 and len(entered) == 2
    assert StopRogue(channel_id="far", bridge_id="bridge-far") in stage.pbx.asked(StopRogue)


@pytest.mark.requirement("S4")
async def test_a_call_hears_once_of_a_bridge_that_was_recorded_before_it_came_there(tmp_path: Path) -> None:
    stage, entered = with_rogues(tmp_path, "report")
    async with stage.running():
        await stage.talk()
        for channel_id in ("stranger", "far", "agent1"):
            rogue(stage, channel_id, "room")
            stage.pbx.say(Bridged(at=stage.pbx.now, channel_id=channel_id, bridge_id="room"))
        await stage.settled()
        stored = await stage.finish("far", "agent1", "stranger")
    seen = [(row.channel_id, row.data["bridge_id"]) for row in stored.events if row.type == "rogue_recording_seen"]
    assert seen == [("far", "room")] and entered == []  # when it began, a human heard of it


@pytest.mark.requirement("S4")
async def test_a_file_that_nobody_knows_is_told_and_our_own_are_not(tmp_path: Path) -> None:
    stage, entered = with_rogues(tmp_path, "report")
    async with stage.running():
        recording_id = await stage.talk()
        (tmp_path / "recordings" / f"{recording_id}-left.wav").touch()
        (tmp_path / "recordings" / "theirs.wav").touch()
        await stage.until(lambda: entered)
        await stage.finish("far", "agent1")
        await asyncio.sleep(0.6)
    assert entered == [("unknown_file", "theirs.wav")] and ("unknown_file", "") in stage.alerts


async def test_fault_asterisk_963_a_hang_up_that_nobody_tells_is_found_at_the_second_look(stage: Stage) -> None:
    await stage.talk()
    call_id, engine = stage.call("far").call_id, stage.engine
    stage.there()
    sweeper = Sweeper(lambda: engine.board.calls, stage.pbx.snapshot, engine._receive)
    missing = await sweeper.look(frozenset())
    await stage.settled()
    assert call_id in engine.runners and missing == {"far", "agent1"}
    await sweeper.look(missing)
    await stage.until(lambda: call_id not in engine.runners)
    assert prove(await stage.stored(call_id)) == []


async def test_prompts_that_are_read_anew_are_the_next_to_be_heard(stage: Stage) -> None:
    await stage.talk("far")
    asked: list[str] = []

    def anew(call: Call, channel_id: str) -> Mapping[Script, Playable]:
        asked.append(channel_id)
        return {}

    stage.engine.prompts = anew
    await stage.talk("other", "agent2")
    assert asked.count("other") > 1 and "far" not in asked

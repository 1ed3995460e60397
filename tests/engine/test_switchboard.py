"""Which channel belongs to which call: real sequences of an Asterisk 22, and the orders that nobody likes.

The files tests/scenarios/*.ari.jsonl are what ARI said on real calls, cut to what is read, with ids made short.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from callguard.core.call import Channel, open_call
from callguard.core.consent import Standing
from callguard.core.effects import MaskRecording, StartRecording, StopRecording, UnmaskRecording
from callguard.core.events import (
    Bridged,
    CallMerged,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelSeen,
    ChannelUnheld,
    DigitPressed,
    Event,
    ListeningEnded,
    ListeningStarted,
    PauseSignalled,
    Role,
    Unbridged,
)
from callguard.core.policy import Mode
from callguard.engine.entrance import merged
from callguard.engine.switchboard import Fact, Switchboard
from callguard.pbx.asterisk.translate import translate
from callguard.ports import Dialled, Entered, Heard, Link, Said, Sighted, Snapshot
from callguard.proof import prove
from tests.core.play import AGENT, FAR, play
from tests.engine.stage import POLICY, Stage, endpoint
from tests.fake_pbx import START

SCENARIOS = Path(__file__).parents[1] / "scenarios"
NAMES = sorted(path.name.removesuffix(".ari.jsonl") for path in SCENARIOS.glob("*.ari.jsonl"))


@cache
def capture(name: str, prefix: str = "") -> tuple[dict[str, Any], ...]:
    """The messages of one real call; PREFIX goes before every id."""
    messages = []
    for line in (SCENARIOS / f"{name}.ari.jsonl").read_text().splitlines():
        message = json.loads(line)
        for part in ("channel", "caller", "peer", "bridge"):
            if part in message:
                message[part]["id"] = prefix + message[part]["id"]
        if name_of := message.get("channel", {}).get("name"):
            message["channel"]["name"] = name_of.replace("@", f"@{prefix}")
        messages.append(message)
    return tuple(messages)


def said(messages: tuple[dict[str, Any], ...]) -> Iterator[tuple[Heard, dict[str, Any]]]:
    for message in messages:
        for heard in translate(message, "callguard", START):
            yield heard, message


def at(message: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(message["timestamp"])


@pytest.mark.requirement("S7")
@pytest.mark.parametrize("name", NAMES)
async def test_a_real_call_is_recorded_from_the_agents_answer_to_its_end(tmp_path: Path, name: str) -> None:
    messages = capture(name)
    end = at(messages[-1]) - timedelta(seconds=0.3)
    async with Stage(tmp_path).running() as stage:
        for heard, raw in said(tuple(item for item in messages if at(item) < end)):
            stage.pbx.hear(heard, raw)
            if raw["type"] in ("StasisStart", "ChannelDtmfReceived"):
                await stage.settled()
        await stage.until(lambda: stage.call("c1").running)
        await asyncio.sleep(0.3)  # a false mask would come after the grace for swapping channels
        call = stage.call("c1")
        assert stage.pbx.asked(MaskRecording) == [] and stage.pbx.asked(UnmaskRecording) == []
        assert len(stage.pbx.asked(StartRecording)) == 1 and stage.pbx.asked(StopRecording) == []
        assert [channel.role for channel in call.hearers()] == [Role.FAR, Role.AGENT]
        for heard, raw in said(tuple(item for item in messages if at(item) >= end)):
            stage.pbx.hear(heard, raw)
        await stage.until(lambda: not stage.engine.runners)
        stored = await stage.stored(call.call_id)
        board = stage.engine.board
    assert prove(stored) == [] and [item.state for item in stored.recordings] == ["verified"]
    roles = Counter(row.data["role"] for row in stored.events if row.type == "channel_seen")
    assert Role.GUEST not in roles and roles[Role.AGENT] == (1 if name.startswith("dial") else roles[Role.AGENT])
    assert not (board.endpoints or board.calls or board.bridges or board.types)


@pytest.mark.parametrize("seed", range(5))
async def test_real_calls_side_by_side_never_mix(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    async with Stage(tmp_path).running() as stage:
        queues = [list(said(capture(chosen.choice(NAMES), prefix))) for prefix in ("x", "y", "z")]
        while rest := [queue for queue in queues if queue]:
            heard, raw = chosen.choice(rest).pop(0)
            stage.pbx.hear(heard, raw)
            if raw["type"] in ("StasisStart", "ChannelDtmfReceived"):
                await stage.settled()
        await stage.until(lambda: not stage.engine.runners)
        for prefix in "xyz":
            stored = await stage.stored(f"{prefix}c1")
            assert {row.channel_id[:1] for row in stored.events} <= {prefix, ""}
            assert prove(stored) == []


@pytest.mark.parametrize("seed", range(8))
async def test_out_of_order_duplicated_and_lost_facts_end_in_a_sound_log(tmp_path: Path, seed: int) -> None:
    """Whatever order: nothing raises, nothing is recorded without standing, and a look at the PBX closes the call."""
    chosen = random.Random(seed)
    heard = list(said(capture("queue-local-caller-hangs-up")))
    start = next(index for index, (item, _) in enumerate(heard) if isinstance(item, Entered))
    first, rest = heard[: start + 1], heard[start + 1 :]
    for _ in range(20):
        one = chosen.randrange(len(rest))
        rest.insert(max(0, one - chosen.randrange(6)), rest.pop(one))
        rest.insert(chosen.randrange(len(rest)), rest[one % len(rest)])
    del rest[chosen.randrange(len(rest))]
    async with Stage(tmp_path).running() as stage:
        for item, raw in first:
            stage.pbx.hear(item, raw)
        await stage.settled()
        call_id = stage.engine.board.calls["c1"]
        for item, raw in rest:
            stage.pbx.hear(item, raw)
            await stage.settled() if chosen.random() < 0.2 else None
        stage.there()
        stage.pbx.hear(Link(START, up=True))
        await stage.until(lambda: call_id not in stage.engine.runners)
        assert prove(await stage.stored(call_id)) == []


# ---------------------------------------------------------------- small orders
def board() -> Switchboard:
    """A switchboard with one call: its far channel."""
    made = Switchboard(lambda: "party")
    made.entered(Entered(START, endpoint("far")), "call", POLICY.call_types["support"])
    return made


def types(facts: list[Fact]) -> list[str]:
    return [event.type for _, event in facts]


def bridged(channel: str, bridge: str = "b") -> Bridged:
    return Bridged(at=START, channel_id=channel, bridge_id=bridge)


def test_a_channel_in_the_bridge_that_nobody_dialled_belongs_to_the_call() -> None:
    own = board()
    own.sighted(Sighted(START, endpoint("agent1")))
    assert own.said(bridged("agent1")) == []
    facts = own.said(bridged("far"))
    assert types(facts) == ["channel_seen", "party_identified", "channel_answered", "bridged", "bridged"]
    assert facts[0][1] == ChannelSeen(at=START, channel_id="agent1", role=Role.AGENT)
    late = own.said(bridged("stranger"))
    assert late[0][1] == ChannelSeen(at=START, channel_id="stranger", role=Role.GUEST)
    assert types(late)[-1] == "bridged"


def test_who_sat_in_the_bridge_before_the_news_of_a_dial_came_is_on_the_call_too() -> None:
    """News of two channels may come in any order: the guest was bridged with an agent of whom nothing was known."""
    own = board()
    for channel in ("agent1", "guest"):
        own.sighted(Sighted(START, endpoint(channel)))
        assert own.said(bridged(channel)) == []
    facts = own.dialled(Dialled(START, "far", "agent1"))
    assert [event.channel_id for _, event in facts if event.type == "bridged"] == ["agent1", "guest"]
    assert own.calls["guest"] == "call"


def test_a_channel_that_is_dialled_before_it_is_created_is_a_guest_until_known() -> None:
    """Nobody knows who it is: the strictest role. The other way round it is staff."""
    own = board()
    facts = own.dialled(Dialled(START, "far", "agent1"))
    assert types(facts) == ["channel_seen", "party_identified"] and facts[0][1].data()["role"] is Role.GUEST
    known = board()
    known.sighted(Sighted(START, endpoint("agent1")))
    assert known.dialled(Dialled(START, "far", "agent1"))[0][1].data()["role"] is Role.AGENT


def test_both_halves_of_a_local_channel_belong_to_the_call() -> None:
    own = board()
    for half in ("1", "2"):
        own.sighted(Sighted(START, endpoint(f"l{half}", f"Local/1@agents-0;{half}")))
    facts = own.dialled(Dialled(START, "far", "l1"))
    assert [(event.channel_id, event.type) for _, event in facts if event.type == "channel_seen"] == [
        ("l1", "channel_seen"),
        ("l2", "channel_seen"),
    ]
    assert {event.data()["role"] for _, event in facts if event.type == "channel_seen"} == {Role.PLUMBING}
    later = board()
    later.sighted(Sighted(START, endpoint("l1", "Local/1@agents-0;1")))
    later.dialled(Dialled(START, "far", "l1"))
    assert types(later.sighted(Sighted(START, endpoint("l2", "Local/1@agents-0;2"))))[0] == "channel_seen"


def test_what_is_said_about_strangers_concerns_nobody() -> None:
    own = board()
    assert own.dialled(Dialled(START, "who", "what")) == []
    assert own.said(ChannelHungUp(at=START, channel_id="who")) == []
    assert own.said(Unbridged(at=START, channel_id="who", bridge_id="b")) == []
    assert own.said(DigitPressed(at=START, channel_id="who", digit="1")) == []


def test_leaving_a_bridge_that_was_left_for_another_says_nothing_new() -> None:
    own = board()
    own.said(bridged("far", "b1"))
    own.said(bridged("far", "b2"))
    own.said(Unbridged(at=START, channel_id="far", bridge_id="b1"))
    assert own.bridges == {"far": "b2"}


@pytest.mark.requirement("S82")
def test_what_a_visitor_types_is_kept_out_of_every_call_that_hears_it() -> None:
    own = board()
    own.entered(Entered(START, endpoint("other")), "call2", POLICY.call_types["support"])
    own.said(bridged("far"))
    facts = own.said(bridged("other"))
    assert {call for call, _ in facts} == {"call", "call2"} and types(facts).count("call_merged") == 2
    key = DigitPressed(at=START, channel_id="other", digit="1")
    assert own.said(key) == [("call2", key), ("call", key)]
    own.endpoints["other"] = endpoint("agent7")
    assert own.said(key) == [("call2", key)], "a key of staff acts on one call"
    gone = ChannelHungUp(at=START, channel_id="other")
    assert own.said(gone) == [("call2", gone), ("call", gone)]
    own.close("call2")
    assert own.visits == {}


@pytest.mark.requirement("S13")
def test_who_holds_holds_in_every_call_that_comes_to_hear_of_it() -> None:
    own = board()
    own.entered(Entered(START, endpoint("other")), "call2", POLICY.call_types["support"])
    own.said(bridged("far"))
    own.said(ChannelHeld(at=START, channel_id="other"))
    facts = own.said(bridged("other"))
    assert [call for call, event in facts if isinstance(event, ChannelHeld)] == ["call"]
    own = board()
    own.said(bridged("other"))
    own.said(ChannelHeld(at=START, channel_id="other"))
    assert types(own.said(bridged("far"))).count("channel_held") == 1, "it was of no call until now"


@pytest.mark.parametrize("event", [ChannelUnheld, ChannelHungUp, partial(Unbridged, bridge_id="b")])
def test_a_hold_ends_with_itself_with_its_bridge_and_with_its_channel(event: Callable[..., Event]) -> None:
    own = board()
    own.said(bridged("other"))
    own.said(ChannelHeld(at=START, channel_id="other"))
    own.said(event(at=START, channel_id="other"))
    assert own.held == set()


def test_where_a_channel_is_and_that_it_holds_reaches_calls_whose_logs_do_not_tell() -> None:
    first, second = play().recording().feed(ChannelHeld, AGENT).call, replace(play().recording().call, call_id="second")
    lost = second.change(AGENT, bridge="left").change(FAR, bridge="")
    own = Switchboard(iter("abcd").__next__)
    for call in (lost, first):
        own.restore(call, [], {})
    own.bridges[FAR] = "here"
    assert own.held == {AGENT}
    facts = [(event.type, event.channel_id) for call_id, event in own.met(START) if call_id == "second"]
    assert {("bridged", FAR), ("bridged", AGENT), ("channel_held", AGENT)} <= set(facts)
    own.restore(lost, [], {})
    own.bridges.pop(AGENT)
    assert ("unbridged", AGENT) in [(event.type, event.channel_id) for _, event in own.met(START)]


@pytest.mark.requirement("S2", "S125")
def test_whoever_came_in_or_listens_before_a_call_was_taken_over_is_on_it() -> None:
    talk = play().recording()
    own = Switchboard(iter("abcd").__next__)
    own.said(bridged("guest", talk.call.channels[FAR].bridge))
    own.said(ListeningStarted(at=START, channel_id="spy", heard_id=AGENT))
    own.restore(talk.call, [], {})
    facts = [event for call_id, event in own.met(START) if call_id == talk.call.call_id]
    assert {event.channel_id for event in facts if isinstance(event, Bridged)} >= {"guest"}
    assert {event.channel_id for event in facts if isinstance(event, ListeningStarted)} == {"spy"}
    assert {own.calls[each] for each in ("guest", "spy")} == {talk.call.call_id}
    assert list(own.met(START)) == []


def _heard_by(call_id: str, facts: list[Fact]) -> dict[str, str]:
    """Where this call hears each channel to be."""
    bridges = [event for call, event in facts if call == call_id and isinstance(event, Bridged)]
    return {event.channel_id: event.bridge_id for event in bridges}


@pytest.mark.requirement("S123")
@pytest.mark.parametrize("last", ["other", "l1", "l2", "guest", "half"])
def test_whoever_a_local_channel_brings_along_is_heard_of_by_every_call_in_the_bridge(last: str) -> None:
    own = board()
    own.entered(Entered(START, endpoint("other")), "call2", POLICY.call_types["support"])
    own.sighted(Sighted(START, endpoint("l1", "Local/1@x-0;1")))
    half = Sighted(START, endpoint("l2", "Local/1@x-0;2"))
    own.sighted(Sighted(START, endpoint("guest")))
    facts = list(own.sighted(half) if last != "half" else [])
    facts += own.dialled(Dialled(START, "far", "l1"))
    where = {"far": "b", "other": "b", "l1": "b", "l2": "lb", "guest": "lb"}
    for channel in [item for item in where if item != last]:
        facts += own.said(bridged(channel, where[channel]))
    facts += own.sighted(half) if last == "half" else own.said(bridged(last, where[last]))
    assert _heard_by("call", facts) == _heard_by("call2", facts) == where
    pairs = {call: event.pair for call, event in facts if event.channel_id == "l2" and isinstance(event, ChannelSeen)}
    assert pairs == {"call": "l1", "call2": "l1"}


@pytest.mark.requirement("S82")
def test_a_pause_that_is_asked_for_before_the_call_is_ours_comes_with_it() -> None:
    own = Switchboard(lambda: "party")
    for who in ("far", "other", "agent1", "gone"):
        assert own.said(PauseSignalled(at=START, channel_id=who)) == []
    own.said(PauseSignalled(at=START, channel_id="other", on=False))
    own.said(ChannelHungUp(at=START, channel_id="gone"))
    kind = POLICY.call_types["support"]
    assert types(own.entered(Entered(START, endpoint("far")), "call", kind)) == ["party_identified", "pause_signalled"]
    assert types(own.entered(Entered(START, endpoint("other")), "call2", kind)) == ["party_identified"]
    assert "pause_signalled" in types(own.dialled(Dialled(START, "far", "agent1")))
    assert own.signals == {}
    assert types(own.said(PauseSignalled(at=START, channel_id="far", on=False))) == ["pause_signalled"]


@pytest.mark.parametrize(
    ("origin", "standing", "agreed"),
    [
        ("support", Standing.GRANTED, True),
        ("support", Standing.REFUSED, False),
        ("kept", Standing.GRANTED, False),
        ("", Standing.GRANTED, False),
    ],
)
def test_what_a_party_said_in_its_own_call_of_the_same_type_comes_with_it(
    origin: str, standing: Standing, agreed: bool
) -> None:
    event = CallMerged(at=START, channel_id="guest", other_call_id="other")
    here = open_call("1", POLICY.call_types["support"])
    there = open_call("2", POLICY.call_types[origin]) if origin else None
    if there:
        there = there.with_channel(Channel(channel_id="guest", role=Role.FAR, standing=standing))
    assert merged(event, here, there).agreed is agreed and merged(event, here, there).digits
    deaf = replace(here, call_type=replace(here.call_type, pause_on=()))
    assert not merged(event, here, deaf).digits
    assert not merged(event, here, open_call("3", here.call_type)).agreed


@pytest.mark.requirement("S73")
def test_who_only_stayed_on_or_was_attested_has_said_nothing_that_counts_in_another_call() -> None:
    event = CallMerged(at=START, channel_id="guest", other_call_id="other")
    here = open_call("1", POLICY.call_types["support"])
    own = Channel(channel_id="guest", role=Role.FAR, standing=Standing.GRANTED)
    there = open_call("2", here.call_type).with_channel(own)
    assert merged(event, here, there).agreed
    assert not merged(event, here, replace(there, rule=replace(there.rule, mode=Mode.ANNOUNCE))).agreed
    assert not merged(event, here, there.change("guest", attested="uid:1000")).agreed


@pytest.mark.parametrize(("late", "typed"), [(0, "*"), (3, "*"), (4, "")])
def test_a_sequence_of_keys_that_is_begun_comes_with_whoever_begins_it(late: int, typed: str) -> None:
    there = open_call("2", POLICY.call_types["kept"])
    there = there.with_channel(Channel(channel_id="guest", role=Role.FAR, typed="*", typed_at=START))
    event = CallMerged(at=START + timedelta(seconds=late), channel_id="guest", other_call_id="other")
    assert merged(event, open_call("1", POLICY.call_types["support"]), there).typed == typed


@pytest.mark.requirement("S2", "S73")
def test_a_listener_is_on_the_call_that_it_hears() -> None:
    own = board()
    own.sighted(Sighted(START, endpoint("spy")))
    begun = ListeningStarted(at=START, channel_id="spy", heard_id="far")
    assert types(own.said(begun)) == ["channel_seen", "party_identified", "channel_answered", "listening_started"]
    ended = ListeningEnded(at=START, channel_id="spy")
    assert own.said(ended) == [("call", ended)] and own.listeners == {}


def test_a_listener_is_remembered_until_what_it_hears_belongs_to_a_call() -> None:
    own, kind = Switchboard(lambda: "party"), POLICY.call_types["support"]
    for who, what in (("spy1", "far"), ("spy2", "agent1"), ("spy3", "nobody")):
        assert own.said(ListeningStarted(at=START, channel_id=who, heard_id=what)) == []
    own.said(ChannelHungUp(at=START, channel_id="spy3"))
    assert "listening_started" in types(own.entered(Entered(START, endpoint("far")), "call", kind))
    assert "listening_started" in types(own.dialled(Dialled(START, "far", "agent1")))
    assert set(own.listeners) == {"spy1", "spy2"}


def test_a_listener_from_another_call_is_a_guest_of_the_one_that_it_hears() -> None:
    own = board()
    own.entered(Entered(START, endpoint("other")), "call2", POLICY.call_types["support"])
    facts = own.said(ListeningStarted(at=START, channel_id="other", heard_id="far"))
    assert types(facts) == ["channel_seen", "call_merged", "listening_started"] and {who for who, _ in facts} == {
        "call"
    }


@pytest.mark.requirement("S2", "S73")
@pytest.mark.parametrize("first", [True, False], ids=["who listens already", "who begins to"])
def test_a_listener_is_on_every_call_that_its_channel_visits(first: bool) -> None:
    own = board()
    own.entered(Entered(START, endpoint("other")), "call2", POLICY.call_types["support"])
    own.said(bridged("far", "b1"))
    steps: list[Event] = [ListeningStarted(at=START, channel_id="spy", heard_id="other"), bridged("other", "b1")]
    facts = [fact for event in (steps if first else steps[::-1]) for fact in own.said(event)]
    assert {who for who, event in facts if isinstance(event, ListeningStarted)} == {"call", "call2"}
    ended = ListeningEnded(at=START, channel_id="spy")
    assert sorted(own.said(ended)) == [("call", ended), ("call2", ended)]


@pytest.mark.parametrize(("covered", "role"), [(False, Role.GUEST), (True, Role.AGENT)])
def test_staff_listens_in_unasked_only_where_the_notice_says_so(covered: bool, role: Role) -> None:
    own = Switchboard(lambda: "party")
    kind = replace(POLICY.call_types["support"], listeners_covered=covered)
    own.entered(Entered(START, endpoint("far")), "call", kind)
    own.sighted(Sighted(START, endpoint("agent2")))
    facts = own.said(ListeningStarted(at=START, channel_id="agent2", heard_id="far"))
    assert [fact.role for _, fact in facts if isinstance(fact, ChannelSeen)] == [role]


def test_the_difference_to_a_snapshot() -> None:
    own = board()
    own.sighted(Sighted(START, endpoint("agent1", answered=False)))
    own.dialled(Dialled(START, "far", "agent1"))
    own.said(bridged("far", "b1"))
    own.sighted(Sighted(START, endpoint("gone")))
    channels = (endpoint("far"), endpoint("agent1"), endpoint("new"))
    missed = own.difference(Snapshot(START, channels, {"b2": ("far", "agent1")}, frozenset()))
    assert missed == [
        ChannelHungUp(at=START, channel_id="gone"),
        ChannelAnswered(at=START, channel_id="agent1"),
        Sighted(START, endpoint("new")),
        Unbridged(at=START, channel_id="far", bridge_id="b1"),
        bridged("far", "b2"),
        bridged("agent1", "b2"),
    ]
    for event in missed:
        own.sighted(event) if isinstance(event, Sighted) else own.said(event)
    assert own.difference(Snapshot(START, channels, {"b2": ("far", "agent1")}, frozenset())) == []


@pytest.mark.requirement("S73")
def test_who_began_to_listen_in_a_gap_is_heard_of_by_each_call_that_it_may_hear() -> None:
    own = board()
    own.entered(Entered(START, endpoint("other")), "call2", POLICY.call_types["support"])
    channels = (endpoint("far"), endpoint("other"), endpoint("boss"))
    now = Snapshot(START, channels, {}, frozenset(), {"boss": ("far", "other")})
    missed = own.difference(now)
    assert missed[-2:] == [ListeningStarted(at=START, channel_id="boss", heard_id=each) for each in ("far", "other")]
    facts = [
        fact for event in missed for fact in (own.sighted(event) if isinstance(event, Sighted) else own.said(event))
    ]
    assert {call for call, event in facts if isinstance(event, ListeningStarted)} == {"call", "call2"}
    assert not [event for event in own.difference(now) if isinstance(event, ListeningStarted)]


def test_what_translate_says_is_what_the_switchboard_hears() -> None:
    kinds = {type(heard) for name in NAMES for heard, _ in said(capture(name))}
    assert kinds == {Said, Sighted, Entered, Dialled}

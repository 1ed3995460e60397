"""Every leg in exactly one class: what puts it there, on logs that a real engine wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from callguard.core.effects import MeasureRecording
from callguard.core.events import (
    DigitPressed,
    Event,
    RecordingDamaged,
    RecordingDiscarded,
    RecordingLost,
)
from callguard.engine.archive import Archive
from callguard.pbx.cdr import Leg
from callguard.ports import Dialled, IncidentRow, Link, Playable, Sighted, StoredCall
from callguard.reconcile import DELETED, Class, Result, Stock, judge, reconcile
from tests.engine.stage import Stage, endpoint
from tests.fake_pbx import START

Verdict = RecordingDamaged | RecordingDiscarded | RecordingLost
Play = Callable[[Stage], Awaitable[StoredCall]]


class Sentenced(Archive):
    """An archive with its verdict made up before."""

    says: Verdict

    def measure(self, effect: MeasureRecording, line: Playable | None) -> tuple[Event, ...]:
        return (replace(self.says, channel_id=effect.channel_id, recording_id=effect.recording_id),)


def played(play: Play, says: Verdict | None = None) -> StoredCall:
    async def run() -> StoredCall:
        with TemporaryDirectory() as folder:
            stage = Stage(Path(folder))
            if says is not None:
                stage.engine.archive = archive = Sentenced(stage.engine.archive.directory)
                object.__setattr__(archive, "says", says)
            async with stage.running():
                return await play(stage)

    return asyncio.run(run())


async def talk(stage: Stage) -> StoredCall:
    await stage.talk()
    return await stage.finish("far", "agent1")


async def withdraw(stage: Stage) -> StoredCall:
    await stage.talk()
    for digit in "*7":
        stage.pbx.say(DigitPressed(at=stage.pbx.now, channel_id="far", digit=digit))
    await stage.settled()
    return await stage.finish("far", "agent1")


async def refuse(stage: Stage) -> StoredCall:
    await stage.enter()
    stage.pbx.say(DigitPressed(at=stage.pbx.now, channel_id="far", digit="2"))
    await stage.settled()
    return await put_through(stage)


async def put_through(stage: Stage) -> StoredCall:
    stage.pbx.hear(Sighted(stage.pbx.now, endpoint("agent1")))
    stage.pbx.hear(Dialled(stage.pbx.now, "far", "agent1"))
    stage.join("bridge", "far", "agent1")
    await stage.settled()
    return await stage.finish("far", "agent1")


async def leave(stage: Stage) -> StoredCall:
    await stage.grant()
    return await stage.finish("far")


async def without_guard(stage: Stage) -> StoredCall:
    stage.engine.guard_changed(False)
    await stage.grant()
    return await put_through(stage)


@cache
def recorded() -> StoredCall:
    return played(talk)


def ids(call: StoredCall) -> frozenset[str]:
    return frozenset(item.recording_id for item in call.recordings)


def spooled(call: StoredCall) -> Stock:
    return Stock(spool=ids(call))


# ---------------------------------------------------------------- one call
@pytest.mark.requirement("S118")
def test_a_verified_recording_is_due_wherever_it_is_and_lost_where_it_is_nowhere() -> None:
    (one,) = ids(recorded())
    assert judge(recorded(), spooled(recorded())) == (Class.DUE, "verified, in the spool")
    assert judge(recorded(), Stock(vault={one: "stored"})) == (Class.DUE, "verified, in the vault")
    assert judge(recorded(), Stock(vault={one: DELETED})) == (Class.DUE, "verified, deleted")
    assert judge(recorded(), Stock(vault={one: "shredded"})) == (Class.DUE, "verified, deleted")
    for stock in (Stock(), Stock(vault={one: "writing"})):
        assert judge(recorded(), stock) == (Class.LOST, "verified, and its file is gone")


@pytest.mark.requirement("S118")
@pytest.mark.parametrize(
    ("play", "reason"),
    [(refuse, "refused"), (leave, "nobody was put through"), (withdraw, "withdrawn")],
)
def test_who_was_not_recorded_as_due_says_why(play: Play, reason: str) -> None:
    assert judge(played(play), Stock()) == (Class.NOT_DUE, reason)


@pytest.mark.requirement("S118")
def test_a_discarded_recording_of_which_something_is_left_was_recorded_in_error() -> None:
    call = played(withdraw)
    assert judge(call, spooled(call)) == (Class.ERROR, "discarded, and a file is left of it in the spool")
    assert judge(call, Stock(vault=dict.fromkeys(ids(call), "stored")))[0] is Class.ERROR
    assert judge(call, Stock(vault=dict.fromkeys(ids(call), "deleted")))[0] is Class.NOT_DUE


@pytest.mark.requirement("S118", "S124")
def test_what_is_damaged_is_lost_or_too_much_and_says_how_much_is_missing() -> None:
    short = played(talk, RecordingDamaged(at=START, channel_id="", recording_id="", findings=("short",), lost_ms=904))
    assert judge(short, spooled(short)) == (Class.LOST, "damaged: short, 904 ms missing, in the spool")
    assert judge(short, Stock()) == (Class.LOST, "damaged: short, 904 ms missing, its file is gone")
    loud = played(talk, RecordingDamaged(at=START, channel_id="", recording_id="", findings=("sound under mask",)))
    assert judge(loud, spooled(loud))[0] is Class.ERROR


@pytest.mark.requirement("S118", "S124")
def test_what_is_lost_or_held_no_media_says_so() -> None:
    lost = played(talk, RecordingLost(at=START, channel_id="", recording_id="", reason="no media", lost_ms=7))
    assert judge(lost, Stock()) == (Class.LOST, "no media, 7 ms missing")
    assert judge(lost, spooled(lost)) == (Class.LOST, "no media, 7 ms missing, found in the spool")
    empty = played(talk, RecordingDiscarded(at=START, channel_id="", recording_id="", reason="no media"))
    assert judge(empty, Stock()) == (Class.NOT_DUE, "no media")


@pytest.mark.requirement("S118")
def test_a_recording_that_never_began_is_lost_with_its_incident() -> None:
    cls, reason = judge(played(without_guard), Stock())
    assert cls is Class.LOST and reason.startswith("never begun: ")


@pytest.mark.requirement("S4", "S118")
def test_somebody_elses_recorder_on_a_call_is_recorded_in_error() -> None:
    call = recorded()
    row = IncidentRow(
        incident_id="i", call_id="c", call_month=call.call.call_month, kind="rogue_recording", opened_at=START
    )
    assert judge(replace(call, incidents=(row,)), spooled(call))[0] is Class.ERROR


@pytest.mark.requirement("S118")
def test_a_log_that_does_not_prove_itself_is_unexplained() -> None:
    call = recorded()
    assert judge(replace(call, events=call.events[:-1]), spooled(call))[0] is Class.UNEXPLAINED
    stuck = replace(call, recordings=tuple(replace(item, state="growing") for item in call.recordings))
    assert judge(stuck, spooled(call))[0] is Class.UNEXPLAINED


# ---------------------------------------------------------------- books against the log
def leg(channel_id: str, **values: object) -> Leg:
    return replace(Leg(channel_id, START, True, "inbound"), **values)  # type: ignore[arg-type]


def only(result: Result) -> tuple[Class, str]:
    (item,) = result.items
    return item.cls, item.reason


@pytest.mark.requirement("S118")
def test_a_leg_is_its_calls_by_its_own_id_or_by_what_it_belongs_to() -> None:
    call = recorded()
    books = [leg("far"), leg("agent1"), leg("local", linked_id=call.call.linked_id)]
    result = reconcile(books, [call], spooled(call))
    assert (
        result.ok and result.counts[Class.DUE] == 3 and {item.call_id for item in result.items} == {call.call.call_id}
    )
    assert [item.leg for item in result.items] == ["far", "agent1", "local"]


@pytest.mark.requirement("S118")
def test_a_call_to_the_outside_is_in_books_that_have_the_leg_of_who_dialled_alone() -> None:
    """FreeSWITCH's, as shipped. Whoever was called hung up in the notice: the two were never in a bridge."""
    call = played(leave)
    dialled = call.call.linked_id
    assert dialled not in {row.channel_id for row in call.events}
    assert only(reconcile([leg(dialled, answered=False)], [call], Stock())) == (Class.NOT_DUE, "nobody was put through")


@pytest.mark.requirement("S118")
def test_legs_of_no_call_of_ours() -> None:
    assert only(reconcile([leg("x", answered=False)], [], Stock())) == (Class.NOT_DUE, "nobody answered")
    for number in ("911", "9911", "0112"):
        assert only(reconcile([leg("x", dialled=number)], [], Stock())) == (Class.NOT_DUE, "an emergency number")
    for outside in (["inbound"], ["5000"]):
        result = reconcile([leg("x", dialled="5000")], [], Stock(), outside=outside)
        assert only(result) == (Class.NOT_DUE, "it is none of ours")
    result = reconcile([leg("x", dialled="+15125550911")], [], Stock(), outside=["internal"])
    assert only(result) == (Class.LOST, "answered, and callguard was not asked or not there") and not result.ok


@pytest.mark.requirement("S118")
def test_a_call_that_the_books_lack_is_unexplained_unless_it_is_told_already() -> None:
    call = recorded()
    assert only(reconcile([], [call], spooled(call)))[0] is Class.UNEXPLAINED
    assert only(reconcile([], [call], Stock()))[0] is Class.LOST
    result = reconcile(None, [call], spooled(call))
    assert only(result)[0] is Class.DUE and not result.books and result.items[0].leg == "far"


@pytest.mark.requirement("S118")
def test_a_pbx_that_died_has_no_books_of_the_calls_it_had() -> None:
    async def killed(stage: Stage) -> StoredCall:
        await stage.enter()
        stage.there("far", waiting=frozenset({"far"}))
        stage.pbx.hear(Link(stage.pbx.now, up=False))
        await stage.settled()
        stage.there()
        stage.pbx.hear(Link(stage.pbx.now, up=True))
        call_id = stage.engine.board.calls["far"]
        await stage.until(lambda: call_id not in stage.engine.runners)
        return await stage.stored(call_id)

    cls, reason = only(reconcile([], [played(killed)], Stock()))
    assert (cls, reason) == (Class.NOT_DUE, "nobody was put through; the link to its PBX was lost")


@pytest.mark.requirement("S118")
def test_calls_under_way_are_not_judged_nor_are_their_legs() -> None:
    call = recorded()
    live = replace(call, events=call.events[:4])
    result = reconcile([leg("far")], [live], spooled(call))
    assert (result.items, result.live, result.ok) == ((), 1, True)
    marked = reconcile([leg("far")], [live], spooled(call), marked={call.call.call_id})
    assert (marked.items, marked.live) == ((), 1)
    lost = reconcile([leg("far")], [live], spooled(call), marked=())  # whom no controller will take over
    assert lost.live == 0 and [item.cls for item in lost.items] == [Class.UNEXPLAINED]


@pytest.mark.requirement("S118")
def test_what_began_earlier_is_left_out() -> None:
    call = recorded()
    later = call.call.started_at.replace(year=2099)
    assert reconcile([leg("far"), leg("x")], [call], spooled(call), since=later).items == ()
    assert reconcile(None, [call], spooled(call), since=later).items == ()
    assert len(reconcile(None, [call], spooled(call), since=call.call.started_at).items) == 1


@pytest.mark.requirement("S118")
def test_a_leg_of_two_calls_is_in_the_class_of_the_worse() -> None:
    call = recorded()
    other = replace(played(talk, RecordingLost(at=START, channel_id="", recording_id="", reason="no file")))
    result = reconcile([leg("far")], [call, other], spooled(call))
    assert only(result) == (Class.LOST, "no file")


@pytest.mark.requirement("S118", "S4")
def test_a_strange_file_is_a_class_of_its_own() -> None:
    result = reconcile([], [], Stock(strange=["x.wav"]))
    assert only(result)[0] is Class.UNKNOWN and result.items[0].leg == "x.wav" and not result.ok

"""What a call reaches before anybody asked it."""

from __future__ import annotations

from pathlib import Path

from callguard.lint.snippet import recognise
from callguard.lint.walk import Walk
from tests.lint.plan import graph, step


def reached(folder: Path, text: str) -> set[tuple[str, int]]:
    ways = graph(folder, text)
    walk = Walk(ways, recognise(ways))
    walk.start([step(ways.plan, "in", "s")])
    return {(each.context, each.priority) for each, _ in walk.reached()}


def test_it_stops_at_the_question(tmp_path: Path) -> None:
    assert reached(tmp_path, "[in]\nexten => s,1,Gosub(callguard,s,1(a,inbound))\n same => n,NoOp()\n") == {("in", 1)}


def test_a_subroutine_that_asks_is_a_question(tmp_path: Path) -> None:
    text = "[in]\nexten => s,1,Gosub(sub,s,1)\n same => n,NoOp()\n[sub]\nexten => s,1,{}\n same => n,Return()\n"
    assert ("in", 2) not in reached(tmp_path, text.format("Gosub(callguard,s,1(a,inbound))"))
    assert ("in", 2) in reached(tmp_path, text.format("NoOp()"))
    assert ("in", 2) in reached(tmp_path, text.format("GosubIf($[${X}]?callguard,s,1(a,inbound))"))


def test_a_subroutine_returns_only_to_those_who_called_it_unasked(tmp_path: Path) -> None:
    text = (
        "[in]\nexten => s,1,GotoIf($[1]?x:y)\n same => n(x),Gosub(callguard,s,1(a,inbound))\n"
        " same => n,Gosub(sub,s,1)\n same => n,Hangup()\n same => n(y),Gosub(sub,s,1)\n"
        " same => n,Hangup()\n[sub]\nexten => s,1,Return()\n"
    )
    assert reached(tmp_path, text) == {("in", 1), ("in", 2), ("in", 5), ("in", 6), ("sub", 1)}


def test_macros_come_back_at_their_end_and_recursion_ends(tmp_path: Path) -> None:
    text = "[in]\nexten => s,1,Macro(m)\n same => n,Gosub(in,s,1)\n[macro-m]\nexten => s,1,NoOp()\n"
    assert reached(tmp_path, text) == {("in", 1), ("macro-m", 1), ("in", 2)}


def test_who_was_asked_before_goes_on_asked(tmp_path: Path) -> None:
    text = '[in]\nexten => s,1,GosubIf($["${CALLGUARD_ASKED}" = ""]?callguard,s,1(a,inbound))\n same => n,NoOp()\n'
    assert reached(tmp_path, text) == {("in", 1)}


def test_a_way_names_the_entry_and_the_last_steps(tmp_path: Path) -> None:
    ways = graph(tmp_path, "[in]\nexten => s,1,NoOp()\n" + " same => n,NoOp()\n" * 40)
    walk = Walk(ways, recognise(ways))
    walk.start([step(ways.plan, "in", "s")])
    last = [here for each, here in walk.reached() if each.priority == 41]
    assert [each.priority for each in walk.way(last[0])] == [1, *range(35, 42)]

"""The snippet, its copies, and how it is entered."""

from __future__ import annotations

from pathlib import Path

from callguard.lint.examine import Options, lint
from callguard.lint.graph import Graph
from callguard.lint.model import build
from callguard.lint.snippet import EMERGENCY, lets_through, recognise
from callguard.lint.tree import read_tree
from tests.lint.plan import ASK, SNIPPET, found, rules, written

USE = f"[from-trunk]\nexten => 1,1,{ASK}\n same => n,Queue(a)\n"


def of(folder: Path, *texts: str) -> list[tuple[str, int]]:
    paths = [written(folder, text, f"{number}.conf") for number, text in enumerate(texts)]
    return [(each.rule, each.place.line) for each in lint(paths).findings]


def test_the_shipped_snippet_is_recognised_and_lets_every_emergency_number_through() -> None:
    ways = Graph(build(read_tree([SNIPPET]).sections))
    trusted = recognise(ways)
    assert trusted.entered == {"callguard"} and "callguard-bridged" in trusted.own
    assert all(lets_through(ways, "callguard", number) for number in EMERGENCY)
    assert not lets_through(ways, "callguard", "12") and not lets_through(ways, "callguard", "555")


def test_a_copy_under_another_name_asks_as_well(tmp_path: Path) -> None:
    copy = SNIPPET.read_text().replace("[callguard]", "[ours]")
    ways = Graph(build(read_tree([written(tmp_path, copy)]).sections))
    assert recognise(ways).entered == {"ours"}
    text = "[from-trunk]\nexten => 1,1,Gosub(ours,s,1(support,inbound))\n same => n,Queue(a)\n"
    assert ("bypass", 3) not in of(tmp_path, copy, text) and ("bypass", 3) in of(tmp_path, text)


def test_no_snippet(tmp_path: Path) -> None:
    assert of(tmp_path, USE) == [("snippet-missing", 2)]


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    taken = "[callguard]\nexten => s,1,MixMonitor(a)\n same => n,Return()\n"
    assert of(tmp_path, taken, USE) == [("context-taken", 1), ("recorder", 2)]


def test_defined_twice(tmp_path: Path) -> None:
    second = "[callguard]\nexten => x,1,NoOp()\n"
    assert of(tmp_path, SNIPPET.read_text(), second + USE) == [("context-twice", 1)]
    assert of(tmp_path, SNIPPET.read_text(), second.replace("]", "](+)") + USE) == [("context-extended", 1)]


def test_included_twice(tmp_path: Path) -> None:
    written(tmp_path, SNIPPET.read_text(), "callguard.conf")
    text = "#include callguard.conf\n#include callguard.conf\n" + USE
    found = [(each.rule, each.place.line) for each in lint([written(tmp_path, text)]).findings]
    assert found == [("snippet-twice", 2)]


def test_it_is_entered_by_gosub_with_a_known_type_and_direction(tmp_path: Path) -> None:
    text = "[from-trunk]\nexten => 1,1,Gosub(callguard,s,1({}))\n same => n,Queue(a)\n"
    known = Options(call_types=frozenset(("support",)))
    assert rules(tmp_path, text.format("support,inbound"), known) == []
    assert rules(tmp_path, text.format("sales,inbound"), known) == [("call-type", 2)]
    assert rules(tmp_path, text.format(""), known) == [("call-type", 2), ("direction", 2)]
    assert rules(tmp_path, text.format("${X},${Y}"), known) == []
    assert rules(tmp_path, text.format("support,in")) == [("direction", 2)]
    assert found(tmp_path, text.format("sales,inbound"), known)[0].severity == "blocker"


def test_goto_does_not_come_back(tmp_path: Path) -> None:
    assert rules(tmp_path, "[from-trunk]\nexten => 1,1,Goto(callguard,s,1)\n") == [("entered-by-goto", 2)]

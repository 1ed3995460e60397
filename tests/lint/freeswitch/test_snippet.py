"""Our own snippet, and how it is entered."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import Options
from callguard.lint.freeswitch.examine import lint
from callguard.lint.freeswitch.plan import build
from callguard.lint.freeswitch.snippet import lets_through, recognise
from callguard.lint.freeswitch.tree import read_tree
from tests.lint.freeswitch.site import ASK, BRIDGE, SAID, SNIPPET, act, context, extension, found


def test_the_shipped_files_are_recognised_and_clean() -> None:
    plan = build(read_tree([SNIPPET]))
    trusted = recognise(plan)
    assert trusted.entered == {("callguard", "callguard")} and ("callguard", "callguard_unrecorded") in trusted.own
    assert lets_through(plan, trusted, "911") and not lets_through(plan, trusted, "4711")
    assert lint([SNIPPET.parent]).findings == ()


def test_a_call_that_is_asked_and_connected_is_clean(tmp_path: Path) -> None:
    assert found(tmp_path, context(extension(ASK + BRIDGE))) == []


def test_without_the_snippet_it_is_missing(tmp_path: Path) -> None:
    assert ("blocker", "snippet-missing") in found(tmp_path, context(extension(ASK + BRIDGE)), snippet=False)


def test_a_name_that_is_taken_and_a_second_definition(tmp_path: Path) -> None:
    other = context(extension(BRIDGE, "^callguard$", "callguard"), name="lab")
    assert ("blocker", "context-taken") in found(tmp_path, other)
    assert ("blocker", "context-twice") in found(tmp_path, SNIPPET.read_text("utf-8"))


def test_a_copy_that_lacks_an_emergency_number(tmp_path: Path) -> None:
    copy = SNIPPET.read_text("utf-8").replace("112|", "")
    assert found(tmp_path, copy, snippet=False) == [("blocker", "emergency-asked")]


@pytest.mark.parametrize("name", ["type", "direction", "dialled", "home"])
def test_what_was_not_said_is_named(tmp_path: Path, name: str) -> None:
    ask = ASK.replace(f"callguard_{name}=", "other=")
    assert found(tmp_path, context(extension(ask + BRIDGE))) == [("warning", "not-said")]


def test_types_directions_and_transfers(tmp_path: Path) -> None:
    wrong = ASK.replace("=support", "=sales").replace("=inbound", "=sideways")
    options = Options(call_types=frozenset({"support"}))
    own = found(tmp_path, context(extension(wrong + BRIDGE)), options=options)
    assert own == [("blocker", "call-type"), ("warning", "direction")]
    entering = SAID + act("transfer", "callguard XML callguard")
    assert ("blocker", "entered-by-transfer") in found(tmp_path, context(extension(entering)))

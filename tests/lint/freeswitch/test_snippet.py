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


OUT = ASK.replace("=inbound", "=outbound")
TOLD = act("set", "callguard_when=told") + OUT


@pytest.mark.parametrize("when", ["told", "gate", "bridged", "${when}"])
def test_an_outbound_call_says_when_the_called_party_is_told(tmp_path: Path, when: str) -> None:
    assert found(tmp_path, context(extension(act("set", f"callguard_when={when}") + OUT + BRIDGE))) == []
    assert found(tmp_path, context(extension(OUT + BRIDGE))) == [("warning", "outbound-when")]


@pytest.mark.parametrize(
    ("behind", "severity"),
    [
        (act("set", "group_confirm_key=1") + BRIDGE, "blocker"),
        (act("bridge", "{ignore_early_media=true}user/1000@lab"), "blocker"),
        (act("set", "call_timeout=30") + BRIDGE, "warning"),
        (act("bridge", "[originate_timeout=30]user/1000@lab"), "warning"),
        (act("bridge", "user/1000@lab,user/1001@lab"), "warning"),
    ],
)
def test_what_takes_away_what_told_needs(tmp_path: Path, behind: str, severity: str) -> None:
    for told in (TOLD, TOLD.replace("told", "gate")):
        assert found(tmp_path, context(extension(told + behind))) == [(severity, "dial-option")]
    assert found(tmp_path, context(extension(TOLD.replace("told", "bridged") + behind))) == []


def test_what_told_needs_may_stand_before_it_or_be_another_thing(tmp_path: Path) -> None:
    fine = act("set", "call_timeout=30") + TOLD + act("bridge", "{a=b,c=d}[leg_timeout=30]user/1000@lab|user/1001@lab")
    assert found(tmp_path, context(extension(fine))) == []


def test_types_directions_and_transfers(tmp_path: Path) -> None:
    wrong = ASK.replace("=support", "=sales").replace("=inbound", "=sideways")
    options = Options(call_types=frozenset({"support"}))
    own = found(tmp_path, context(extension(wrong + BRIDGE)), options=options)
    assert own == [("blocker", "call-type"), ("warning", "direction")]
    entering = SAID + act("transfer", "callguard XML callguard")
    assert ("blocker", "entered-by-transfer") in found(tmp_path, context(extension(entering)))

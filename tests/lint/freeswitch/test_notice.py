"""Ways around the notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import Options
from callguard.lint.freeswitch.examine import lint
from tests.lint.freeswitch.site import ASK, BRIDGE, SNIPPET, act, context, extension, found, written

BYPASS = [("blocker", "bypass")]


@pytest.mark.requirement("S80")
@pytest.mark.parametrize("app", ["bridge", "callcenter", "fifo", "conference", "valet_park", "intercept"])
def test_a_caller_who_is_connected_unasked(tmp_path: Path, app: str) -> None:
    assert found(tmp_path, context(extension(act(app, "x")))) == BYPASS


def test_the_way_is_told_by_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        context(extension(act("transfer", "7 XML default"))),
        context(extension(BRIDGE, "^7$"), name="default"),
    )
    (finding,) = lint([path, SNIPPET]).findings
    assert finding.place.line == 6 and f"{path}:3" in finding.text


def test_a_condition_that_may_not_fit_counts_both_ways(tmp_path: Path) -> None:
    asks = f'<condition field="${{hour}}" expression="^9$" break="never">{ASK}</condition>'
    first = '<condition field="destination_number" expression="^1$"/>'
    text = f'<extension name="x">{first}{asks}<condition>{BRIDGE}</condition></extension>'
    assert found(tmp_path, context(text)) == BYPASS


@pytest.mark.parametrize("number", ["^911$", "^(9|0)?112$", r"^\*97$", "^(911|933)$"])
def test_emergency_and_feature_codes_pass(tmp_path: Path, number: str) -> None:
    assert found(tmp_path, context(extension(BRIDGE, number))) == []


def test_a_site_s_own_emergency_number_passes(tmp_path: Path) -> None:
    own = '<X-PRE-PROCESS cmd="set" data="callguard_emergency=5000"/>'
    assert found(tmp_path, own, context(extension(BRIDGE, "^5000$"))) == []


def test_own_phones_are_not_asked_and_others_are_a_warning(tmp_path: Path) -> None:
    for name in ("default", "pbx.example.com", "${domain_name}", "agents"):
        assert found(tmp_path, context(extension(BRIDGE), name=name)) == []
    assert found(tmp_path, context(extension(BRIDGE), name="mine")) == [("warning", "bypass")]
    named = Options(entries=("default",))
    assert found(tmp_path, context(extension(BRIDGE), name="default"), options=named) == BYPASS


def test_a_target_that_is_made_while_the_call_runs_is_told(tmp_path: Path) -> None:
    assert found(tmp_path, context(extension(act("transfer", "$1 XML ${x}")))) == [("warning", "not-followed")]


def test_scripts_are_named_where_that_is_wanted(tmp_path: Path) -> None:
    own = context(extension(ASK + act("lua", "a.lua") + BRIDGE))
    assert found(tmp_path, own) == []
    assert found(tmp_path, own, options=Options(strict=True)) == [("warning", "not-seen")]


def test_a_question_behind_the_bridge_comes_too_late(tmp_path: Path) -> None:
    own = found(tmp_path, context(extension(BRIDGE + ASK + BRIDGE)))
    assert ("blocker", "notice-late") in own and ("blocker", "bypass") in own


def test_a_question_that_nothing_reaches(tmp_path: Path) -> None:
    all_of_them = extension(act("voicemail", "x"), r"^\d+$", "all")
    assert found(tmp_path, context(all_of_them, extension(ASK + BRIDGE))) == [("blocker", "notice-unreachable")]
    assert found(tmp_path, context(extension(ASK + BRIDGE), all_of_them)) == []
    catch = extension(act("voicemail", "x"), "^.*$", "all")
    assert ("blocker", "notice-unreachable") in found(tmp_path, context(catch, extension(ASK + BRIDGE)))

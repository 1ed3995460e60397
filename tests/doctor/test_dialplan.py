from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callguard.doctor import dialplan
from callguard.doctor.dialplan import parse_snippet
from callguard.lab.asterisk import dialplan_dir
from tests.doctor.healthy import (
    CALLS,
    PBX,
    SNIPPET,
    healthy,
    said,
    severities,
    step,
    with_dialplan,
    with_pbx,
    with_plan,
)

SHIPPED = parse_snippet(SNIPPET)


def test_a_healthy_dialplan(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    assert not [*dialplan.snippet(site), *dialplan.application(site), *dialplan.handed(site)]


def test_the_shipped_snippet_is_read_whole() -> None:
    written = [line for line in SNIPPET.splitlines() if line.lstrip().startswith(("exten =>", "same =>"))]
    assert len(SHIPPED) == len(written) and {one.label for one in SHIPPED} >= set(dialplan.LABELS)
    assert SHIPPED[0].extension == "s" and [one.priority for one in SHIPPED[:3]] == [1, 2, 3]


def test_a_missing_snippet_blocks(tmp_path: Path) -> None:
    [found] = dialplan.snippet(with_pbx(tmp_path, dialplan=CALLS))
    assert (found.severity, found.change) == ("blocker", "#include callguard.conf")


def test_a_context_name_that_is_taken_blocks(tmp_path: Path) -> None:
    other = (step("Playback", "hello", 1, context="callguard", extension="s"), *CALLS)
    [(severity, what)] = said(dialplan.snippet, with_pbx(tmp_path, dialplan=other))
    assert severity == "blocker" and "unrecorded" in what


@pytest.mark.parametrize("change", ["altered", "removed", "added"])
def test_a_snippet_of_another_release_is_named_by_its_place(tmp_path: Path, change: str) -> None:
    live = {
        "altered": (replace(SHIPPED[4], data="x"), *SHIPPED[:4], *SHIPPED[5:]),
        "removed": (*SHIPPED[:4], *SHIPPED[5:]),
        "added": (*SHIPPED, replace(SHIPPED[4], priority=99)),
    }[change]
    [found] = dialplan.snippet(with_pbx(tmp_path, dialplan=(*live, *CALLS)))
    place = "priority 99" if change == "added" else "priority 5"
    assert found.severity == "warning" and "1 place" in found.what and found.where.endswith(place)


def test_two_names_for_the_application_block(tmp_path: Path) -> None:
    assert severities(dialplan.application, with_pbx(tmp_path, app="recorder")) == ["blocker"]
    named = replace(healthy(tmp_path).plan.asterisk, ari=replace(healthy(tmp_path).plan.asterisk.ari, app="recorder"))
    assert severities(dialplan.application, with_plan(tmp_path, asterisk=named)) == ["blocker"]


def test_no_call_is_handed_over(tmp_path: Path) -> None:
    assert severities(dialplan.handed, with_pbx(tmp_path, dialplan=(*SHIPPED, CALLS[1]))) == ["blocker"]


@pytest.mark.parametrize(
    "data, words",
    [
        ("callguard,s,1(sales,inbound)", "call type sales is not in the policy"),
        ("callguard,s,1", "call type (none)"),
        ("callguard,s,1(support,in)", "direction in is not one of"),
        ("callguard,s,1(support)", "direction (none)"),
    ],
)
def test_what_is_handed_over_is_held_against_the_policy(tmp_path: Path, data: str, words: str) -> None:
    found = said(dialplan.handed, with_dialplan(tmp_path, step("Gosub", data, 1, extension="300")))
    assert words in " ".join(what for _, what in found) and {severity.value for severity, _ in found} == {"warning"}


def test_a_computed_call_type_is_left_alone(tmp_path: Path) -> None:
    line = step("Gosub", "callguard,s,1(${TYPE},${WAY})", 1, extension="300")
    assert not said(dialplan.handed, with_dialplan(tmp_path, line))


def test_goto_cannot_return(tmp_path: Path) -> None:
    found = said(dialplan.handed, with_dialplan(tmp_path, step("Goto", "callguard,s,1", 1, extension="300")))
    assert ("blocker", "Goto enters the snippet, which then cannot return: the call ends") in found


@pytest.mark.requirement("S80")
def test_a_bridge_before_the_notice_is_named(tmp_path: Path) -> None:
    late = (step("Dial", "PJSIP/agent1", 1, extension="300"), replace(CALLS[0], extension="300", priority=2))
    [found] = dialplan.handed(with_dialplan(tmp_path, *late))
    assert found.severity == "warning" and found.where.endswith("extension 300, priority 1")


def test_the_shipped_example_is_fine(tmp_path: Path) -> None:
    text = (dialplan_dir() / "example-inbound.conf").read_text("utf-8").partition("[agents]")[0]
    example = tuple(replace(one, context="inbound") for one in parse_snippet(text))
    assert len(example) > 5 and not said(dialplan.handed, with_pbx(tmp_path, dialplan=(*SHIPPED, *example)))
    assert PBX.dialplan


def test_least_privilege_needs_a_snippet_that_starts_the_recorder(tmp_path: Path) -> None:
    site = with_plan(tmp_path, least_privilege=True)
    assert said(dialplan.snippet, site) == []
    old = tuple(replace(one, label="") if one.label == "record" else one for one in site.pbx.dialplan or ())
    [(severity, what)] = said(dialplan.snippet, replace(site, pbx=replace(site.pbx, dialplan=old)))
    assert severity == "blocker" and "too old" in what

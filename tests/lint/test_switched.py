"""One-touch recording by a variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.snippet import recognise
from callguard.lint.switched import switched
from tests.lint.plan import graph

CALL = "[office]\nexten => 1,1,{}\n same => n,Set(D=t${{O}})\n same => n,{}\n"


def lines(folder: Path, text: str) -> list[int]:
    """Where one-touch recording is put into a variable."""
    plan = graph(folder, text)
    return [finding.place.line for finding in switched(plan, recognise(plan))]


@pytest.mark.requirement("S4")
@pytest.mark.parametrize("setting", ["Set(O=tX)", "Set(__O=wW)", "MSet(A=1,O=Tx)", "ExecIf($[1]?Set(O=tW))"])
@pytest.mark.parametrize("taken", ["Dial(PJSIP/a,30,r${O})", "Queue(q,${O},,,60)", "Dial(PJSIP/a,30,${D})"])
def test_letters_in_a_variable_that_becomes_options(tmp_path: Path, setting: str, taken: str) -> None:
    assert lines(tmp_path, CALL.format(setting, taken)) == [2]


def test_either_branch_of_an_if_counts(tmp_path: Path) -> None:
    text = CALL.format('Set(O=${IF($["${R}"="yes"]?tX:t)})', "Dial(PJSIP/a,30,${O})")
    assert lines(tmp_path, text) == [2]


@pytest.mark.parametrize(
    "setting, taken",
    [
        ("Set(O=tT)", "Dial(PJSIP/a,30,${O})"),
        ("Set(O=tU(wX))", "Dial(PJSIP/a,30,${O})"),
        ("Set(P=wW)", "Dial(PJSIP/a,30,${O})"),
        ("Set(O=wW)", "Dial(PJSIP/${O},30)"),
        ('Set(O=${IF($["${WX}"="yes"]?T:t)})', "Dial(PJSIP/a,30,${O})"),
    ],
)
def test_other_letters_and_other_variables_are_nothing(tmp_path: Path, setting: str, taken: str) -> None:
    assert lines(tmp_path, CALL.format(setting, taken)) == []

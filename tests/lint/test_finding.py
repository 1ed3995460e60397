"""Findings as data."""

from __future__ import annotations

from callguard.lint.finding import Place, blocker, warning


def test_a_finding_as_json() -> None:
    assert blocker("r", Place("f", 3), "t", "x").as_data() == {
        "file": "f", "line": 3, "severity": "blocker", "rule": "r", "text": "t", "fix": "x",
    }  # fmt: skip
    assert warning("r", Place("f", 0), "t", "x").severity == "warning"


def test_a_place_says_its_line_if_it_has_one() -> None:
    assert (str(Place("f", 3)), str(Place("f", 0))) == ("f:3", "f") and Place("a", 9) < Place("b", 1)

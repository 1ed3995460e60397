"""Extension patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.lint.pattern import is_pattern, literal, matches, overlap, parse


@pytest.mark.parametrize(
    ("exten", "number", "fits"),
    [
        ("911", "911", True),
        ("911", "9111", False),
        ("_9X.", "911", True),
        ("_9X.", "91", False),
        ("_9X!", "91", True),
        ("_NXX", "911", True),
        ("_NXX", "112", False),
        ("_ZXX", "012", False),
        ("_[1-35]X", "20", True),
        ("_[1-35]X", "40", False),
        ("_1-800-XXX", "1800123", True),
        ("_*8.", "*82", True),
        ("_[9", "[9", True),
        ("s", "s", True),
    ],
)
def test_what_fits(exten: str, number: str, fits: bool) -> None:
    assert matches(exten, number) is fits


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [("_1X", "_X2", True), ("_1X", "_2X", False), ("_1.", "_1", False), ("_1!", "_1", True), ("_X.", "_91X", True)],
)
def test_two_patterns_for_one_number(one: str, other: str, both: bool) -> None:
    assert overlap(parse(one), parse(other)) is overlap(parse(other), parse(one)) is both


def test_the_most_specific_comes_first() -> None:
    assert sorted(["_X!", "_X.", "_9XX", "_91X"], key=lambda each: parse(each).order) == ["_91X", "_9XX", "_X.", "_X!"]


def test_one_number_or_many() -> None:
    assert [literal(each) for each in ("911", "_911", "_9X1", "_9.", "_9-1")] == ["911", "911", "", "", "91"]
    assert is_pattern("_X") and not is_pattern("X")
    assert overlap(parse("_9X").without(1), parse("5")) and not overlap(parse("_9X").without(1), parse("95"))


@given(st.text(max_size=20), st.text(max_size=8))
def test_any_text_is_a_pattern(exten: str, number: str) -> None:
    assert matches(exten, number) in (True, False) and isinstance(literal(exten), str)

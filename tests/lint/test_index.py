"""The index gives what a look at everything would give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.lint.argument import wildcard
from callguard.lint.index import Names, Patterns
from callguard.lint.pattern import number_only, overlap, parse

EXTENS = st.one_of(
    st.text("0123", max_size=4),
    st.text("01XZN2-", max_size=4).flatmap(
        lambda body: st.sampled_from(["", ".", "!"]).map(lambda end: f"_{body}{end}")
    ),
    st.sampled_from(["_[1-3]X", "_[", "_[]", "s", "s-BUSY", "_s-.", "_.", "_!", "_"]),
)


@given(st.lists(EXTENS, unique=True, max_size=12), EXTENS)
def test_patterns_that_meet_are_those_that_overlap(extens: list[str], wanted: str) -> None:
    patterns = Patterns()
    for exten in extens:
        patterns.add(exten)
    assert patterns.meeting(parse(wanted)) == [exten for exten in extens if overlap(parse(exten), parse(wanted))]


def test_a_pattern_that_is_meant_literally() -> None:
    patterns = Patterns()
    patterns.add("_X.")
    assert patterns.meeting(number_only("_X.")) == [] and patterns.meeting(number_only("12")) == ["_X."]


NAMES = st.lists(st.text("ab-é", max_size=4), unique=True, max_size=10)
TEXTS = st.lists(st.sampled_from(["a", "b", "-", "é", "${X}", "${A${B}}", "$[1]", "$"]), max_size=5).map("".join)


@given(NAMES, TEXTS)
def test_names_that_fit_are_those_that_the_expression_takes(names: list[str], text: str) -> None:
    expression, index = wildcard(text), Names(names)
    expected = None if expression is None else [name for name in names if expression.fullmatch(name)]
    assert index.fitting(text) == index.fitting(text) == expected


@pytest.mark.parametrize("name", ["", "\U0010ffff", "a\U0010ffffb"])
def test_odd_names_are_found_too(name: str) -> None:
    assert Names([name]).fitting(name + "${X}") in ([name], None)

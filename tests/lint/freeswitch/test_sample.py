"""Numbers made from expressions."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.lint.freeswitch.sample import MOST, expression, fits, overlap, samples


@pytest.mark.parametrize(
    ("text", "some"),
    [
        (r"^(10[01][0-9])$", {"1000", "1019"}),
        (r"^\+?1?(\d{10})$", {"2222222222"}),
        ("^(911|112)$", {"911", "112"}),
        (r"^9(?:911|112)$", {"9911", "9112"}),
        ("^(?!x)0*5$", {"5", "05"}),
        (r"^\*8$", {"*8"}),
        ("^a.?b+?$", {"ab"}),
        (r"^[^0-8]\w$", {"92"}),
        ("^call{guard$", set()),
    ],
)
def test_each_way_through_an_expression_gives_a_number(text: str, some: set[str]) -> None:
    made = set(samples(text))
    assert some <= made and all(re.search(text, each) for each in made) and len(made) <= MOST


@pytest.mark.parametrize("text", ["(", "[", "${x}", "a{99999999999}"])
def test_what_is_no_expression_takes_everything_and_gives_nothing(text: str) -> None:
    assert expression(text) is None and samples(text) == () and fits(text, "7")


def test_two_expressions_share_numbers() -> None:
    assert overlap(r"^1\d{3}$", ["^1000$"]) == ["1000"]
    assert overlap("^2$", ["^3$"]) == []


def test_an_expression_that_backtracks_ends() -> None:
    begin = time.perf_counter()
    assert not fits(r"^(\d+)+x$", "1" * 200)
    assert time.perf_counter() - begin < 2


@given(st.text(alphabet="^$()[]{}|?*+.\\d0129-,:!=", max_size=24))
def test_any_expression_ends_and_lies_never(text: str) -> None:
    assert all(fits(text, each) for each in samples(text))

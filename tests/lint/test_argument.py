"""Cutting text where Asterisk cuts it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.lint.argument import branches, call, fill, head, options, split, variables, wildcard


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a, b,c", ["a", "b", "c"]),
        ("${F(a,b)},c", ["${F(a,b)}", "c"]),
        ('"a,b",c', ['"a,b"', "c"]),
        ("a\\,b,c", ["a\\,b", "c"]),
        ("", [""]),
        ("s,1(x,y)", ["s", "1(x,y)"]),
    ],
)
def test_split(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("$[1]?a:b", ("$[1]", "a", "b")),
        ("$[1]?:b", ("$[1]", "", "b")),
        ("$[${IF($[1]?2:3)}=2]?c,s,1(x:y)", ("$[${IF($[1]?2:3)}=2]", "c,s,1(x:y)", "")),
        ("9:00-17:00,mon,*,*?day:night", ("9:00-17:00,mon,*,*", "day", "night")),
    ],
)
def test_branches(text: str, parts: tuple[str, str, str]) -> None:
    assert branches(text) == parts


def test_applications_options_and_heads() -> None:
    assert call(" Set(A=f(x))") == ("Set", "A=f(x)") and call("Hangup") == ("Hangup", "")
    assert options("tTU(sub^x)${Xx}w") == {"t": "", "T": "", "U": "sub^x", "w": ""}
    assert "x" not in options("U(x)${x}") and options("L(1:2)w")["L"] == "1:2"
    assert head("${A(b)}-1(x,y)") == ("${A(b)}-1", "x,y") and head("s") == ("s", "")


def test_variables_but_for_what_was_filtered() -> None:
    assert list(variables("a${B}${FILTER(0-9,${EXTEN})}${C(${D})}")) == ["B", "C(${D})", "D"]


def test_constants_are_put_in_and_a_ring_of_them_ends() -> None:
    assert fill("${A}-${X}", {"A": "${B}", "B": "1"}) == "1-${X}"
    assert "${" in fill("${A}", {"A": "${B}", "B": "${A}"})
    assert len(fill("${A}", {"A": "${A}${A}${A}${A}"})) < 10_000_000


def test_what_a_text_can_become() -> None:
    pattern = wildcard("s-${DIALSTATUS}")
    assert pattern and pattern.fullmatch("s-BUSY") and not pattern.fullmatch("t-BUSY")
    assert wildcard("${A}") is None and wildcard("$[1+${A}]") is None


@given(st.text(alphabet='ab,()[]{}$"\\?:&^|;', max_size=40))
def test_any_text_can_be_cut(text: str) -> None:
    assert split(text) and len(branches(text)) == 3 and len(call(text)) == len(head(text)) == 2
    assert isinstance(options(text), dict) and isinstance(list(variables(text)), list)
    wildcard(text)

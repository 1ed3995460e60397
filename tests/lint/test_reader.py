"""Lines as Asterisk sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.lint.reader import LONGEST, read_lines


def texts(data: bytes) -> list[tuple[int, str]]:
    return [(line.number, line.text) for line in read_lines(data).lines]


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"a\n\n b ;c\r\n", [(1, "a"), (3, "b")]),
        (b"a\\;b;c\n", [(1, "a;b")]),
        (b"a\n;--\nb\n--;c\nd", [(1, "a"), (4, "c"), (5, "d")]),
        (b"a;-- x --;b\n", [(1, "ab")]),
        (b";---- a line of its own\nb", [(2, "b")]),
        (b";--a\n;--b\n--;\nc\n--;d", [(5, "d")]),
        (b"\xef\xbb\xbf[a]\n", [(1, "[a]")]),
        (b"a\0b\nc", [(1, "a"), (2, "c")]),
        ("grüße".encode("latin-1"), [(1, "grüße")]),
        (b"a \\\nb", [(1, "a \\"), (2, "b")]),
    ],
)
def test_comments_blanks_and_bytes(data: bytes, kept: list[tuple[int, str]]) -> None:
    assert texts(data) == kept


@pytest.mark.parametrize(
    ("data", "line", "part"),
    [
        (b"a\n;-- b\nc", 2, "never closed"),
        (b"a\nb --; c\nd", 2, "closes no comment"),
        (b"a\\\nb", 1, "continues nothing"),
        (b"x\n" + b"y" * (LONGEST + 1), 2, "too long"),
    ],
)
def test_what_is_odd_has_its_line(data: bytes, line: int, part: str) -> None:
    ((number, text),) = read_lines(data).problems
    assert number == line and part in text


def test_a_line_that_just_fits_is_read_and_one_more_is_not() -> None:
    assert len(texts(b"y" * LONGEST)) == 1 and texts(b"y" * (LONGEST + 1)) == []


@given(st.binary(max_size=200))
def test_any_bytes_are_lines(data: bytes) -> None:
    lines = texts(data)
    assert all(text == text.strip() and text for _, text in lines)
    assert len({number for number, _ in lines}) == len(lines)

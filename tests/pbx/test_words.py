"""What a dialplan may say: only words that we know, and only in their shape."""

from __future__ import annotations

import pytest

from callguard.pbx.words import WORDS, shaped


def test_a_version_alone_may_have_dots_and_nothing_else_gets_through() -> None:
    assert shaped(dict.fromkeys(WORDS, "US-TX")) == dict.fromkeys(WORDS, "US-TX")
    assert shaped(dict.fromkeys(WORDS, "2026-11_26.3")) == {"dialplan": "2026-11_26.3"}
    assert shaped({"site": "", "other": "x"}) == {}


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("word", ["a b", "a\n", "x" * 33, "a'", "${EXTEN}", "é", "a=b"])
def test_what_has_another_shape_was_not_said(word: str) -> None:
    assert shaped(dict.fromkeys(WORDS, word)) == {}

from __future__ import annotations

import pytest

from callguard.text import is_utf8, printable, toml


@pytest.mark.parametrize(("text", "whole"), [("", True), ("zażółć \u202e\x07", True), ("paid \udcff", False)])
def test_half_a_character_is_no_utf_8(text: str, whole: bool) -> None:
    assert is_utf8(text) is whole


def test_what_moves_a_cursor_is_not_shown() -> None:
    assert printable("a\x1b[2Jb\n\u202e\u2028ż") == "a?[2Jb???ż"


def test_toml_says_where_it_is_wrong() -> None:
    assert toml("a = [1]\n") == {"a": [1]}
    with pytest.raises(ValueError, match=r"^not TOML: .*line 1"):
        toml("a = ]\n")
    with pytest.raises(ValueError, match=r"^nested too deep$"):
        toml("a = " + "[" * 5000)

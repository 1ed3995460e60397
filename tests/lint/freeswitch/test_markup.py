"""XML and what it must not do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.errors import BadInput
from callguard.lint.freeswitch.markup import DEEPEST, Node, read_markup


def test_elements_keep_their_lines_whatever_stands_around_them() -> None:
    first, second = read_markup('<?xml version="1.0"?>\n<!-- x -->\n<a Name="1">t</a>\n<b/>', "f.xml")
    assert (first.tag, first.get("name"), first.text, str(first.place)) == ("a", "1", "t", "f.xml:3")
    assert str(second.place) == "f.xml:4" and second.get("none") == ""
    assert str(read_markup("\n<a/>", "d.sql", 40)[0].place) == "d.sql:41"


def test_all_finds_deep_ones() -> None:
    (top,) = read_markup("<a><b><c/></b><c/></a>", "f")
    assert len(list(top.all("c"))) == 2


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize("text", [BOMB, FILE, "<a/><!DOCTYPE x>"])
def test_no_entity_can_be_defined(text: str) -> None:
    with pytest.raises(BadInput, match=r"f\.xml:1: defines a document type"):
        read_markup(text, "f.xml")


@pytest.mark.parametrize("text", ["<a>", "<a></b>", '<a x="1" x="2"/>', "<a>&nbsp;</a>", '<a x="a & b"/>', "\0"])
def test_what_is_no_xml_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BadInput, match=r"f\.xml:3: not XML"):
        read_markup(f"<ok/>\n\n{text}", "f.xml")


def test_a_tower_is_refused() -> None:
    with pytest.raises(BadInput, match="within one another"):
        read_markup("<a>" * (DEEPEST + 2) + "</a>" * (DEEPEST + 2), "f.xml")


@given(st.text(alphabet="<>/&;!-[]ab=\"'\n ", max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        assert all(isinstance(node, Node) for node in read_markup(text, "f"))
    except BadInput as refused:
        assert str(refused).startswith("f:")

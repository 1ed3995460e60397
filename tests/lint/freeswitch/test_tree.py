"""Includes, sets and files."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.errors import BadInput
from callguard.lint.freeswitch.tree import files_of, read_tree


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".xml").write_text(text)


def pre(cmd: str, data: str) -> str:
    return f'<X-PRE-PROCESS cmd="{cmd}" data="{data}"/>'


def test_includes_sets_and_globals(tmp_path: Path) -> None:
    inner = '<include><b v="$${name}$${none}"/></include>'
    write(tmp_path, freeswitch=f"<a>{pre('set', 'name=x')}{pre('include', 'sub/*.xml')}</a>", sub__one=inner, other="<")
    tree = read_tree([tmp_path])
    (top,) = tree.nodes
    assert [node.get("v") for node in top.all("b")] == ["x$${none}"] and tree.constants == {"name": "x"}
    assert tree.files == [str(tmp_path / "freeswitch.xml"), str(tmp_path / "sub/one.xml")] and tree.whole


def test_a_file_that_another_includes_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, a="<a/>", z=pre("include", "a.xml"))
    assert [node.tag for node in read_tree([tmp_path]).nodes] == ["a"]
    assert [node.tag for node in read_tree([tmp_path / "z.xml", tmp_path / "a.xml"]).nodes] == ["a"]


def test_loops_are_refused_with_their_chain(tmp_path: Path) -> None:
    write(tmp_path, a=pre("include", "b.xml"), b=pre("include", "a.xml"))
    with pytest.raises(BadInput, match=r"b\.xml:1: include loop: .*a\.xml -> .*b\.xml -> .*a\.xml"):
        read_tree([tmp_path / "a.xml"])
    write(tmp_path, self=pre("include", "self.xml"))
    with pytest.raises(BadInput, match="include loop"):
        read_tree([tmp_path / "self.xml"])


def test_a_chain_of_a_hundred_files_is_refused(tmp_path: Path) -> None:
    for number in range(102):
        write(tmp_path, **{f"f{number}": pre("include", f"f{number + 1}.xml")})
    with pytest.raises(BadInput, match="include one another"):
        read_tree([tmp_path / "f0.xml"])


@pytest.mark.parametrize(
    ("text", "rule", "whole"),
    [
        (pre("include", "gone.xml"), "missing-include", False),
        (pre("exec", "make-dialplan"), "not-read", False),
        (pre("dance", "x"), "syntax", True),
    ],
)
def test_what_is_not_read_is_said(tmp_path: Path, text: str, rule: str, whole: bool) -> None:
    write(tmp_path, a=text)
    tree = read_tree([tmp_path / "a.xml"])
    assert [finding.rule for finding in tree.findings] == [rule] and tree.whole is whole


def test_a_pattern_that_nothing_fits_is_fine(tmp_path: Path) -> None:
    write(tmp_path, a=pre("include", "none/*.xml") + pre("env-set", "x=y"))
    assert read_tree([tmp_path]).findings == []


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no freeswitch\.xml"):
        files_of(tmp_path)
    write(tmp_path, sub__deep="<a/>")
    assert files_of(tmp_path) == [tmp_path / "sub" / "deep.xml"]


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.xml: cannot be read"):
        read_tree([tmp_path / "none.xml"])
    (tmp_path / "folder.xml").mkdir()
    with pytest.raises(BadInput, match="holds no"):
        read_tree([tmp_path / "folder.xml"])


def test_latin_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b'<a v="Jos\xe9"/>')
    assert read_tree([tmp_path]).nodes[0].get("v") == "José"

"""Files, includes and sections."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.errors import BadInput
from callguard.lint.tree import Section, Tree, read_tree
from tests.lint.plan import written


def read(folder: Path, text: str) -> Tree:
    return read_tree([written(folder, text)])


def values(section: Section) -> list[str]:
    return [entry.value for entry in section.entries]


def test_sections_additions_and_templates(tmp_path: Path) -> None:
    tree = read(tmp_path, "[t](!)\na=>1\n[x](t)\nb = 2\n[y]\nc=>3\n[x](+)\nd=>4\n[x]\ne=>5\n")
    assert [(each.name, each.template, values(each)) for each in tree.sections] == [
        ("t", True, ["1"]),
        ("x", False, ["1", "2", "4"]),
        ("y", False, ["3"]),
        ("x", False, ["5"]),
    ]
    assert [place.line for place in tree.sections[1].added] == [7]


def test_includes_keep_the_section_that_was_open(tmp_path: Path) -> None:
    written(tmp_path, "a=>1\n[inner]\nb=>2\n", "more.conf")
    tree = read(tmp_path, '[x]\n#include "more.conf"\nc=>3\n')
    assert [(each.name, values(each)) for each in tree.sections] == [("x", ["1", "3"]), ("inner", ["2"])]
    assert [entry.place.file[-9:] for entry in tree.sections[0].entries] == ["more.conf", "ions.conf"]


def test_globs_quotes_and_another_folder(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    written(etc, "[b]\n", "d/b.conf")
    written(etc, "[a]\n", "d/a.conf")
    path = written(tmp_path / "site", "#include <d/*.conf>\n#tryinclude none.conf\n")
    assert [each.name for each in read_tree([path], etc).sections] == ["a", "b"]
    assert [each.rule for each in read_tree([path]).findings] == ["missing-include"]


def test_a_missing_include_names_its_line(tmp_path: Path) -> None:
    tree = read(tmp_path, "[x]\n#include none.conf\n#include none/*.conf\n")
    assert [(each.rule, each.severity, each.place.line) for each in tree.findings] == [
        ("missing-include", "blocker", 2),
        ("missing-include", "blocker", 3),
    ]
    assert not tree.whole


def test_a_loop_is_an_error_with_its_chain(tmp_path: Path) -> None:
    written(tmp_path, "\n#include c.conf\n", "b.conf")
    written(tmp_path, "\n\n#include extensions.conf\n", "c.conf")
    with pytest.raises(BadInput) as caught:
        read(tmp_path, "#include b.conf\n")
    text = str(caught.value)
    chain = ["extensions.conf:1", "b.conf:2", "c.conf:3"]
    places = [text.index(part, text.index("include loop: ")) for part in chain]
    assert places == sorted(places) and text.count("extensions.conf") == 2


def test_more_levels_than_asterisk_follows(tmp_path: Path) -> None:
    for number in range(12):
        written(tmp_path, f"#include {number + 1}.conf\n", f"{number}.conf")
    with pytest.raises(BadInput, match="more than 10 files"):
        read_tree([tmp_path / "0.conf"])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[x\n", ":1: no ] closes"),
        ("[x](a\n", ":1: no ) closes"),
        ("\n[x](+)\n", ":2: (+) adds"),
        ("[x](t)\n", ":1: the context takes over a template"),
        ("a => 1\n", ":1: a line before the first"),
    ],
)
def test_what_asterisk_does_not_load_is_an_error_with_its_line(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    assert part in str(caught.value)


def test_what_is_ignored_or_elsewhere_is_a_finding(tmp_path: Path) -> None:
    written(tmp_path, "context x {}", "extensions.ael")
    written(tmp_path, "[x]\n#exec /bin/false\n#what\nno sign\n")
    tree = read_tree([tmp_path])
    found = [(each.rule, each.place.line) for each in tree.findings]
    assert found == [("not-read", 2), ("syntax", 3), ("syntax", 4), ("not-read", 0)] and not tree.whole


def test_exec_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    read(tmp_path, f"#exec touch {mark}\n#exec </usr/bin/touch {mark}>\n")
    assert not mark.exists()


def test_a_folder_brings_what_stands_beside_the_dialplan(tmp_path: Path) -> None:
    written(tmp_path, "[x]\n")
    written(tmp_path, "[support]\n", "queues.conf")
    written(tmp_path, "[not this]\n", "sip.conf")
    tree = read_tree([tmp_path])
    assert len(tree.files) == 2 and [each.name for each in tree.beside["queues"]] == ["support"]


def test_a_file_given_and_included_is_read_once(tmp_path: Path) -> None:
    inner, outer = written(tmp_path, "[a]\n", "a.conf"), written(tmp_path, "#include a.conf\n")
    assert len(read_tree([inner, outer]).sections) == len(read_tree([outer, inner]).sections) == 1


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "none.conf", tmp_path / "empty", Path("/dev/null"), tmp_path / ("x" * 300)):
        with pytest.raises(BadInput):
            read_tree([path])

"""callguard replay on what is no log: line and reason, exit status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import callguard
from tests.test_replay import text


@pytest.mark.requirement("S127")
@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "line 1: empty"),
        (b"hello\n", "line 1: not JSON"),
        (b"{}\n", "line 1: no header"),
        (b"\x00" * 100, "line 1: truncated"),
    ],
)
def test_a_foreign_file(tmp_path: Path, content: bytes, part: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(content)
    done = callguard("replay", file)
    assert (done.status, done.out) == (2, b"") and part in done.err


def test_a_good_file_needs_no_configuration(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(text())
    assert callguard("replay", file, "--config", tmp_path / "none").status == 0


@pytest.mark.parametrize("name", ["none.jsonl", "no/such/file", "a" * 300, "."])
def test_a_name_that_is_no_file(tmp_path: Path, name: str) -> None:
    assert callguard("replay", name, "--config", tmp_path / "none.toml").status == 2

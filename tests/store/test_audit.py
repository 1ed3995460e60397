"""Lines about what operators did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from callguard.errors import StoreDown
from callguard.store.audit import FILE, note_act
from tests.store.rows import START


def test_each_act_is_a_line_that_only_its_owner_reads(tmp_path: Path) -> None:
    for rows in (1, 2):
        note_act(tmp_path / "data", at=START, operator="user:root", act="answers_forget_number", rows=rows)
    path = tmp_path / "data" / FILE
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["rows"] for line in lines] == [1, 2] and path.stat().st_mode & 0o077 == 0
    assert (lines[0]["operator"], lines[0]["act"]) == ("user:root", "answers_forget_number")
    assert lines[0]["at"].startswith("2025-11-03T09:30:00.123456")


def test_what_cannot_be_noted_must_not_be_done(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StoreDown, match="nothing was done"):
        note_act(tmp_path / "data", at=START, operator="user:root", act="answers_forget_number", rows=1)

"""Files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from callguard.audio.staged import staged
from callguard.errors import BadInput


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with staged(target, "it") as file:
        file.write(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), staged(target, "it") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match="the result cannot be written: No space left"),
        staged(tmp_path / "out", "the result"),
        open("/dev/full", "wb", buffering=0) as full,
    ):
        full.write(b"x")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_regular_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", tmp_path, tmp_path / "missing" / "out"):
        with pytest.raises(BadInput, match="it cannot be written"), staged(target, "it"):
            pytest.fail("the block was entered")
    assert (tmp_path / "pipe").is_fifo()

"""The file of a recording while it grows."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from callguard.pbx.asterisk.probe import Look
from callguard.pbx.freeswitch.probe import file_of, look
from tests.pbx.freeswitch.media import header


def test_both_sides_are_told_apart(tmp_path: Path) -> None:
    path = file_of(tmp_path, "r1")
    path.write_bytes(header(0) + struct.pack("<6h", 1, -1, 2, -2, 3, -3))
    assert path.name == "r1.wav"
    assert look(path, 1) == Look(True, 3, False, 1, struct.pack("<2h", 2, 3), struct.pack("<2h", -2, -3))
    assert look(path, None) == Look(True, 3, False) and look(path, 9).left == b""


def test_a_header_with_a_length_is_final(tmp_path: Path) -> None:
    path = file_of(tmp_path, "r1")
    path.write_bytes(header(8) + b"\1\0" * 4)
    assert look(path, None) == Look(True, 2, True)


def test_other_chunks_before_the_sound_are_passed_over(tmp_path: Path) -> None:
    path = file_of(tmp_path, "r1")
    whole = header(8)
    path.write_bytes(whole[:36] + b"LIST" + struct.pack("<I", 4) + b"INFO" + whole[36:] + b"\1\0" * 5)
    assert look(path, None) == Look(True, 2, True)


@pytest.mark.parametrize("data", [b"", b"RIFF", header(0)[:40]])
def test_a_file_that_has_just_been_made_is_there(tmp_path: Path, data: bytes) -> None:
    path = file_of(tmp_path, "r1")
    path.write_bytes(data)
    seen = look(path, 0)
    assert (seen.exists, seen.samples, seen.final, seen.left) == (True, 0, False, b"")


def test_no_file_is_not_there(tmp_path: Path) -> None:
    assert look(file_of(tmp_path, "r1"), None) == Look()
    assert look(tmp_path, None) == Look()


def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r1.wav")
    assert look(tmp_path / "r1.wav", None) == Look()

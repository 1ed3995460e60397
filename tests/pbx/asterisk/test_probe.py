from __future__ import annotations

import os
from pathlib import Path

import pytest

from callguard.pbx.asterisk.probe import HEADER, TAIL, Look, files_of, look


def write(path: Path, samples: int, stated: int = 0) -> None:
    header = bytearray(HEADER)
    header[40:44] = stated.to_bytes(4, "little")
    path.write_bytes(bytes(header) + bytes(range(1, 251)) * (2 * samples // 250) + b"\1" * (2 * samples % 250))


def silence(path: Path, samples: int) -> None:
    with path.open("ab") as file:
        file.write(bytes(2 * samples))


def test_no_file_is_no_recording(tmp_path: Path) -> None:
    files = files_of(tmp_path, "r1")
    assert look(files, None) == Look()
    write(files.left, 10)
    assert look(files, 0) == Look()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_link_is_no_file_of_ours(tmp_path: Path, side: str) -> None:
    files = files_of(tmp_path, "r1")
    for path in (files.left, files.right, tmp_path / "other.wav"):
        write(path, 10)
    moved: Path = getattr(files, side)
    moved.unlink()
    moved.symlink_to(tmp_path / "other.wav")
    assert look(files, None) == Look()


@pytest.mark.requirement("S4")
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path: Path, side: str) -> None:
    files = files_of(tmp_path, "r1")
    write(files.left, 10)
    write(files.right, 10)
    moved: Path = getattr(files, side)
    moved.unlink()
    os.mkfifo(moved)
    assert look(files, None) == look(files, 0) == Look()


def test_names_are_our_ids(tmp_path: Path) -> None:
    files = files_of(tmp_path, "r1")
    assert (files.left, files.right) == (tmp_path / "r1-left.wav", tmp_path / "r1-right.wav")


@pytest.mark.parametrize(
    ("stated", "final"), [((0, 0), False), ((200, 0), False), ((200, 200), True), ((999, 200), False)]
)
def test_both_headers_have_to_be_final(tmp_path: Path, stated: tuple[int, int], final: bool) -> None:
    files = files_of(tmp_path, "r1")
    write(files.left, 100, stated[0])
    write(files.right, 100, stated[1])
    assert look(files, None) == Look(True, 100, final)


def test_sound_from_a_sample_on_is_of_equal_length(tmp_path: Path) -> None:
    files = files_of(tmp_path, "r1")
    write(files.left, 100)
    write(files.right, 90)
    seen = look(files, 80)
    assert (seen.samples, seen.start, len(seen.left), len(seen.right)) == (90, 80, 20, 20)
    assert seen.left == files.left.read_bytes()[HEADER + 160 : HEADER + 180]
    assert look(files, 500).left == b""


def test_a_file_without_a_whole_header_is_empty(tmp_path: Path) -> None:
    files = files_of(tmp_path, "r1")
    files.left.write_bytes(b"RIFF")
    files.right.write_bytes(b"")
    assert look(files, 0) == Look(True, 0, False, 0)


@pytest.mark.requirement("S123")
def test_a_side_that_holds_nothing_in_its_last_second_is_told(tmp_path: Path) -> None:
    files = files_of(tmp_path, "r1")
    write(files.left, 2 * TAIL)
    write(files.right, TAIL)
    silence(files.right, TAIL)
    assert look(files, None).quiet == "right"
    silence(files.left, TAIL)
    silence(files.right, TAIL)
    assert look(files, None).quiet == ""  # a mask, or nobody speaks
    write(files.right, 3 * TAIL)
    assert look(files, None).quiet == "left"
    assert look(files, None, 3 * TAIL).quiet == ""  # nothing new


def test_a_file_shorter_than_that_tells_nothing_yet(tmp_path: Path) -> None:
    files = files_of(tmp_path, "r1")
    write(files.left, TAIL - 1)
    write(files.right, 0)
    silence(files.right, TAIL - 1)
    assert look(files, None).quiet == ""

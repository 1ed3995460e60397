"""What nobody is to hear again is overwritten before its name is gone."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from callguard.audio.shred import is_going, shred, shredded_after


def test_a_shredded_file_is_overwritten_under_another_name_and_gone(tmp_path: Path) -> None:
    path, twin = tmp_path / f"{uuid.uuid4()}.wav", tmp_path / "twin"
    path.write_bytes(b"secret" * 500_000)
    os.link(path, twin)  # shows what became of the bytes
    shred(path)
    assert not path.exists() and twin.read_bytes() == bytes(3_000_000)
    going = tmp_path / f"{path.name}.shred"
    going.write_bytes(b"secret")
    assert is_going(going)
    shred(going)
    shred(path)
    assert [each.name for each in tmp_path.iterdir()] == ["twin"]


def test_a_link_goes_and_what_it_points_at_stays(tmp_path: Path) -> None:
    other, link = tmp_path / "other", tmp_path / f"{uuid.uuid4()}.wav"
    other.write_bytes(b"not ours")
    link.symlink_to(other)
    shred(link)
    assert [each.name for each in tmp_path.iterdir()] == ["other"] and other.read_bytes() == b"not ours"


def test_what_a_file_was_is_overwritten_once_another_has_its_name(tmp_path: Path) -> None:
    path, twin, fresh = (tmp_path / name for name in ("a.wav", "twin", "fresh"))
    path.write_bytes(b"secret")
    os.link(path, twin)
    with pytest.raises(ValueError, match="not exchanged"), shredded_after(path):
        raise ValueError("not exchanged")
    assert path.read_bytes() == b"secret"
    fresh.write_bytes(b"silent")
    with shredded_after(path):
        fresh.replace(path)
    assert path.read_bytes() == b"silent" and twin.read_bytes() == bytes(6)

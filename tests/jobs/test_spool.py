"""Names in the spool, and the end of a file."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from callguard.errors import BadInput
from callguard.jobs.spool import Spool, is_staged, plain_file, recording_of


def test_a_recording_is_told_by_its_name_alone(tmp_path: Path) -> None:
    recording_id, spool = str(uuid.uuid4()), Spool(tmp_path)
    for part in ("right", "left", "whole"):
        path = spool.path(recording_id, part)
        assert recording_of(path) == recording_id
        path.touch()
    assert spool.parts(recording_id) == ("whole", "left", "right") and len(spool.entries()) == 3
    for name in ("x.wav", f"{recording_id}.mp3", f"{recording_id}.wav.old", f"{recording_id}-up.wav", recording_id):
        assert recording_of(tmp_path / name) is None
    assert is_staged(tmp_path / f".callguard-{'a' * 16}.part") and not is_staged(tmp_path / "x.part")


def test_a_file_is_opened_without_following_or_waiting(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with plain_file(path) as file:
        assert file.read() == b"abc"
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "none", "."):
        with pytest.raises(BadInput):
            plain_file(tmp_path / name).__enter__()

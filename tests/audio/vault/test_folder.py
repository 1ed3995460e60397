"""The local directory: who may read it, and what a full disk, a lost one or a crash leaves."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from callguard.audio.vault.folder import Folder
from callguard.errors import ShelfDown


def name() -> str:
    return f"{uuid.uuid4().hex}.cgv"


@pytest.mark.requirement("S10")
def test_nobody_else_reads_it(tmp_path: Path) -> None:
    Folder(tmp_path / "vault").put(name(), [b"abc"])
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "vault").rglob("*")}
    assert modes == {0}


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    def filling() -> Iterator[bytes]:
        yield b"abc"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = Folder(tmp_path / "vault")
    with pytest.raises(ShelfDown, match="No space left"):
        folder.put(name(), filling())
    assert list(folder.names()) == []


def test_a_directory_that_is_gone_is_no_missing_object(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "away")
    with pytest.raises(ShelfDown, match="No such file"):
        folder.size(name())
    (tmp_path / "file").touch()
    with pytest.raises(ShelfDown):
        Folder(tmp_path / "file").put(name(), [b""])


DIES = """
import os, signal, sys
from pathlib import Path
from callguard.audio.vault.folder import Folder
def blocks():
    yield b"x" * 100000
    os.kill(os.getpid(), signal.SIGKILL)
Folder(Path(sys.argv[1])).put(sys.argv[2], blocks())
"""


def test_what_a_killed_writer_left_is_listed_and_can_be_deleted(tmp_path: Path) -> None:
    lost = name()
    subprocess.run([sys.executable, "-c", DIES, str(tmp_path), lost], check=False)
    folder = Folder(tmp_path)
    assert [found for found, _ in folder.names()] == [f"{lost}.part"] and folder.size(lost) is None
    folder.delete(lost)
    assert list(folder.names()) == []

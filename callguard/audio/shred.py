"""Files of sound that nobody is to hear again: overwritten, then removed.

Belongs here: that. Does not: which files, and when. On a file system that copies on write the overwriting reaches
nothing: keep the spool on tmpfs or an encrypted disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BLOCK = 1 << 20
GOING = ".shred"


def is_going(path: Path) -> bool:
    """Whether a kill interrupted its shredding."""
    return path.name.endswith(f".wav{GOING}")


def shred(path: Path) -> None:
    """Overwrite, then remove; durable on return. It gets another name first: a kill in the middle leaves something that
    nobody takes for the recording. A link is removed alone, and so is what only its owner may write to."""
    going = path if is_going(path) else path.with_name(path.name + GOING)
    try:
        path.rename(going)
    except FileNotFoundError:
        return
    if not going.is_symlink():
        with suppress(PermissionError), shredded_after(going):
            pass
    going.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def shredded_after(path: Path) -> Iterator[None]:
    """What is at PATH now is overwritten where the block ends well: another file has taken its name by then."""
    handle = _open(path)
    try:
        yield
        _overwrite(handle)
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _overwrite(handle: int) -> None:
    left = os.fstat(handle).st_size
    while left > 0:
        left -= os.write(handle, bytes(min(left, BLOCK)))
    os.fsync(handle)

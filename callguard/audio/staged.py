"""Files that appear whole or not at all.

Belongs here: temporary name, fsync, rename. Does not: what is written.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from callguard.errors import BadInput


@contextmanager
def staged(target: Path, what: str) -> Iterator[BinaryIO]:
    """A file open for writing that becomes TARGET when the block ends well, and vanishes when it does not.

    On return the bytes and the name are durable. `what` names it in errors. Raises BadInput when it cannot be written.
    """
    _refuse_special(target, what)
    # A name of our own: a target's name at the length limit must not fail, and two runs must not share a file.
    part = target.parent / f".callguard-{secrets.token_hex(8)}.part"
    try:
        with part.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise BadInput(f"{what} cannot be written: {error.strerror or type(error).__name__}") from error
    finally:
        part.unlink(missing_ok=True)


def _refuse_special(target: Path, what: str) -> None:
    """Renaming over a device or a pipe would replace it."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{what} cannot be written: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise BadInput(f"{what} cannot be written: it exists and is not a regular file")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

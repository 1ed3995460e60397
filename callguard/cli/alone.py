"""One process of a kind in a data directory, by a lock that ends with it.

What belongs here: the lock, and a directory that cannot hold one. What does not: one controller a PBX (store/lead.py).
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from callguard.errors import BadInput


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[bool]:
    """Whether nobody else holds LOCK; it is ours until the end then. Its directory is made where it is missing.

    Raises BadInput where the directory cannot be used.
    """
    with contextlib.ExitStack() as held:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = held.enter_context(lock.open("w"))
        except OSError as error:
            raise unusable(lock.parent, error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def unusable(data: Path, error: OSError) -> BadInput:
    """That a data directory cannot be used, and what to do."""
    what = f"{data}: the data directory cannot be used: {error.strerror}"
    return BadInput(f"{what}. It has to be a writable directory of the account that callguard runs as, on a local disk")

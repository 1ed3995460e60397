"""What operators did to stored data outside of any call: one JSON line an act, on the disk before it is done.

What belongs here: writing such a line. What does not: acts on a live call, which are rows of that call. A line says
who, when and what, never about whom.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from callguard.errors import StoreDown
from callguard.store.chain import canonical

FILE = "operator.jsonl"
"""Its name in the data directory."""


def note_act(data: Path, *, at: datetime, operator: str, act: str, rows: int) -> None:
    """Add a line to the file in DATA, durable on return: OPERATOR is about to do ACT to so many ROWS.

    Raises StoreDown where it cannot be written: then nothing may be done.
    """
    line = canonical({"at": at, "operator": operator, "act": act, "rows": rows}) + b"\n"
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(data / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreDown(f"{data / FILE} cannot be written ({error.strerror}): nothing was done.") from None

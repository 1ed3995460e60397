"""The PBX's spool: the files of ended recordings, and their end.

What belongs here: names of files, looking at one without being led astray. What does not: the vault (ingest.py), what
is left over (sweep.py), overwriting (audio/shred.py).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from callguard.errors import BadInput

PARTS = {"whole": "", "left": "-left", "right": "-right"}
"""What a file may be of its recording, and how its name says so."""
_FILE = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(-left|-right|)\.wav")
_STAGED = re.compile(r"\.callguard-[0-9a-f]{16}\.part")


@dataclass(frozen=True)
class Spool:
    """The folder that the PBX writes to."""

    folder: Path

    def path(self, recording_id: str, part: str) -> Path:
        """Where that part of a recording lies."""
        return self.folder / f"{recording_id}{PARTS[part]}.wav"

    def parts(self, recording_id: str) -> tuple[str, ...]:
        """Which parts of a recording are there, the whole first."""
        return tuple(part for part in PARTS if os.path.lexists(self.path(recording_id, part)))

    def entries(self) -> list[Path]:
        """Everything that lies there. Raises OSError."""
        return sorted(self.folder.iterdir())


def recording_of(path: Path) -> str | None:
    """The id in the name of a recording's file, None for any other name."""
    found = _FILE.fullmatch(path.name)
    return found[1] if found else None


def is_staged(path: Path) -> bool:
    """Whether a crash of ours left this behind: a copy that was being made of what is still there."""
    return _STAGED.fullmatch(path.name) is not None


@contextmanager
def plain_file(path: Path) -> Iterator[BufferedReader]:
    """A regular file, open for reading. A link, a pipe or a folder in its place is BadInput; nothing waits for it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadInput(f"a file of the spool cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BadInput("what lies in the spool under a recording's name is no regular file")
    with open(handle, "rb") as file:
        yield file

"""The plaintext of an object as a file that is never written anywhere: opened chunk by chunk as it is read.

What belongs here: reading and seeking. What does not: the format (container.py), sound (audio/wav.py).
"""

from __future__ import annotations

import io
import os
from typing import BinaryIO, cast

from callguard.audio.vault.container import CHUNK, Container


class _Plain(io.RawIOBase):
    def __init__(self, container: Container) -> None:
        self._container, self._at = container, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        found = self._container.read(self._at, self._at + len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._container.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at


def plain_of(container: Container) -> BinaryIO:
    """Reading it raises BadContainer where a chunk is not what was sealed."""
    return cast(BinaryIO, io.BufferedReader(_Plain(container), 4 * CHUNK))

"""Looks at the two files of a recording while Asterisk writes them.

What belongs here: reading sizes, headers and new samples; it runs in a thread, so that a slow disk cannot stop the
event loop. What does not: what they mean (watch.py), finished files (callguard/audio).
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

HEADER = 44
"""Bytes before the first sample in a WAV file that Asterisk writes: 16 bit, mono, little endian."""
_LENGTH_AT = 40
TAIL = 8000
"""Samples at the end that tell whether a side holds anything."""


@dataclass(frozen=True, slots=True)
class Files:
    """One recording's files: `left` holds the far party, `right` the agent's side."""

    left: Path
    right: Path


@dataclass(frozen=True, slots=True)
class Look:
    """What the files showed. `samples`: length of the shorter one; `final`: both headers state their length.

    `left`, `right`: their PCM from sample `start` on, of equal length; `start` is -1 when no sound was asked for.
    `quiet`: which of them holds nothing in its last second while the other one does. `written`: when they were written
    to last, in monotonic seconds; None where nobody says.
    """

    exists: bool = False
    samples: int = 0
    final: bool = False
    start: int = -1
    left: bytes = b""
    right: bytes = b""
    quiet: str = ""
    written: float | None = field(default=None, compare=False)


def files_of(folder: Path, recording_id: str) -> Files:
    """The files of a recording: named by its id and nothing else."""
    return Files(folder / f"{recording_id}-left.wav", folder / f"{recording_id}-right.wav")


def look_at(wanted: Mapping[str, tuple[Files, int | None, int]]) -> dict[str, Look]:
    """`look` at each of these, by name."""
    return {name: look(*how) for name, how in wanted.items()}


def look(files: Files, since: int | None, before: int = -1) -> Look:
    """Look at FILES; with SINCE, read their sound from that sample on too. A file that cannot be read is not there, nor
    is one in whose place lies a link to another, or a pipe.
    BEFORE: how many samples there were the last time; where there are no more, which one is quiet is not looked at.
    """
    try:
        sides = [_side(path, since) for path in (files.left, files.right)]
        written = time.monotonic() - max(0.0, time.time() - max(at for *_, at in sides))
        samples = min(size for size, *_ in sides)
        quiet = _quiet(files, samples) if since is None and samples > before else ""
    except OSError:
        return Look()
    wanted = max(0, samples - (since or 0)) * 2
    left, right = (sound[:wanted] for _, _, sound, _ in sides)
    final = all(final for _, final, *_ in sides)
    return Look(True, samples, final, -1 if since is None else since, left, right, quiet, written)


def _quiet(files: Files, samples: int) -> str:
    """Which side holds only zeros in the last second before SAMPLES, where the other one does not."""
    if samples < TAIL:
        return ""
    has_left, has_right = (_has_sound(path, samples) for path in (files.left, files.right))
    return "" if has_left == has_right else "right" if has_left else "left"


def _has_sound(path: Path, samples: int) -> bool:
    with _opened(path) as file:
        file.seek(HEADER + 2 * (samples - TAIL))
        return bool(file.read(2 * TAIL).strip(b"\0"))


def _side(path: Path, since: int | None) -> tuple[int, bool, bytes, float]:
    """Length in samples, whether the header is final, sound since SINCE, when it was written to by the wall clock."""
    with _opened(path) as file:
        there = os.fstat(file.fileno())
        size = max(0, there.st_size - HEADER)
        file.seek(_LENGTH_AT)
        stated = int.from_bytes(file.read(4), "little")
        if since is None:
            return size // 2, 0 < stated <= size, b"", there.st_mtime
        file.seek(HEADER + 2 * since)
        return size // 2, 0 < stated <= size, file.read(max(0, size - 2 * since)), there.st_mtime


def _opened(path: Path) -> BinaryIO:
    return opened(path, os.O_NOFOLLOW)


def opened(path: Path, flags: int = 0) -> BinaryIO:
    """A regular file, open for reading. Whoever opened a pipe would wait for ever, and look at no recording any more.
    Raises OSError."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "no regular file")
    return file

"""Files in the recordings folder that nobody knows, found while calls run.

What belongs here: looking at names, and asking whose they are. What does not: what becomes of them (an incident), the
files of all days (callguard reconcile). Names are somebody else's text: they leave this module for one function only.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from callguard.audio.tone import TONES
from callguard.errors import StoreDown

EVERY = 0.5
"""Seconds between looks: a stranger is told within 2 s."""
SETTLED = 2.0
"""Seconds after which a folder's time of change can be believed: a file system's clock is coarse."""
STAGED_SECONDS = 60.0
"""A file that is being written in parts is nobody's once its writer has been away for so long."""
_OURS = re.compile(r"(?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(-left|-right)?\.wav(\.shred)?")
"""A whole, a leg, and either while it is overwritten: a copy of one beside it, or another format, is none of ours."""
_STAGED = re.compile(r"\.callguard-[0-9a-f]+\.part")


def recording_of(name: str) -> str:
    """The recording that a file of this name would be of; '' where it is not named as ours are."""
    match = _OURS.fullmatch(name)
    return match["id"] if match else ""


@dataclass
class Strangers:
    """Looks at one folder. `ready`: whether the log can be asked now; `live`: ids of recordings of calls that run;
    `known`: which of some ids the log has; `found`: is told a file's name, once.
    """

    directory: Path
    ready: Callable[[], bool]
    live: Callable[[], Iterable[str]]
    known: Callable[[Sequence[str]], Awaitable[frozenset[str]]]
    found: Callable[[str], None]
    every: float = EVERY
    judged: set[str] = field(default_factory=set)
    looked: tuple[int, int] = (0, 0)

    async def watch(self) -> None:
        """Until cancelled. A folder or a log that is away is asked again."""
        while True:
            await asyncio.sleep(self.every)
            if self.ready():
                with suppress(StoreDown, OSError):
                    await self.look()

    async def look(self) -> None:
        """Judge every name that is new. Raises StoreDown, OSError."""
        names, stamp = await asyncio.to_thread(_names, self.directory, self.looked)
        if names is None:
            return
        self.judged &= names
        new = sorted(names - self.judged)
        ids = {name: recording_of(name) for name in new}
        asked = set(ids.values()) - {""} - set(self.live())
        ours = (await self.known(sorted(asked)) if asked else frozenset()) | set(self.live())
        for name in new:
            self.judged.add(name)
            if ids[name] not in ours:
                self.found(name)
        self.looked = stamp


def _names(directory: Path, looked: tuple[int, int]) -> tuple[set[str] | None, tuple[int, int]]:
    """Names in DIRECTORY, and when it was changed and looked at; None where nothing changed since LOOKED."""
    now, changed = time.time_ns(), directory.stat().st_mtime_ns
    if changed == looked[0] and looked[1] - changed > SETTLED * 1e9:
        return None, looked
    with os.scandir(directory) as entries:
        names = {entry.name for entry in entries if entry.name != TONES and not _is_being_written(entry)}
        return names, (changed, now)


def _is_being_written(entry: os.DirEntry[str]) -> bool:
    if not _STAGED.fullmatch(entry.name):
        return False
    with suppress(OSError):
        return time.time() - entry.stat().st_mtime < STAGED_SECONDS
    return True

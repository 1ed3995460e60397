"""Our own clocks: wall, monotonic, and whether the machine's clock is synchronised.

What belongs here: reading time. The core never does.
"""

from __future__ import annotations

import ctypes
import os
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC of adjtimex(2)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Wall time (aware, UTC), monotonic nanoseconds, and whether the wall clock is disciplined."""

    wall: datetime
    monotonic_ns: int
    synchronised: bool


class Source(Protocol):
    """Where time and chance come from."""

    def read(self) -> Reading:
        """Both clocks now."""

    def random(self, count: int) -> bytes:
        """COUNT bytes that nobody can foretell."""


class Machine:
    """The machine's own."""

    def read(self) -> Reading:
        """Both clocks now."""
        return Reading(datetime.now(UTC), time.monotonic_ns(), _synchronised())

    def random(self, count: int) -> bytes:
        """From the kernel."""
        return os.urandom(count)


_source: Source = Machine()


def use(source: Source) -> Source:
    """Take time from SOURCE from now on, for this whole process; the one before."""
    global _source
    before, _source = _source, source
    return before


def read() -> Reading:
    """Both clocks now."""
    return _source.read()


def _synchronised() -> bool:
    """Whether the kernel says that its clock is synchronised (adjtimex, read only)."""
    buffer = (ctypes.c_long * 64)()
    libc = ctypes.CDLL(None, use_errno=True)
    state = libc.adjtimex(ctypes.byref(buffer)) if hasattr(libc, "adjtimex") else 5
    status = ctypes.cast(ctypes.byref(buffer, 5 * ctypes.sizeof(ctypes.c_long)), ctypes.POINTER(ctypes.c_int))[0]
    return state != 5 and not status & _UNSYNCHRONISED


def uuid7() -> str:
    """A time-ordered UUID (RFC 9562, version 7): 48 bits of milliseconds, then randomness."""
    milliseconds = int(read().wall.timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(_source.random(10))
    value = value & ~(0xF << 76) | 7 << 76
    return str(uuid.UUID(int=value & ~(0x3 << 62) | 2 << 62))

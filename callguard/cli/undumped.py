"""No core dump of a process that holds sound or keys: it would be a readable copy outside of the spool.

Belongs here: that. Does not: what is in memory, and how long.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from contextlib import suppress

PR_SET_DUMPABLE = 4  # prctl(2)


def never_dumped() -> None:
    """From now on this process leaves none, nor do those that it starts leave a file. On Linux the kernel gives it to
    no collector of dumps (core_pattern with a pipe) either, which a limit alone does not see to."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)

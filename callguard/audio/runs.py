"""Runs of frames that are flagged, gathered as their flags come: a day has three million flags and few runs.

Belongs here: gathering them. Does not: what a flag means (vad.py), what is kept for it (trim.py).
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray


class Runs:
    """Feed it flags, part by part, then `finish`. `frames`: how many came."""

    def __init__(self) -> None:
        self._edges = array("q")
        self._last = False
        self.frames = 0

    def feed(self, flags: NDArray[np.bool_]) -> None:
        """The next ones."""
        changed = np.flatnonzero(np.diff(flags, prepend=self._last)) + self.frames
        self._edges.frombytes(changed.astype(np.int64).tobytes())
        self.frames += len(flags)
        self._last = bool(flags[-1]) if len(flags) else self._last

    def finish(self) -> NDArray[np.int64]:
        """The first frame of each run and the first behind it, ascending: (runs, 2)."""
        self._edges.extend([self.frames] * self._last)
        return np.array(self._edges, np.int64).reshape(-1, 2)

"""Speech has voiced or loud moments; what the detector takes for speech far from any is noise between two phrases.

Belongs here: which flagged frames are near such a moment. Does not: where the flags come from (vad.py).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

VOICED = 0.5
"""How much three frames repeat themselves on average at the period of a voice."""
_LOUD_DB = 4.0
"""A frame within so many decibels of the loudest in two seconds is a moment of speech whatever its pitch, unless a
minute holds far louder ones."""
_AFTER, _BEFORE = 10, 8
"""Frames that an unvoiced sound may follow or lead: "ships" ends in 300 ms of it, few words begin with 240."""
_FLAT_DB, _FAR_DB = 18.0, 25.0
"""Where four seconds hold no more contrast than the first, and lie no more than the second below the loudest in a
minute, noise is nearly as loud as speech, and nothing is judged."""
_LOUD_FRAMES, _CONTRAST_FRAMES, _WIDE_FRAMES, _STRIDE = 67, 134, 2001, 16

Flags = NDArray[np.bool_]


def anchored(flags: Flags, voice: NDArray[np.float32], dbov: NDArray[np.float32]) -> Flags:
    """FLAGS without those too far from a voiced or loud moment. `voice`, `dbov`: of the same frames, some minutes."""
    smooth = np.convolve(voice, np.full(3, 1 / 3), "same")[: len(voice)]
    wide = np.repeat(_around(dbov, _WIDE_FRAMES)[::_STRIDE].max(1), _STRIDE)[: len(dbov)]
    loud = dbov > np.maximum(_around(dbov, _LOUD_FRAMES).max(1) - _LOUD_DB, wide - _FAR_DB)
    before = np.concatenate(([0], np.cumsum(flags & ((smooth > VOICED) | loud))))
    at = np.arange(len(flags))
    near = before[np.minimum(len(flags), at + _BEFORE + 1)] > before[np.maximum(0, at - _AFTER)]
    return flags & (near | _flat(dbov, wide))


def _around(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return sliding_window_view(padded, width)


def _flat(dbov: NDArray[np.float32], wide: NDArray[np.float32]) -> Flags:
    """Where noise is nearly as loud as speech, looked at twice a second. `wide`: the loudest in a minute."""
    windows = _around(dbov, _CONTRAST_FRAMES)[::_STRIDE]
    highest = windows.max(1)
    contrast, below = highest - np.percentile(windows, 10, axis=1), wide[::_STRIDE] - highest
    return np.repeat((contrast < _FLAT_DB) & (below < _FAR_DB), _STRIDE)[: len(dbov)]

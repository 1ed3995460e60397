"""What a verdict finds, and what it calls wrong that is right, over 500 synthetic calls."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from callguard.audio.verify import verify
from tests.audio.call import WRONGS, recorded

CALLS = 500
NEAR = 4000
"""Samples by which the place of a finding may be off: half a second."""


def test_sensitivity_and_false_alarms(tmp_path: Path) -> None:
    found = {word: [0, 0] for word in WRONGS}
    alarms: list[tuple[int, tuple[str, ...]]] = []
    for seed in range(CALLS):
        made, rng = recorded(seed), np.random.default_rng(seed)
        right = verify(made.write(tmp_path / "call.wav"), made.expected)
        alarms += [(seed, right.findings)] if right.findings else []
        for word, spoil in WRONGS.items():
            if spoiled := spoil(made, rng):
                told = verify(spoiled[0].write(tmp_path / "call.wav"), spoiled[0].expected)
                places = dict(zip(told.findings, told.places, strict=True))
                found[word][0] += word in places and abs(places[word] - spoiled[1]) <= NEAR
                found[word][1] += 1
    print(f"\nfalse alarms: {len(alarms)} of {CALLS} right recordings {alarms[:5]}")
    for word, (hits, tries) in found.items():
        print(f"{word:24}{hits:6} of {tries:4} found at their place  {100 * hits / tries:6.1f} %")
    assert len(alarms) <= CALLS / 100 and all(hits >= 0.98 * tries for hits, tries in found.values())

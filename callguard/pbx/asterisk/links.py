"""How long to wait before the PBX is tried again.

What belongs here: the pace of reconnecting. What does not: connecting (ari.py, ami.py), what a lost link means
(pbx.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 5.0


def delays(chance: random.Random | None = None) -> Iterator[float]:
    """Seconds to wait before each try in a row: doubling from 0.2 to 5, each shortened by up to a half by chance.

    Chance keeps controllers that lost one PBX together from knocking at its door together.
    """
    chance = chance or random.Random()
    longest = FIRST_SECONDS
    while True:
        yield longest * chance.uniform(0.5, 1.0)
        longest = min(longest * 2, LONGEST_SECONDS)

"""Runs of flags are the same however their flags come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from callguard.audio.runs import Runs


@given(st.lists(st.lists(st.booleans(), max_size=8), max_size=12))
def test_parts_do_not_matter_and_every_flag_is_in_a_run(parts: list[list[bool]]) -> None:
    runs = Runs()
    for part in parts:
        runs.feed(np.array(part, bool))
    flags = [flag for part in parts for flag in part]
    found = runs.finish().tolist()
    assert runs.frames == len(flags)
    assert [any(start <= at < end for start, end in found) for at in range(len(flags))] == flags
    assert all(one[1] < other[0] for one, other in pairwise(found))

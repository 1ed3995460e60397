"""A short attack: what `./dev chaos` does with 200 calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import attack


@pytest.mark.requirement("S1", "S123", "S125")
async def test_whatever_is_killed_nobody_is_recorded_unasked_and_every_loss_is_told(folder: Path) -> None:
    chaos, sums = await attack(calls=4, seed=3, folder=folder)
    assert sum(chaos.kills.values()) >= 1 and len(chaos.callers) >= 2
    assert {kind: found for kind, found in sums.wrong.items() if found} == {}

"""The small `./dev soak jobs`: workers and a retention run are killed; nothing is lost, doubled or left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.soak import Crew, delete_all, end_recordings, opened, work_off, wrong_after_deletion, wrong_after_ingest

COUNT = 90


@pytest.mark.requirement("S5")
def test_three_workers_of_which_one_is_killed_again_and_again(tmp_path: Path) -> None:
    with opened(tmp_path) as (config, place):
        with Crew(config, 3, quick=True) as crew:
            digests = end_recordings(place, COUNT)
            work_off(place, crew, every=1.5, limit=60)
        assert wrong_after_ingest(place, digests) == [] and len(digests) == COUNT
        assert crew.kills > 0
        delete_all(place, config, every=1.0)
        assert wrong_after_deletion(place, COUNT) == []

"""What is found in the spool: every kind of leftover ends in the vault, in nothing, or in an incident."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.jobs.site import Place, now, write_wav

OLD = 3600.0


def put(place: Place, name: str, age: float = OLD) -> Path:
    path = place.spool.folder / name
    write_wav(path, 0.1)
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.mark.requirement("S5")
def test_each_leftover_is_brought_in_shredded_or_told(place: Place) -> None:
    wanted = place.ended()
    discarded = place.ended("discarded")
    lost = place.ended("lost")
    live = place.ended("growing")
    orphan = put(place, f"{uuid.uuid4()}.wav")
    renamed = put(place, f"copy of {wanted}.wav")
    (place.spool.folder / "a folder").mkdir()
    put(place, f".callguard-{'0' * 16}.part")
    put(place, f"{uuid.uuid4()}.wav.shred", age=0)
    fresh = [put(place, f"{uuid.uuid4()}.wav", age=1), put(place, f".callguard-{'1' * 16}.part", age=1)]
    swept = place.sweep.run()
    assert swept.wanting == [wanted] and (swept.shredded, swept.incidents) == (3, 5)
    kept = {f"{wanted}.wav", f"{lost}.wav", f"{live}.wav", orphan.name, renamed.name, "a folder"}
    assert set(place.left()) == kept | {path.name for path in fresh} and f"{discarded}.wav" not in place.left()
    told = ["recording_found", "spool_leftover", "unknown_file", "unknown_file", "unknown_file"]
    assert place.kinds() == told == sorted(place.told)
    assert place.sweep.run().incidents == 0 and place.kinds() == told


def test_a_recording_that_never_gets_its_verdict_is_told_after_a_day(place: Place) -> None:
    live = place.ended("growing")
    path = place.spool.path(live, "whole")
    assert place.sweep.run().incidents == 0
    later = replace(place.sweep, now=lambda: now() + timedelta(hours=25))
    assert later.run().incidents == 1 and place.kinds() == ["recording_stuck"] and path.exists()

"""A time without a controller is an incident, whoever was away; a hand-over and a clock that is set are none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callguard.engine.absence import LONGEST, Absence

NOW = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)


class Watch:
    """One controller after another in the same folder. `there`: the PBX is in reach."""

    def __init__(self, folder: Path) -> None:
        self.path, self.there, self.told = folder / "alive", True, list[tuple[str, str]]()
        self.absence = self.begins()

    def begins(self) -> Absence:
        self.absence = Absence(self.path, lambda: self.there, lambda *found: self.told.append(found), 0.001)
        return self.absence

    def looks(self, seconds: float, ticks: float | None = None) -> None:
        self.absence.look(NOW + timedelta(seconds=seconds), seconds if ticks is None else ticks)


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


@pytest.mark.requirement("S125")
def test_a_controller_that_comes_back_tells_how_long_there_was_none(watch: Watch) -> None:
    watch.looks(0)
    watch.looks(1)
    watch.begins()
    watch.looks(61)
    ((kind, about),) = watch.told
    assert kind == "no_controller" and "from 2026-11-26T07:00:01+00:00 to 2026-11-26T07:01:01+00:00" in about
    assert "callguard reconcile --since 2026-11-26T07:00:01+00:00 --cdr" in about
    watch.looks(62)
    assert len(watch.told) == 1


def test_the_first_one_and_a_handover_are_no_gap(watch: Watch) -> None:
    watch.looks(0)
    watch.begins()
    watch.looks(LONGEST)
    assert watch.told == []


def test_a_pbx_out_of_reach_and_a_process_that_slept_are_one_too(watch: Watch) -> None:
    watch.looks(0)
    watch.there = False
    watch.looks(3)
    watch.looks(7)
    assert watch.told == []
    watch.there = True
    watch.looks(8)
    watch.looks(20)
    assert len(watch.told) == 2


def test_a_clock_that_is_set_is_none(watch: Watch) -> None:
    watch.looks(0)
    watch.looks(3600, ticks=1)
    watch.looks(2, ticks=2)
    assert watch.told == []


def test_where_it_cannot_be_marked_nothing_breaks(watch: Watch) -> None:
    watch.path.mkdir()
    watch.path.rmdir()
    watch.path = watch.path / "no" / "folder"
    watch.begins()
    watch.looks(0)
    watch.looks(9)
    assert watch.told == []


async def test_it_looks_again_and_again(watch: Watch) -> None:
    watching = asyncio.create_task(watch.absence.watch())
    async with asyncio.timeout(5):
        while not watch.path.exists():
            await asyncio.sleep(0.001)
    watching.cancel()
    assert watch.told == []

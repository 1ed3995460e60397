"""Verdicts come one after another; destruction waits for none of them."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from callguard.core.effects import DiscardRecording, MeasureRecording
from callguard.core.events import EffectFailed, Event, RecordingDiscarded, RecordingVerified
from callguard.engine.archive import Archive
from callguard.engine.verdict import Verdicts
from callguard.ports import Playable
from tests.fake_pbx import START


class Gated(Archive):
    """An archive that measures when the gate is open; `measured`: what it began with."""

    gate: ClassVar[threading.Event]
    measured: ClassVar[list[str]]

    def measure(self, effect: MeasureRecording, line: Playable | None) -> tuple[Event, ...]:
        self.measured.append(effect.recording_id)
        assert self.gate.wait(5)
        return (RecordingVerified(at=START, channel_id=effect.channel_id, recording_id=effect.recording_id),)


@pytest.fixture
def archive(tmp_path: Path) -> Gated:
    Gated.gate, Gated.measured = threading.Event(), []
    return Gated(tmp_path)


def measure(name: str) -> MeasureRecording:
    return MeasureRecording(channel_id="far", recording_id=name, seconds=1.0)


async def test_one_at_a_time_each_once_and_no_discard_waits(archive: Gated) -> None:
    verdicts = Verdicts()
    asked = [asyncio.create_task(verdicts.of(archive, measure(name), None)) for name in ("a", "b", "a")]
    (gone,) = await asyncio.wait_for(
        verdicts.of(archive, DiscardRecording(channel_id="far", recording_id="c"), None), 5
    )
    assert isinstance(gone, RecordingDiscarded) and archive.measured == ["a"]
    archive.gate.set()
    (first,), (second,), again = await asyncio.gather(*asked)
    assert isinstance(first, RecordingVerified) and isinstance(second, RecordingVerified) and again == ()
    assert archive.measured == ["a", "b"]
    (more,) = await verdicts.of(archive, measure("a"), None)  # once more, when it is asked
    assert isinstance(more, RecordingVerified)
    verdicts.close()


async def test_the_end_waits_for_no_verdict_that_has_not_begun(archive: Gated) -> None:
    verdicts = Verdicts()
    asked = [asyncio.create_task(verdicts.of(archive, measure(name), None)) for name in ("a", "b")]
    while archive.measured != ["a"]:
        await asyncio.sleep(0.005)
    verdicts.close()
    archive.gate.set()
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(done[0], tuple) and isinstance(done[0][0], RecordingVerified)
    assert isinstance(done[1], asyncio.CancelledError)
    assert await verdicts.of(archive, measure("c"), None) == () and archive.measured == ["a"]


async def test_a_disk_that_says_no_is_a_fact(tmp_path: Path) -> None:
    class Broken(Archive):
        def measure(self, effect: MeasureRecording, line: Playable | None) -> tuple[Event, ...]:
            raise PermissionError("read-only")

    (failed,) = await Verdicts().of(Broken(tmp_path), measure("a"), None)
    assert (
        isinstance(failed, EffectFailed) and failed.effect == "MeasureRecording" and failed.reason == "PermissionError"
    )

"""The demo: its judges against hand-made calls, kept and broken promises, and the whole of it once for real."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from callguard.core.events import DigitPressed
from callguard.core.recording import Mask
from callguard.lab.asterisk import Asterisk
from callguard.lab.demo import Demo, Told, card_keys, is_over, mask_spans, notice_in_time
from callguard.lab.scene import SCENES
from callguard.lab.scene import Stage as Phones
from callguard.lab.sip import Phone
from callguard.lab.stand import Stand
from callguard.ports import EventRow, StoredCall
from callguard.store.memory import MemoryLog
from tests.audio.sound import noise, stereo, write
from tests.engine.stage import Stage
from tests.lab.left import processes
from tests.store import rows

CALL = rows.new_id()


# ---------------------------------------------------------------- the judges
def row(type: str, seconds: float = 0.0, offset: int | None = None, over: bool = False, **data: object) -> EventRow:
    blank = rows.row(CALL, 1, b"")
    decision = {"state": {"over": over}}
    at = rows.START + timedelta(seconds=seconds)
    return replace(blank, type=type, at=at, offset_samples=offset, data=data, decision=decision)


def call(*events: EventRow) -> StoredCall:
    return StoredCall(rows.head(CALL), events)


@pytest.mark.parametrize(
    ("events", "spans"),
    [
        ((), []),
        ((("mask", 100), ("unmask", 300)), [(100, 300)]),
        ((("mask", 100),), [(100, 1000)]),
        ((("mask", None), ("unmask", 300)), [(0, 300)]),
        ((("mask", 100), ("unmask", 300), ("mask", 500), ("unmask", 9000)), [(100, 300), (500, 1000)]),
        ((("mask", 1000), ("unmask", 1200)), []),
        ((("unmask", 300), ("mask", 400)), [(400, 1000)]),
    ],
)
def test_masked_stretches_in_samples(events: tuple[tuple[str, int | None], ...], spans: list[tuple[int, int]]) -> None:
    made = [row(f"{word}_acknowledged", offset=offset) for word, offset in events]
    assert mask_spans(call(*made), 1000) == spans


@pytest.mark.parametrize(
    ("answered", "started", "ended", "fine"),
    [
        (0.0, 1.9, 9.9, True),
        (0.0, 2.1, 9.0, False),
        (0.0, 1.0, 10.1, False),
        (0.0, 1.0, None, True),
        (0.0, None, None, False),
        (3.0, 4.9, 12.9, True),
    ],
)
def test_a_notice_in_time(answered: float, started: float | None, ended: float | None, fine: bool) -> None:
    events = [row("call_started"), row("channel_answered", answered)]
    events += [row("notice_started", started, script="notice")] if started is not None else []
    events += [row("notice_ended", ended, script="notice")] if ended is not None else []
    events += [row("notice_started", 30, script="refusal"), row("notice_ended", 33, script="refusal")]
    assert notice_in_time(call(*events)) is fine


def test_the_answer_key_is_no_key_of_the_card() -> None:
    assert card_keys(call()) == []
    assert card_keys(call(row("digit_pressed", digit="1"), row("digit_pressed", digit="*"))) == []
    assert card_keys(call(row("digit_pressed", digit="1"), row("digit_pressed", digit="4"))) == ["4"]


def test_a_call_is_over_when_a_decision_says_so() -> None:
    assert not is_over(call()) and not is_over(call(row("call_started")))
    assert is_over(call(row("call_started"), row("channel_hung_up", over=True)))
    assert not is_over(call(replace(row("digit_pressed"), decision=None)))


def test_nothing_checked_is_nothing_promised_and_kept() -> None:
    assert not Told(SCENES[0]).ok
    assert Told(SCENES[0], checks={"a": True}).ok
    assert not Told(SCENES[0], checks={"a": True, "b": False}).ok
    document = Told(SCENES[0], "id", {"a": True}, ["f.wav"], 3, {"seconds": 1.5}).document()
    assert document == {
        "call": 1, "does": "presses 1", "call_id": "id", "ok": True, "checks": {"a": True}, "files": ["f.wav"],
        "rows": 3, "seconds": 1.5,
    }  # fmt: skip


# ---------------------------------------------------------------- one call, judged
def masked(stage: Stage, mask: Mask) -> bool:
    running = stage.call("far").running
    return running is not None and running.mask is mask


@dataclass
class Judge:
    """A call that was recorded and paused in the middle, with a file of 4 s; the pause is its second second."""

    folder: Path
    number: int = 4
    loud: bool = False
    deaf: bool = False
    unknown: bool = False

    async def verdict(self) -> Told:
        async with Stage(self.folder / "engine").running() as stage:
            recording_id, stored = await self._call(stage)
            assert isinstance(stage.log, MemoryLog)
            demo = Demo(self._stand(recording_id), MemoryLog() if self.unknown else stage.log, print)
            caller, agent = await Phone.open("caller"), await Phone.open("agent4")
            demo.stages[self.number] = Phones(self.number, caller, agent, stored, heard_each_other=not self.deaf)
            try:
                return await demo._judge(SCENES[self.number - 1])
            finally:
                await demo.close()

    async def _call(self, stage: Stage) -> tuple[str, StoredCall]:
        recording_id = await stage.talk()
        for mask in (Mask.ON, Mask.OFF):
            stage.pbx.after(5)
            for key in "*8":
                stage.pbx.say(DigitPressed(at=stage.pbx.now, channel_id="agent1", digit=key))
            await stage.until(partial(masked, stage, mask))
        stored = await stage.finish("far", "agent1")
        last = max(place for place, item in enumerate(stored.events) if item.type == "unmask_acknowledged")
        ended = replace(stored.events[last], offset_samples=16000)
        return recording_id, replace(stored, events=(*stored.events[:last], ended, *stored.events[last + 1 :]))

    def _stand(self, recording_id: str) -> Stand:
        stand = Stand(self.folder / "stand")
        stand.asterisk = Asterisk(stand.work)
        stand.recordings.mkdir(parents=True)
        sound = stereo(noise(4, -20), noise(4, -20, 2))
        if not self.loud:
            sound[8000:16000] = 0
        write(stand.recordings / f"{recording_id}.wav", sound)
        return stand


@pytest.mark.requirement("S126")
async def test_a_call_that_kept_every_promise(tmp_path: Path) -> None:
    told = await Judge(tmp_path).verdict()
    assert told.ok, told.checks
    assert len(told.files) == 1 and told.rows > 10 and told.figures["seconds"] == 4.0
    assert 0 <= told.figures["silence removed"] < 4


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        ({"loud": True}, "digital silence inside the pause"),
        ({"deaf": True}, "both sides heard each other"),
        ({"unknown": True}, "chain, replay and invariants hold"),
        ({"number": 2}, "told, asked and answered as expected"),
        ({"number": 2}, "recording: none"),
        ({"number": 5}, "a file only where it may be"),
    ],
)
async def test_a_broken_promise_is_named(tmp_path: Path, broken: dict[str, Any], check: str) -> None:
    told = await replace(Judge(tmp_path), **broken).verdict()
    assert not told.ok and told.checks[check] is False, told.checks


async def test_a_call_that_never_came_is_no_kept_promise(tmp_path: Path) -> None:
    demo = Demo(Stand(tmp_path), MemoryLog(), print)
    demo.stages[1] = Phones(1, await Phone.open("caller"), await Phone.open("agent1"))
    assert (await demo._judge(SCENES[0])).checks == {"the call reached callguard": False}
    await demo.close()


# ---------------------------------------------------------------- the whole of it
@pytest.mark.requirement("S1", "S13", "S16", "S44", "S45", "S126")
async def test_the_demo_keeps_every_promise_and_leaves_nothing_behind(folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "callguard", "demo", "--json",
        env={**os.environ, "TMPDIR": str(folder)}, cwd=folder, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    document = json.loads(out)
    assert process.returncode == 0, (document, err.decode()[-2000:])
    assert document["ok"] and [item["call"] for item in document["calls"]] == [1, 2, 3, 4, 5]
    for item, scene in zip(document["calls"], SCENES, strict=True):
        assert item["ok"] and all(item["checks"].values()) and item["rows"] > 5, item
        assert bool(item["files"]) == (scene.recording == "verified"), item
        assert ("silence removed" in item) == bool(item["files"])
    lines = err.decode()
    assert all(f"call {number}  notice started" in lines for number in range(1, 6)) and "Traceback" not in lines
    assert os.listdir(folder) == [] and processes(folder) == set()

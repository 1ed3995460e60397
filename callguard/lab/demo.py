"""The demo: five real calls to a real Asterisk or FreeSWITCH, told, asked, recorded or not, and proved. Its exit status
is the verdict.

What belongs here: the run and what is shown. What does not: the calls (scene.py), the site (stand.py).
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from callguard.lab.freeswitch_stand import FreeSwitchStand
from callguard.lab.scene import CARD, SCENES, Scene, Stage, speech
from callguard.lab.sip import Phone
from callguard.lab.stand import Stand
from callguard.ports import EventRow, StoredCall
from callguard.proof import prove
from callguard.store.keys import load_master_key
from callguard.store.memory import MemoryLog
from callguard.store.postgres import PostgresLog

DIALPLAN = """\
[inbound]
exten => _10X,1,Gosub(callguard,s,1(support,inbound))
 same => n,Dial(PJSIP/agent${EXTEN:2},30)
 same => n,Hangup()
exten => 200,1,Gosub(callguard,s,1(support,inbound))
 same => n,Answer()
 same => n,Queue(support,,,,120)
 same => n,Hangup()

[agents]
exten => _X,1,Dial(PJSIP/agent${EXTEN},20)
 same => n,Hangup()

[internal]
exten => _60X,1,Dial(PJSIP/agent${EXTEN:2},20)
 same => n,Hangup()
"""
POLL = 0.1
MARGIN = 320  # samples: two packets at either end of a mask belong to nobody
Say = Callable[[str], None]


@dataclass
class Told:
    """The verdict on one call: every check by name, and figures."""

    scene: Scene
    call_id: str = ""
    checks: dict[str, bool] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    rows: int = 0
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether all that was promised was kept."""
        return bool(self.checks) and all(self.checks.values())

    def document(self) -> dict[str, Any]:
        """This verdict as JSON."""
        own = {"call": self.scene.number, "does": self.scene.title, "call_id": self.call_id, "ok": self.ok}
        return own | {"checks": self.checks, "files": self.files, "rows": self.rows, **self.figures}


@dataclass
class Demo:
    """One run of the five calls on STAND. `say` gets a line of the timeline at a time."""

    stand: Stand
    log: PostgresLog | MemoryLog
    say: Say
    stages: dict[int, Stage] = field(default_factory=dict)
    started: datetime | None = None

    async def play(self) -> list[Told]:
        """Place the calls side by side, wait until each has its verdict, and judge."""
        await self._phones()
        watch = asyncio.create_task(self._watch())
        try:
            return await asyncio.gather(*(self._one(scene) for scene in SCENES))
        finally:
            watch.cancel()

    async def close(self) -> None:
        """Put the phones away."""
        phones = [phone for stage in self.stages.values() for phone in (stage.agent, stage.caller)]
        await asyncio.gather(*(phone.close() for phone in phones))

    async def _one(self, scene: Scene) -> Told:
        await self._place(scene)
        await self._over(self.stages[scene.number])
        return await self._judge(scene)

    async def _phones(self) -> None:
        for scene in SCENES:
            port = self.stand.agent_ports[f"agent{scene.number}"]
            agent = await Phone.open(f"agent{scene.number}", self.stand.server, port=port, answer_after=0.4)
            caller = await Phone.open("caller", self.stand.server)
            agent.media = speech(scene.number + 5)
            self.stages[scene.number] = Stage(scene.number, caller, agent)

    async def _place(self, scene: Scene) -> None:
        await asyncio.sleep(scene.number * 0.05)
        await scene.play(self.stages[scene.number])

    # ------------------------------------------------------------ the event log, as it grows
    async def _watch(self) -> None:
        numbers: dict[str, int] = {}
        while True:
            async for head in self.log.calls():
                numbers[head.call_id] = numbers.get(head.call_id) or await self._number(head.call_id)
            for call_id, number in numbers.items():
                if number:
                    await self._look(call_id, self.stages[number])
            await asyncio.sleep(POLL)

    async def _number(self, call_id: str) -> int:
        """Which call of the demo this is: the caller's display name, decrypted, says so."""
        for party in await self.log.party(call_id):
            if (name := party.values.get("display", "")).startswith("demo "):
                return int(name[5:])
        return 0

    async def _look(self, call_id: str, stage: Stage) -> None:
        before = len(stage.stored.events) if stage.stored else 0
        stored = await self.log.load(call_id)
        if stored is None or len(stored.events) == before:
            return
        self.started = self.started or stored.call.started_at
        stage.stored = stored
        for row in stored.events[before:]:
            self._tell(stage.number, row)
        stage.moved.set()
        stage.moved = asyncio.Event()

    def _tell(self, number: int, row: EventRow) -> None:
        if row.type in _QUIET or self.started is None:
            return
        seconds = (row.at - self.started).total_seconds()
        words = " ".join(str(value) for key, value in row.data.items() if key in _SHOWN and value not in ("", -1))
        self.say(f"{seconds:8.3f} s  call {number}  {row.type.replace('_', ' '):24} {words}")

    async def _over(self, stage: Stage) -> None:
        async with asyncio.timeout(20):
            while not (stage.stored and is_over(stage.stored)):
                await stage.moved.wait()

    # ------------------------------------------------------------ judging
    async def _judge(self, scene: Scene) -> Told:
        stored = self.stages[scene.number].stored
        if stored is None:
            return Told(scene, checks={"the call reached callguard": False})
        told = Told(scene, stored.call.call_id, rows=len(stored.events))
        recordings = {item.recording_id: item.state for item in stored.recordings}
        found = [path for key in recordings for path in sorted(self.stand.recordings.glob(f"{key}*"))]
        told.files = [path.name for path in found]
        types = [row.type for row in stored.events]
        told.checks["told, asked and answered as expected"] = scene.consent in types
        told.checks[f"recording: {scene.recording}"] = (list(recordings.values()) or ["none"]) == [scene.recording]
        told.checks["both sides heard each other"] = self.stages[scene.number].heard_each_other
        told.checks["notice within 10 s, begun within 2 s"] = notice_in_time(stored)
        told.checks["a file only where it may be"] = bool(found) == (scene.recording == "verified")
        for path in found:
            self._hear(path, stored, told)
        await self._prove(told)
        return told

    def _hear(self, path: Path, stored: StoredCall, told: Told) -> None:
        """Listen to the file itself: every masked stretch is digital silence, the rest is not."""
        with wave.open(str(path), "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, file.getnchannels())
        masks = mask_spans(stored, len(samples))
        silent = [not samples[start + MARGIN : end - MARGIN].any() for start, end in masks]
        told.checks["the audio holds speech of both sides"] = bool(samples[:, 0].any() and samples[:, 1].any())
        told.figures["seconds"] = round(len(samples) / 8000, 2)
        if told.scene.number == 4:
            told.checks["digital silence inside the pause"] = bool(silent) and all(silent)
            told.checks["no key of the card is stored"] = not card_keys(stored)

    async def _prove(self, told: Told) -> None:
        stored = await self.log.load(told.call_id)
        told.checks["chain, replay and invariants hold"] = stored is not None and not prove(stored)
        for name in told.files:
            await self._trim(self.stand.recordings / name, told)

    async def _trim(self, path: Path, told: Told) -> None:
        folder = self.stand.work / "trimmed"
        folder.mkdir(exist_ok=True)
        kept = folder / f"{path.stem}.json"
        status, _, _ = await self.stand.run(
            "trim",
            str(path),
            str(folder / path.name),
            "--segments",
            str(kept),
            "--map",
            str(folder / f"{path.stem}.map.json"),
            check=False,
        )
        told.checks["silence trimmed"] = status == 0
        if status == 0:
            seconds = sum(item["end"] - item["start"] for item in json.loads(kept.read_text()))
            told.figures["silence removed"] = round(told.figures["seconds"] - seconds, 2)


_QUIET = {"channel_seen", "party_identified", "deadline_passed", "channel_answered", "recording_growing"}
_SHOWN = {"script", "digit", "how", "mode", "incident", "prompt", "findings"}


def is_over(stored: StoredCall) -> bool:
    """Whether the last decision says that nothing more is expected of this call."""
    return any(row.decision and row.decision["state"].get("over") for row in stored.events)


def notice_in_time(stored: StoredCall) -> bool:
    """Begun within 2 s of the answer, and ended within 10 s of it (or cut short by a refusal)."""
    at = {row.type: row.at for row in reversed(stored.events) if row.data.get("script", "notice") == "notice"}
    answered = max(at["call_started"], at.get("channel_answered", at["call_started"]))
    if "notice_started" not in at or (at["notice_started"] - answered).total_seconds() > 2:
        return False
    return "notice_ended" not in at or (at["notice_ended"] - answered).total_seconds() <= 10


def mask_spans(stored: StoredCall, length: int) -> list[tuple[int, int]]:
    """Masked stretches in samples: from the answer to the mask to the answer to the unmask, or to the end."""
    spans: list[tuple[int, int]] = []
    for row in stored.events:
        if row.type == "mask_acknowledged":
            spans.append((row.offset_samples or 0, length))
        elif row.type == "unmask_acknowledged" and spans:
            spans[-1] = (spans[-1][0], row.offset_samples or length)
    return [(start, min(end, length)) for start, end in spans if start < length]


def card_keys(stored: StoredCall) -> list[str]:
    """Keys that were stored although they belong to the card number: none."""
    pressed = [str(row.data["digit"]) for row in stored.events if row.type == "digit_pressed"]
    return [digit for digit in pressed[1:] if digit in CARD]


def _folder() -> Path:
    """A folder of this run's own. Postgres may run as another user: what is secret inside has modes of its own."""
    work = Path(tempfile.mkdtemp(prefix="callguard-demo-"))
    work.chmod(0o755)
    return work


@asynccontextmanager
async def _demo(stand: Stand, say: Say) -> AsyncIterator[Demo]:
    """The calls of a STAND that is up, with its event log open."""
    log = await PostgresLog.open(stand.postgres.app_dsn, load_master_key(stand.work / "master.key"))
    demo = Demo(stand, log, say)
    try:
        yield demo
    finally:
        await demo.close()
        await log.close()


async def run_demo(say: Say, *, keep: bool, kept: Callable[[Stand], Any], freeswitch: bool = False) -> list[Told]:
    """The whole demo in a folder of its own. KEEP: leave all up, and wait in KEPT until it returns. FREESWITCH: on the
    FreeSWITCH of this machine. Raises Unreachable where there is none.
    """
    work = _folder()
    stand = FreeSwitchStand(work) if freeswitch else Stand(work, dialplan=DIALPLAN)
    try:
        async with stand, _demo(stand, say) as demo:
            told = await demo.play()
            if keep:
                await kept(stand)
            return told
    finally:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)

"""Halts: no recording of a call type, of a number that is called, or of anything, from now on and on live calls too.

What belongs here: which halts stand, on disk before they count as placed; stopping what they cover. What does not: what
a stop is (core/), the commands (cli/halt.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from callguard.core.word import Action
from callguard.engine import clock
from callguard.engine.acting import act
from callguard.engine.registrar import Entry
from callguard.engine.runner import Runner
from callguard.errors import BadInput
from callguard.store.chain import canonical

PLACED, RELEASED = "halt_placed", "halt_released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """One that stands. `call_type`, `number`: what it covers; both '': everything. `number`: digits."""

    halt_id: str
    at: str
    operator: str
    call_type: str = ""
    number: str = ""

    def covers(self, call_type: str, dialled: str) -> bool:
        """Whether a call of this type to this number is covered. A number that nobody knows, '', may be any."""
        if self.number:
            return digits(dialled) in ("", self.number)
        return self.call_type in ("", call_type)


def digits(number: str) -> str:
    """The digits of NUMBER."""
    return "".join(char for char in number if char in "0123456789")


@dataclass
class Halts:
    """All that stand, in the file PATH. Raises BadInput where it cannot be read: who cannot know must not record."""

    path: Path
    standing: dict[str, Halt] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What an earlier controller was told still counts."""
        try:
            found = json.loads(self.path.read_bytes()) if self.path.exists() else []
            self.standing = {item["halt_id"]: Halt(**item) for item in found}
        except (OSError, ValueError, TypeError, KeyError):
            raise BadInput(f"{self.path}: cannot be read; what is halted is unknown: mend it or remove it") from None

    def covers(self, call_type: str, dialled: str) -> bool:
        """Whether nothing is to be recorded of such a call."""
        return any(halt.covers(call_type, dialled) for halt in self.standing.values())

    def put(self, standing: Mapping[str, Halt]) -> None:
        """STANDING and no others stand; durable when this returns. Raises OSError, and then nothing has changed."""
        draft = self.path.with_suffix(".new")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(file, json.dumps([asdict(halt) for halt in standing.values()]).encode())
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(draft, self.path)
        self.standing = dict(standing)


@dataclass(frozen=True)
class Halting:
    """Places and releases halts over the live RUNNERS. `kinds`: names of call types; `dialled`: the number by
    which a live call's channel came in, '' where nobody knows; `note`: enters what was done into the register;
    `adopted`: whether calls of the controller before were taken over."""

    halts: Halts
    runners: Mapping[str, Runner]
    kinds: Callable[[], Iterable[str]]
    dialled: Callable[[str], str]
    note: Callable[[Entry], None]
    adopted: Callable[[], bool] = lambda: True

    async def answer(self, request: Mapping[str, Any], operator: str) -> dict[str, Any]:
        """One request of the command line."""
        match request.get("halt"):
            case "place":
                return await self._place(request, operator)
            case "release":
                return self._release(request, operator)
            case _:
                return {"halts": [asdict(halt) for halt in self.halts.standing.values()]}

    async def _place(self, request: Mapping[str, Any], operator: str) -> dict[str, Any]:
        kind, number = str(request.get("call_type", "")), digits(str(request.get("number", "")))
        if kind and kind not in self.kinds():
            return {"error": f"{kind}: no call type has this name; they are {', '.join(sorted(self.kinds()))}"}
        at = clock.read().wall
        halt = Halt(halt_id=str(uuid.uuid4()), at=at.isoformat(), operator=operator, call_type=kind, number=number)
        began = time.monotonic()
        self.halts.standing[halt.halt_id] = halt  # first: covers who comes meanwhile, and waits for no disk
        stopped = await asyncio.gather(*(act(runner, {"action": Action.STOP}, operator) for runner in self._live(halt)))
        took = round((time.monotonic() - began) * 1000, 1)
        problems = [str(each["error"]) for each in stopped if "error" in each]
        if not self.adopted():
            problems.append(
                "calls of the controller before are not taken over yet: they stop when PBX and log are back"
            )
        if not self._put(self.halts.standing):
            problems.append(f"{self.halts.path} cannot be written: the halt ends with this controller")
        self.note(_entry(PLACED, halt, at, operator, str(request.get("reason", ""))))
        if problems:
            return {"error": "; ".join(dict.fromkeys(problems)), "finding": True}
        return asdict(halt) | {"stopped": [each["call_id"] for each in stopped], "milliseconds": took}

    def _release(self, request: Mapping[str, Any], operator: str) -> dict[str, Any]:
        halt = self.halts.standing.get(str(request.get("id", "")))
        if halt is None:
            return {"error": "no halt has this id; see `callguard halt list`"}
        if not self._put({key: each for key, each in self.halts.standing.items() if each is not halt}):
            return {"error": f"{self.halts.path} cannot be written: the halt stands", "finding": True}
        self.note(_entry(RELEASED, halt, clock.read().wall, operator, str(request.get("reason", ""))))
        return asdict(halt)

    def _live(self, halt: Halt) -> list[Runner]:
        covered = (each for each in self.runners.values() if not each.call.over)
        return [each for each in covered if halt.covers(each.call.call_type.name, self.dialled(each.call.anchor))]

    def _put(self, standing: Mapping[str, Halt]) -> bool:
        try:
            self.halts.put(standing)
        except OSError:
            return False
        return True


def _entry(kind: str, halt: Halt, at: datetime, operator: str, reason: str) -> Entry:
    """An entry of the register. A number is sealed with the reason."""
    scope = "number" if halt.number else "call_type" if halt.call_type else "everything"
    content = {"halt": halt.halt_id, "scope": scope, "call_type": halt.call_type}
    said = f"{reason} (number {halt.number})" if halt.number else reason
    version = hashlib.sha256(canonical(content)).hexdigest()
    return Entry(at=at, kind=kind, version=version, author=operator, reason=said, content=content)

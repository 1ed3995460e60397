"""The five calls of the demo: what each caller does, and what must come of it.

What belongs here: phones' behaviour and expectations. What does not: starting the site (stand.py), showing it
(demo.py).
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from callguard.audio.prompt import load_prompts, shipped_prompts
from callguard.lab.dialog import Call
from callguard.lab.media import RATE, Samples, WavSource
from callguard.lab.sip import Phone
from callguard.ports import StoredCall

CARD = "4111111111111111"
"""A card number that no card has; its keys must not be found anywhere afterwards."""


@dataclass
class Stage:
    """One call under way: the caller's phone and its agent's; `stored`: what the event log holds of it so far."""

    number: int
    caller: Phone
    agent: Phone
    stored: StoredCall | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    call: Call | None = None
    heard_each_other: bool = False

    async def begin(self) -> Call:
        """Dial; the call is known by its display name."""
        self.call = await self.caller.dial(f"10{self.number}", media=speech(self.number), display=f"demo {self.number}")
        await self.call.answered()
        return self.call

    async def seen(self, type: str, seconds: float = 40.0, **data: object) -> None:
        """Wait until a row of this type, with these data, is in the event log."""
        async with asyncio.timeout(seconds):
            while not self._has(type, data):
                await self.moved.wait()

    def _has(self, type: str, data: dict[str, object]) -> bool:
        rows = self.stored.events if self.stored else ()
        return any(row.type == type and data.items() <= row.data.items() for row in rows)

    async def talk(self, seconds: float) -> Call:
        """Wait for the agent, and talk so long. Returns the agent's side."""
        agent = await self.agent.incoming(timeout=60)
        await agent.answered()
        since = asyncio.get_running_loop().time()
        await asyncio.sleep(seconds)
        sides = [side.heard().between(since, since + seconds) for side in (agent, self.call) if side]
        self.heard_each_other = len(sides) == 2 and all(bool(side.any()) for side in sides)
        return agent

    def notice_over(self) -> Awaitable[None]:
        """Wait for the end of the notice."""
        return self.seen("notice_ended", script="notice")


async def agrees(stage: Stage) -> None:
    """Presses 1, and is recorded."""
    call = await stage.begin()
    await stage.notice_over()
    await call.press("1")
    await stage.talk(7)
    await call.hangup()


async def refuses(stage: Stage) -> None:
    """Presses 2 in the middle of the notice, and talks unrecorded."""
    call = await stage.begin()
    await stage.seen("notice_started", script="notice")
    await asyncio.sleep(2)
    await call.press("2")
    await stage.talk(4)
    await call.hangup()


async def stays_silent(stage: Stage) -> None:
    """Says nothing: silence is not consent."""
    call = await stage.begin()
    await stage.talk(2)
    await call.hangup()


async def pays(stage: Stage) -> None:
    """Presses 1; the agent pauses, the caller types a card number, the agent resumes."""
    call = await stage.begin()
    await stage.notice_over()
    await call.press("1")
    agent = await stage.talk(3.5)
    await agent.press("*8")
    await stage.seen("mask_acknowledged")
    await call.press(CARD, seconds=0.06, gap=0.06)
    await agent.press("*8")
    await stage.seen("unmask_acknowledged")
    await asyncio.sleep(2)
    await call.hangup()


async def withdraws(stage: Stage) -> None:
    """Presses 1, and *7 in the middle of the conversation: what was captured is destroyed."""
    call = await stage.begin()
    await stage.notice_over()
    await call.press("1")
    await stage.talk(4)
    await call.press("*7")
    await stage.seen("notice_ended", script="withdrawal")
    await asyncio.sleep(1)
    await call.hangup()


@dataclass(frozen=True)
class Scene:
    """One call of the demo. `consent`: the row that must be there; `recording`: the state it must end in."""

    number: int
    title: str
    play: Callable[[Stage], Awaitable[None]]
    consent: str
    recording: str


SCENES = (
    Scene(1, "presses 1", agrees, "consent_granted", "verified"),
    Scene(2, "presses 2", refuses, "consent_refused", "none"),
    Scene(3, "says nothing", stays_silent, "consent_silent", "none"),
    Scene(4, "presses 1, card number paused", pays, "consent_granted", "verified"),
    Scene(5, "presses 1, withdraws later", withdraws, "consent_withdrawn", "discarded"),
)


def speech(seed: int) -> WavSource:
    """Speech that nobody can understand: the shipped voice backwards, with pauses, different for each SEED."""
    prompts = sorted(load_prompts(shipped_prompts(), "en").values(), key=lambda prompt: prompt.id)
    pieces: list[Samples] = []
    for turn in range(4):
        with wave.open(str(prompts[(seed + turn) % len(prompts)].path), "rb") as file:
            voice = np.frombuffer(file.readframes(RATE * 2), dtype="<i2").astype(np.int16)[::-1]
        pieces += [voice, np.zeros(RATE * (1 + (seed + turn) % 2), dtype=np.int16)]
    return WavSource(np.concatenate(pieces))

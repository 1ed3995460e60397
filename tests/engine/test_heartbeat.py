"""The controller's side of the dead-man switch, against a guard that a test plays."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from callguard.engine.heartbeat import BEAT, Heartbeat


@dataclass
class Played:
    """A guard of the test's making, and what the controller made of it."""

    path: Path
    status: dict[str, object] = field(default_factory=lambda: {"ready": True, "trips": 0})
    deaf: bool = False
    lines: list[bytes] = field(default_factory=list)
    alive: list[bool] = field(default_factory=list)
    spawned: int = 0
    acted: int = 0
    server: asyncio.Server | None = None
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    beat: Heartbeat = field(init=False)

    async def listen(self) -> None:
        self.path.unlink(missing_ok=True)
        self.server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def die(self) -> None:
        assert self.server
        self.server.close()
        for writer in self.writers:
            writer.close()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self.lines.append(line)
                if not self.deaf:
                    writer.write(json.dumps(self.status).encode() + b"\n")

    def spawn(self) -> None:
        self.spawned += 1

    async def act(self) -> None:
        self.acted += 1

    async def until(self, holds: object) -> None:
        assert callable(holds)
        for _ in range(1000):
            if holds():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it never came to that")


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    own = Played(tmp_path / "guard.sock")
    own.beat = Heartbeat(own.path, own.spawn, own.alive.append, own.act)
    running = asyncio.create_task(own.beat.run())
    yield own
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    if own.server:
        await own.die()


@pytest.mark.requirement("S123")
async def test_a_guard_is_started_where_none_listens_and_beaten_to(played: Played) -> None:
    await played.until(lambda: played.spawned > 0)
    assert played.alive == [] or not any(played.alive)
    await played.listen()
    await played.until(lambda: len(played.lines) > 2 and played.alive)
    assert set(played.lines) == {b"beat\n"} and all(played.alive)


async def test_a_guard_that_is_not_ready_does_not_count(played: Played) -> None:
    played.status["ready"] = False
    await played.listen()
    await played.until(lambda: played.alive)
    assert not any(played.alive)


@pytest.mark.parametrize("fate", ["dies", "falls silent", "talks nonsense"])
async def test_a_guard_that_is_gone_is_noticed_and_replaced(played: Played, fate: str) -> None:
    await played.listen()
    await played.until(lambda: played.alive[-1:] == [True])
    match fate:
        case "dies":
            await played.die()
        case "falls silent":
            played.deaf = True
        case _:
            played.status = {"neither": "nor"}
    await played.until(lambda: played.alive[-1:] == [False])
    if fate == "dies":
        await played.until(lambda: played.spawned > 0)
        await played.listen()
    played.deaf, played.status = False, {"ready": True, "trips": 0}
    await played.until(lambda: played.alive[-1:] == [True])


async def test_what_the_guard_did_is_asked_for_once(played: Played) -> None:
    await played.listen()
    await played.until(lambda: played.alive)
    assert played.acted == 0
    played.status["trips"] = 1
    await played.until(lambda: played.acted)
    before = len(played.lines)
    await played.until(lambda: len(played.lines) > before + 2)
    assert played.acted == 1


async def test_the_end_in_good_order(tmp_path: Path) -> None:
    own = Played(tmp_path / "guard.sock")
    beat = Heartbeat(own.path, own.spawn, own.alive.append, own.act)
    assert not await beat.end()  # nobody listens: nothing to end
    await own.listen()
    assert await beat.end()
    assert own.lines == [b"quit\n"]
    await own.die()


async def test_a_hand_over_is_said_and_no_beat_follows_it(played: Played) -> None:
    await played.listen()
    await played.until(lambda: played.alive)
    assert await played.beat.end(handover=True)
    await played.until(lambda: b"handover\n" in played.lines)
    await asyncio.sleep(3 * BEAT)
    assert played.lines[-1] == b"handover\n" and b"quit\n" not in played.lines


@pytest.mark.requirement("S123")
async def test_who_cannot_reach_its_recorders_leaves_them_to_the_guard(played: Played) -> None:
    away = [True]
    played.beat.helpless = lambda: away[0]
    await played.listen()
    await played.until(lambda: len(played.lines) > 2)
    assert played.lines[0] == b"beat\n" and set(played.lines[1:]) == {b"status\n"}  # the first one arms it
    played.status["trips"] = 1
    await played.until(lambda: played.acted)
    await asyncio.sleep(3 * BEAT)
    assert played.acted == 1
    away[0] = False
    await played.until(lambda: played.lines[-1] == b"beat\n")

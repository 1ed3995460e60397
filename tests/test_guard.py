"""The guard against a scripted AMI: when it trips, what it stops, whom it sends on, and what it writes down."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from callguard.engine.recovery import guard_acts
from callguard.guard import HANDOVER, Guard
from callguard.pbx.asterisk.register import RegisterFile
from callguard.pbx.asterisk.rescue import NO_RIGHT, AsteriskRescue
from callguard.pbx.asterisk.site import AmiAddress

Action = dict[str, str]


@dataclass
class ScriptedAmi:
    """Logs everybody in and says yes, unless `refuse` names the action with a reason. `asked`: what came, in order;
    `channels`: what is listed, by id: application and its data."""

    port: int = 0
    asked: list[Action] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    channels: dict[str, tuple[str, str]] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedAmi]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in block.strip().split("\r\n"))
                writer.write(self._answer(action).encode())
        writer.close()

    def _answer(self, action: Action) -> str:
        if action["Action"] not in ("Login", "Filter", "Ping", "CoreShowChannels"):
            self.asked.append(action)
        reason = self.refuse.get(action["Action"])
        lines = ["Response: Error", f"Message: {reason}"] if reason else ["Response: Success", "Value: mix-of-channel"]
        answer = "\r\n".join([*lines, f"ActionID: {action['ActionID']}", "", ""])
        return answer + self._listed() if action["Action"] == "CoreShowChannels" and not reason else answer

    def _listed(self) -> str:
        rows = (
            f"Event: CoreShowChannel\r\nUniqueid: {name}\r\nApplication: {app}\r\nApplicationData: {data}\r\n\r\n"
            for name, (app, data) in self.channels.items()
        )
        return "".join(rows) + "Event: CoreShowChannelsComplete\r\n\r\n"

    def of(self, kind: str) -> list[Action]:
        return [action for action in self.asked if action["Action"] == kind]


@dataclass
class Watch:
    """A guard that runs, its AMI, and a controller's line to it."""

    guard: Guard
    ami: ScriptedAmi

    async def beat(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A controller connects and beats once."""
        reader, writer = await asyncio.open_unix_connection(str(self.guard.socket))
        await say(reader, writer, b"beat\n")
        return reader, writer

    async def until(self, holds: Callable[[], object]) -> None:
        for _ in range(1000):
            if holds():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it never came to that")


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> dict[str, object]:
    writer.write(line)
    answer: dict[str, object] = json.loads(await asyncio.wait_for(reader.readline(), 5))
    return answer


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    register = RegisterFile(tmp_path / "register.jsonl")
    await register.record("r1", "far", "0x1")
    await register.record("r2", "other")
    register.enter("waiting")
    register.close()
    async with ScriptedAmi().running() as ami:
        address = AmiAddress(host="127.0.0.1", port=ami.port, user="guard", secret="x", tls=None)
        files = {name: tmp_path / name for name in ("register.jsonl", "guard.jsonl", "guard.sock")}
        link = partial(AsteriskRescue.connect, address, "callguard")
        guard = Guard(link, files["register.jsonl"], files["guard.jsonl"], files["guard.sock"], patience=0.4)
        running = asyncio.create_task(guard.run())
        own = Watch(guard, ami)
        await own.until(lambda: guard.link and guard.socket.exists())
        yield own
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def done(watch: Watch) -> set[str]:
    return {act.stopped or act.sent_on for act in guard_acts(watch.guard.journal)}


@pytest.mark.requirement("S123")
@pytest.mark.parametrize("fate", ["killed", "silent"])
async def test_a_dead_or_silent_controller(watch: Watch, fate: str) -> None:
    _, writer = await watch.beat()
    if fate == "killed":
        writer.close()
    await watch.until(lambda: done(watch) == {"r1", "r2", "waiting"})
    stops = {(action["Channel"], action["MixMonitorID"]) for action in watch.ami.of("StopMixMonitor")}
    assert stops == {("far", "0x1"), ("other", "mix-of-channel")}
    (redirect,) = watch.ami.of("Redirect")
    assert [redirect[key] for key in ("Channel", "Context", "Exten", "Priority")] == [
        "waiting", "callguard", "s", "unrecorded",
    ]  # fmt: skip
    assert watch.ami.asked[-1] == redirect  # stops come first
    assert watch.guard.trips == 1
    writer.close()


async def test_who_came_when_nobody_wrote_them_down_is_sent_on_too(watch: Watch) -> None:
    """A controller that hangs keeps its application, and channels go on entering it."""
    _, writer = await watch.beat()
    await watch.until(lambda: "waiting" in done(watch))
    watch.ami.channels = {"later": ("Stasis", "callguard,1,support,inbound"), "talks": ("Dial", "PJSIP/agent1")}
    await watch.until(lambda: "later" in done(watch))
    assert "talks" not in done(watch) and len(watch.ami.of("Redirect")) == 2
    writer.close()


async def test_without_a_first_beat_it_is_not_armed(watch: Watch) -> None:
    reader, writer = await asyncio.open_unix_connection(str(watch.guard.socket))
    assert await say(reader, writer, b"status\n") == {"ready": True, "trips": 0, "armed": False}
    writer.close()
    await asyncio.sleep(0.6)
    assert watch.ami.asked == [] and watch.guard.trips == 0


async def test_a_controller_that_beats_is_left_alone(watch: Watch) -> None:
    reader, writer = await watch.beat()
    for _ in range(8):
        await asyncio.sleep(0.1)
        assert (await say(reader, writer, b"beat\n"))["trips"] == 0
    assert watch.ami.asked == []
    writer.close()


async def test_who_only_asks_does_not_trip_it_by_leaving(watch: Watch) -> None:
    reader, writer = await watch.beat()
    other = await asyncio.open_unix_connection(str(watch.guard.socket))
    await say(*other, b"status\n")
    other[1].close()
    for _ in range(3):
        await asyncio.sleep(0.1)
        await say(reader, writer, b"beat\n")
    assert watch.guard.trips == 0
    writer.close()


@pytest.mark.requirement("S123")
async def test_a_controller_that_returns_ends_the_trip(watch: Watch) -> None:
    _, writer = await watch.beat()
    writer.close()
    await watch.until(lambda: watch.guard.trips == 1)
    reader, writer = await watch.beat()
    answer = await say(reader, writer, b"beat\n")
    assert (answer["trips"], answer["armed"]) == (1, True)
    writer.close()


async def test_a_refusal_means_that_nothing_runs_but_a_missing_right_does_not(watch: Watch) -> None:
    watch.ami.refuse["StopMixMonitor"] = NO_RIGHT
    watch.ami.refuse["Redirect"] = "Channel does not exist"
    _, writer = await watch.beat()
    writer.close()
    await watch.until(lambda: done(watch) == {"waiting"})
    del watch.ami.refuse["StopMixMonitor"]
    await watch.until(lambda: done(watch) == {"r1", "r2", "waiting"})  # tried again


@pytest.mark.requirement("S125")
async def test_a_recorder_that_is_not_there_yet_is_looked_for_once_more(watch: Watch) -> None:
    """A controller may die while its request to start one is on its way."""
    watch.ami.refuse["StopMixMonitor"] = "Could not find the MixMonitor"
    _, writer = await watch.beat()
    writer.close()
    await watch.until(lambda: len(watch.ami.of("StopMixMonitor")) == 2)
    assert done(watch) == {"waiting"}
    del watch.ami.refuse["StopMixMonitor"]
    await watch.until(lambda: done(watch) == {"r1", "r2", "waiting"})
    assert len(watch.ami.of("StopMixMonitor")) == 4


async def test_a_recorder_that_is_not_there_at_the_second_look_has_ended_by_the_first(watch: Watch) -> None:
    watch.ami.refuse["StopMixMonitor"] = "Could not find the MixMonitor"
    _, writer = await watch.beat()
    writer.close()
    await watch.until(lambda: watch.guard.absent)
    first = dict(watch.guard.absent)
    await watch.until(lambda: done(watch) == {"r1", "r2", "waiting"})
    said = {act.stopped: act.at.isoformat() for act in guard_acts(watch.guard.journal) if act.stopped}
    assert said == first
    assert len(watch.ami.of("StopMixMonitor")) == 4


async def test_the_same_thing_is_not_done_twice_in_one_trip(watch: Watch) -> None:
    _, writer = await watch.beat()
    writer.close()
    await watch.until(lambda: done(watch) == {"r1", "r2", "waiting"})
    await asyncio.sleep(0.7)
    assert len(watch.ami.of("StopMixMonitor")) == 2 and len(watch.ami.of("Redirect")) == 1


async def test_what_stands_in_the_register_later_is_stopped_too(watch: Watch) -> None:
    _, writer = await watch.beat()
    writer.close()
    await watch.until(lambda: "r1" in done(watch))
    with watch.guard.register.open("ab") as register:
        register.write(b'{"op":"record","recording":"r3","channel":"late","mix":"0x3"}\n')
        register.write(b'\xff\n[1]\n{"op":"enter","channel":7}\n{"op":"record","recor')
    await watch.until(lambda: "r3" in done(watch))


async def test_its_files_are_for_this_account_alone(watch: Watch) -> None:
    _, writer = await watch.beat()
    writer.close()
    await watch.until(lambda: done(watch) == {"r1", "r2", "waiting"})
    assert watch.guard.journal.stat().st_mode & 0o077 == 0
    assert watch.guard.socket.stat().st_mode & 0o077 == 0


async def test_a_controller_that_ends_in_good_order(watch: Watch) -> None:
    reader, writer = await watch.beat()
    await say(reader, writer, b"quit\n")
    assert done(watch) == {"r1", "r2", "waiting"} and watch.guard.ended.is_set() and watch.guard.trips == 0
    writer.close()


async def test_a_link_that_breaks_comes_back(watch: Watch) -> None:
    link = watch.guard.link
    assert link is not None
    await link.close()
    await watch.until(lambda: watch.guard.link is not None and watch.guard.link is not link)


async def hands_over(watch: Watch) -> float:
    """A controller beats, says that another takes over, and is gone. When that was."""
    reader, writer = await watch.beat()
    answer = await say(reader, writer, b"handover\n")
    assert (answer["armed"], answer["trips"]) == (True, 0)
    at = asyncio.get_running_loop().time()
    writer.close()
    return at


@pytest.mark.requirement("S123")
async def test_between_two_controllers_recorders_run_on_but_not_for_long(watch: Watch) -> None:
    loop, began = asyncio.get_running_loop(), await hands_over(watch)
    await asyncio.sleep(HANDOVER - 0.5)
    assert watch.ami.asked == [] and watch.guard.trips == 0, loop.time() - began
    await watch.until(lambda: done(watch) == {"r1", "r2", "waiting"})
    assert loop.time() - began >= HANDOVER - 0.01 and watch.guard.trips == 1


@pytest.mark.requirement("S123")
async def test_a_controller_that_takes_over_in_time_finds_its_recorders_running(watch: Watch) -> None:
    began = await hands_over(watch)
    reader, writer = await watch.beat()
    while asyncio.get_running_loop().time() < began + HANDOVER + 0.5:
        await asyncio.sleep(0.1)
        assert (await say(reader, writer, b"beat\n"))["trips"] == 0
    assert watch.ami.asked == [] and not watch.guard.ended.is_set()
    writer.close()  # and it is guarded as the one before was: at once
    await watch.until(lambda: done(watch) == {"r1", "r2", "waiting"})


@pytest.mark.requirement("S1", "S125")
async def test_without_a_register_it_is_not_ready_and_whom_the_pbx_names_is_sent_on(watch: Watch) -> None:
    reader, writer = await watch.beat()
    watch.guard.register.unlink()
    assert (await say(reader, writer, b"beat\n"))["ready"] is False
    watch.guard.register.mkdir()
    assert (await say(reader, writer, b"beat\n"))["ready"] is False
    watch.ami.channels = {"late": ("Stasis", "callguard,1,support,inbound")}
    writer.close()
    await watch.until(lambda: "late" in done(watch))
    watch.guard.register.rmdir()
    watch.guard.register.write_text('{"op":"record","recording":"r3","channel":"c3","mix":"0x3"}\n')
    await watch.until(lambda: "r3" in done(watch))


@pytest.mark.requirement("S1", "S125")
async def test_a_journal_that_cannot_be_written_keeps_it_from_nothing(watch: Watch) -> None:
    def asked(kind: str, often: int) -> bool:
        return len(watch.ami.of(kind)) == often

    watch.guard.journal.mkdir()
    for trips in (1, 2):
        _, writer = await watch.beat()
        writer.close()
        await watch.until(partial(asked, "StopMixMonitor", 2 * trips))
        await watch.until(partial(asked, "Redirect", trips))
    assert done(watch) == set()


@pytest.mark.requirement("S1", "S125")
async def test_a_socket_that_was_removed_is_made_anew(watch: Watch) -> None:
    reader, writer = await watch.beat()
    watch.guard.socket.unlink()
    assert (await say(reader, writer, b"beat\n"))["armed"] is True, "who beats is heard all the same"
    await watch.until(watch.guard.socket.exists)
    assert watch.guard.socket.stat().st_mode & 0o077 == 0
    assert (await say(reader, writer, b"beat\n"))["armed"] is True
    other_reader, other = await asyncio.open_unix_connection(str(watch.guard.socket))
    await say(other_reader, other, b"quit\n")
    assert done(watch) == {"r1", "r2", "waiting"} and watch.guard.ended.is_set()
    writer.close()
    other.close()

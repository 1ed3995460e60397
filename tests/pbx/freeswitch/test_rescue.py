"""What the guard does on FreeSWITCH when the controller is dead or hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.engine.recovery import guard_acts
from callguard.guard import Guard
from callguard.pbx.freeswitch.rescue import FreeSwitchRescue
from tests.pbx.freeswitch.station import Station, station_on


@pytest_asyncio.fixture(loop_scope="session")
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with station_on(tmp_path) as own:
        yield own


async def until(holds: Callable[[], object]) -> None:
    for _ in range(600):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")


@pytest.mark.requirement("S123", "S126")
async def test_a_controller_that_hangs_keeps_nobody_and_records_nobody(station: Station, tmp_path: Path) -> None:
    """Its sockets stay open: FreeSWITCH notices nothing."""
    far, _ = await station.talk()
    await station.record(far)
    waits = await station.enter(callguard_waiting="true")
    switch = station.switch
    connect = partial(FreeSwitchRescue.connect, station.settings.esl)
    guard = Guard(connect, station.settings.register, tmp_path / "guard.jsonl", tmp_path / "guard.sock", patience=0.3)
    running = asyncio.create_task(guard.run())
    await until(lambda: guard.link and guard.socket.exists())
    reader, writer = await asyncio.open_unix_connection(str(guard.socket))
    writer.write(b"beat\n")
    await reader.readline()  # and no more beats
    await until(lambda: not switch.channels[far].recordings and switch.channels[waits].left.is_set())
    assert switch.channels[far].peer  # the conversation goes on
    assert f"api uuid_transfer {waits} callguard_unrecorded XML callguard" in switch.asked
    await until(lambda: {act.stopped or act.sent_on for act in guard_acts(guard.journal)} == {"r1", waits})
    running.cancel()
    writer.close()
    await asyncio.gather(running, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="session")
async def own(station: Station) -> AsyncIterator[FreeSwitchRescue]:
    link = await FreeSwitchRescue.connect(station.settings.esl)
    yield link
    await link.close()


async def test_who_is_in_a_call_is_not_moved(station: Station, own: FreeSwitchRescue) -> None:
    """A dead controller's channels have gone on before the guard acts."""
    far, _ = await station.talk()
    assert await own.send_on(far) and not any("uuid_transfer" in line for line in station.switch.asked)


@pytest.mark.parametrize(
    ("named", "context"), [("pbx.example.com", "pbx.example.com"), ("a b", "callguard"), ("x XML y", "callguard")]
)
async def test_who_waits_goes_to_the_context_that_the_snippet_names(
    station: Station, own: FreeSwitchRescue, named: str, context: str
) -> None:
    far = await station.enter(callguard_waiting="true", callguard_rescue=named)
    assert await own.send_on(far)
    assert f"api uuid_transfer {far} callguard_unrecorded XML {context}" in station.switch.asked


async def test_who_came_to_a_controller_that_hangs_is_found_and_sent_on(
    station: Station, own: FreeSwitchRescue
) -> None:
    """The system lets them in, and the INVITE would hang for as long as nobody says `connect`."""
    listening, switch = await asyncio.start_server(_mute, "127.0.0.1", 0), station.switch
    far, _ = await station.talk()
    switch.controller = listening.sockets[0].getsockname()[1]
    caller, foreign = await switch.enter(callguard_waiting="true"), await switch.enter()
    await until(lambda: caller.socket and foreign.socket)
    assert await own.waiting() == (caller.uuid,) and far in switch.channels  # another program's `socket` is not ours
    assert await own.send_on(caller.uuid) and caller.left.is_set()
    switch.refuse["show"] = "-ERR show command not found!\n"
    assert await own.waiting() == ()
    listening.close()


@pytest.mark.requirement("S1", "S123", "S126")
@pytest.mark.parametrize("stuck", [False, True])
async def test_who_was_called_and_waits_is_bridged_with_who_called_it(
    station: Station, own: FreeSwitchRescue, stuck: bool
) -> None:
    """A transfer would take it out of the bridge that waits for it. STUCK: its controller never said a word."""
    station.switch.stuck = stuck
    caller, called = await station.switch.dial("told")
    await until(lambda: called.socket)
    assert await own.waiting() == (called.uuid,)
    assert await own.send_on(called.uuid)
    by_hand = f"api uuid_bridge {caller.uuid} {called.uuid}"
    assert (by_hand in station.switch.asked) is stuck and not any("transfer" in line for line in station.switch.asked)
    await until(lambda: called.peer)
    assert await own.waiting() == ()


async def _mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_a_recorder_is_stopped_by_its_file(station: Station, own: FreeSwitchRescue) -> None:
    far, _ = await station.talk()
    await station.record(far)
    assert await own.stop("r1", far, str(station.file("r1"))) and not station.switch.channels[far].recordings
    assert await own.stop("r1", far, str(station.file("r1"))) is None  # nothing runs
    assert await own.stop("r1", "gone", "") is None and f"api uuid_record {far} stop all" not in station.switch.asked


async def test_what_the_register_cannot_mean_is_never_sent(station: Station, own: FreeSwitchRescue) -> None:
    assert await own.stop("r1", "a b\nexit", "/x") is None and await own.send_on("a b")
    far, _ = await station.talk()
    assert await own.stop("r1", far, "/x y\nexit") is None
    assert f"api uuid_record {far} stop all" in station.switch.asked


async def test_what_was_not_done_is_tried_again(station: Station, own: FreeSwitchRescue) -> None:
    far, _ = await station.talk()
    station.switch.refuse["uuid_record"] = "-ERR uuid_record command not found!\n"
    assert await own.stop("r1", far, "/x.wav") is False
    await own.close()
    assert not await own.send_on(far)

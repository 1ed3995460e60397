"""A disk that holds a recorder up for a moment: what was said under a mask is in no file, and a good file stays one."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.site import Site, Talk, at, gone_at, incidents, sent_between, states

pytestmark = pytest.mark.asyncio(loop_scope="session")

BLOCK = 2.048
"""Seconds between two writes of Asterisk's."""
WRITTEN = 60_000
"""Bytes that the thread of a recorder writes at least at a time, both sides together: no other one does."""
SECONDS = 0.45
"""Asterisk lets no more than half a second of sound wait; what is older it throws away."""
SEIZE, INTERRUPT, DETACH, ANY_THREAD = 0x4206, 0x4207, 17, 0x40000000
"""ptrace(2), waitpid(2)."""


def written(pid: int) -> dict[int, int]:
    """Bytes that each thread of a process has written."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "io").read_text().splitlines()
        found[int(task.name)] = next(int(line.split()[1]) for line in lines if line.startswith("wchar"))
    return found


def stand_still(thread: int) -> None:
    """One thread of a process that we started does nothing for so long, as if its disk were slow."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes, ptrace.restype = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p), ctypes.c_long
    for request in (SEIZE, INTERRUPT, DETACH):
        if request == DETACH:
            os.waitpid(thread, ANY_THREAD)
            time.sleep(SECONDS)
        if ptrace(request, thread, None, None) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


async def recorder_of(talk: Talk) -> int:
    """The thread that writes the call's files, just after it has written a block."""
    pid = talk.site.stand.asterisk.pid
    before = written(pid)
    async with asyncio.timeout(2 * BLOCK):
        while True:
            await asyncio.sleep(0.01)
            for thread, count in written(pid).items():
                if count - before.get(thread, 0) > WRITTEN:
                    return thread


async def held_up(talk: Talk) -> None:
    """Until the next block is about to be written, late."""
    thread = await recorder_of(talk)
    await asyncio.sleep(BLOCK - 0.05)
    await asyncio.to_thread(stand_still, thread)


def kept_between(talk: Talk, start: datetime, end: datetime) -> set[int]:
    kept = {*talk.tape().numbers()[0], *talk.tape().numbers()[1]}
    return kept & (sent_between(talk.far, start, end) | sent_between(talk.near, start, end))


@pytest.mark.requirement("S42", "S82")
@pytest.mark.parametrize("late", [True, False])
async def test_what_is_said_under_a_pause_is_in_no_file_however_slow_the_disk(site: Site, late: bool) -> None:
    """The disk is slow as the pause ends (LATE), or just before it begins."""
    async with site.talk("card") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.says(2)
        channel = (await talk.row("recording_acknowledged")).channel_id
        if not late:
            await held_up(talk)
            await talk.says(0.6)
        await site.user_event("callguard_pause", channel)
        await talk.row("mask_acknowledged")
        await talk.says(2)
        slow = asyncio.create_task(held_up(talk)) if late else None
        if slow:
            await recorder_of(talk)
            await asyncio.sleep(BLOCK - 0.05 + SECONDS * 0.6)
        await site.user_event("callguard_resume", channel)
        if slow:
            await slow
        await talk.says(5)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) <= {"pause_forgotten"}
    assert any(row.data["fell_ms"] for row in stored.events if row.type == "recording_growing"), "it was not late"
    begun, ended = at(stored, "pause_started"), at(stored, "pause_ended")
    early = begun - timedelta(seconds=1)  # look_back_s of this call type
    assert not kept_between(talk, early, ended - timedelta(seconds=0.06))
    assert kept_between(talk, ended + timedelta(seconds=1), gone_at(stored)), "the recording did not go on"

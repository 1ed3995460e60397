"""A disk that holds a recorder up for a moment: what was said under a mask is in no file, and a good file stays one."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.site import Site, Talk, at, gone_at, incidents, sent_between, states

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="a C compiler makes the disk slow")

BLOCK = 2.048
"""Seconds between two writes of Asterisk's."""
SECONDS = 0.45
"""Asterisk lets no more than half a second of sound wait; what is older it throws away."""
SLOW = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* the next block of a recording is written so late, once, as soon as the file SLOW_DISK is there */
size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    size_t (*real)(const void *, size_t, size_t, FILE *) = dlsym(RTLD_NEXT, "fwrite");
    const char *sign = getenv("SLOW_DISK");
    char link[64], path[512];
    if (sign && access(sign, F_OK) == 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fileno(file));
        ssize_t length = readlink(link, path, sizeof path - 1);
        long at = ftell(file), after = at + (long)(size * count);
        path[length > 0 ? length : 0] = 0;
        if (strstr(path, "-left.wav") && at / 32768 != after / 32768 && unlink(sign) == 0)
            usleep(450000);
    }
    return real(data, size, count, file);
}
"""


def slow_disk(folder: Path) -> dict[str, str]:
    """The environment of an Asterisk whose disk is slow where the file `slow` lies in FOLDER."""
    folder.chmod(0o755)
    source, library = folder / "slow.c", folder / "slow.so"
    source.write_text(SLOW)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "SLOW_DISK": str(folder / "slow")}


async def held_up(talk: Talk, folder: Path) -> None:
    """Until the next block is about to be written, late."""
    began = (await talk.row("recording_acknowledged")).at.timestamp()
    left = BLOCK - (time.time() - began) % BLOCK
    await asyncio.sleep(left + 0.1 if left < 0.4 else 0)
    (folder / "slow").touch()
    await asyncio.sleep(BLOCK - (time.time() - began) % BLOCK)


def kept_between(talk: Talk, start: datetime, end: datetime) -> set[int]:
    kept = {*talk.tape().numbers()[0], *talk.tape().numbers()[1]}
    return kept & (sent_between(talk.far, start, end) | sent_between(talk.near, start, end))


@pytest.mark.requirement("S42", "S82")
@pytest.mark.parametrize("late", [True, False])
async def test_what_is_said_under_a_pause_is_in_no_file_however_slow_the_disk(folder: Path, late: bool) -> None:
    """The disk is slow as the pause ends (LATE), or just before it begins."""
    environment = slow_disk(folder)
    async with await Site.open(folder / "site", environment=environment) as site, site.talk("card") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.says(2)
        channel = (await talk.row("recording_acknowledged")).channel_id
        if not late:
            await held_up(talk, folder)
            await talk.says(SECONDS + 0.6)
        await site.user_event("callguard_pause", channel)
        await talk.row("mask_acknowledged")
        await talk.says(2)
        if late:
            await held_up(talk, folder)
            await talk.says(SECONDS * 0.6)
        await site.user_event("callguard_resume", channel)
        await talk.says(5)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) <= {"pause_forgotten"}
    assert any(row.data["fell_ms"] for row in stored.events if row.type == "recording_growing"), "it was not late"
    begun, ended = at(stored, "pause_started"), at(stored, "pause_ended")
    early = begun - timedelta(seconds=1)  # look_back_s of this call type
    assert not kept_between(talk, early, ended - timedelta(seconds=0.06))
    assert kept_between(talk, ended + timedelta(seconds=1), gone_at(stored)), "the recording did not go on"

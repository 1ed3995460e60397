"""Files that nobody knows are told once, and no file of ours ever is."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from callguard.audio.tone import TONES
from callguard.engine.stranger import Strangers, recording_of
from callguard.errors import StoreDown

OURS, LIVE, THEIRS = (str(uuid.uuid4()) for _ in range(3))


class Folder:
    """A folder under watch. `down`: the log is away; `asked`: how often it was."""

    def __init__(self, path: Path) -> None:
        self.path, self.down, self.asked = path, False, 0
        self.found: list[str] = []
        self.watch = Strangers(path, lambda: True, lambda: [LIVE], self.known, self.found.append, every=0.01)

    async def known(self, ids: Sequence[str]) -> frozenset[str]:
        self.asked += 1
        if self.down:
            raise StoreDown("away")
        return frozenset(ids) & {OURS}

    def put(self, *names: str, age: float = 0) -> None:
        for name in names:
            (self.path / name).touch()
            os.utime(self.path / name, (time.time() - age,) * 2)


@pytest.mark.requirement("S4")
async def test_what_nobody_knows_is_told_once_and_what_is_ours_never(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put(f"{OURS}.wav", f"{OURS}-left.wav", f"{LIVE}-right.wav", f".callguard-{'a' * 16}.part")
    folder.put(f"{OURS}-right.wav.shred")
    await folder.watch.look()
    assert folder.found == []
    copies = [f"{OURS}{end}" for end in ("", "-copy.wav", ".wav.bak", ".gsm")]
    strange = [*copies, f"{THEIRS}.wav", "20261125-+15125550143.wav", "\x1b[2J;rm -rf.wav", f"{OURS}x.wav"]
    folder.put(*strange)
    (tmp_path / "a folder").mkdir()
    (tmp_path / TONES).mkdir()
    await folder.watch.look()
    assert sorted(folder.found) == sorted([*strange, "a folder"])
    await folder.watch.look()
    assert len(folder.found) == 9
    (tmp_path / "a folder").rmdir()
    await folder.watch.look()
    (tmp_path / "a folder").mkdir()
    await folder.watch.look()
    assert folder.found[9:] == ["a folder"]


async def test_what_a_writer_left_unfinished_is_strange_in_the_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put(part := f".callguard-{'0' * 16}.part", age=61)
    await folder.watch.look()
    assert folder.found == [part]


async def test_a_folder_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("x.wav")
    os.utime(tmp_path, (time.time() - 5,) * 2)
    await folder.watch.look()
    folder.watch.judged.clear()
    await folder.watch.look()
    assert folder.found == ["x.wav"]


async def test_a_log_or_a_folder_that_is_away_is_asked_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "made later")
    task = asyncio.create_task(folder.watch.watch())
    await asyncio.sleep(0.03)
    (tmp_path / "made later").mkdir()
    folder.down = True
    folder.put(f"{THEIRS}.wav")
    async with asyncio.timeout(5):
        while folder.asked < 2:
            await asyncio.sleep(0.01)
        assert folder.found == []
        folder.down = False
        while not folder.found:
            await asyncio.sleep(0.01)
    task.cancel()
    assert folder.found == [f"{THEIRS}.wav"]


def test_a_recording_is_named_by_its_id() -> None:
    for name in (".wav", "-left.wav", "-right.wav", ".wav.shred"):
        assert recording_of(f"{OURS}{name}") == OURS
    assert recording_of("x.wav") == recording_of(f"{OURS} .wav") == recording_of(f"../{OURS}.wav") == ""

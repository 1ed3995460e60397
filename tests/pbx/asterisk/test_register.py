from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.pbx.asterisk import register as module
from callguard.pbx.asterisk.register import LiveRecording, Register, RegisterFile, read_register


async def test_what_was_recorded_is_on_disk_when_the_future_is_done(tmp_path: Path) -> None:
    path = tmp_path / "register"
    own = RegisterFile(path)
    await own.record("r1", "c1")
    assert read_register(path).recordings == {"r1": LiveRecording("r1", "c1", "")}
    own.enter("c2")
    own.enter("c2")
    own.forget("unknown")
    await own.record("r1", "c1", "0x1")
    assert read_register(path) == own.content == Register({"r1": LiveRecording("r1", "c1", "0x1")}, frozenset({"c2"}))
    own.leave("c2")
    own.forget("r1")
    own.close()
    assert read_register(path) == Register()


@pytest.mark.parametrize(
    ("began", "known"), [('"9.5"', 9.5), ('"x"', None), ("7", None), ('"nan"', None), ("null", None)]
)
def test_a_recorders_clock_is_kept_and_one_that_is_none_is_not(tmp_path: Path, began: str, known: float | None) -> None:
    path = tmp_path / "register"
    path.write_text(f'{{"op":"record","recording":"r1","channel":"c1","mix":"m","began":{began}}}\n')
    assert read_register(path).recordings == {"r1": LiveRecording("r1", "c1", "m", known)}


async def test_order_is_kept_and_many_lines_share_a_write(tmp_path: Path) -> None:
    own = RegisterFile(tmp_path / "register")
    await asyncio.gather(*(own.record(f"r{number % 7}", "c", str(number)) for number in range(500)))
    assert {live.mix_id for live in own.content.recordings.values()} == {str(number) for number in range(493, 500)}
    assert read_register(tmp_path / "register") == own.content
    own.close()


async def test_the_next_process_starts_from_a_short_file(tmp_path: Path) -> None:
    path = tmp_path / "register"
    own = RegisterFile(path)
    await own.record("r1", "c1", "0x1")
    await own.record("r2", "c2")
    own.forget("r2")
    own.close()
    again = RegisterFile(path)
    assert list(again.content.recordings) == ["r1"] and len(path.read_bytes().splitlines()) == 1
    again.close()


async def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "register"
    own = RegisterFile(path)
    for _ in range(3):
        await asyncio.gather(*(own.record("r1", "c1", str(number)) for number in range(module.COMPACT_AFTER)))
    assert len(path.read_bytes()) < 90 * module.COMPACT_AFTER * 2
    assert read_register(path).recordings["r1"].mix_id == str(module.COMPACT_AFTER - 1)
    own.close()


@given(st.integers(0, 400), st.binary(max_size=20))
def test_a_torn_or_foreign_line_does_not_hide_the_others(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("torn") / "register"
    lines = [b'{"op":"record","recording":"r%d","channel":"c","mix":""}' % number for number in range(5)]
    path.write_bytes(b"\n".join(lines)[:cut] + b"\n" + junk.replace(b"\n", b"") + b"\n" + lines[4])
    whole = {f"r{number}" for number in range(5) if (number + 1) * len(lines[0]) + number <= cut}
    assert set(read_register(path).recordings) == whole | {"r4"}


def test_lines_that_are_json_but_not_ours_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "register"
    path.write_text('1\nnull\n["op"]\n{"op":"record"}\n{"op":"enter","channel":5}\n{"op":"future","x":1}\n')
    assert read_register(path) == Register()


@pytest.mark.requirement("S126")
async def test_a_full_disk_fails_the_line_and_spares_the_next(tmp_path: Path) -> None:
    path = tmp_path / "register"
    own = RegisterFile(path)
    await own.record("r1", "c1")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
    try:
        with pytest.raises(OSError):
            await own.record("r2", "c2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await own.record("r3", "c3")
    assert set(read_register(path).recordings) == {"r1", "r3"}
    own.close()


@pytest.mark.requirement("S1", "S125")
@pytest.mark.parametrize(
    "harm",
    [
        Path.unlink,
        lambda path: os.truncate(path, 0),
        lambda path: path.write_bytes(b"\xff somebody else's"),
        lambda path: os.replace(path, path.with_name("kept")),
        lambda path: (path.unlink(), path.symlink_to("kept")),
    ],
    ids=["removed", "cut", "overwritten", "moved", "link"],
)
async def test_what_somebody_else_does_to_the_file_is_mended(tmp_path: Path, harm: Callable[[Path], object]) -> None:
    """A guard that acts on it has to know every recorder, also one that began before."""
    own = RegisterFile(path := tmp_path / "register")
    await own.record("r1", "c1", "0x1")
    own.enter("c2")
    keeping = asyncio.create_task(own.keep())
    harm(path)
    async with asyncio.timeout(5):
        while read_register(path) != own.content or path.is_symlink():
            await asyncio.sleep(0.02)
    await own.record("r2", "c2")
    assert read_register(path) == own.content and {*own.content.recordings} == {"r1", "r2"}
    before = path.stat().st_ino
    await asyncio.sleep(module.LOOK_SECONDS * 1.5)
    assert path.stat().st_ino == before, "what nobody touched is left alone"
    keeping.cancel()
    own.close()


async def test_a_folder_in_its_place_is_tried_again_until_it_is_gone(tmp_path: Path) -> None:
    own = RegisterFile(path := tmp_path / "register")
    await own.record("r1", "c1")
    keeping = asyncio.create_task(own.keep())
    path.unlink()
    path.mkdir()
    before = len(os.listdir("/proc/self/fd"))
    await asyncio.sleep(module.LOOK_SECONDS * 3.5)
    assert path.is_dir() and len(os.listdir("/proc/self/fd")) < before + 3, "each try leaves a file open"
    path.rmdir()
    async with asyncio.timeout(5):
        while read_register(path) != own.content:
            await asyncio.sleep(0.02)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    own.close()

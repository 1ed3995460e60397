from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from callguard.errors import StoreDown
from callguard.ports import Batch
from callguard.store.chain import first_break
from callguard.store.keys import MasterKey
from callguard.store.memory import MemoryLog
from callguard.store.postgres import PostgresLog
from callguard.store.spool import Spool
from tests.store import rows

MASTER = MasterKey(bytes(32))


def steps(call_id: str, length: int) -> list[Batch]:
    """The batches of a call, one row each, the head in the first."""
    chain = rows.chain(call_id, length)
    return [Batch(call=rows.head(call_id) if number == 0 else None, events=(row,)) for number, row in enumerate(chain)]


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


class Flaky(MemoryLog):
    """A log that is lost after so many appends, the last of which was stored without an answer."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self.good = good

    async def append(self, batches: Sequence[Batch]) -> None:
        await super().append(batches)
        self.good -= 1
        if self.good < 0:
            raise StoreDown("lost at the commit")


@pytest.mark.requirement("S125")
async def test_what_was_spooled_is_loaded_in_order_without_loss_or_duplicates(
    tmp_path: Path, log: MemoryLog | PostgresLog
) -> None:
    spool = Spool(tmp_path / "spool", MASTER)
    whole, call_id = rows.whole(rows.new_id()), rows.new_id()
    batches = [whole, *steps(call_id, 250)]
    for batch in batches[:100]:
        spool.append([batch])
    spool.append(batches[100:])
    await log.append(batches[:7])  # these got through before the store was lost
    assert await spool.drain(log) == len(batches)
    stored = await log.load(call_id)
    assert stored is not None and len(stored.events) == 250 and first_break(stored.events) is None
    assert whole.call is not None
    assert await log.party(whole.call.call_id) == whole.parties
    assert await log.raw(whole.call.call_id) == whole.raw
    assert [row.call_id for row in await log.answers_of("acme", rows.NUMBER)] == [whole.call.call_id]
    assert spool.is_empty() and list((tmp_path / "spool").iterdir()) == []


async def test_a_store_lost_while_draining_gets_the_rest_later(tmp_path: Path) -> None:
    spool, call_id = Spool(tmp_path, MASTER), rows.new_id()
    spool.append(steps(call_id, 350))
    log = Flaky(good=2)
    with pytest.raises(StoreDown):
        await spool.drain(log)
    assert not spool.is_empty()
    log.good = 1000
    assert await spool.drain(log) == 350
    stored = await log.load(call_id)
    assert stored is not None and len(stored.events) == 350


async def test_what_is_spooled_meanwhile_is_loaded_too(tmp_path: Path) -> None:
    spool, call_id = Spool(tmp_path, MASTER), rows.new_id()
    first, second, third = steps(call_id, 3)

    class Busy(MemoryLog):
        async def append(self, batches: Sequence[Batch]) -> None:
            await super().append(batches)
            if first in batches:
                spool.append([second])
            if second in batches:
                spool.append([third])

    log = Busy()
    spool.append([first])
    assert await spool.drain(log) == 3
    assert spool.is_empty()


def test_personal_values_do_not_lie_in_the_clear_and_others_cannot_look(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", MASTER)
    spool.append([rows.whole(rows.new_id())])
    (path,) = (tmp_path / "spool").iterdir()
    content = path.read_bytes()
    assert b"consent_granted" in content
    for word in (rows.NUMBER, "2025550143", "Hara", "StasisStart"):
        assert word.encode() not in content and word.encode().hex().encode() not in content
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("cut", [1, 2, 40, -1])
async def test_a_torn_last_line_is_kept_aside_and_blocks_nothing(tmp_path: Path, cut: int) -> None:
    spool, call_id = Spool(tmp_path, MASTER), rows.new_id()
    batches = steps(call_id, 3)
    spool.append(batches)
    path = only_file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:cut])
    log, reborn = MemoryLog(), Spool(tmp_path, MASTER)
    reborn.append(batches[2:])
    assert await reborn.drain(log) == 3
    assert [aside.read_bytes() for aside in reborn.aside()] == [lines[2][:cut].rstrip(b"\n") + b"\n"]
    assert reborn.is_empty()


@pytest.mark.parametrize("line", ['{"version": 2}', "[]", "nonsense", '{"version": 1, "batch": {}}', "\x00" * 9])
async def test_a_foreign_line_is_kept_aside(tmp_path: Path, line: str) -> None:
    (tmp_path / "spool-00000001.jsonl").write_text(line + "\n")
    spool = Spool(tmp_path, MASTER)
    assert await spool.drain(MemoryLog()) == 0
    assert [path.read_text() for path in spool.aside()] == [line + "\n"]


@pytest.mark.parametrize("key", [None, 5, "zz", "00", ""])
async def test_a_line_whose_key_is_damaged_is_kept_aside(tmp_path: Path, key: object) -> None:
    spool = Spool(tmp_path, MASTER)
    spool.append([rows.whole(rows.new_id())])
    path = only_file(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "key": key}) + "\n")
    assert await spool.drain(MemoryLog()) == 0
    assert len(spool.aside()) == 1


async def test_a_refused_batch_is_kept_aside_once_and_the_others_go_on(tmp_path: Path) -> None:
    spool, good = Spool(tmp_path, MASTER), rows.new_id()
    lost_head = steps(rows.new_id(), 2)[1]
    spool.append([*steps(good, 2), lost_head, *steps(rows.new_id(), 1)])
    log = Flaky(good=2)
    with pytest.raises(StoreDown):
        await spool.drain(log)
    log.good = 1000
    refused: list[Batch] = []
    assert await spool.drain(log, refused.append) == 3
    assert [batch.events for batch in refused] == [lost_head.events]
    (aside,) = spool.aside()
    assert len(aside.read_bytes().splitlines()) == 1
    stored = await log.load(good)
    assert stored is not None and len(stored.events) == 2


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


WRITER = """
import sys
from pathlib import Path
from callguard.store.keys import MasterKey
from callguard.store.spool import Spool
from tests.store.test_spool import steps
spool = Spool(Path(sys.argv[1]), MasterKey(bytes(32)))
for number, batch in enumerate(steps(sys.argv[2], 100000)):
    spool.append([batch])
    print(number, flush=True)
"""


@pytest.mark.requirement("S125")
async def test_kill_9_in_mid_write_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    call_id = rows.new_id()
    child = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs on this loop
        [sys.executable, "-c", WRITER, str(tmp_path), call_id], stdout=subprocess.PIPE, env=ENVIRONMENT
    )
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(40)][-1]
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read().split()
    child.wait()
    acknowledged = int(rest[-1]) if rest else acknowledged
    log = MemoryLog()
    count = await Spool(tmp_path, MASTER).drain(log)
    stored = await log.load(call_id)
    assert stored is not None and first_break(stored.events) is None
    assert acknowledged + 1 <= len(stored.events) == count <= acknowledged + 2


def test_a_full_disk_is_an_error_and_leaves_no_torn_line(tmp_path: Path) -> None:
    script = """
import resource, sys, signal
from pathlib import Path
from callguard.store.keys import MasterKey
from callguard.store.spool import Spool
from tests.store.test_spool import steps
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
spool = Spool(Path(sys.argv[1]), MasterKey(bytes(32)))
batches = steps(sys.argv[2], 20)
kept = 0
try:
    for batch in batches:
        spool.append([batch])
        kept += 1
except OSError:
    print(kept)
"""
    arguments = [sys.executable, "-c", script, str(tmp_path), rows.new_id()]
    kept = int(subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, check=True).stdout)
    path = only_file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    assert 0 < kept == len(lines) and all(json.loads(line) and line.endswith(b"\n") for line in lines)


async def test_threads_may_append_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MASTER)
    calls = [rows.new_id() for _ in range(4)]

    def append(call_id: str) -> None:
        for batch in steps(call_id, 20):
            spool.append([batch])

    threads = [threading.Thread(target=append, args=(call_id,)) for call_id in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = MemoryLog()
    assert await spool.drain(log) == 80


def test_free_bytes_and_a_directory_that_cannot_be(tmp_path: Path) -> None:
    assert Spool(tmp_path / "a b" / "c", MASTER).free_bytes() > 0
    (tmp_path / "file").touch()
    with pytest.raises(StoreDown, match="cannot be made"):
        Spool(tmp_path / "file" / "spool", MASTER)


@pytest.mark.requirement("S125")
def test_a_disk_that_takes_no_new_file_has_no_room(tmp_path: Path) -> None:
    """Its inodes are used up: the bytes that are free are of no use."""
    few = ("mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=20,mode=0755", "none", tmp_path)
    if os.geteuid() or subprocess.run(few, check=False, capture_output=True).returncode:
        pytest.skip("mounts nothing")
    try:
        spool = Spool(tmp_path / "spool", MASTER)
        assert spool.free_bytes() > 0
        with suppress(OSError):
            for number in range(100):
                (tmp_path / f"ballast-{number}").touch()
        assert spool.free_bytes() == 0
        (tmp_path / "ballast-0").unlink()
        assert spool.free_bytes() > 0
    finally:
        subprocess.run(("umount", "-l", tmp_path), check=True)


async def test_a_batch_without_rows_is_fine(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MASTER)
    spool.append([])
    spool.append([Batch(), replace(Batch())])
    assert await spool.drain(MemoryLog()) == 2

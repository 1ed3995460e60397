"""The event log lost, refused and back again: no row lost, none twice, and never a recording without its evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from callguard.core.effects import MaskRecording, StopRecording, UnmaskRecording
from callguard.core.events import DigitPressed, Link, Unexpected
from callguard.core.jurisdiction import RulePack
from callguard.core.recording import Mask
from callguard.core.rules import STRICTEST
from callguard.engine.evidence import RETRY, Evidence
from callguard.errors import StoreRefused, StoreUnfit
from callguard.lab.postgres import Postgres
from callguard.ports import Batch, StoredCall
from callguard.proof import prove
from callguard.store import schema
from callguard.store.memory import MemoryLog
from callguard.store.postgres import PostgresLog
from callguard.store.spool import Spool
from tests.core.play import PACK
from tests.engine.stage import MASTER, Stage
from tests.fake_pbx import START
from tests.store import rows


class Picky(MemoryLog):
    """A log that refuses one call's rows after the first few, as Postgres does for a chain that would break."""

    refuses = False
    unfit = False

    async def append(self, batches: Sequence[Batch]) -> None:
        if self.unfit and batches:
            raise StoreUnfit("permission denied for table channel_event")
        if self.refuses and any(row.channel_id == "far" for batch in batches for row in batch.events):
            raise StoreRefused("a row does not continue its chain")
        await super().append(batches)


class Torn(Spool):
    """A spool on a disk that can fill up."""

    full = False

    def append(self, batches: Sequence[Batch]) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().append(batches)

    def free_bytes(self) -> int:
        return 0 if self.full else super().free_bytes()


def torn(folder: Path, log: MemoryLog) -> tuple[Stage, Torn]:
    """A stage, and the spool that it writes to."""
    stage, spool = Stage(folder, log), Torn(folder / "spool", MASTER)
    stage.evidence.spool = stage.spool = spool
    return stage, spool


def whole(stored: StoredCall) -> StoredCall:
    assert prove(stored) == []
    assert [row.seq for row in stored.events] == list(range(1, len(stored.events) + 1))
    return stored


def note(stage: Stage, word: str, channel: str = "far") -> None:
    stage.pbx.say(Unexpected(at=START, channel_id=channel, what=word))


def words(stored: StoredCall) -> list[str]:
    return [row.data["what"] for row in stored.events if row.type == "unexpected" and row.data["what"].isdigit()]


@pytest.mark.requirement("S125")
@pytest.mark.parametrize(("kind", "ends"), [("support", StopRecording), ("kept", UnmaskRecording)])
async def test_a_log_lost_in_mid_call(tmp_path: Path, kind: str, ends: type) -> None:
    log = MemoryLog()
    async with Stage(tmp_path, log).running() as stage:
        await stage.talk(call_type=kind)
        log.cut()
        await stage.until(lambda: stage.pbx.asked(ends))
        lost = stage.pbx.effects[-2:] if kind == "kept" else stage.pbx.effects[-1:]
        assert kind != "kept" or isinstance(lost[0], MaskRecording)
        assert Link.LOG in stage.engine.faults and ("log_lost", "") in stage.alerts
        for number in range(20):
            note(stage, str(number))
        await stage.settled()
        assert not stage.spool.is_empty()
        log.mend()
        await stage.until(lambda: not stage.engine.faults)
        assert stage.spool.is_empty() and stage.spool.aside() == []
        stored = whole(await stage.finish("far", "agent1"))
        assert words(stored) == [str(number) for number in range(20)]


@pytest.mark.requirement("S125")
async def test_many_calls_spool_at_once_without_losing_a_row(tmp_path: Path) -> None:
    log = MemoryLog()
    async with Stage(tmp_path, log).running() as stage:
        callers = [f"far{number}" for number in range(8)]
        await asyncio.gather(*(stage.talk(far, f"agent{far}", "kept") for far in callers))
        log.cut()
        for number in range(10):
            for far in callers:
                note(stage, str(number), far)
        await stage.settled()
        log.mend()
        for number in range(10, 15):
            for far in callers:
                note(stage, str(number), far)
                await asyncio.sleep(0.005)
        await stage.until(lambda: not stage.engine.faults)
        for far in callers:
            stored = whole(await stage.finish(far, f"agent{far}"))
            assert words(stored) == [str(number) for number in range(15)]


@pytest.mark.requirement("S125")
async def test_neither_log_nor_spool(tmp_path: Path) -> None:
    log = MemoryLog()
    stage, spool = torn(tmp_path, log)
    async with stage.running():
        await stage.talk(call_type="kept")
        spool.full = True
        log.cut()
        await stage.until(lambda: stage.pbx.asked(StopRecording))
        assert stage.engine.faults >= {Link.LOG, Link.SPOOL}
        note(stage, "1")
        await stage.settled()
        log.mend()
        await stage.until(lambda: Link.LOG not in stage.engine.faults)
        assert stage.evidence.unsaved == []
        spool.full = False
        await stage.until(lambda: not stage.engine.faults)
        assert words(whole(await stage.finish("far", "agent1"))) == ["1"]


class Slow(MemoryLog):
    """A log that takes no rules before its gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.asked = asyncio.Event(), asyncio.Event()

    async def keep_rules(self, pack: RulePack) -> None:
        self.asked.set()
        await self.gate.wait()
        await super().keep_rules(pack)


@pytest.mark.requirement("S81")
async def test_rules_that_come_while_others_are_being_kept_are_kept_too(tmp_path: Path) -> None:
    log = Slow()
    async with Stage(tmp_path, log).running() as stage:
        await stage.talk()
        await asyncio.wait_for(log.asked.wait(), 5)
        call_id = stage.call("far").call_id
        stage.evidence.use(PACK)
        stage.hang_up("far", "agent1")
        await stage.until(lambda: call_id not in stage.engine.runners)
        assert list(stage.engine.live.ids()) == [call_id], "whoever comes next keeps its rules if we do not"
        log.gate.set()
        await stage.until(lambda: not stage.evidence.unkept)
        assert stage.evidence.packs.keys() == {STRICTEST.version, PACK.version}


@pytest.mark.requirement("S125")
async def test_a_call_whose_end_is_in_memory_alone_is_left_to_whoever_comes_next(tmp_path: Path) -> None:
    log = MemoryLog()
    stage, spool = torn(tmp_path, log)
    async with stage.running():
        await stage.talk(call_type="kept")
        call = stage.call("far")
        spool.full = True
        log.cut()
        await stage.until(lambda: Link.SPOOL in stage.engine.faults)
        stage.hang_up("far", "agent1")
        await stage.until(lambda: call.call_id not in stage.engine.runners)
        assert stage.evidence.holds(call) and list(stage.engine.live.ids()) == [call.call_id]


async def test_a_spool_that_takes_rows_again(tmp_path: Path) -> None:
    log = MemoryLog()
    stage, spool = torn(tmp_path, log)
    async with stage.running():
        await stage.talk(call_type="kept")
        spool.full = True
        log.cut()
        await stage.until(lambda: Link.SPOOL in stage.engine.faults)
        spool.full = False
        await stage.until(lambda: Link.SPOOL not in stage.engine.faults)
        assert Link.LOG in stage.engine.faults
        await stage.until(lambda: stage.evidence.unsaved == [])
        log.mend()
        await stage.until(lambda: not stage.engine.faults)
        whole(await stage.finish("far", "agent1"))


async def test_a_spool_without_room_bars_recordings_while_the_log_is_there(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    spool = Torn(tmp_path / "spool", MASTER)
    stage.evidence.spool = spool
    async with stage.running():
        spool.full = True
        await stage.until(lambda: Link.SPOOL in stage.engine.faults)
        spool.full = False
        await stage.until(lambda: not stage.engine.faults)


@pytest.mark.requirement("S86")
async def test_without_a_key_to_seal_with_nothing_may_begin(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    there = [True]
    stage.evidence.sealable = lambda: there[0]
    async with stage.running():
        there[0] = False
        await stage.evidence.begin()
        assert Link.VAULT in stage.engine.faults and ("vault_lost", "") in stage.alerts
        there[0] = True
        await stage.until(lambda: not stage.engine.faults)


async def test_a_full_disk_under_the_recordings(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.running():
        stage.evidence.floor = 10**18
        await stage.until(lambda: Link.DISK in stage.engine.faults)
        stage.evidence.directory = tmp_path / "gone"
        stage.evidence.floor = 0
        await asyncio.sleep(1.2)
        assert Link.DISK in stage.engine.faults
        stage.evidence.directory = tmp_path
        await stage.until(lambda: not stage.engine.faults)


@pytest.mark.requirement("S81")
async def test_rows_that_the_log_refuses_stop_their_call_alone(tmp_path: Path) -> None:
    log = Picky()
    async with Stage(tmp_path, log).running() as stage:
        await asyncio.gather(stage.talk("far", "agent1"), stage.talk("other", "agent2"))
        call_id = stage.call("far").call_id
        log.refuses = True
        note(stage, "1")
        await stage.until(lambda: stage.pbx.asked(StopRecording))
        assert [item.channel_id for item in stage.pbx.asked(StopRecording)] == ["far"]
        await stage.until(lambda: stage.alerts == [("log_refused", call_id), ("log_lost", call_id)])
        assert stage.engine.faults == set()
        other = stage.call("other").running
        assert other and other.mask is Mask.OFF
        await stage.until(stage.spool.aside)
        note(stage, "2")
        stage.hang_up("far", "agent1")
        await stage.until(lambda: call_id not in stage.engine.runners)
        aside = b"".join(path.read_bytes() for path in stage.spool.aside())
        assert aside.count(b'"what":"1"') == 1 and aside.count(b'"what":"2"') == 1
        whole(await stage.finish("other", "agent2"))


@pytest.mark.requirement("S125")
async def test_a_log_that_would_take_nobodys_rows_is_away(tmp_path: Path) -> None:
    """With the spool full as well, what waits in memory waits on."""
    log = Picky()
    stage, spool = torn(tmp_path, log)
    async with stage.running():
        await stage.talk(call_type="kept")
        log.unfit = True
        note(stage, "1")
        await stage.until(lambda: stage.engine.faults == {Link.LOG} and not spool.is_empty())
        await asyncio.sleep(RETRY + 0.2)
        assert stage.engine.faults == {Link.LOG} and spool.aside() == []
        log.unfit = False
        await stage.until(lambda: not stage.engine.faults)
        spool.full = log.unfit = True
        note(stage, "2")
        await stage.until(lambda: stage.engine.faults == {Link.LOG, Link.SPOOL})
        await asyncio.sleep(RETRY + 0.2)
        assert stage.evidence.unsaved and "log_refused" not in {kind for kind, _ in stage.alerts}
        spool.full = log.unfit = False
        await stage.until(lambda: not stage.engine.faults)
        assert words(whole(await stage.finish("far", "agent1"))) == ["1", "2"]


async def test_of_rows_that_go_in_together_the_log_keeps_those_that_it_takes(tmp_path: Path) -> None:
    log, calls = Picky(), [rows.new_id() for _ in range(3)]
    batches = [rows.whole(call_id) for call_id in calls]
    log.refuses = True
    batches[1] = replace(batches[1], events=tuple(replace(row, channel_id="far") for row in batches[1].events))
    told: list[str] = []
    evidence = Evidence(log, Spool(tmp_path / "spool", MASTER), tmp_path, 0, refused=told.append)
    assert not await evidence.keep(batches)
    assert [await log.load(call_id) is not None for call_id in calls] == [True, False, True]
    assert {*told} == {calls[1]} and not evidence.away
    assert await evidence.keep([rows.whole(rows.new_id()), rows.whole(rows.new_id())])


async def test_what_a_controller_left_in_the_spool_is_loaded_first(tmp_path: Path) -> None:
    log = MemoryLog()
    async with Stage(tmp_path, log).running() as stage:
        await stage.talk(call_type="kept")
        log.cut()
        note(stage, "1")
        await stage.settled()
    log.mend()
    spool = Spool(tmp_path / "spool", MASTER)
    assert not spool.is_empty()
    second = Stage(tmp_path, log)
    second.there("far", "agent1", bridge="bridge-far")
    async with second.running():
        await second.until(lambda: second.engine.runners)
        assert second.spool.is_empty()
        assert words(whole(await second.finish("far", "agent1"))) == ["1"]


async def test_a_log_that_is_away_at_the_start_counts_as_lost(tmp_path: Path) -> None:
    log = MemoryLog()
    spool = Spool(tmp_path / "spool", MASTER)
    spool.append([Batch()])
    log.cut()
    fates: list[Link] = []
    evidence = Evidence(log, spool, tmp_path, 1, lost=fates.append)
    await evidence.begin()
    assert fates == [Link.LOG] and evidence.away


# ---------------------------------------------------------------- a real Postgres
@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    made = Postgres.start(tmp_path / "server")
    schema.upgrade(made.owner_dsn)
    yield made
    made.stop()


@pytest.mark.requirement("S125")
@pytest.mark.parametrize("fate", ["freeze", "kill"])
async def test_a_real_postgres_that_freezes_or_dies_under_a_live_call(
    tmp_path: Path, server: Postgres, fate: str
) -> None:
    log = await PostgresLog.open(server.app_dsn, MASTER)
    async with Stage(tmp_path / "data", log).running() as stage:
        await stage.talk()
        (server.freeze if fate == "freeze" else server.kill)()
        await stage.until(lambda: stage.pbx.asked(StopRecording))
        for number in range(5):
            note(stage, str(number))
        stage.pbx.say(DigitPressed(at=START, channel_id="far", digit="5"))
        await stage.settled()
        (server.thaw if fate == "freeze" else server.again)()
        await stage.until(lambda: not stage.engine.faults, 20)
        stored = whole(await stage.finish("far", "agent1"))
        assert words(stored) == [str(number) for number in range(5)]
        assert [row.data for row in stored.events if row.type == "digit_pressed"][-1] == {"digit": "x"}
    await log.close()


@pytest.mark.requirement("S81")
async def test_a_real_postgres_refuses_a_broken_chain_and_the_engine_lives(tmp_path: Path, server: Postgres) -> None:
    log = await PostgresLog.open(server.app_dsn, MASTER)
    async with Stage(tmp_path / "data", log).running() as stage:
        entered = list[tuple[str, str]]()
        stage.engine.enter_incident = lambda kind, subject: entered.append((kind, subject))
        await stage.talk()
        call_id = stage.call("far").call_id
        stage.engine.runners[call_id].ledger.hash = bytes(32)
        note(stage, "1")
        await stage.until(lambda: stage.pbx.asked(StopRecording))
        await stage.until(stage.spool.aside)
        assert ("log_refused", call_id) in stage.alerts and stage.engine.faults == set()
        assert entered == [("log_refused", call_id)], "its own log takes no incident"
        await stage.talk("other", "agent2")
        whole(await stage.finish("other", "agent2"))
    await log.close()

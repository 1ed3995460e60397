"""What only Postgres does: being lost, hanging, being wrong; what lies in its tables. The rest: test_contract.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from callguard.errors import CannotDecrypt, StoreDown, StoreRefused
from callguard.lab.postgres import Postgres
from callguard.ports import Batch
from callguard.store.chain import first_break
from callguard.store.keys import MasterKey
from callguard.store.postgres import PostgresLog
from tests.store import rows
from tests.store.conftest import Database

PATIENCE = 5.0


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@pytest.mark.requirement("S125")
async def test_killed_it_is_noticed_and_back_it_goes_on(own_server: Postgres, master: MasterKey) -> None:
    log = await PostgresLog.open(own_server.app_dsn, master)
    batch = rows.whole(call_id := rows.new_id())
    await log.append([batch])
    lost = asyncio.create_task(log.wait_lost())
    await asyncio.sleep(0.2)
    assert not lost.done()
    own_server.kill()
    await asyncio.wait_for(lost, PATIENCE)
    with pytest.raises(StoreDown):
        await asyncio.wait_for(log.append([batch]), PATIENCE)
    with pytest.raises(StoreDown):
        await log.load(call_id)
    await asyncio.wait_for(log.wait_lost(), PATIENCE)
    await asyncio.to_thread(own_server.again)
    await log.append([batch])
    stored = await log.load(call_id)
    assert stored is not None and stored.events == batch.events
    await log.close()


@pytest.mark.requirement("S125")
async def test_hung_it_is_noticed_and_nobody_waits_for_it(own_server: Postgres, master: MasterKey) -> None:
    log = await PostgresLog.open(own_server.app_dsn, master)
    lost = asyncio.create_task(log.wait_lost())
    await asyncio.sleep(0.2)
    batch = rows.whole(call_id := rows.new_id())
    with frozen(own_server):
        patient = asyncio.create_task(log.load(rows.new_id()))  # who reads keeps no caller waiting
        with pytest.raises(StoreDown):
            await asyncio.wait_for(log.append([batch]), PATIENCE)
        many = [log.append([rows.whole(rows.new_id())]) for _ in range(150)]
        results = await asyncio.wait_for(asyncio.gather(*many, return_exceptions=True), PATIENCE)
        assert {type(result) for result in results} == {StoreDown}
        await asyncio.wait_for(lost, PATIENCE)
    assert await patient is None
    await log.append([batch])
    stored = await log.load(call_id)
    assert stored is not None and stored.events == batch.events
    await log.close()


async def test_a_cancelled_append_harms_nobody(postgres_log: PostgresLog) -> None:
    batches = [rows.whole(rows.new_id()) for _ in range(10)]
    work = [asyncio.create_task(postgres_log.append([batch])) for batch in batches]
    await asyncio.sleep(0)
    for task in work[::2]:
        task.cancel()
    results = await asyncio.gather(*work, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, type(None)] * 5
    await postgres_log.append(batches)
    for batch in batches:
        assert batch.call is not None
        stored = await postgres_log.load(batch.call.call_id)
        assert stored is not None and stored.events == batch.events


async def test_a_closed_log_refuses_and_leaves_nobody_waiting(database: Database, master: MasterKey) -> None:
    log = await PostgresLog.open(database.app, master)
    waiting = [asyncio.create_task(log.append([rows.whole(rows.new_id())])) for _ in range(3)]
    await asyncio.sleep(0)
    await log.close()
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
    assert all(result is None or isinstance(result, StoreDown) for result in results)
    with pytest.raises(StoreDown, match="closed"):
        await log.append([])


async def test_concurrent_appends_share_transactions(postgres_log: PostgresLog, database: Database) -> None:
    await asyncio.gather(*(postgres_log.append([rows.whole(rows.new_id())]) for _ in range(50)))
    with psycopg.connect(database.admin) as connection:
        row = connection.execute("SELECT count(DISTINCT xmin::text), count(*) FROM callguard.call").fetchone()
    assert row is not None and row[1] == 50 and row[0] <= 3


@pytest.mark.parametrize("part", ["password", "dbname", "port", "host", "user"])
async def test_a_wrong_address_or_password_is_one_sentence(database: Database, master: MasterKey, part: str) -> None:
    wrong = {"password": "wrong-word", "dbname": "nothing", "port": "1", "host": "name.invalid", "user": "nobody"}
    with pytest.raises(StoreDown) as refusal:
        await PostgresLog.open(make_conninfo(database.app, **{part: wrong[part]}), master)
    assert "\n" not in str(refusal.value) and "wrong-word" not in str(refusal.value)


async def test_an_empty_database_names_the_command(empty: Database, master: MasterKey) -> None:
    with psycopg.connect(empty.admin) as connection:
        connection.execute(f"GRANT CONNECT ON DATABASE {empty.name} TO callguard_app")
    with pytest.raises(StoreRefused, match="callguard db upgrade"):
        await PostgresLog.open(empty.app, master)


async def test_another_master_key_opens_nothing(postgres_log: PostgresLog, database: Database) -> None:
    await postgres_log.append([rows.whole(call_id := rows.new_id())])
    other = await PostgresLog.open(database.app, MasterKey(b"z" * 32))
    with pytest.raises(CannotDecrypt):
        await other.party(call_id)
    await other.close()


def _content(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f"COPY (SELECT * FROM callguard.{table}) TO STDOUT") as copy:
        return b"".join(bytes(part) for part in copy)


@pytest.mark.requirement("S125")
async def test_no_table_holds_a_personal_value_in_the_clear(postgres_log: PostgresLog, database: Database) -> None:
    await postgres_log.append([rows.whole(rows.new_id())])
    with psycopg.connect(database.admin) as connection:
        named = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'callguard'").fetchall()
        tables = [name for (name,) in named]
        dump = b"".join(_content(connection, table) for table in tables)
    assert len(tables) > 16 and b"pbx1" in dump
    for word in (rows.NUMBER, "2025550143", "Hara", "StasisStart"):
        assert word.encode() not in dump and word.encode().hex().encode() not in dump


async def test_an_unknown_word_is_refused_by_the_database(postgres_log: PostgresLog) -> None:
    call_id = rows.new_id()
    await postgres_log.append([Batch(call=rows.head(call_id))])
    with pytest.raises(StoreRefused, match="recording_state"):
        await postgres_log.append([Batch(recordings=(rows.recording(call_id, "r1", "gone fishing"),))])


@pytest.mark.requirement("S81")
async def test_what_a_superuser_changes_is_found(postgres_log: PostgresLog, database: Database) -> None:
    await postgres_log.append([rows.whole(call_id := rows.new_id(), 6)])
    with psycopg.connect(database.admin) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute('UPDATE callguard.channel_event SET data = \'{"digit": "2"}\' WHERE seq = 4')
    stored = await postgres_log.load(call_id)
    assert stored is not None and first_break(stored.events) == (4, "altered")


async def test_a_changed_decision_is_found(postgres_log: PostgresLog, database: Database) -> None:
    await postgres_log.append([rows.whole(call_id := rows.new_id(), 6)])
    with psycopg.connect(database.admin) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE callguard.decision SET reasons = '[\"forged\"]' WHERE event_seq = 3")
    stored = await postgres_log.load(call_id)
    assert stored is not None and first_break(stored.events) == (3, "altered")


@pytest.mark.requirement("S81")
async def test_raw_messages_over_their_time_lose_their_key_and_nothing_else(
    postgres_log: PostgresLog, database: Database
) -> None:
    old, young, early = rows.new_id(), rows.new_id(), rows.new_id()
    first = rows.whole(old)
    await postgres_log.append([first, rows.whole(young)])
    before_the_window = replace(rows.whole(early), call=rows.head(early, rows.START - timedelta(hours=1)))
    await postgres_log.append([before_the_window])
    with psycopg.connect(database.app) as connection:
        cutoff = connection.execute("SELECT now()").fetchone()
    assert cutoff is not None
    await postgres_log.append([Batch(raw=(rows.raw(young, 99),))])  # this call still goes on
    known = await postgres_log.load(old)
    assert await postgres_log.purge_raw(cutoff[0], rows.START) == 1
    assert await postgres_log.raw(old) == () and await postgres_log.load(old) == known
    assert len(await postgres_log.raw(young)) == 2 and len(await postgres_log.raw(early)) == 1
    assert all(row.values for row in await postgres_log.party(old))
    assert await postgres_log.purge_raw(cutoff[0]) == 1  # of all time: the early one
    assert await postgres_log.purge_raw(cutoff[0]) == 0
    await postgres_log.append([first])  # the same rows again bring no key back
    assert await postgres_log.raw(old) == ()

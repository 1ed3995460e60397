from __future__ import annotations

import asyncio

import pytest
from psycopg import AsyncConnection

from callguard.errors import StoreDown
from callguard.store.link import Kept, connect, cut, within
from tests.store.conftest import Database


async def _sleep_on(database: Database, seconds: float) -> None:
    connection = await connect(database.app, 30)
    await within(connection, seconds, connection.execute("SELECT pg_sleep(20)"))


async def test_what_is_too_slow_is_cut(database: Database) -> None:
    with pytest.raises(StoreDown):
        await asyncio.wait_for(_sleep_on(database, 0.2), 5)


async def test_the_server_gives_up_too(database: Database) -> None:
    connection = await connect(database.app, 0.2)
    with pytest.raises(StoreDown, match="statement timeout"):
        await within(connection, 10, connection.execute("SELECT pg_sleep(20)"))
    await connection.close()


async def test_the_server_lets_go_of_a_machine_that_vanished(database: Database) -> None:
    """Without this it holds the lead of a dead controller for two hours."""
    connection = await connect(database.app)
    found = await connection.execute("SELECT inet_server_addr(), current_setting('tcp_keepalives_idle')")
    row = await found.fetchone()
    assert row and (row[0] is None or row[1] == "3")
    await connection.close()


async def test_a_cancelled_caller_does_not_wait(database: Database) -> None:
    task = asyncio.create_task(_sleep_on(database, 30))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


async def test_a_peer_that_accepts_and_says_nothing_is_down() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(StoreDown, match="within"):
        await asyncio.wait_for(connect(f"host=127.0.0.1 port={port} user=x dbname=x"), 5)
    server.close()


async def test_cutting_twice_is_fine(database: Database) -> None:
    connection = await connect(database.app)
    cut(connection)
    cut(connection)
    await connection.close()
    cut(connection)


# ---------------------------------------------------------------- a connection that is kept
async def _backend(connection: AsyncConnection) -> int:
    row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    return int(row[0]) if row else 0


async def test_questions_share_a_connection_that_stays(database: Database) -> None:
    kept = Kept(database.app)
    at_once = await asyncio.gather(*(kept.ask(_backend) for _ in range(5)))
    assert len({*at_once, await kept.ask(_backend)}) == 1
    await kept.close()
    await kept.close()


async def test_a_connection_that_broke_meanwhile_is_opened_anew(database: Database) -> None:
    kept, other = Kept(database.app), await connect(database.admin)
    before = await kept.ask(_backend)
    await other.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
    assert await kept.ask(_backend) != before
    await kept.close()
    await other.close()


async def test_a_question_to_nobody_is_down() -> None:
    with pytest.raises(StoreDown):
        await Kept("host=127.0.0.1 port=9 user=x dbname=x").ask(_backend)

"""One embedded Postgres for this room, and a fresh migrated database for each test that wants one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from callguard.core.rules import STRICTEST
from callguard.lab.postgres import ADMIN, Postgres
from callguard.store import schema
from callguard.store.keys import MasterKey
from callguard.store.memory import MemoryLog
from callguard.store.postgres import PostgresLog
from tests.store import rows

MASTER = MasterKey(bytes(range(32)))
_numbers = count()


@dataclass(frozen=True)
class Database:
    """One database on the shared server: its connection strings by role."""

    server: Postgres
    name: str

    @property
    def owner(self) -> str:
        return self.server.dsn(schema.OWNER, self.name)

    @property
    def app(self) -> str:
        return self.server.dsn(schema.APP, self.name)

    @property
    def admin(self) -> str:
        return self.server.dsn(ADMIN, self.name)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    made = Postgres.start(tmp_path_factory.mktemp("a server") / "with spaces")
    with psycopg.connect(made.dsn(ADMIN, "postgres"), autocommit=True) as connection:
        for setting in ("fsync = off", "max_wal_size = '8GB'"):  # many databases are made, and no disk fails here
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    schema.upgrade(made.owner_dsn)
    yield made
    made.kill()  # nobody needs its last checkpoint


def _create(server: Postgres, template: str) -> Database:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.dsn(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {schema.OWNER} TEMPLATE {template}")
    return Database(server, name)


@pytest.fixture
def empty(server: Postgres) -> Database:
    """A database without any table."""
    return _create(server, "template0")


@pytest.fixture
def database(server: Postgres) -> Database:
    """A database at the newest revision."""
    return _create(server, "callguard")


@pytest.fixture(scope="session")
def filled(server: Postgres) -> Database:
    """A migrated database with one call, for tests that change nothing."""
    made = _create(server, "callguard")

    async def fill() -> None:
        log = await PostgresLog.open(made.app, MASTER)
        await log.append([rows.whole(rows.new_id())])
        await log.activate(rows.activation())
        await log.keep_rules(STRICTEST)
        await log.close()

    asyncio.run(fill())
    return made


@pytest.fixture
def master() -> MasterKey:
    return MASTER


@pytest.fixture
async def postgres_log(database: Database) -> AsyncIterator[PostgresLog]:
    log = await PostgresLog.open(database.app, MASTER)
    yield log
    await log.close()


@pytest.fixture(params=["memory", "postgres"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[MemoryLog | PostgresLog]:
    """Each of the two event logs, empty."""
    if request.param == "memory":
        yield MemoryLog()
        return
    made = await PostgresLog.open(_create(request.getfixturevalue("server"), "callguard").app, MASTER)
    yield made
    await made.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Postgres]:
    """A server that a test may kill."""
    made = Postgres.start(tmp_path / "own")
    schema.upgrade(made.owner_dsn)
    yield made
    made.stop()

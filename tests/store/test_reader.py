"""Who only reads: column by column, by the catalogue and by trying."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from callguard.errors import BadInput, StoreDown
from callguard.lab.postgres import ADMIN
from callguard.store import reader, schema
from callguard.store.postgres import PostgresLog
from tests.store import rows
from tests.store.conftest import MASTER, Database

ROLE = "o'reports"
SECRET = {"sealed", "wrapped", "name", "number", "raw"}


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
        try:
            yield ROLE
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(ROLE)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def columns(database: Database) -> set[tuple[str, str, str]]:
    """(table, column, privilege) that the role has."""
    with psycopg.connect(database.admin) as connection:
        return set(
            connection.execute(
                """SELECT c.relname::text, a.attname::text, p.privilege FROM pg_class c
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) AS p (privilege)
                WHERE c.relnamespace = 'callguard'::regnamespace AND c.relkind IN ('r', 'p')
                AND has_column_privilege(%s, c.oid, a.attname, p.privilege)""",
                [ROLE],
            ).fetchall()
        )


@pytest.mark.requirement("S31")
async def test_a_reader_reads_its_columns_and_nothing_else(database: Database, role: str) -> None:
    log = await PostgresLog.open(database.app, MASTER)
    await log.append([rows.whole(rows.new_id())])
    await log.close()
    reader.grant(database.owner, role)
    reader.grant(database.owner, role)
    wanted = {(table, name, "SELECT") for table, names in reader.READABLE.items() for name in names.split()}
    assert columns(database) == wanted and not SECRET & {name for _, name, _ in wanted}
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        parties = connection.execute("SELECT role, search_hmac FROM callguard.party").fetchall()
        assert parties and rows.NUMBER.encode() not in b"".join(bytes(code or b"") for _, code in parties)
        for statement in (
            "SELECT sealed FROM callguard.party",
            "SELECT * FROM callguard.party",
            "SELECT * FROM callguard.raw_event",
            "SELECT * FROM callguard.key",
            "SELECT * FROM callguard.answer",
            "UPDATE callguard.incident SET closed_at = now()",
            "DELETE FROM callguard.recording",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)
    reader.revoke(database.owner, role)
    assert columns(database) == set()


@pytest.mark.parametrize("name", [schema.OWNER, schema.APP, ADMIN, "nobody at all", "a; DROP TABLE x"])
def test_ours_the_mighty_and_the_unknown_are_refused(database: Database, name: str) -> None:
    for act in (reader.grant, reader.revoke):
        with pytest.raises(BadInput, match="CREATE ROLE"):
            act(database.owner, name)


def test_no_database_is_told() -> None:
    with pytest.raises(StoreDown):
        reader.grant("postgresql://callguard_owner:x@127.0.0.1:9/none", "x")

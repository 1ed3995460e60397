"""The database as it should be: roles, migrations up and down, and a check of what is there.

What belongs here: everything that needs the owner, or that asks the catalogue. What does not: rows (postgres.py), the
tables themselves (migrations/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import LiteralString

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

import callguard
from callguard.errors import StoreRefused
from callguard.store.sentences import sentence, translated

OWNER = "callguard_owner"
APP = "callguard_app"
EVIDENCE = ("call", "channel_event", "decision", "raw_event")
"""Tables that only ever grow, in months."""
REGISTERS = ("rule_pack", "activation")
"""Tables without months that only ever grow."""
RECORDS = ("tombstone", "retention_run", "artefact_event")
"""Tables about artefacts that only ever grow."""
GROWING = (*EVIDENCE, *REGISTERS, *RECORDS)
CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing of the database that is not as it should be. `code` is a closed word, `text` says what to do."""

    code: str
    text: str


def migrations_dir() -> Path:
    """Where the migrations are: inside the installed package, or beside it in a checkout."""
    package = Path(callguard.__file__).parent
    packed = package / "data" / "migrations"
    return packed if packed.is_dir() else package.parent / "migrations"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade came to. `created`: roles that were made, without a password."""

    revision: str
    created: tuple[str, ...]


def ensure_roles(connection: psycopg.Connection, passwords: Mapping[str, str]) -> tuple[str, ...]:
    """Create the two roles where they are missing and name those; PASSWORDS by role, without one no login by password.

    Raises StoreRefused, with the SQL to run, when this connection may not create roles.
    """
    present = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    missing = [name for name in (OWNER, APP) if name not in present]
    if missing and not _may_create_roles(connection):
        lines = " ".join(f"CREATE ROLE {name} LOGIN PASSWORD '...';" for name in missing)
        raise StoreRefused(f"The database has no role {' and '.join(missing)}. As a superuser, run: {lines}")
    for name in missing:
        password = sql.Literal(passwords.get(name))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), password))
    return tuple(missing)


def _may_create_roles(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


def upgrade(dsn: str, revision: str = "head") -> Upgraded:
    """Bring the database to REVISION as the owner, and make the partitions of this month and the next.

    DSN: the owner's, or a superuser's, who makes the roles too. Raises StoreDown, StoreRefused.
    """
    with translated(), psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        created = ensure_roles(connection, {})
        _ready_owner(connection)
        _show_schema(connection)
    with _alembic(dsn) as config:
        command.upgrade(config, revision)
    reached = current_revision(dsn) or ""
    if reached == head_revision():
        _make_partitions(dsn)
    return Upgraded(reached, created)


def downgrade(dsn: str, revision: str) -> None:
    """Take the database back to REVISION ("base": no tables). Evidence in dropped tables is gone."""
    with _alembic(dsn) as config:
        command.downgrade(config, revision)


def head_revision() -> str:
    """The newest revision that this release knows."""
    return ScriptDirectory(str(migrations_dir())).get_current_head() or ""


def current_revision(dsn: str) -> str | None:
    """The revision that the database is at, or None."""
    with _owned(dsn) as connection:
        return MigrationContext.configure(connection, opts={"version_table_schema": "callguard"}).get_current_revision()


def check(dsn: str, today: date) -> list[Finding]:
    """What is not as it should be; an empty list is what one hopes for. Any role that may connect can ask."""
    with translated(), psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        missing = _check_roles(connection) + _check_revision(connection)
        if missing:
            return missing
        return _check_grants(connection) + _check_triggers(connection) + _check_partitions(connection, today)


def _ready_owner(connection: psycopg.Connection) -> None:
    """Let the owner make its schema here, where this connection may say so; the owner itself has nothing to do."""
    me = connection.execute("SELECT current_user, current_database()").fetchone()
    if me and me[0] != OWNER:
        statement = sql.SQL("GRANT CREATE, CONNECT ON DATABASE {} TO {}")
        connection.execute(statement.format(sql.Identifier(me[1]), sql.Identifier(OWNER)))
        statement = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
        connection.execute(statement.format(sql.Identifier(me[1]), sql.Identifier(APP)))


def _show_schema(connection: psycopg.Connection) -> None:
    """Let everybody who connects find the tables without naming the schema, where this connection may say so."""
    name = connection.execute("SELECT current_database()").fetchone()
    statement = sql.SQL("ALTER DATABASE {} SET search_path = callguard, public")
    with suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.format(sql.Identifier(name[0] if name else "")))


@contextmanager
def _owned(dsn: str) -> Iterator[Connection]:
    """A connection that acts as the owner, whoever logged in."""

    def connect() -> psycopg.Connection:
        connection = psycopg.connect(dsn, connect_timeout=CONNECT_SECONDS)
        connection.execute(f"SET ROLE {OWNER}")
        connection.commit()
        return connection

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    try:
        with translated(), engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise sentence(error.orig or error) from None


@contextmanager
def _alembic(dsn: str) -> Iterator[Config]:
    with _owned(dsn) as connection:
        config = Config()
        config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


def _make_partitions(dsn: str) -> None:
    with _owned(dsn) as connection, connection.begin():
        connection.exec_driver_sql(
            "SELECT callguard.callguard_ensure_month(m::date) FROM (VALUES (date_trunc('month', now())),"
            " (date_trunc('month', now()) + interval '1 month')) AS months (m)"
        )


def _check_roles(connection: psycopg.Connection) -> list[Finding]:
    rows = connection.execute("SELECT rolname, rolsuper, rolcreaterole OR rolcreatedb FROM pg_roles")
    roles = {name: (power, makes) for name, power, makes in rows}
    found = [
        Finding("role_missing", f"Role {name} does not exist: run callguard db upgrade as a superuser.")
        for name in (OWNER, APP)
        if name not in roles
    ]
    if any(roles.get(APP, ())):
        found.append(Finding("role_too_strong", f"{APP} is a superuser or may create roles: grants prove nothing."))
    return found


_VERSION_READABLE: LiteralString = """
    SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'callguard'
    WHERE c.relname = 'alembic_version'
      AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
"""


def _check_revision(connection: psycopg.Connection) -> list[Finding]:
    readable = connection.execute(_VERSION_READABLE).fetchone()
    row = connection.execute("SELECT version_num FROM callguard.alembic_version").fetchone() if readable else None
    have, need = row[0] if row else "none", head_revision()
    if have == need:
        return []
    return [Finding("revision", f"The database is at revision {have}, not at {need}: run callguard db upgrade.")]


_TOO_MUCH: LiteralString = """
    SELECT c.relname, p.privilege FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'callguard'
    CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p (privilege)
    WHERE c.relkind IN ('r', 'p')
      AND regexp_replace(c.relname, '_[0-9]{6}$', '') = ANY(%s)
      AND (has_table_privilege('callguard_app', c.oid, p.privilege)
           OR (p.privilege = 'UPDATE' AND has_any_column_privilege('callguard_app', c.oid, 'UPDATE')))
    UNION ALL
    SELECT 'callguard_owner', 'MEMBERSHIP' WHERE pg_has_role('callguard_app', 'callguard_owner', 'MEMBER')
"""


def _check_grants(connection: psycopg.Connection) -> list[Finding]:
    found = [
        Finding("grant_too_wide", f"{APP} has {privilege} on {table}: evidence could be rewritten. Revoke it.")
        for table, privilege in connection.execute(_TOO_MUCH, [list(GROWING)])
    ]
    for table in GROWING:
        row = connection.execute("SELECT has_table_privilege(%s, %s, 'INSERT')", [APP, f"callguard.{table}"]).fetchone()
        if not (row and row[0]):
            found.append(Finding("grant_missing", f"{APP} may not insert into {table}: nothing can be recorded."))
    return found


_TRIGGERS: LiteralString = """
    SELECT t.tgname || ' on ' || c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'callguard'
    WHERE NOT t.tgisinternal AND t.tgenabled NOT IN ('O', 'A')
    UNION ALL
    SELECT w.name || ' on ' || e.tab FROM unnest(%s::text[]) AS e (tab)
    CROSS JOIN (VALUES ('no_change'), ('no_truncate')) AS w (name)
    WHERE NOT EXISTS (
        SELECT FROM pg_trigger t WHERE t.tgrelid = ('callguard.' || e.tab)::regclass AND t.tgname = w.name)
    UNION ALL
    SELECT e.name || ' on ' || e.tab
    FROM (VALUES ('chain', 'channel_event'), ('chain', 'activation'), ('bounds', 'recording'), ('bounds', 'artefact'),
        ('bounds', 'artefact_key'), ('bounds', 'artefact_event'), ('bounds', 'legal_hold'),
        ('ended', 'recording')) AS e (name, tab)
    WHERE NOT EXISTS (
        SELECT FROM pg_trigger t WHERE t.tgrelid = ('callguard.' || e.tab)::regclass AND t.tgname = e.name)
"""


def _check_triggers(connection: psycopg.Connection) -> list[Finding]:
    rows = connection.execute(_TRIGGERS, [list(GROWING)])
    return [Finding("trigger_off", f"Trigger {name} is missing or disabled: not guarded.") for (name,) in rows]


def _check_partitions(connection: psycopg.Connection, today: date) -> list[Finding]:
    following = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    found = []
    for month in (today, following):
        name = f"callguard.channel_event_{month:%Y%m}"
        row = connection.execute("SELECT to_regclass(%s)", [name]).fetchone()
        if not (row and row[0]):
            found.append(Finding("partition_missing", f"{name} does not exist: run callguard db upgrade."))
    return found

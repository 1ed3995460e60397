"""Migrations up and down with data, the schema that they add up to, and what grants and triggers refuse."""

from __future__ import annotations

import re
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict

from callguard.core.events import FACTS, Outcome, Remembered, Role
from callguard.core.purpose import Purpose
from callguard.core.recording import Mask, State
from callguard.core.rules import STRICTEST
from callguard.engine.ledger import OPERATOR
from callguard.errors import StoreDown, StoreRefused
from callguard.lab.postgres import programs
from callguard.store import schema
from callguard.store.chain import first_break
from callguard.store.keys import MasterKey
from callguard.store.postgres import PostgresLog
from tests.store import rows
from tests.store.conftest import Database

TODAY = date.today()
SNAPSHOT = Path(__file__).with_name("schema.txt")
FOREVER: LiteralString = """
    INSERT INTO callguard.recording SELECT call_month, call_id, 'r9', 0, 'requested', 'infinity', '' FROM callguard.call
"""
DESCRIPTION = """
    SELECT 'enum ' || t.typname || ': ' || string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder)
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname
    UNION ALL
    SELECT 'domain ' || t.typname || ': ' || pg_get_constraintdef(c.oid)
    FROM pg_constraint c JOIN pg_type t ON t.oid = c.contypid
    WHERE t.typnamespace = 'callguard'::regnamespace
    UNION ALL
    SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' ' || array_to_string(a.attacl, ' '), '')
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'callguard'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION ALL
    SELECT 'grant ' || c.relname || ' ' || array_to_string(ARRAY(SELECT unnest(c.relacl)::text ORDER BY 1), ' ')
    FROM pg_class c
    WHERE c.relnamespace = 'callguard'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION ALL
    SELECT 'constraint ' || c.relname || ' ' || pg_get_constraintdef(o.oid)
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
    WHERE c.relnamespace = 'callguard'::regnamespace AND NOT c.relispartition AND o.contype <> 'n' AND o.conparentid = 0
    UNION ALL
    SELECT 'index ' || pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = 'callguard'::regnamespace AND NOT c.relispartition
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'callguard'::regnamespace AND NOT c.relispartition AND NOT t.tgisinternal
    UNION ALL
    SELECT 'function ' || p.proname || ' definer ' || p.prosecdef || ' ' || array_to_string(p.proconfig, ';')
        || ' ' || array_to_string(p.proacl, ' ') || ' ' || md5(p.prosrc)
    FROM pg_proc p WHERE p.pronamespace = 'callguard'::regnamespace
    ORDER BY 1
"""


def dump(dsn: str) -> str:
    """What pg_dump says of the schema, partitions left out, without what differs from run to run."""
    place = conninfo_to_dict(dsn)
    options = ["--schema-only", "-h", str(place["host"]), "-p", str(place["port"]), "-U", str(place["user"])]
    options += ["-d", str(place["dbname"]), "--exclude-table=callguard.*_2*"]
    done = subprocess.run(
        [str(programs() / "pg_dump"), *options],
        env={"PGPASSWORD": str(place["password"])},
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"^(--.*|\\(un)?restrict .*|)\n", "", done.stdout, flags=re.MULTILINE)


def described(dsn: str) -> list[str]:
    """Names in full, whatever search path the database has by now."""
    with psycopg.connect(dsn, options="-c search_path=pg_catalog") as connection:
        return [line for (line,) in connection.execute(DESCRIPTION)]


def words(dsn: str, enum: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {word for (word,) in connection.execute(f"SELECT unnest(enum_range(NULL::callguard.{enum}))::text")}


async def fill(dsn: str, call_id: str) -> None:
    log = await PostgresLog.open(dsn, MasterKey(bytes(32)))
    await log.append([rows.whole(call_id)])
    await log.close()


@pytest.mark.requirement("S129")
def test_the_schema_is_the_sum_of_the_migrations(database: Database) -> None:
    assert described(database.owner) == SNAPSHOT.read_text().splitlines()


@pytest.mark.requirement("S129")
async def test_down_and_up_again_with_data_ends_at_the_same_schema(database: Database) -> None:
    fresh = dump(database.owner)
    assert "CREATE TABLE callguard.channel_event" in fresh and "GRANT SELECT,INSERT" in fresh
    await fill(database.app, rows.new_id())
    schema.downgrade(database.owner, "base")
    assert "CREATE T" not in dump(database.owner).replace("CREATE TABLE callguard.alembic_version", "")
    schema.upgrade(database.owner)
    assert dump(database.owner) == fresh
    await fill(database.app, rows.new_id())


@pytest.mark.requirement("S129")
async def test_one_step_down_and_up_keeps_the_evidence(database: Database) -> None:
    await fill(database.app, call_id := rows.new_id())
    schema.downgrade(database.owner, "-1")
    assert schema.current_revision(database.owner) == f"{int(schema.head_revision()) - 1:04}"
    assert [finding.code for finding in schema.check(database.app, TODAY)] == ["revision"]
    assert schema.upgrade(database.owner) == schema.Upgraded(schema.head_revision(), ())
    log = await PostgresLog.open(database.app, MasterKey(bytes(32)))
    stored = await log.load(call_id)
    await log.close()
    assert stored is not None and len(stored.events) == 4 and first_break(stored.events) is None


def test_a_superuser_can_upgrade_and_the_owner_owns(empty: Database) -> None:
    schema.upgrade(empty.admin)
    assert schema.check(empty.app, TODAY) == []
    with psycopg.connect(empty.admin) as connection:
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'callguard'"
        ).fetchall()
    assert owners == [(schema.OWNER,)]


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    before = described(database.owner)
    schema.upgrade(database.owner)
    assert described(database.owner) == before


def test_the_app_role_cannot_upgrade(empty: Database) -> None:
    with psycopg.connect(empty.admin) as connection:
        connection.execute(f"GRANT CONNECT ON DATABASE {empty.name} TO {schema.APP}")
    with pytest.raises((StoreRefused, StoreDown)):
        schema.upgrade(empty.app)


def test_missing_roles_are_made_or_the_sql_is_named(empty: Database) -> None:
    with psycopg.connect(empty.admin, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS weak")
        connection.execute("CREATE ROLE weak")
        connection.execute("ALTER ROLE callguard_app RENAME TO put_away")
        try:
            connection.execute("SET ROLE weak")
            with pytest.raises(StoreRefused, match="CREATE ROLE callguard_app LOGIN"):
                schema.ensure_roles(connection, {})
            connection.execute("RESET ROLE")
            assert schema.ensure_roles(connection, {schema.APP: "it's"}) == (schema.APP,)
            assert schema.ensure_roles(connection, {}) == ()
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP ROLE IF EXISTS callguard_app")
            connection.execute("ALTER ROLE put_away RENAME TO callguard_app")
            connection.execute("DROP ROLE weak")


def test_every_word_of_the_core_is_in_its_enum(database: Database) -> None:
    contract = {"rule_reevaluated", "mask_requested", "unmask_requested", "stop_requested", "consent_withdrawn"}
    assert words(database.owner, "event_type") == set(FACTS) | {str(word) for word in Outcome} | contract
    assert words(database.owner, "party_role") == {str(role) for role in Role} | {OPERATOR}
    assert words(database.owner, "recording_state") == {str(state) for state in State} | {"masked"}
    assert Mask.ON not in words(database.owner, "recording_state")
    assert words(database.owner, "remembered") == {str(word) for word in Remembered if word}


@pytest.mark.requirement("S81")
@pytest.mark.requirement("S129")
@pytest.mark.parametrize("role", ["app", "owner", "admin"])
@pytest.mark.parametrize("table", schema.EVIDENCE)
@pytest.mark.parametrize("part", ["", "_202511"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET call_id = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_evidence_only_ever_grows(filled: Database, role: str, table: str, part: str, statement: str) -> None:
    with psycopg.connect(getattr(filled, role)) as connection, pytest.raises(pg.InsufficientPrivilege):
        connection.execute(statement.format(f"callguard.{table}{part}"))


@pytest.mark.requirement("S27")
@pytest.mark.parametrize("role", ["app", "owner", "admin"])
@pytest.mark.parametrize("table", schema.REGISTERS)
@pytest.mark.parametrize("statement", ["UPDATE {} SET version = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_a_register_only_ever_grows(filled: Database, role: str, table: str, statement: str) -> None:
    with psycopg.connect(getattr(filled, role)) as connection, pytest.raises(pg.InsufficientPrivilege):
        connection.execute(statement.format(f"callguard.{table}"))


@pytest.mark.requirement("S81")
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE callguard.channel_event",
        "ALTER TABLE callguard.channel_event DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SET ROLE callguard_owner",
        "CREATE TABLE callguard.mine ()",
        "SELECT callguard.callguard_drop_month('2025-11-01')",
        "INSERT INTO callguard.channel_event_202511 SELECT * FROM callguard.channel_event",
        "UPDATE callguard.recording SET call_id = 'x'",
        "UPDATE callguard.incident SET kind = 'harmless'",
        "DELETE FROM callguard.recording",
        "DELETE FROM callguard.incident",
        "UPDATE callguard.party SET sealed = NULL",
        "UPDATE callguard.key SET wrapped = ''",
        "DELETE FROM callguard.chain_head",
        "UPDATE callguard.alembic_version SET version_num = 'x'",
        "TRUNCATE callguard.key",
    ],
)
async def test_the_app_role_may_not(filled: Database, statement: str) -> None:
    with psycopg.connect(filled.app) as connection, pytest.raises(pg.InsufficientPrivilege):
        connection.execute(statement)


async def test_a_recording_must_say_when_it_expires(filled: Database) -> None:
    with psycopg.connect(filled.app) as connection, pytest.raises(pg.NotNullViolation):
        connection.execute(
            "INSERT INTO callguard.recording SELECT call_month, call_id, 'r9', 0, 'requested', NULL FROM callguard.call"
        )


@pytest.mark.requirement("S11")
async def test_a_recording_is_not_kept_for_ever(filled: Database) -> None:
    with psycopg.connect(filled.app) as connection:
        for change in ("UPDATE callguard.recording SET expires_at = 'infinity'", FOREVER):
            with pytest.raises(pg.CheckViolation), connection.transaction():
                connection.execute(change)


@pytest.mark.requirement("S8")
async def test_the_purposes_of_the_database_are_those_of_the_core(filled: Database) -> None:
    with psycopg.connect(filled.app) as connection:
        ask = "SELECT callguard.has_purpose(jsonb_build_object('purpose', %s::text))"
        said = {word: connection.execute(ask, [word]).fetchone() for word in (*Purpose, "personal", "", None)}
    assert {word for word, row in said.items() if row == (True,)} == set(Purpose) - {Purpose.NONE}


async def test_a_call_lies_in_the_month_of_its_start(filled: Database) -> None:
    with psycopg.connect(filled.owner) as connection, pytest.raises(pg.CheckViolation):
        connection.execute(
            "INSERT INTO callguard.call SELECT call_month, 'c9', tenant, pbx_id, '', direction, call_type,"
            " policy_version, rule_pack, policy, '2025-12-01T00:00:00Z' FROM callguard.call"
        )


async def test_a_month_can_be_dropped_by_the_owner_and_leaves_its_heads(database: Database) -> None:
    calls = [rows.new_id() for _ in range(2)]
    for call_id in calls:
        await fill(database.app, call_id)
    with psycopg.connect(database.owner) as connection:
        row = connection.execute("SELECT callguard.callguard_drop_month('2025-11-17')").fetchone()
        heads = connection.execute("SELECT call_id::text, seq, hash FROM callguard.chain_head").fetchall()
        left = connection.execute("SELECT count(*) FROM callguard.call").fetchone()
    assert row == (2,) and left == (0,)
    assert {call_id for call_id, _, _ in heads} == set(calls) and {seq for _, seq, _ in heads} == {4}
    await fill(database.app, rows.new_id())


DAMAGE = {
    "grant_too_wide": "GRANT UPDATE (data) ON callguard.channel_event TO callguard_app",
    "grant_missing": "REVOKE INSERT ON callguard.decision FROM callguard_app",
    "trigger_off": "ALTER TABLE callguard.channel_event DISABLE TRIGGER no_change",
    "revision": "UPDATE callguard.alembic_version SET version_num = '0001'",
}


def test_check_finds_nothing_on_a_sound_database(database: Database) -> None:
    assert schema.check(database.app, TODAY) == []


@pytest.mark.parametrize("code", DAMAGE)
def test_check_finds_each_damage(database: Database, code: str) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(DAMAGE[code])
    assert {finding.code for finding in schema.check(database.app, TODAY)} == {code}


@pytest.mark.parametrize(
    "trigger", ["no_change ON callguard.call", "chain ON callguard.channel_event", "bounds ON callguard.recording"]
)
def test_check_finds_a_dropped_trigger(database: Database, trigger: str) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(f"DROP TRIGGER {trigger}")
    assert {finding.code for finding in schema.check(database.app, TODAY)} == {"trigger_off"}


def test_check_finds_a_missing_month(database: Database) -> None:
    found = schema.check(database.app, TODAY + timedelta(days=400))
    assert [finding.code for finding in found] == ["partition_missing"] * 2


def test_check_finds_too_strong_a_role(database: Database) -> None:
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute("ALTER ROLE callguard_app CREATEROLE")
        try:
            assert [finding.code for finding in schema.check(database.app, TODAY)] == ["role_too_strong"]
        finally:
            connection.execute("ALTER ROLE callguard_app NOCREATEROLE")


def test_check_of_an_empty_database_is_one_finding(empty: Database) -> None:
    assert [finding.code for finding in schema.check(empty.owner, TODAY)] == ["revision"]


def test_a_wrong_password_is_one_sentence(database: Database) -> None:
    with pytest.raises(StoreDown, match="password"):
        schema.check(psycopg.conninfo.make_conninfo(database.app, password="no"), TODAY)


@pytest.mark.parametrize(
    "statement", ["UPDATE callguard.rule_pack SET kept_at = now()", "DELETE FROM callguard.rule_pack"]
)
async def test_kept_rules_stay_as_they_are(database: Database, statement: LiteralString) -> None:
    log = await PostgresLog.open(database.app, MasterKey(bytes(32)))
    await log.keep_rules(STRICTEST)
    await log.keep_rules(STRICTEST)
    await log.close()
    for dsn in (database.app, database.owner):
        with psycopg.connect(dsn) as connection, pytest.raises(psycopg.Error):
            connection.execute(statement)

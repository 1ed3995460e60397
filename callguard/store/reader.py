"""Reading without personal data: what a role for reports or quality may see, column by column.

What belongs here: those columns, granting and taking back. What does not: the application's own role (migrations/).
No number, no name and no raw message is among them: a party is its id and the code of its number, which only the
master key can make.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import psycopg
from psycopg import sql

from callguard.errors import BadInput
from callguard.store.schema import APP, CONNECT_SECONDS, OWNER
from callguard.store.sentences import translated

READABLE: Mapping[str, str] = MappingProxyType(
    {
        "call": "call_month call_id tenant pbx_id direction call_type policy_version rule_pack policy started_at",
        "channel_event": "call_month call_id seq event_id channel_id type derived at recorded_at offset_samples data",
        "decision": "call_month call_id seq event_seq state effects reasons",
        "party": "call_month call_id party_id channel_id role search_hmac",
        "recording": "call_month call_id recording_id segment_no state expires_at",
        "incident": "call_month incident_id call_id kind opened_at closed_at",
    }
)
"""Tables, and the columns that a reader gets."""


def grant(dsn: str, role: str) -> None:
    """Let ROLE, which exists, read these columns and nothing else. DSN: the owner's, or a superuser's.

    Done again it comes to the same. Raises BadInput for a role that is not there or one of ours, StoreDown,
    StoreRefused.
    """
    with translated(), _owner(dsn, role) as connection:
        _take(connection, role)
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA callguard TO {}").format(sql.Identifier(role)))
        for table, columns in READABLE.items():
            names = sql.SQL(", ").join(map(sql.Identifier, columns.split()))
            statement = sql.SQL("GRANT SELECT ({}) ON callguard.{} TO {}")
            connection.execute(statement.format(names, sql.Identifier(table), sql.Identifier(role)))


def revoke(dsn: str, role: str) -> None:
    """Take all of it back. Raises as `grant` does."""
    with translated(), _owner(dsn, role) as connection:
        _take(connection, role)


def _take(connection: psycopg.Connection, role: str) -> None:
    name = sql.Identifier(role)
    connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA callguard FROM {}").format(name))
    connection.execute(sql.SQL("REVOKE ALL ON SCHEMA callguard FROM {}").format(name))


def _owner(dsn: str, role: str) -> psycopg.Connection:
    connection = psycopg.connect(dsn, connect_timeout=CONNECT_SECONDS)
    connection.execute(f"SET ROLE {OWNER}")
    known = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if role in (OWNER, APP) or known is None or known[0]:
        connection.close()
        raise BadInput("the role is not there, or may do more already: CREATE ROLE name LOGIN PASSWORD '...' first")
    return connection

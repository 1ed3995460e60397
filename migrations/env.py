"""Alembic's entry: runs the versions over the connection that callguard.store.schema hands in, as the owner.

What belongs here: where the version table is kept. What does not: finding the database (callguard.store.schema), and
tables (versions/).
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text


def run(connection: Connection) -> None:
    """All wanted revisions in one transaction: a failed upgrade leaves nothing behind."""
    with connection.begin():
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS callguard"))
        context.configure(connection=connection, version_table_schema="callguard")
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Offline SQL is not supported: run callguard db upgrade against the database.")
run(context.config.attributes["connection"])

"""callguard db: bring the evidence database up to date, and say whether it is as it should be.

What belongs here: options, words and exit status. What does not: what is checked (store/schema.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

import click

from callguard.errors import CallguardError
from callguard.store import schema

FINDING = 1


@contextmanager
def _spoken() -> Iterator[None]:
    """Our exceptions leave as one sentence on standard error and their exit status."""
    try:
        yield
    except CallguardError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from None


@click.group()
def db() -> None:
    """The evidence database."""


@db.command()
@click.option("--dsn", envvar="CALLGUARD_OWNER_URL", required=True, help="Database, as callguard_owner or a superuser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def upgrade(dsn: str, as_json: bool) -> None:
    """Create or migrate the tables, and this and next month's partitions."""
    with _spoken():
        done = schema.upgrade(dsn)
    if as_json:
        return click.echo(json.dumps(asdict(done)))
    click.echo(f"The database is at revision {done.revision}.")
    for role in done.created:
        click.echo(f"Role {role} was made without a password. Set one: psql -c '\\password {role}'")


@db.command()
@click.option("--dsn", envvar="CALLGUARD_DATABASE_URL", required=True, help="Database, as callguard_app.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def check(context: click.Context, dsn: str, as_json: bool) -> None:
    """Check revision, roles, grants, triggers and partitions. Exit status 1: something was found."""
    with _spoken():
        findings = schema.check(dsn, datetime.now(UTC).date())
    if as_json:
        click.echo(json.dumps({"ok": not findings, "findings": [asdict(finding) for finding in findings]}))
    else:
        click.echo("\n".join(finding.text for finding in findings) or "The database is as it should be.")
    context.exit(FINDING if findings else 0)

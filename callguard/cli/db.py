"""callguard db: bring the evidence database up to date, and say whether it is as it should be.

What belongs here: options, words and exit status. What does not: what is checked (store/schema.py).
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from callguard.cli.option import config_option, json_option, load
from callguard.errors import BadInput
from callguard.store import schema

FINDING = 1


@click.group()
def db() -> None:
    """The evidence database."""


@db.command()
@click.option("--dsn", envvar="CALLGUARD_OWNER_URL", help="Database, as callguard_owner or a superuser.")
@config_option
@json_option
def upgrade(dsn: str | None, config: Path, as_json: bool) -> None:
    """Create or migrate the tables, and this and next month's partitions."""
    done = schema.upgrade(dsn or _owner_url(config))
    if as_json:
        return click.echo(json.dumps(asdict(done)))
    click.echo(f"The database is at revision {done.revision}.")
    for role in done.created:
        click.echo(f"Role {role} was made without a password. Set one: psql -c '\\password {role}'")


@db.command()
@click.option("--dsn", envvar="CALLGUARD_DATABASE_URL", help="Database, as callguard_app.")
@config_option
@json_option
def check(dsn: str | None, config: Path, as_json: bool) -> None:
    """Check revision, roles, grants, triggers and partitions. Exit status 1: something was found."""
    findings = schema.check(dsn or load(config).database.url, datetime.now(UTC).date())
    if as_json:
        click.echo(json.dumps({"ok": not findings, "findings": [asdict(finding) for finding in findings]}))
    else:
        click.echo("\n".join(finding.text for finding in findings) or "The database is as it should be.")
    sys.exit(FINDING if findings else 0)


def _owner_url(config: Path) -> str:
    url = load(config).database.owner_url
    if not url:
        raise BadInput(f"{config}: database.owner_url: is missing; migrations run as callguard_owner (or give --dsn)")
    return url

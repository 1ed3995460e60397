"""callguard db: bring the evidence database up to date, say whether it is as it should be, purge raw messages.

What belongs here: options, words and exit status. What does not: what is checked (store/schema.py).
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from callguard.cli.option import config_option, json_option, load, with_log
from callguard.engine.purge import RAW_DAYS
from callguard.errors import BadInput
from callguard.store import reader, schema

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


@db.command("purge-raw")
@click.option("--days", type=click.IntRange(min=0), default=RAW_DAYS, show_default=True, help="Older than this.")
@config_option
@json_option
def purge_raw(days: int, config: Path, as_json: bool) -> None:
    """Destroy the keys of raw PBX messages, so that nobody can read them again; the chains stay whole.

    A running controller does so once a day, for the calls of the last weeks.
    """
    before = datetime.now(UTC) - timedelta(days=days)
    calls = with_log(load(config), lambda log: log.purge_raw(before))
    if as_json:
        return click.echo(json.dumps({"before": before.isoformat(timespec="seconds"), "calls": calls}))
    click.echo(f"The raw messages of {calls} call(s) cannot be opened any more.")


@db.command("reader")
@click.argument("role")
@click.option("--revoke", "back", is_flag=True, help="Take it back.")
@click.option("--dsn", envvar="CALLGUARD_OWNER_URL", help="Database, as callguard_owner or a superuser.")
@config_option
@json_option
def reader_(role: str, back: bool, dsn: str | None, config: Path, as_json: bool) -> None:
    """Let the database role ROLE read calls, events and incidents: no number, no name, no raw message."""
    (reader.revoke if back else reader.grant)(dsn or _owner_url(config), role)
    if as_json:
        return click.echo(json.dumps({"role": role, "reads": {} if back else {k: v.split() for k, v in _READS}}))
    click.echo(f"Role {role} reads nothing any more." if back else f"Role {role} reads {', '.join(reader.READABLE)}.")


_READS = tuple(reader.READABLE.items())


def _owner_url(config: Path) -> str:
    url = load(config).database.owner_url
    if not url:
        raise BadInput(f"{config}: database.owner_url: is missing; migrations run as callguard_owner (or give --dsn)")
    return url

"""`callguard incidents`: what a human must look at, and answering for it.

What belongs here: the commands. What does not: what is an incident (core/, engine/), the entries (engine/incident.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from callguard.cli.moment import since_option
from callguard.cli.option import account, config_option, json_option, load, show_json, with_log
from callguard.engine import clock
from callguard.engine.incident import CLOSED, OPENED, closed
from callguard.engine.registrar import enter
from callguard.errors import BadInput
from callguard.ports import ActivationRow, EventRow, IncidentRow, Wanted
from callguard.settings import Settings
from callguard.store.activation import ERASED
from callguard.store.postgres import PostgresLog
from callguard.text import is_utf8, printable


@click.group()
def incidents() -> None:
    """Incidents: what a human must look at, and answering for it."""


# ---------------------------------------------------------------- list
@incidents.command("list")
@since_option
@click.option("--open", "open_only", is_flag=True, help="Open ones only.")
@click.option("--kind", default="", help="One kind only, as `list` names it.")
@click.option("--call", help="Of one CALL only: our id, or the PBX's unique or linked id; '' for those of no call.")
@config_option
@json_option
def list_incidents(
    since: datetime | None, open_only: bool, kind: str, call: str | None, config: Path, as_json: bool
) -> None:
    """Incidents, oldest first."""
    rows = with_log(load(config), lambda log: _find(log, since, open_only, kind, call))
    if as_json:
        return show_json({"incidents": [_row(row) for row in rows]})
    for row in rows:
        state = f"closed {row.closed_at:%Y-%m-%d}" if row.closed_at else "open"
        at = row.opened_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        click.echo(printable(f"{row.incident_id}  {at}Z  {state:17}  {row.kind:24} {row.call_id or '-'}"))
    click.echo(f"{len(rows)} incident(s), {sum(row.closed_at is None for row in rows)} open")


async def _find(
    log: PostgresLog, since: datetime | None, open_only: bool, kind: str, call: str | None
) -> tuple[IncidentRow, ...]:
    call_id = await _our_id(log, call) if call else call
    return await log.find_incidents(Wanted(since=since, open_only=open_only, kind=kind, call_id=call_id))


async def _our_id(log: PostgresLog, call: str) -> str:
    found = await log.load(call)
    if found is None:
        raise BadInput(f"{call}: no call has this id")
    return found.call.call_id


def _row(row: IncidentRow) -> dict[str, Any]:
    return {
        "incident_id": row.incident_id,
        "kind": row.kind,
        "call_id": row.call_id,
        "opened_at": row.opened_at.isoformat(),
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
    }


# ---------------------------------------------------------------- show
@dataclass(frozen=True)
class _Seen:
    """An incident, its row in the call's log, what led to that, and its entries in the register."""

    row: IncidentRow
    event: EventRow | None
    cause: EventRow | None
    entries: tuple[ActivationRow, ...]

    def as_data(self) -> dict[str, Any]:
        return {
            **_row(self.row),
            "about": dict(self.event.data) if self.event else {},
            "cause": {"type": self.cause.type, "seq": self.cause.seq, **self.cause.data} if self.cause else {},
            "entries": [_entry(entry) for entry in self.entries],
        }


@incidents.command()
@click.argument("incident")
@config_option
@json_option
def show(incident: str, config: Path, as_json: bool) -> None:
    """One INCIDENT, named by its id or the beginning of it: what led to it, and who answered for it."""
    settings = load(config)
    seen = with_log(settings, lambda log: _see(log, settings, incident))
    if as_json:
        return show_json(seen.as_data())
    for key, value in seen.as_data().items():
        click.echo(printable(f"{key:12} {_plain(value)}"))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(map(_plain, value)) or "-"
    return str(value) if value not in (None, "") else "-"


async def _see(log: PostgresLog, settings: Settings, incident: str) -> _Seen:
    row = _named(await log.find_incidents(Wanted()), incident)
    register = await log.activations(settings.tenant)
    entries = tuple(entry for entry in register if entry.content.get("incident") == row.incident_id)
    stored = await log.load(row.call_id) if row.call_id else None
    events = stored.events if stored else ()
    event = next((item for item in events if item.event_id == row.incident_id), None)
    before = [item for item in events if event and item.seq < event.seq and not item.derived]
    return _Seen(row, event, before[-1] if before else None, entries)


def _named(rows: Sequence[IncidentRow], name: str) -> IncidentRow:
    """The incident whose id begins with NAME. Raises BadInput where there is none, or more than one."""
    found = [row for row in rows if name and row.incident_id.startswith(name)]
    exact = [row for row in found if row.incident_id == name]
    if len(exact or found) != 1:
        many = "several incidents begin so" if found else "no incident has this id"
        raise BadInput(f"{name}: {many}; see `callguard incidents list`")
    return (exact or found)[0]


def _entry(entry: ActivationRow) -> dict[str, Any]:
    said = entry.said or ERASED
    words = {OPENED: "opened", CLOSED: "closed"}
    return {
        "what": words.get(entry.kind, entry.kind),
        "at": entry.at.isoformat(),
        "author": said["author"],
        "about" if entry.kind == OPENED else "reason": said["reason"],
        "number": entry.seq,
    }


# ---------------------------------------------------------------- close
@incidents.command()
@click.argument("incident", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why it may be closed: it is kept sealed. Name no caller in it.")
@config_option
@json_option
def close(incident: tuple[str, ...], reason: str, config: Path, as_json: bool) -> None:
    """Answer for INCIDENTs. Account and reason become an entry of the register: sealed, and chained by their digest."""
    if not reason.strip() or not is_utf8(reason):
        raise BadInput("--reason must say something, in UTF-8")
    settings = load(config)
    rows = with_log(settings, lambda log: _close(log, settings, incident, reason))
    if as_json:
        return show_json({"closed": [_row(row) for row in rows]})
    for row in rows:
        click.echo(f"{row.incident_id}: closed")


async def _close(log: PostgresLog, settings: Settings, names: Sequence[str], reason: str) -> list[IncidentRow]:
    """All of NAMES, or none where one of them cannot be closed."""
    there = await log.find_incidents(Wanted())
    rows = list({row.incident_id: row for row in (_named(there, name) for name in names)}.values())
    if done := [row.incident_id for row in rows if row.closed_at]:
        raise BadInput(f"{', '.join(done)}: closed before; see `callguard incidents show`")
    for row in rows:
        await enter(log, settings.tenant, closed(row, clock.read().wall, account(), reason))
    wanted = {row.incident_id for row in rows}
    return [row for row in await log.find_incidents(Wanted()) if row.incident_id in wanted]

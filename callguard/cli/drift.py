"""`callguard drift`: whether something goes wrong more often than it did, among which calls, and since what change.

What belongs here: reading calls and incidents, telling. What does not: what counts as drift (drift.py).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from callguard.cli.moment import Moment
from callguard.cli.option import config_option, json_option, load, show_json, with_log
from callguard.drift import Change, Seen, Series, first_of_each, series
from callguard.engine import clock
from callguard.engine.alerts import alert
from callguard.engine.incident import opened
from callguard.engine.registrar import enter
from callguard.errors import CallguardError
from callguard.ports import CallRow, Wanted
from callguard.settings import Settings
from callguard.store.postgres import PostgresLog
from callguard.text import printable

KIND = "drift"
SHOWN = 12
"""Characters of a version."""
WINDOW, RECENT = timedelta(days=30), timedelta(days=1)
DIALPLAN, UNKNOWN = "dialplan", "unknown"
VERSIONS = ("policy", DIALPLAN)
"""Groups of which one follows the other."""
_HEADS: dict[str, Callable[[CallRow], str]] = {
    "call-type": lambda head: head.call_type,
    "direction": lambda head: head.direction,
    "policy": lambda head: head.policy_version[:SHOWN],
    "pbx": lambda head: head.pbx_id,
}
_SEALED = {"agent": ("agent", "endpoint"), "number": ("far", "dialled")}
"""What lies in a party's own values, and of whom: to be opened call by call."""


@click.command()
@click.option("--since", type=Moment(), help="The first calls that are looked at: an age or a time. By default 30d.")
@click.option("--recent", type=Moment(), help="From when on rates are held against those before. By default 1d.")
@click.option(
    "--by",
    default="call-type",
    show_default=True,
    type=click.Choice([*_HEADS, DIALPLAN, *_SEALED]),
    help="What groups calls.",
)
@click.option("--all", "every", is_flag=True, help="Also what has not drifted.")
@config_option
@json_option
@click.pass_context
def drift(
    context: click.Context,
    since: datetime | None,
    recent: datetime | None,
    by: str,
    every: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Rates of every kind of incident, before and now. Exit status 1: one has drifted."""
    settings, now = load(config), clock.read().wall
    found = with_log(settings, lambda log: _look(log, settings, since or now - WINDOW, recent or now - RECENT, by))
    drifted = [one for one in found if one.is_drift]
    if as_json:
        show_json({"by": by, "series": [one.as_data() for one in (found if every else drifted)]})
    else:
        for one in found if every else drifted:
            click.echo(printable(_line(one)))
        click.echo(f"{len(drifted)} of {len(found)} rate(s) drifted")
    context.exit(1 if drifted else 0)


async def _look(log: PostgresLog, settings: Settings, since: datetime, recent: datetime, by: str) -> list[Series]:
    kinds: dict[str, set[str]] = defaultdict(set)
    for incident in await log.find_incidents(Wanted(since=since)):
        kinds[incident.call_id].add(incident.kind)
    dialplans, brought = await log.dialplans(since), list[tuple[datetime, str]]()
    seen = []
    async for head in log.calls():
        if head.started_at < since:
            break
        dialplan = dialplans.get(head.call_id, "")
        brought.append((head.started_at, dialplan))
        group = dialplan or UNKNOWN if by == DIALPLAN else await _group(log, head, by)
        seen.append(Seen(head.started_at, group, frozenset(kinds[head.call_id])))
    rows = await log.activations(settings.tenant)
    put = [Change(row.at, row.kind, row.version) for row in rows if row.kind in _PUT]
    return series(seen, recent, [*put, *first_of_each(brought, DIALPLAN)], versions=by in VERSIONS)


_PUT = ("policy", "rules", "halt_placed", "halt_released")


async def _group(log: PostgresLog, head: CallRow, by: str) -> str:
    if by in _HEADS:
        return _HEADS[by](head)
    role, value = _SEALED[by]
    said = [row.values.get(value, "") for row in await log.party(head.call_id) if row.role == role]
    return next((word for word in said if word), UNKNOWN)


def _line(one: Series) -> str:
    (wrong, calls), (wrong_now, calls_now) = one.before, one.now
    text = f"{one.group}  {one.kind}: {wrong} of {calls} calls before, {wrong_now} of {calls_now} now"
    if not one.is_drift:
        return text
    change = f"; put into force last before it: {_change(one.change)}" if one.change else ""
    return f"{text}: drifted since {one.since}{change}"


def _change(change: Change) -> str:
    return f"{change.kind} {change.version[:SHOWN]} of {change.at.isoformat(timespec='seconds')}"


async def watch_drift(settings: Settings, every: float = 86400.0) -> None:
    """Until cancelled: each day, what has drifted among the calls of a type or a policy is an incident, once."""
    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(tell_drift, settings)


def tell_drift(settings: Settings, at: datetime | None = None) -> None:
    """An incident for each rate that has drifted by AT (now), once. Nothing where the log is away."""
    now = at or clock.read().wall
    with suppress(CallguardError):
        if any(with_log(settings, lambda log: _enter(log, settings, now))):
            alert(KIND, "")


async def _enter(log: PostgresLog, settings: Settings, now: datetime) -> list[Any]:
    entered = []
    for by in ("call-type", *VERSIONS):
        for one in await _look(log, settings, now - WINDOW, now - RECENT, by):
            if one.is_drift:
                entry = opened(settings.tenant, KIND, f"{by} {one.group}: {one.kind} since {one.since}", now)
                entered.append(await enter(log, settings.tenant, entry))
    return entered

"""`callguard reconcile`: the PBX's books, the event log and the files, held against one another.

What belongs here: fetching all three, and showing what came of it. What does not: classes (callguard/reconcile.py),
rows against objects of the vault (cli/vault.py).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click

from callguard.audio.shred import is_going
from callguard.audio.tone import TONES
from callguard.cli.keeper import rows, shelf_of, spool_of
from callguard.cli.moment import since_option
from callguard.cli.option import config_option, json_option, load, show_json, with_log
from callguard.engine.recovery import LiveCalls
from callguard.errors import BadInput
from callguard.jobs.spool import is_staged, plain_file, recording_of
from callguard.pbx.cdr import Leg, read_cdr, read_cel
from callguard.ports import StoredCall
from callguard.reconcile import FINE, Result, Stock
from callguard.reconcile import reconcile as held_together
from callguard.settings import Settings
from callguard.store.postgres import PostgresLog
from callguard.text import printable

EARLIER = timedelta(days=1)
"""How much earlier a call may have begun than a leg of it."""
_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@since_option
@click.option("--cdr", multiple=True, type=_file, help="The PBX's call detail records: cdr_csv, or mod_cdr_csv.")
@click.option("--cel", multiple=True, type=_file, help="Asterisk's channel events: cel_custom.")
@click.option("--outside", multiple=True, help="A context, or a number that is called, whose legs are none of ours.")
@click.option("--all", "every", is_flag=True, help="Show what is as it should be too.")
@config_option
@json_option
@click.pass_context
def reconcile(
    context: click.Context,
    since: datetime | None,
    cdr: tuple[Path, ...],
    cel: tuple[Path, ...],
    outside: tuple[str, ...],
    every: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Every leg in exactly one class: recorded as due, not recorded as due, lost, recorded in error, unknown file.

    Exit status 1: something is in one of the last three, or in none.
    """
    settings = load(config)
    legs = [leg for path in cdr for leg in read_cdr(path, settings.pbx.kind)]
    legs += [leg for path in cel for leg in read_cel(path)]
    marks = LiveCalls(settings.data / "live")
    marked = {*marks.ids()}
    calls, known = with_log(settings, lambda log: _calls(log, settings, since))
    marked |= {*marks.ids()}  # those that began meanwhile; what ended meanwhile was among them before
    books = _merged(legs) if cdr or cel else None
    stock = _stock(settings, known, _verified(calls))
    result = held_together(books, calls, stock, since=since, outside=outside, marked=marked)
    if as_json:
        show_json(_as_data(result))
    else:
        _show(result, every)
    context.exit(0 if result.ok else 1)


def _merged(legs: list[Leg]) -> list[Leg]:
    """Each channel once, though it is in several books."""
    found: dict[str, Leg] = {}
    for leg in legs:
        before = found.get(leg.channel_id)
        found[leg.channel_id] = leg if before is None else before.with_more_of(leg)
    return list(found.values())


async def _calls(
    log: PostgresLog, settings: Settings, since: datetime | None
) -> tuple[list[StoredCall], frozenset[str]]:
    """Calls of this PBX since then and a day more, and which recordings in the spool are of any call."""
    wanted: list[str] = []
    async for head in log.calls():
        if since and head.started_at < since - EARLIER:
            break
        if (head.tenant, head.pbx_id) == (settings.tenant, settings.pbx_id):
            wanted.append(head.call_id)
    calls = [stored for call_id in wanted if (stored := await log.load(call_id)) is not None]
    names = {found for path in _entries(settings) if (found := recording_of(path))}
    return calls, await log.known(sorted(names))


def _entries(settings: Settings) -> list[Path]:
    try:
        return spool_of(settings).entries()
    except OSError as problem:
        raise BadInput(f"recordings.directory: {problem.strerror}: reconcile on the PBX's own machine") from None


def _verified(calls: list[StoredCall]) -> frozenset[str]:
    return frozenset(item.recording_id for call in calls for item in call.recordings if item.state == "verified")


def _stock(settings: Settings, known: frozenset[str], verified: frozenset[str]) -> Stock:
    """What lies in the spool and in the vault. What the rows say is there is looked for, and files that are VERIFIED
    are read: one that was cut or exchanged since has the same name."""
    paths = [path for path in _entries(settings) if not (path.name == TONES or is_going(path) or is_staged(path))]
    with rows(settings) as artefacts:
        stored = [row for row in artefacts.find() if row.kind == "audio"]
    objects = dict(shelf_of(settings).names()) if stored else {}
    spool = known & {found for path in paths if (found := recording_of(path))}
    read = {each: _digest(spool_of(settings).path(each, "whole")) for each in sorted(spool & verified)}
    return Stock(
        spool=spool,
        digests={each: digest for each, digest in read.items() if digest is not None},
        vault={row.recording_id: _state(row.state, row.object in objects) for row in stored},
        strange=[path.name for path in paths if recording_of(path) not in known],
    )


def _digest(path: Path) -> str | None:
    """sha256 of a file; '' for what is no plain file, None for what the vault took meanwhile."""
    try:
        with plain_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (BadInput, OSError):
        return "" if os.path.lexists(path) else None


def _state(state: str, there: bool) -> str:
    """An object that its row has and the vault has not is nowhere."""
    return state if there or state != "stored" else "writing"


# ---------------------------------------------------------------- showing
def _as_data(result: Result) -> dict[str, object]:
    items = [{key: value for key, value in asdict(item).items() if key != "began"} for item in result.items]
    return {"ok": result.ok, "counts": result.counts, "live": result.live, "books": result.books, "legs": items}


def _show(result: Result, every: bool) -> None:
    for item in result.items:
        if every or item.cls not in FINE:
            click.echo(printable(f"{item.leg:24} {item.cls:20} {item.reason}  {item.call_id or '-'}"))
    if not result.books:
        click.echo("without --cdr or --cel: a call that callguard was never asked about is not seen")
    if result.live:
        click.echo(f"{result.live} call(s) under way, not judged")
    click.echo(", ".join(f"{count} {name}" for name, count in result.counts.items()))

"""`callguard legal-hold`: calls of which nothing is deleted until somebody releases them.

What belongs here: the commands. What does not: that nothing is deleted (the database), what was due meanwhile
(jobs/retention.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from callguard.cli.keeper import rows
from callguard.cli.option import account, config_option, json_option, load, show_json, with_log
from callguard.cli.retaining import holds_of, retainer_of
from callguard.engine import clock
from callguard.errors import BadInput
from callguard.jobs.step import queue_of
from callguard.settings import Settings
from callguard.store.artefact import Artefacts
from callguard.store.audit import note_act
from callguard.store.hold import Hold
from callguard.store.job import Jobs
from callguard.store.postgres import PostgresLog
from callguard.text import is_utf8, printable

CASE = re.compile(r"[A-Za-z0-9._-]{1,64}")


@click.group("legal-hold")
def legal_hold() -> None:
    """Legal holds: nothing of a held call is deleted, whatever its time, on any path."""


@legal_hold.command()
@click.argument("case")
@click.option("--call", "calls", multiple=True, help="A call: our id, or the PBX's unique or linked id. Repeat it.")
@click.option("--recording", "recordings", multiple=True, help="The call of this recording. Repeat it.")
@click.option("--reason", required=True, help="Why. It is kept sealed.")
@click.option("--authority", required=True, help="The document that demands it: an order, a letter, a file number.")
@click.option("--approved-by", required=True, help="Who agreed: somebody else than the account that runs this.")
@click.option("--review-on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="When to look at it again.")
@config_option
@json_option
def place(
    case: str,
    calls: tuple[str, ...],
    recordings: tuple[str, ...],
    reason: str,
    authority: str,
    approved_by: str,
    review_on: datetime,
    config: Path,
    as_json: bool,
) -> None:
    """Hold calls for CASE: nothing of them is deleted before the release."""
    said = {"reason": reason, "authority": authority, "approved_by": approved_by, "by": account()}
    _check(case, said, review_on.date())
    settings = load(config)
    call_ids = _calls(settings, calls, recordings)
    note_act(settings.data, at=clock.read().wall, operator=account(), act="legal_hold_place", rows=len(call_ids))
    with rows(settings) as artefacts:
        placed = holds_of(settings, artefacts).place(case, call_ids, review_on.date(), said)
    if as_json:
        return show_json({"case": case, "calls": call_ids, "placed": placed})
    click.echo(f"{case}: {placed} call(s) held, {len(call_ids) - placed} held before")


@legal_hold.command()
@click.argument("case")
@click.option("--call", "calls", multiple=True, help="This call alone, by our id. Repeat it.")
@click.option("--reason", required=True, help="Why. It is kept sealed.")
@config_option
@json_option
def release(case: str, calls: tuple[str, ...], reason: str, config: Path, as_json: bool) -> None:
    """Release what is held for CASE. What was due meanwhile goes with the next retention run."""
    said = {"reason": reason, "by": account()}
    _check(case, said)
    settings = load(config)
    with rows(settings) as artefacts:
        own = holds_of(settings, artefacts)
        held = own.find(case)
        if unknown := set(calls) - {hold.call_id for hold in held}:
            raise BadInput(f"{', '.join(sorted(unknown))}: not held for {case}; see `callguard legal-hold list {case}`")
        if not held:
            raise BadInput(f"{case}: nothing is held for it; see `callguard legal-hold list`")
        chosen = [hold for hold in held if not calls or hold.call_id in calls]
        note_act(settings.data, at=clock.read().wall, operator=account(), act="legal_hold_release", rows=len(chosen))
        released = own.release(chosen, said)
        sooner = retainer_of(settings, artefacts).close({hold.call_id for hold in chosen})
        retrimmed = _trim_again(artefacts, {hold.call_id for hold in chosen})
    if as_json:
        return show_json({"case": case, "released": released, "ends_sooner": sooner, "to_be_trimmed": retrimmed})
    ends = f"; {sooner} thing(s) end sooner, as their call types say of a closed case" if sooner else ""
    click.echo(f"{case}: {released} call(s) released{ends}")


@legal_hold.command("list")
@click.argument("case", required=False)
@click.option("--all", "every", is_flag=True, help="What was released too.")
@config_option
@json_option
@click.pass_context
def list_holds(context: click.Context, case: str | None, every: bool, config: Path, as_json: bool) -> None:
    """Holds, oldest first. Exit status 1: one of them was to be looked at again before today."""
    settings, today = load(config), clock.read().wall.date()
    with rows(settings) as artefacts:
        found = holds_of(settings, artefacts).find(case, released=every)
    late = [hold for hold in found if hold.overdue(today)]
    if as_json:
        show_json({"holds": [_data(hold, today) for hold in found], "overdue": len(late)})
    else:
        for hold in found:
            click.echo(printable(_line(hold, today)))
        click.echo(f"{len(found)} hold(s), {len(late)} to be looked at again")
    context.exit(1 if late else 0)


def _trim_again(artefacts: Artefacts, call_ids: Collection[str]) -> int:
    """Originals that only a hold kept beside what was trimmed of them: the job that takes them away is done again. How
    many."""
    there = [row for call_id in call_ids for row in artefacts.find(call_id=call_id, states=("stored",))]
    stored = {row.artefact_id for row in there if row.kind == "audio"}
    kept = {row.recording_id for row in there if row.kind == "trimmed" and row.parent_id in stored}
    return sum(Jobs(artefacts).enqueue("trim", queue_of("trim", ""), recording_id) for recording_id in sorted(kept))


def _check(case: str, said: dict[str, str], review_on: date | None = None) -> None:
    if not CASE.fullmatch(case):
        raise BadInput("CASE: letters, digits, dot, dash and underscore are taken, 64 at most; name no caller in it")
    for name, value in said.items():
        if not value.strip() or not is_utf8(value):
            raise BadInput(f"--{name.replace('_', '-')} must say something, in UTF-8")
    if said.get("approved_by") == account():
        raise BadInput("--approved-by: names the account that runs this; somebody else has to agree")
    if review_on and review_on <= clock.read().wall.date():
        raise BadInput("--review-on: must be after today")


def _calls(settings: Settings, calls: Sequence[str], recordings: Sequence[str]) -> list[str]:
    """Our ids. Raises BadInput where one of them is not known."""
    if not calls and not recordings:
        raise BadInput("name at least one --call or --recording")

    async def known(log: PostgresLog) -> list[str]:
        found = [(name, await log.load(name)) for name in calls]
        if missing := [name for name, call in found if call is None]:
            raise BadInput(f"{', '.join(missing)}: no call has this id")
        return [call.call.call_id for _, call in found if call]

    call_ids = with_log(settings, known)
    with rows(settings) as artefacts:
        for recording_id in recordings:
            ended = artefacts.recording(recording_id)
            if ended is None:
                raise BadInput(f"{recording_id}: no recording has this id")
            call_ids.append(ended.call_id)
    return list(dict.fromkeys(call_ids))


def _data(hold: Hold, today: date) -> dict[str, Any]:
    names = ("hold_id", "case", "call_id", "placed_at", "review_on", "said", "released_at", "release")
    return {name: getattr(hold, name) for name in names} | {"overdue": hold.overdue(today)}


def _line(hold: Hold, today: date) -> str:
    until = f"released {hold.released_at:%Y-%m-%d}" if hold.released_at else f"review {hold.review_on}"
    late = "  LOOK AT IT AGAIN" if hold.overdue(today) else ""
    return f"{hold.case:16} {hold.call_id}  {until}  {hold.said['authority']}: {hold.said['reason']}{late}"

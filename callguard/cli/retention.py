"""`callguard retention`: what is due, what will be, deleting it, and the report about that.

What belongs here: the commands. What does not: when something ends (core/retention.py), the run (jobs/retention.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from callguard.cli.keeper import rows
from callguard.cli.moment import Moment
from callguard.cli.option import account, config_option, json_option, load, show_json
from callguard.cli.retaining import policy_in_force, retainer_of
from callguard.core.retention import Reason, forecast, live_reason
from callguard.engine import clock
from callguard.errors import BadInput, CallguardError
from callguard.jobs.chore import RETENTION
from callguard.jobs.retention import Change
from callguard.settings import read_policy
from callguard.store.audit import note_act
from callguard.store.retention import EVER, Retention, Run, Tombstone


@click.group()
def retention() -> None:
    """How long things are kept: what is due, deleting it, and proving that it was."""


@retention.command()
@config_option
@json_option
def due(config: Path, as_json: bool) -> None:
    """What is over by now and still there: it goes with the next run, unless a legal hold keeps it."""
    settings, now = load(config), clock.read().wall
    with rows(settings) as artefacts:
        own = retainer_of(settings, artefacts)
        counts = own.retention.count_due(now)
        over = Counter(
            (end.call_type, end.kind) for end in own.retention.ends() if end.expires_at <= now and not end.held
        )
        policy = policy_in_force(settings)
        waiting = sum(change.shortens for change in own.changes(policy)) if policy else 0
    kinds = [{"call_type": kind, "kind": what, "due": count} for (kind, what), count in sorted(over.items())]
    if as_json:
        return show_json({**asdict(counts), "by_kind": kinds, "unapplied": waiting})
    for row in kinds:
        click.echo(f"{row['due']:>8}  {row['call_type']:20} {row['kind']}")
    since = f", the oldest since {counts.oldest:%Y-%m-%d %H:%M}Z" if counts.oldest else ""
    click.echo(f"{counts.due} due, {counts.going} half deleted, {counts.held} kept by legal holds{since}")
    if waiting:
        click.echo(f"{waiting} would end sooner under the policy in force: see `callguard retention apply`")


@retention.command("forecast")
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True)
@config_option
@json_option
def forecast_command(days: int, config: Path, as_json: bool) -> None:
    """How much ends on each of the next days; what is over already counts for today."""
    settings = load(config)
    with rows(settings) as artefacts:
        ends = retainer_of(settings, artefacts).retention.ends()
    counts = forecast([end.expires_at for end in ends if not end.held], clock.read().wall, days)
    held = sum(end.held for end in ends)
    if as_json:
        days_shown = [{"day": day, "ends": count} for day, count in counts.items()]
        return show_json({"stored": len(ends), "held": held, "days": days_shown})
    for day, count in counts.items():
        if count:
            click.echo(f"{day}  {count:>8}")
    click.echo(f"{sum(counts.values())} of {len(ends)} stored end within {days} day(s); {held} kept by legal holds")


@retention.command()
@config_option
@json_option
@click.pass_context
def run(context: click.Context, config: Path, as_json: bool) -> None:
    """Delete what is over now, without waiting for a worker. Exit status 1: something could not be deleted."""
    settings = load(config)
    with rows(settings) as artefacts, artefacts.turn(RETENTION) as mine:
        if not mine:
            raise CallguardError("a worker is deleting at this moment; see `callguard retention report`")
        own = retainer_of(settings, artefacts)
        over = own.retention.count_due(clock.read().wall)
        note_act(
            settings.data, at=clock.read().wall, operator=account(), act="retention_run", rows=over.due + over.going
        )
        own.deletion.resume()
        done = own.run()
    if as_json:
        show_json(_data(done))
    else:
        click.echo(_line(done))
    context.exit(1 if done.failed else 0)


@retention.command()
@click.option("--policy", "file", type=click.Path(path_type=Path), help="Preview this policy.toml; nothing is changed.")
@click.option("--yes", is_flag=True, help="Change the ends. Without it they are shown alone.")
@config_option
@json_option
def apply(file: Path | None, yes: bool, config: Path, as_json: bool) -> None:
    """Which ends of what is stored the policy in force changes; with --yes they are changed.

    Later ends, as far as was promised or as a minimum demands, come by themselves with the daily run; sooner ones so.
    """
    if file and yes:
        raise BadInput("--yes applies the policy in force; put this one into force first: `callguard policy activate`")
    settings = load(config)
    policy = read_policy(file) if file else policy_in_force(settings)
    if policy is None:
        raise BadInput("no policy was ever put into force: `callguard policy activate`")
    with rows(settings) as artefacts:
        own = retainer_of(settings, artefacts)
        changes = list(own.changes(policy))
        if yes and changes:
            note_act(settings.data, at=clock.read().wall, operator=account(), act="retention_apply", rows=len(changes))
            own.apply(changes)
    _show_changes(changes, yes, clock.read().wall, as_json)


def _show_changes(changes: Sequence[Change], applied: bool, now: datetime, as_json: bool) -> None:
    sooner = sum(change.shortens for change in changes)
    at_once = sum(change.shortens and change.end.at <= now for change in changes)
    counts = Counter((change.row.call_type, change.row.kind, change.shortens, change.end.why) for change in changes)
    shown = [
        {"call_type": kind, "kind": what, "sooner": shortens, "why": why, "count": count}
        for (kind, what, shortens, why), count in sorted(counts.items())
    ]
    if as_json:
        total = {"changes": len(changes), "sooner": sooner, "at_once": at_once, "applied": applied}
        return show_json({**total, "by_kind": shown})
    for row in shown:
        word = "sooner" if row["sooner"] else "later"
        click.echo(f"{row['count']:>8}  {row['call_type']:20} {row['kind']:10} {word}: {row['why']}")
    said = "changed" if applied else "would change; nothing was changed (--yes)"
    click.echo(f"{len(changes)} end(s) {said}: {sooner} sooner, of which {at_once} are over at once")


@retention.command()
@click.option("--since", type=Moment(), default=EVER, show_default="ever", help="An age (30d) or a time, UTC.")
@config_option
@json_option
@click.pass_context
def report(context: click.Context, since: datetime, config: Path, as_json: bool) -> None:
    """What was deleted, and whether that adds up: runs against tombstones, seals, and whether everything that is there
    has a reason. Exit status 1: something does not."""
    settings, now = load(config), clock.read().wall
    with rows(settings) as artefacts:
        own = retainer_of(settings, artefacts)
        said = _report(own.retention, since, now)
        missed = own.missed() is not None
    findings = _findings(said, missed)
    if as_json:
        show_json({**said, "findings": findings})
    else:
        for name, value in said.items():
            click.echo(f"{name.replace('_', ' '):22} {_plain(value)}")
        click.echo("\n".join(findings) or "It adds up.")
    context.exit(1 if findings else 0)


def _report(own: Retention, since: datetime, now: datetime) -> dict[str, Any]:
    every = own.runs()
    runs = [run for run in every if run.ended_at > since]
    start = next((before.ended_at for before in reversed(every) if before.ended_at <= since), EVER)
    end = runs[-1].ended_at if runs else start
    gone, last = own.gone(start, end), runs[-1] if runs else None
    reasons = Counter(live_reason(fact, now)[0] for fact in own.facts())
    return {
        "runs": len(runs),
        "deleted": sum(run.deleted for run in runs),
        "tombstones": gone.count,
        "failed": last.failed if last else 0,
        "held": last.held if last else 0,
        "last_run": last.ended_at.isoformat() if last else "",
        "lag_seconds": {"p50": gone.lag_p50, "p95": gone.lag_p95, "max": gone.lag_max},
        "deleted_otherwise": own.gone_otherwise(start, now),
        "there": {str(reason): reasons[reason] for reason in Reason},
        "unsealed": own.unsealed(every),
    }


def _findings(said: dict[str, Any], missed: bool) -> list[str]:
    table = (
        (said["deleted"] != said["tombstones"], "the runs count other deletions than there are tombstones"),
        (bool(said["unsealed"]), f"runs whose seal does not follow: {', '.join(said['unsealed'])}"),
        (bool(said["failed"]), f"{said['failed']} could not be deleted in the last run"),
        (bool(said["there"]["unexplained"]), f"{said['there']['unexplained']} without a reason: `retention why`"),
        (missed, "there was no run for more than a day: does a worker run?"),
    )
    return [sentence for found, sentence in table if found]


@retention.command()
@click.argument("recording", required=False)
@config_option
@json_option
@click.pass_context
def why(context: click.Context, recording: str | None, config: Path, as_json: bool) -> None:
    """Why each thing that is kept of RECORDING, or whatever has no reason at all, still exists; what was deleted of it,
    and why. Exit status 1: something has no reason."""
    settings, now = load(config), clock.read().wall
    with rows(settings) as artefacts:
        own = retainer_of(settings, artefacts).retention
        facts = own.facts(recording)
        gone = own.tombstones(recording) if recording else ()
    found = [(fact, *live_reason(fact, now)) for fact in facts]
    bad = [item for item in found if item[1] is Reason.UNEXPLAINED]
    if recording and not found and not gone:
        raise BadInput(f"{recording}: nothing is or was kept of a recording with this id")
    shown = [
        {"artefact_id": fact.artefact_id, "kind": fact.kind, "reason": reason, "why": sentence}
        for fact, reason, sentence in (found if recording else bad)
    ]
    if as_json:
        show_json({"artefacts": shown, "deleted": [asdict(stone) for stone in gone], "unexplained": len(bad)})
    else:
        lines = [f"{row['artefact_id']}  {row['kind']:10} {row['reason']:12} {row['why']}" for row in shown]
        lines += map(_buried, gone)
        click.echo("\n".join((*lines, f"{len(found)} kept, {len(gone)} deleted, {len(bad)} without a reason")))
    context.exit(1 if bad else 0)


def _buried(stone: Tombstone) -> str:
    return f"{stone.artefact_id}  {stone.kind:10} deleted {stone.deleted_at:%Y-%m-%d %H:%M}Z: {stone.reason}"


def _data(run: Run) -> dict[str, Any]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(run).items()}


def _line(run: Run) -> str:
    return f"{run.due} due: {run.deleted} deleted, {run.failed} failed, {run.held} kept by legal holds"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items()) or "-"
    return ", ".join(map(str, value)) or "-" if isinstance(value, list) else str(value) or "-"

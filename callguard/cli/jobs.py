"""`callguard jobs`: what waits, what failed and why, doing it again.

What belongs here: the commands. What does not: working (worker.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from callguard.cli.keeper import rows
from callguard.cli.option import config_option, json_option, load, show_json
from callguard.errors import BadInput
from callguard.store.job import Job, Jobs


@click.group()
def jobs() -> None:
    """Jobs that wait, run, or have failed. What was done is not listed."""


@jobs.command("list")
@click.option("--failed", is_flag=True, help="Only those that were tried as often as they may be.")
@config_option
@json_option
@click.pass_context
def list_jobs(context: click.Context, failed: bool, config: Path, as_json: bool) -> None:
    """Jobs, oldest first. Exit status 1: some have failed for good."""
    with rows(load(config)) as found:
        listed = Jobs(found).find(states=["failed"] if failed else ["todo", "doing", "failed"])
    counts = Counter(job.status for job in listed)
    if as_json:
        show_json({"jobs": [asdict(job) for job in listed]})
    else:
        for job in listed:
            click.echo(_line(job))
        click.echo(f"{counts['todo']} waiting, {counts['doing']} running, {counts['failed']} failed")
    context.exit(1 if counts["failed"] else 0)


@jobs.command()
@click.argument("job", type=int)
@config_option
@json_option
def show(job: int, config: Path, as_json: bool) -> None:
    """One JOB, and why each attempt came to nothing."""
    with rows(load(config)) as found:
        own = Jobs(found)
        listed, failures = own.find(job_id=job), own.failures(job)
    if not listed:
        raise BadInput(f"{job}: no job has this number; see `callguard jobs list`. What was done is not kept")
    if as_json:
        return show_json({**asdict(listed[0]), "failures": [asdict(item) for item in failures]})
    click.echo(_line(listed[0]))
    for item in failures:
        click.echo(f"  attempt {item.attempt}  {item.at:%Y-%m-%d %H:%M:%S}Z  {item.reason}")


@jobs.command()
@click.argument("job", type=int, nargs=-1)
@click.option("--failed", is_flag=True, help="All that have failed.")
@config_option
@json_option
def retry(job: tuple[int, ...], failed: bool, config: Path, as_json: bool) -> None:
    """Have JOBs done at once, with all their attempts before them."""
    if bool(job) == failed:
        raise BadInput("name jobs, or --failed for all that have failed")
    with rows(load(config)) as found:
        own = Jobs(found)
        chosen = [item.job_id for item in own.find(states=["failed"])] if failed else list(job)
        if missing := [number for number in chosen if not own.find(job_id=number, states=["todo", "failed"])]:
            raise BadInput(f"{', '.join(map(str, missing))}: no job that waits or has failed has this number")
        count = own.retry(chosen)
    if as_json:
        return show_json({"retried": count})
    click.echo(f"{count} job(s) will be done at once")


def _line(job: Job) -> str:
    due = f"  due {job.scheduled_at:%Y-%m-%d %H:%M:%S}Z" if job.status == "todo" and job.scheduled_at else ""
    tried = f"  {job.attempts} attempt(s)" if job.attempts else ""
    return f"{job.job_id:>6}  {job.status:7} {job.task:8} {job.recording_id}{tried}{due}  {job.reason}".rstrip()

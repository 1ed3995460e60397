"""`callguard worker`: does what is left to do when calls are over.

What belongs here: processes, and the lines they write. What does not: jobs (jobs/), what they are made of (bench.py).
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from callguard.cli.bench import worker_of
from callguard.cli.children import end_with_parent, keep, worker_command
from callguard.cli.keeper import rows
from callguard.cli.option import config_option, load
from callguard.engine.alerts import close_alerts, open_alerts
from callguard.jobs.worker import ATTEMPT
from callguard.settings import Settings
from callguard.store.job import Jobs


@click.command()
@click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True, help="How many work at once.")
@click.option("--once", is_flag=True, help="Do what is there to do, then end.")
@click.option("--child", is_flag=True, hidden=True, help="One process, which ends with the one that started it.")
@config_option
def worker(processes: int, once: bool, child: bool, config: Path) -> None:
    """Bring finished recordings into the vault, delete what is due; until stopped. SIGTERM: finish what is begun."""
    settings = load(config)
    if child or once:
        return _work(settings, wait=not once, child=child)
    asyncio.run(_keep(config, processes))


def _work(settings: Settings, *, wait: bool, child: bool) -> None:
    for name in ("procrastinate", "psycopg.pool"):  # what they have to say we say ourselves
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    open_alerts(**settings.alerts.model_dump())
    told = _bar(settings) if not wait and sys.stderr.isatty() else lambda line: click.echo(line, err=True)
    own = worker_of(settings, told)

    async def work() -> None:
        watch = asyncio.create_task(end_with_parent()) if child else None
        try:
            await own.run(wait=wait)
        finally:
            if watch:
                watch.cancel()

    try:
        asyncio.run(work())
    finally:
        close_alerts()


def _bar(settings: Settings) -> Callable[[str], None]:
    """On a terminal: how much of what waits now is done, and under it only what failed."""
    with rows(settings) as found:
        waiting = len(Jobs(found).find(states=["todo"]))
    bar = click.progressbar(length=waiting, label="jobs", file=sys.stderr)
    bar.render_progress()

    def told(line: str) -> None:
        if ATTEMPT in line:
            click.echo(f"\n{line}", err=True)
        bar.update(1)
        if bar.finished:
            click.echo(err=True)

    return told


async def _keep(config: Path, processes: int) -> None:
    """Until told to end: then each finishes what it has begun."""
    kept = [asyncio.create_task(keep(worker_command(config), patient=True)) for _ in range(processes)]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: [task.cancel() for task in kept])
    await asyncio.gather(*kept, return_exceptions=True)
    click.echo("callguard: worker stopped", err=True)

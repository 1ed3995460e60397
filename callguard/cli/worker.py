"""`callguard worker`: does what is left to do when calls are over.

What belongs here: processes, and the lines they write. What does not: jobs (jobs/), what they are made of (bench.py).
"""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

import click

from callguard.cli.bench import worker_of
from callguard.cli.children import end_with_parent, keep, worker_command
from callguard.cli.option import config_option, load
from callguard.engine.alerts import close_alerts, open_alerts
from callguard.settings import Settings


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
    own = worker_of(settings, lambda line: click.echo(line, err=True))

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


async def _keep(config: Path, processes: int) -> None:
    """Until told to end: then each finishes what it has begun."""
    kept = [asyncio.create_task(keep(worker_command(config), patient=True)) for _ in range(processes)]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: [task.cancel() for task in kept])
    await asyncio.gather(*kept, return_exceptions=True)
    click.echo("callguard: worker stopped", err=True)

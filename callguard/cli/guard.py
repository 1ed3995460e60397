"""`callguard guard`: the dead-man switch; `callguard run` starts it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from callguard.cli.alone import alone, unusable
from callguard.cli.option import config_option, load
from callguard.cli.pbx import rescue_of
from callguard.guard import Guard


@click.command()
@config_option
def guard(config: Path) -> None:
    """Stop every recording and send waiting callers on when the controller falls silent. `callguard run` starts it."""
    settings = load(config)
    with alone(settings.data / "guard.lock") as first:
        if not first:
            return  # one is there already
        try:
            (settings.data / "guard.pid").write_text(str(os.getpid()))
        except OSError as error:
            raise unusable(settings.data, error) from None
        own = Guard(
            connect=rescue_of(settings),
            register=settings.data / "register.jsonl",
            journal=settings.data / "guard.jsonl",
            socket=settings.data / "guard.sock",
            patience=settings.guard.patience,
        )
        asyncio.run(own.run())

"""`callguard answers`: what callers said before, and forgetting it.

What belongs here: counts, codes and times. What does not: which answers are remembered (engine/answer.py). No number is
ever printed, nor taken from the command line, where every account of the machine could read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click

from callguard.cli.option import account, config_option, json_option, load, show_json, with_log
from callguard.engine import clock
from callguard.errors import BadInput
from callguard.ports import KeptAnswer
from callguard.settings import Settings
from callguard.store.audit import note_act
from callguard.store.postgres import PostgresLog

LONGEST = 64
"""Signs of a number."""
PREFIX = 8
"""Signs of a code that are shown: enough to tell two callers apart."""

number_option = click.option(
    "--number-from",
    type=click.File("r", errors="replace"),
    help="A file with one number in it, or - for standard input.",
)


@click.group()
def answers() -> None:
    """Answers that are remembered: a caller who refused is not asked again before they expire."""


@answers.command("list")
@config_option
@json_option
def list_answers(config: Path, as_json: bool) -> None:
    """How many answers are remembered, and the beginning of each number's code; never a number."""
    settings, now = load(config), clock.read().wall
    found = with_log(settings, lambda log: log.answers(settings.tenant))
    counts = Counter((row.call_type, row.answer.value, row.until <= now) for row in found)
    shown = [
        {"call_type": call_type, "answer": answer, "expired": expired, "answers": count}
        for (call_type, answer, expired), count in sorted(counts.items())
    ]
    if as_json:
        return show_json({"counts": shown, "answers": [_row(row, now) for row in found]})
    for row in found:
        click.echo(_line(row, now))
    for count in shown:
        expired = ", expired" if count["expired"] else ""
        click.echo(f"{count['answers']} {count['answer']} of {count['call_type']}{expired}")
    click.echo(f"{len(found)} answer(s)")


@answers.command()
@number_option
@config_option
@json_option
def show(number_from: IO[str] | None, config: Path, as_json: bool) -> None:
    """What one number answered."""
    settings, number, now = load(config), _number(number_from), clock.read().wall
    found = with_log(settings, lambda log: log.answers_of(settings.tenant, number))
    if as_json:
        return show_json({"answers": [_row(row, now) for row in found]})
    for row in found:
        click.echo(_line(row, now))
    click.echo(f"{len(found)} answer(s)")


@answers.command()
@number_option
@click.option("--all-expired", is_flag=True, help="All answers that do not stand any more.")
@config_option
@json_option
def forget(number_from: IO[str] | None, all_expired: bool, config: Path, as_json: bool) -> None:
    """Forget what one number answered, or all that has expired: who calls then is asked again."""
    if all_expired == (number_from is not None):
        raise BadInput("give either --number-from FILE or --all-expired")
    settings, number, now = load(config), "" if all_expired else _number(number_from), clock.read().wall
    forgotten = with_log(settings, lambda log: _forget(log, settings, number, now))
    if as_json:
        return show_json({"forgotten": forgotten})
    click.echo(f"{forgotten} answer(s) forgotten")


async def _forget(log: PostgresLog, settings: Settings, number: str, now: datetime) -> int:
    """NUMBER's answers, or without one the expired ones. The line about it comes first."""
    found = await log.answers_of(settings.tenant, number) if number else await log.answers(settings.tenant)
    going = found if number else _expired(found, now)
    act = "answers_forget_number" if number else "answers_forget_expired"
    note_act(settings.data, at=now, operator=account(), act=act, rows=len(going))
    if number:
        return await log.forget_answers(settings.tenant, number)
    return await log.forget_expired(settings.tenant, now)


def _expired(found: Sequence[KeptAnswer], now: datetime) -> tuple[KeptAnswer, ...]:
    return tuple(row for row in found if row.until <= now)


def _number(source: IO[str] | None) -> str:
    """The one number in SOURCE. Raises BadInput, which does not repeat it."""
    if source is None:
        raise BadInput("--number-from: is missing; name a file with the number in it, or - for standard input")
    try:
        text = source.read(LONGEST + 1).strip()
    except OSError as error:
        raise BadInput(f"--number-from: cannot be read ({error.strerror})") from None
    fits = text.isprintable() and len(text) <= LONGEST and any(sign in "0123456789" for sign in text)
    if not fits:
        raise BadInput("--number-from: one number is wanted, as the PBX shows it, and nothing else")
    return text


def _row(row: KeptAnswer, now: datetime) -> dict[str, Any]:
    return {
        "code": row.pseudonym.hex()[:PREFIX],
        "call_type": row.call_type,
        "answer": row.answer.value,
        "at": row.at.isoformat(),
        "until": row.until.isoformat(),
        "expired": row.until <= now,
        "call_id": row.call_id,
    }


def _line(row: KeptAnswer, now: datetime) -> str:
    said = _row(row, now)
    ended = "expired" if said["expired"] else "until"
    return f"{said['code']}  {row.answer.value:8} {row.call_type:20} {ended} {row.until:%Y-%m-%d}  {row.call_id}"

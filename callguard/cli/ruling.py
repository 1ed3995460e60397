"""Rules as people read them on a terminal.

What belongs here: tables and sentences. What does not: what they say (core/), the commands (rule.py). A number is
never shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from callguard.core.difference import Change, Difference
from callguard.core.explain import Explained, whereabouts_of
from callguard.core.jurisdiction import RulePack
from callguard.core.place import Place
from callguard.core.preflight import Preflight
from callguard.core.question import Present
from callguard.core.row import Disputed, Row
from callguard.core.strictest import Demand, asked
from callguard.text import printable

WIDTH = 150
"""Columns where the output is no terminal."""


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    table = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    for line in lines:
        table.add_row(*(Text(printable(cell), overflow="fold") for cell in line))
    console.print(table)


def _of(pack: RulePack) -> str:
    return f"rule pack {pack.version[:12]}, sources read {pack.dated or 'at an unknown date'}; not legal advice"


# ---------------------------------------------------------------- an answer
def show_answer(found: Explained) -> None:
    """Who is where and why, what each row asks, what it comes to."""
    roles = (item.party.role.value for item in found.question.parties)
    lines = ((str(number), role, whereabouts_of(place)) for number, (role, place) in enumerate(
        zip(roles, found.places, strict=True), 1))  # fmt: skip
    _table(("party", "role", "where and why"), lines)
    _table(("row", "asks for", "citation", "sure"), map(_row, found.pack.rows_for(found.jurisdictions)))
    click.echo(f"together: {_together(found.demand)}")
    click.echo(f"{found.question.occasion.value}: {found.measure.value}")
    click.echo(
        f"confidence: {found.demand.confidence.value}; disputed: {', '.join(found.demand.disputes) or 'nothing'}"
    )
    for sentence in found.override_sentences:
        click.echo(printable(sentence))
    click.echo(_of(found.pack))


def _row(row: Row) -> tuple[str, ...]:
    doubt = "" if row.disputed is Disputed.NO else ", disputed"
    return (f"{row.iso_code} {row.name}", asked(row), row.citation, f"{row.confidence.value}{doubt}")


def _together(demand: Demand) -> str:
    return ", ".join(f"{key} {_said(value)}" for key, value in demand.as_data().items())


def _said(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


# ---------------------------------------------------------------- rows
def show_rows(pack: RulePack) -> None:
    """All rows."""
    _table(("row", "asks for", "citation", "sure"), map(_row, pack.rows.values()))
    click.echo(f"{len(pack.rows)} row(s), {len(pack.npa)} area code(s); {_of(pack)}")


def show_row(row: Row, also: list[str], pack: RulePack) -> None:
    """One row, cell by cell."""
    for column, cell in row.as_data().items():
        click.echo(f"{column:18} {printable(cell)}")
    if also:
        click.echo(f"{'goes with':18} {', '.join(also)}")
    if (state := pack.rows.get(f"US-{row.iso_code}")) and row.iso_code != "ZZ":
        click.echo(f"{row.iso_code} is {printable(row.name)}; {printable(state.name)} is {state.iso_code}.")
    if pack.resolve(row.iso_code) != row.iso_code:
        click.echo(f"A party of which no more than {row.iso_code} is known takes {pack.resolve(row.iso_code)}.")
    click.echo(_of(pack))


# ---------------------------------------------------------------- two packs
def show_difference(gap: Difference, share: dict[str, Any]) -> None:
    """Rows and cells that differ, and the share of calls."""
    for word, codes in (("added", gap.added), ("removed", gap.removed)):
        for code in codes:
            click.echo(f"{code}: {word}")
    for code, changes in gap.changed:
        for change in changes:
            click.echo(f"{code}: {_changed(change)}")
    for change in gap.area_codes:
        click.echo(f"area code {_changed(change)}")
    click.echo(f"{len(gap.added) + len(gap.removed) + len(gap.changed)} jurisdiction(s) differ")
    click.echo(_share(share))


def _changed(change: Change) -> str:
    return f"{change.column}: {printable(change.old) or 'nothing'} -> {printable(change.new) or 'nothing'}"


def _share(share: dict[str, Any]) -> str:
    if share["share"] is None:
        return f"the share of calls that would change is unknown: {share['why']}"
    return (
        f"{share['changed']} of {share['judged']} call(s) of the last {share['days']} day(s) "
        f"({share['share']:.1%}) would have another demand"
    )


# ---------------------------------------------------------------- the five questions
def show_preflight(done: Preflight, key: str, parties: Iterable[tuple[Present, Place]]) -> None:
    """Who is where and why, the questions with their answers, and the verdict."""
    lines = ((item.party.role.value, whereabouts_of(place)) for item, place in parties)
    _table(("role", "where and why"), lines)
    answers = ((item.question.value, "yes" if item.yes else "NO", item.why) for item in done.answers)
    _table(("question", "", "because"), answers)
    for reason in done.rule.reasons:
        click.echo(f"  {printable(reason)}")
    click.echo(f"{done.verdict.value}  ({key})")

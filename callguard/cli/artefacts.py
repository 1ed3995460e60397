"""`callguard artefacts`: what there is of a recording, and what came from what.

What belongs here: the command. What does not: objects (vault.py), deriving (jobs/derive.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from callguard.cli.bench import redact_of
from callguard.cli.keeper import rows
from callguard.cli.option import account, config_option, json_option, load, show_json
from callguard.core.tier import CONTROLS, KINDS, TABLES, unclassed
from callguard.engine import clock
from callguard.errors import BadInput
from callguard.store.artefact import Artefact, ArtefactEvent
from callguard.store.audit import note_act

SAYS = {
    "made": "made",
    "original_held": "a legal hold keeps its original",
    "original_shredded": "its original's key is destroyed",
}
"""What an event says."""


_TAG = re.compile(r"[a-z0-9_-]{1,64}")
_SPAN = re.compile(r"([0-9]{1,6}(?:[.][0-9]{1,6})?)-([0-9]{1,6}(?:[.][0-9]{1,6})?)")


@click.group()
def artefacts() -> None:
    """Recordings and everything that was made from them."""


@artefacts.command()
@click.argument("recording")
@config_option
@json_option
def tree(recording: str, config: Path, as_json: bool) -> None:
    """What came from what of RECORDING: kind, purpose, end; what was deleted too."""
    with rows(load(config)) as found:
        there, told = found.find(recording_id=recording), found.events(recording)
    if not there:
        raise BadInput(f"{recording}: nothing is or was kept of a recording with this id; see `callguard vault ls`")
    if as_json:
        return show_json({"recording_id": recording, "artefacts": _data(None, there, told)})
    for line in _lines(None, there, told):
        click.echo(line)


@artefacts.command()
@click.argument("recording")
@click.option("--span", "spans", multiple=True, required=True, help="START-END in seconds; nothing is heard there.")
@config_option
@json_option
def redact(recording: str, spans: tuple[str, ...], config: Path, as_json: bool) -> None:
    """A copy of RECORDING with parts of it silenced, kept beside it under a key of its own; it ends with it."""
    settings, seconds = load(config), [_span(text) for text in spans]
    note_act(settings.data, at=clock.read().wall, operator=account(), act="redact", rows=1)
    with rows(settings) as found:
        made = redact_of(settings, found).redact(recording, seconds)
    _made(recording, made, as_json)


@artefacts.command()
@click.argument("recording")
@click.argument("tags", nargs=-1, required=True)
@config_option
@json_option
def tag(recording: str, tags: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Keep TAGS of RECORDING, sealed, where its call type lists them, and everybody was told and agreed."""
    if wrong := [name for name in tags if not _TAG.fullmatch(name)]:
        raise BadInput(
            f"TAGS: {len(wrong)} of them are not lower-case letters, digits, dash and underscore, 64 at most"
        )
    settings = load(config)
    note_act(settings.data, at=clock.read().wall, operator=account(), act="tag", rows=1)
    with rows(settings) as found:
        made = redact_of(settings, found).tag(recording, tags)
    _made(recording, made, as_json)


def _span(text: str) -> tuple[float, float]:
    found = _SPAN.fullmatch(text)
    if not found or float(found[1]) >= float(found[2]):
        raise BadInput("--span: START-END in seconds, such as 12.5-17, the end after the start")
    return float(found[1]), float(found[2])


def _made(recording: str, made: Sequence[Artefact], as_json: bool) -> None:
    if as_json:
        names = ("artefact_id", "kind", "parent_id", "expires_at")
        return show_json(
            {"recording_id": recording, "made": [{name: getattr(row, name) for name in names} for row in made]}
        )
    for row in made:
        click.echo(f"{row.kind}  {row.artefact_id}  until {row.expires_at:%Y-%m-%d}")


@artefacts.command()
@config_option
@json_option
@click.pass_context
def classes(context: click.Context, config: Path, as_json: bool) -> None:
    """Which class of data each table and each kind of artefact is, and what guards it. Exit status 1: one has none."""
    with rows(load(config)) as found:
        tables, kinds = found.holders("table"), found.holders("kind")
    without = unclassed(tables, kinds)
    held = {name: [one for one in (*kinds, *tables) if {**TABLES, **KINDS}.get(one) == name] for name in CONTROLS}
    if as_json:
        matrix = {name: {**asdict(control), "holders": held[name]} for name, control in CONTROLS.items()}
        show_json({"classes": matrix, "unclassed": without})
    else:
        for name, control in sorted(CONTROLS.items(), key=lambda item: -item[1].tier):
            leaves = "may leave in the clear" if control.leaves else "never leaves in the clear"
            click.echo(f"{name:10} {control.tier.name.lower():9} {control.sealed}; {leaves}; ends with {control.ends}")
            click.echo(f"           in {', '.join(held[name])}")
        click.echo(
            f"{len(tables)} tables, {len(kinds)} kinds, {len(without)} without a class {' '.join(without)}".rstrip()
        )
    context.exit(1 if without else 0)


def _data(parent: str | None, there: Sequence[Artefact], told: Sequence[ArtefactEvent]) -> list[dict[str, Any]]:
    names = (
        "artefact_id",
        "kind",
        "part",
        "segment_no",
        "state",
        "call_type",
        "purpose",
        "key_id",
        "expires_at",
        "reason",
    )
    return [
        {name: getattr(row, name) for name in names}
        | {"events": [_event(event) for event in told if event.artefact_id == row.artefact_id]}
        | {"derived": _data(row.artefact_id, there, told)}
        for row in there
        if row.parent_id == parent
    ]


def _event(event: ArtefactEvent) -> dict[str, Any]:
    hashes = {"parent_sha256": event.parent_sha256.hex(), "sha256": event.sha256.hex()}
    return {"type": event.type, "at": event.at, **hashes, "data": event.data}


def _lines(
    parent: str | None, there: Sequence[Artefact], told: Sequence[ArtefactEvent], depth: int = 0
) -> Iterator[str]:
    for row in (item for item in there if item.parent_id == parent):
        state = row.state if not row.reason else f"{row.state}: {row.reason}"
        part = "" if row.part == "whole" else f" {row.part}"
        indent = "  " * depth
        yield f"{indent}{row.kind}{part}  {row.artefact_id}  {state}  {row.purpose}  until {row.expires_at:%Y-%m-%d}"
        for event in (item for item in told if item.artefact_id == row.artefact_id):
            yield f"{indent}  {event.at:%Y-%m-%d %H:%M:%S}  {SAYS[event.type]}{_hashes(event)}"
        yield from _lines(row.artefact_id, there, told, depth + 1)


def _hashes(event: ArtefactEvent) -> str:
    return f", sha256 {event.sha256.hex()}, of sha256 {event.parent_sha256.hex()}" if event.type == "made" else ""

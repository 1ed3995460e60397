"""`callguard artefacts`: what there is of a recording, and what came from what.

What belongs here: the command. What does not: objects (vault.py), deriving (jobs/derive.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from callguard.cli.keeper import rows
from callguard.cli.option import config_option, json_option, load, show_json
from callguard.errors import BadInput
from callguard.store.artefact import Artefact, ArtefactEvent

SAYS = {
    "made": "made",
    "original_held": "a legal hold keeps its original",
    "original_shredded": "its original's key is destroyed",
}
"""What an event says."""


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
    for row in there:
        if row.parent_id == parent:
            state = row.state if not row.reason else f"{row.state}: {row.reason}"
            part = "" if row.part == "whole" else f" {row.part}"
            indent = "  " * depth
            yield (
                f"{indent}{row.kind}{part}  {row.artefact_id}  {state}  {row.purpose}  until {row.expires_at:%Y-%m-%d}"
            )
            for event in told:
                if event.artefact_id == row.artefact_id:
                    yield f"{indent}  {event.at:%Y-%m-%d %H:%M:%S}  {SAYS[event.type]}{_hashes(event)}"
            yield from _lines(row.artefact_id, there, told, depth + 1)


def _hashes(event: ArtefactEvent) -> str:
    return f", sha256 {event.sha256.hex()}, of sha256 {event.parent_sha256.hex()}" if event.type == "made" else ""

"""`callguard artefacts`: what there is of a recording, and what came from what.

What belongs here: the command. What does not: objects (vault.py), deriving (jobs/derive.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from callguard.cli.keeper import rows
from callguard.cli.option import config_option, json_option, load, show_json
from callguard.errors import BadInput
from callguard.store.artefact import Artefact


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
        there = found.find(recording_id=recording)
    if not there:
        raise BadInput(f"{recording}: nothing is or was kept of a recording with this id; see `callguard vault ls`")
    if as_json:
        return show_json({"recording_id": recording, "artefacts": _data(None, there)})
    for line in _lines(None, there):
        click.echo(line)


def _data(parent: str | None, there: Sequence[Artefact]) -> list[dict[str, Any]]:
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
        {name: getattr(row, name) for name in names} | {"derived": _data(row.artefact_id, there)}
        for row in there
        if row.parent_id == parent
    ]


def _lines(parent: str | None, there: Sequence[Artefact], depth: int = 0) -> list[str]:
    found = []
    for row in there:
        if row.parent_id == parent:
            state = row.state if not row.reason else f"{row.state}: {row.reason}"
            part = "" if row.part == "whole" else f" {row.part}"
            indent = "  " * depth
            found.append(
                f"{indent}{row.kind}{part}  {row.artefact_id}  {state}  {row.purpose}  until {row.expires_at:%Y-%m-%d}"
            )
            found += _lines(row.artefact_id, there, depth + 1)
    return found

"""`callguard vault`: what is in the vault, whether it is whole, and its keys.

What belongs here: options, words and exit status. What does not: what is compared (jobs/reconcile.py), how keys are
wrapped anew (jobs/rotation.py).
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from callguard.audio.vault.keyring import Kind, best_kind
from callguard.cli.keeper import key_files, public_key, rows, shelf_of
from callguard.cli.option import config_option, json_option, load, show_json
from callguard.engine import clock
from callguard.errors import BadInput
from callguard.jobs.reconcile import Difference, check_bytes, check_opens, reconcile, sample
from callguard.jobs.rotation import rotate
from callguard.store.artefact import Artefact

SAYS = {
    "object_missing": "its row is there, the object is not",
    "size_differs": "the object has another size than was stored",
    "hash_differs": "the object holds other bytes than were stored",
    "does_not_open": "the object does not open with its key",
    "audio_differs": "the object opens, and holds other audio than was stored",
    "object_without_row": "an object that no row names",
    "never_finished": "it was begun over an hour ago and never finished",
    "key_missing": "it is stored, and its key is gone: nobody can open it again",
    "key_without_row": "a key that no row names",
}
kind_option = click.option(
    "--kind", type=click.Choice([str(kind) for kind in Kind]), help="By default the hybrid, where this machine has it."
)


@click.group()
def vault() -> None:
    """Where finished recordings are kept, encrypted."""


@vault.command()
@click.option("--recording", help="This recording alone.")
@click.option("--call", help="This call alone.")
@click.option("--all", "every", is_flag=True, help="What was deleted too.")
@config_option
@json_option
def ls(recording: str | None, call: str | None, every: bool, config: Path, as_json: bool) -> None:
    """What is in the vault, oldest first."""
    with rows(load(config)) as artefacts:
        found = artefacts.find(recording_id=recording, call_id=call)
    shown = [row for row in found if every or row.state != "deleted"]
    if as_json:
        return show_json({"artefacts": [as_data(row) for row in shown]})
    for row in shown:
        click.echo(
            f"{row.artefact_id}  {row.kind:10} {row.state:8} {row.plain_size or 0:>10}  until {row.expires_at:%Y-%m-%d}"
            f"  recording {row.recording_id}"
        )
    click.echo(f"{len(shown)} artefact(s)")


@vault.command()
@click.argument("recordings", nargs=-1)
@click.option("--sample", "count", type=click.IntRange(min=1), help="So many by chance, instead of all.")
@click.option("--open", "opens", is_flag=True, help="Open each one too; this needs the private keys.")
@config_option
@json_option
@click.pass_context
def check(
    context: click.Context, recordings: tuple[str, ...], count: int | None, opens: bool, config: Path, as_json: bool
) -> None:
    """Whether what was stored is there byte for byte. Exit status 1: something is not."""
    settings = load(config)
    shelf, custody = shelf_of(settings), key_files(settings).open() if opens else None
    with rows(settings) as artefacts:
        stored = artefacts.find(states=("stored",))
        known = {row.recording_id for row in stored}
        if missing := [name for name in recordings if name not in known]:
            raise BadInput(f"{', '.join(missing)}: not in the vault")
        chosen = [row for row in stored if not recordings or row.recording_id in recordings]
        chosen = sample(chosen, count) if count else chosen
        found = [item for row in chosen for item in check_bytes(row, shelf)]
        if custody:
            gone = {item.object for item in found if item.what == "object_missing"}
            there = [row for row in chosen if row.object not in gone]
            found += [item for row in there for item in check_opens(row, artefacts, shelf, custody)]
    _show({"checked": len(chosen), "opened": opens}, found, as_json)
    context.exit(1 if found else 0)


@vault.command("reconcile")
@click.option("--hashes", is_flag=True, help="Compare every byte too; this reads the whole vault.")
@click.option("--remove-orphans", is_flag=True, help="Delete objects and keys that no row names: nobody can open them.")
@config_option
@json_option
@click.pass_context
def reconcile_command(context: click.Context, hashes: bool, remove_orphans: bool, config: Path, as_json: bool) -> None:
    """Hold rows against objects, and name what differs. Exit status 1: something does."""
    settings = load(config)
    shelf = shelf_of(settings)
    with rows(settings) as artefacts:
        done = reconcile(artefacts, shelf, clock.read().wall, hashes=hashes)
        removed = 0
        for item in done.differences if remove_orphans else ():
            if item.what == "object_without_row":
                shelf.delete(item.object.removesuffix(".part"))
                removed += 1
        if remove_orphans:
            removed += artefacts.remove_stray_keys()
    _show({"rows": done.rows, "objects": done.objects, "removed": removed}, done.differences, as_json)
    context.exit(1 if len(done.differences) > removed else 0)


@vault.group()
def keys() -> None:
    """The key pairs of the vault."""


@keys.command()
@kind_option
@config_option
@json_option
def create(kind: str | None, config: Path, as_json: bool) -> None:
    """A first key pair: the public half for PBX hosts, the private one under a passphrase."""
    settings = load(config)
    files = key_files(settings)
    made = files.create(Kind(kind) if kind else best_kind(), clock.read().wall)
    held = made.held[-1]
    if as_json:
        return show_json({"kid": held.kid, "kind": held.key.kind, "files": [str(files.public), str(files.private)]})
    click.echo(f"{held.kid}  {held.key.kind}")
    click.echo(f"{files.public}: to every PBX host. {files.private} and its passphrase: back both up, apart.")


@keys.command("list")
@config_option
@json_option
def list_keys(config: Path, as_json: bool) -> None:
    """Every pair that wraps something, or that this machine holds."""
    settings = load(config)
    active = public_key(settings).kid
    files = key_files(settings)
    held = {item.kid: item for item in files.open().held} if files.private.exists() else {}
    with rows(settings) as artefacts:
        counts = artefacts.keys_by_pair()
    shown = [
        {
            "kid": kid,
            "kind": held[kid].key.kind if kid in held else "",
            "created_at": held[kid].created_at.isoformat() if kid in held else "",
            "private": kid in held,
            "active": kid == active,
            "wraps": counts.get(kid, 0),
        }
        for kid in dict.fromkeys((*held, active, *counts))
    ]
    if as_json:
        return show_json({"keys": shown})
    for row in shown:
        click.echo(_pair(row))


def _pair(row: dict[str, Any]) -> str:
    words = [row["kind"], "active" * row["active"], "" if row["private"] else "not held here"]
    return f"{row['kid']}  wraps {row['wraps']}  {', '.join(filter(None, words))}"


@keys.command("rotate")
@kind_option
@click.option("--retire", is_flag=True, help="Take the old private keys out of the file afterwards.")
@config_option
@json_option
def rotate_command(kind: str | None, retire: bool, config: Path, as_json: bool) -> None:
    """Put every data key under a new pair; audio is not touched. Cut off, it goes on where it was."""
    settings = load(config)
    chosen = Kind(kind) if kind else best_kind()
    with rows(settings) as artefacts:
        done = rotate(key_files(settings), artefacts, chosen, clock.read().wall, retire=retire)
    if as_json:
        return show_json(asdict(done))
    finished = "; an earlier rotation is finished" if done.resumed else ""
    click.echo(f"{done.kid}: {done.rewrapped} data key(s) wrapped anew{finished}")
    click.echo("Copy the public key to every PBX host, then rotate once more for what came between:")
    click.echo(f"  {settings.path(settings.vault.public_key)}")
    for old in done.retired:
        click.echo(f"{old}: retired")


def as_data(row: Artefact) -> dict[str, Any]:
    """ROW as JSON shows it: digests as hex, no wrapped key."""
    names = (name for name in Artefact.__slots__ if name not in ("call_month", "key_id"))
    values = {name: getattr(row, name) for name in names}
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}


def _show(counts: dict[str, Any], found: tuple[Difference, ...] | list[Difference], as_json: bool) -> None:
    if as_json:
        return show_json({**counts, "differences": [asdict(item) for item in found]})
    for item in found:
        whose = f" (artefact {item.artefact_id})" if item.artefact_id else ""
        click.echo(f"{item.object or 'keys'}: {SAYS[item.what]}{item.why and f': {item.why}'}{whose}")
    told = ", ".join(f"{value} {name}" for name, value in counts.items() if not isinstance(value, bool))
    click.echo(f"{told}, {len(found)} difference(s)")

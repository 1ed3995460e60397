"""`callguard policy`: check a policy, put it into force, and tell what was in force when.

What belongs here: the commands. What does not: the judgement (approval.py), the register (engine/registrar.py).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from callguard.audio.staged import staged
from callguard.cli.approval import Judged, entry_of, judge
from callguard.cli.option import account, ask_controller, config_option, json_option, load, show_json, with_log
from callguard.cli.place import rules_today
from callguard.cli.retaining import ends_sooner
from callguard.cli.scripts import own_prompts
from callguard.core.amendment import Amendment, amendments
from callguard.core.policy import Policy, parse_policy
from callguard.engine.registrar import Entry, enter
from callguard.errors import BadInput, CallguardError, ConfigError, Unreachable
from callguard.ports import ActivationRow
from callguard.settings import Settings, read_policy
from callguard.store.activation import ERASED, newest
from callguard.text import is_utf8, printable

SHOWN = 12
"""Digits of a version on a terminal."""
file_argument = click.argument("file", required=False, type=click.Path(path_type=Path))


@click.group()
def policy() -> None:
    """policy.toml: whether it may be put into force, putting it there, and what was in force when."""


# ---------------------------------------------------------------- check
@policy.command()
@file_argument
@config_option
@json_option
@click.pass_context
def check(context: click.Context, file: Path | None, config: Path, as_json: bool) -> None:
    """Everything that keeps FILE (or the configured policy.toml) from being put into force: wrong values, missing
    parts, missing prompts, and texts that say otherwise. Exit status 1: something was found; 2: it cannot be read."""
    settings = None if file and not config.exists() else load(config)
    path = file or _configured(settings)
    judged, findings = _findings(path, settings)
    version = judged.policy.version if judged else ""
    if as_json:
        show_json({"file": str(path), "version": version, "ok": not findings, "findings": findings})
    else:
        said = f"{path}: nothing keeps it from being put into force, version {version[:SHOWN]}"
        click.echo("\n".join([f"{path}: {len(findings)} finding(s)", *findings]) if findings else said)
    context.exit(1 if findings else 0)


def _configured(settings: Settings | None) -> Path:
    assert settings is not None
    return settings.path(settings.policy)


def _findings(path: Path, settings: Settings | None) -> tuple[Judged | None, list[str]]:
    """The policy, None where the file cannot be understood, and what was found."""
    prompts, pack = (own_prompts(settings), rules_today(settings)) if settings else (None, None)
    try:
        judged = judge(path, prompts, pack)
    except ConfigError as wrong:
        return None, wrong.problems
    return judged, judged.findings


# ---------------------------------------------------------------- activate
@policy.command()
@file_argument
@click.option("--reason", required=True, help="Why: it stands in the register, sealed. Name no caller in it.")
@click.option("--author", default=account, show_default="the account that runs this", help="Who decided it.")
@config_option
@json_option
@click.pass_context
def activate(context: click.Context, file: Path | None, reason: str, author: str, config: Path, as_json: bool) -> None:
    """Put FILE, or the configured policy.toml as it is now, into force: check it, enter it into the register, put it
    in the place of policy.toml (the old one stays as .old), and have a running controller read it. Exit status 1:
    something was found, and nothing changed."""
    if not (_says(reason) and _says(author)):
        raise BadInput("--reason and --author must say something, in UTF-8")
    settings = load(config)
    target = settings.path(settings.policy)
    judged, findings = _findings(file or target, settings)
    if findings or judged is None:
        said = {"activated": False, "findings": findings}
        show_json(said) if as_json else click.echo("\n".join(["nothing changed:", *findings]))
        context.exit(1)
    version = judged.policy.version
    row = _put(settings, file, target, entry_of(judged.policy, author, reason))
    told, sooner = _tell(settings), ends_sooner(settings, judged.policy)
    if as_json:
        done = {"version": version, "activated": row is not None, "findings": [], "controller": told}
        return show_json({**done, "ends_sooner": sooner})
    click.echo(f"{version[:SHOWN]}: {f'entered as number {row.seq}' if row else 'is in force already'}; {told}")
    if sooner:
        click.echo(f"{sooner} stored would end sooner: `callguard retention apply` shows them, and --yes does it")


def _says(text: str) -> bool:
    return bool(text.strip()) and is_utf8(text)


def _put(settings: Settings, file: Path | None, target: Path, entry: Entry) -> ActivationRow | None:
    """Enter ENTRY, and put FILE in the place of TARGET: both, or neither."""
    if file is None or file.absolute() == target:
        return with_log(settings, lambda log: enter(log, settings.tenant, entry))
    with staged(target, "the policy") as place:
        place.write(file.read_bytes())
        row = with_log(settings, lambda log: enter(log, settings.tenant, entry))
        if target.exists():
            shutil.copy2(target, f"{target}.old")
    os.chmod(target, 0o644)
    return row


def _tell(settings: Settings) -> str:
    """What became of the controller. Raises CallguardError when it did not take what it was told to read."""
    try:
        ask_controller(settings, {"do": "reload"})
    except Unreachable:
        return "no controller runs; the next start uses it"
    except BadInput as refused:
        raise CallguardError(f"the policy was entered, but the controller keeps the old one: {refused}") from None
    return "the controller uses it for calls that begin from now on"


# ---------------------------------------------------------------- log
@policy.command()
@config_option
@json_option
def log(config: Path, as_json: bool) -> None:
    """What was put into force, oldest first: when, what, by whom and why."""
    rows = [row for row in _register(load(config)) if row.kind in ("policy", "rules")]
    if as_json:
        show_json({"activations": [_row(row) for row in rows]})
        return
    for row in rows:
        at = row.at.strftime("%Y-%m-%d %H:%M:%S")
        said = row.said or ERASED
        who = f"{said['author']}: {said['reason']}"
        click.echo(printable(f"{row.seq:4} {at}Z {row.kind:6} {row.version[:SHOWN]} {who}"))


def _register(settings: Settings) -> tuple[ActivationRow, ...]:
    return with_log(settings, lambda log: log.activations(settings.tenant))


def _row(row: ActivationRow) -> dict[str, Any]:
    said = row.said or ERASED
    return {
        "at": row.at.isoformat(),
        **{name: getattr(row, name) for name in ("seq", "kind", "version", "previous")},
        **{name: said[name] for name in ("author", "reason")},
        "key_id": row.key_id,
        "hash": row.hash.hex(),
    }


# ---------------------------------------------------------------- diff
@policy.command()
@click.argument("old")
@click.argument("new")
@config_option
@json_option
def diff(old: str, new: str, config: Path, as_json: bool) -> None:
    """What NEW says otherwise than OLD, call type by call type and key by key. Each is a file, the beginning of a
    version in the register, or `active`. Exit status 0 whether they differ or not: a difference is no finding."""
    rows = [] if Path(old).is_file() and Path(new).is_file() else _register(load(config))
    changes = amendments(_named(old, rows), _named(new, rows))
    if as_json:
        show_json({"changes": [{"key": item.key, "old": item.old, "new": item.new} for item in changes]})
        return
    for change in changes:
        click.echo(printable(_sentence(change)))
    click.echo(f"{len(changes)} change(s)")


def _named(name: str, rows: Sequence[ActivationRow]) -> Policy:
    """The policy called NAME. Raises BadInput where there is none, or more than one."""
    if Path(name).is_file():
        return read_policy(Path(name))
    last = newest(rows, "policy")
    wanted = last.version if name == "active" and last else name
    found = {row.version: row for row in rows if row.kind == "policy" and row.version.startswith(wanted)}
    if len(found) != 1:
        many = "several versions begin so" if found else "neither a file nor a version in the register"
        raise BadInput(f"{name}: {many}; see `callguard policy log`")
    return parse_policy(next(iter(found.values())).content, name)


def _sentence(change: Amendment) -> str:
    return f"{change.key}: {_said(change.old)} -> {_said(change.new)}"


def _said(value: object) -> str:
    return "not said" if value is None else json.dumps(value, ensure_ascii=False)

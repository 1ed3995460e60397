"""`callguard rule`: what each place asks of a recording, and what that comes to on a call."""

from __future__ import annotations

import difflib
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import orjson

import callguard.cli.ruling as ruling
from callguard.cli.option import config_option, json_option, load, show_json, with_log
from callguard.core.difference import changes_demand, difference
from callguard.core.explain import answer
from callguard.core.jurisdiction import RulePack
from callguard.core.override import Override, parse_overrides
from callguard.core.purpose import NumberPolicy
from callguard.core.question import MOMENTS, SWITCHES, read_question
from callguard.core.strictest import Occasion
from callguard.errors import BadInput, CallguardError
from callguard.store.pack import read_pack, read_text, read_toml, shipped_pack
from callguard.store.postgres import PostgresLog
from callguard.text import printable

LARGEST = 4 * 1024 * 1024
"""Bytes of an input document."""

EVENTS = click.Choice([item.value for item in Occasion])
POLICIES = click.Choice([item.value for item in NumberPolicy])
rules_option = click.option("--rules", "source", metavar="PACK", default="shipped", help="Another rule pack.")


@click.group()
def rule() -> None:
    """Jurisdictions: their rows, and the strictest rule over everybody on a call."""


def read_rules(source: str) -> RulePack:
    """The shipped rules, or those of a folder or file. Raises BadInput, ConfigError."""
    return shipped_pack() if source == "shipped" else read_pack(Path(source))


def _today() -> date:
    return datetime.now(UTC).date()


# ---------------------------------------------------------------- explain
@rule.command()
@click.option("--input", "file", metavar="FILE|-", help="The question as JSON; - is standard input.")
@click.option("--party", "parties", multiple=True, metavar="KEY=VALUE,...", help="One party; may be repeated.")
@click.option("--event", type=EVENTS, help="With --party: what happens. [default: start]")
@click.option("--number-policy", type=POLICIES, help="With --party. [default: hint]")
@click.option("--overrides", type=click.Path(path_type=Path), help="rules.toml: the operator's overrides.")
@rules_option
@json_option
def explain(
    file: str | None,
    parties: tuple[str, ...],
    event: str | None,
    number_policy: str | None,
    overrides: Path | None,
    source: str,
    as_json: bool,
) -> None:
    """What may be done on a call: where everybody is and why, what each row asks, and what that comes to."""
    if (file is None) == (not parties) or (file is not None and (event or number_policy)):
        raise click.UsageError("give either --input, or --party with --event and --number-policy")
    asked: object
    if file is not None:
        asked = _document(file)
    else:
        policy = number_policy or NumberPolicy.HINT.value
        everybody = [read_party(text) for text in parties]
        asked = {"event": event or Occasion.START.value, "number_policy": policy, "parties": everybody}
    pack = read_rules(source)
    if overrides is not None:
        pack = pack.overridden(_overrides(overrides, pack), _today())
    found = answer(read_question(asked, _where(file)), pack)
    if as_json:
        show_json(found.as_data())
    else:
        ruling.show_answer(found)


def _document(file: str) -> object:
    where = _where(file)
    content: str | bytes = sys.stdin.buffer.read(LARGEST + 1) if file == "-" else read_text(Path(file))
    if len(content) > LARGEST:
        raise BadInput(f"{where}: larger than {LARGEST} bytes")
    try:
        document = orjson.loads(content)
        json.loads(content, object_pairs_hook=_once)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{where}: not JSON: {error}") from None
    except _Twice as key:
        raise BadInput(f"{where}: {key}: stands there twice; which one is meant?") from None
    except RecursionError:
        raise BadInput(f"{where}: nested too deep") from None
    return document


class _Twice(Exception):
    """A key that one object has twice: readers of JSON keep the last one, and nobody would know."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(printable(key)[:40])
        found[key] = value
    return found


def _where(file: str | None) -> str:
    return {None: "--party", "-": "standard input"}.get(file) or str(file)


def read_party(text: str) -> dict[str, Any]:
    """role=agent,site=US-TX as a party. What each value must be is said where all documents are read."""
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not equals for _, equals, _ in pairs):
        raise click.UsageError("--party: write KEY=VALUE,KEY=VALUE as in role=agent,site=US-TX")
    keys = [key.strip() for key, _, _ in pairs]
    if twice := next((key for key in keys if keys.count(key) > 1), ""):
        raise click.UsageError(f"--party: {printable(twice)[:40]} is given twice; which one is meant?")
    return {key.strip(): _value(key.strip(), value.strip()) for key, _, value in pairs}


def _value(key: str, text: str) -> object:
    if key in SWITCHES:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text, text)
    try:
        return float(text) if key in MOMENTS else text
    except ValueError:
        return text


def _overrides(path: Path, pack: RulePack, today: date | None = None) -> tuple[Override, ...]:
    return parse_overrides(read_toml(path), pack.rows, str(path), today)


# ---------------------------------------------------------------- rows
@rule.command("list")
@rules_option
@json_option
def list_rows(source: str, as_json: bool) -> None:
    """All rows of the rule pack."""
    pack = read_rules(source)
    if as_json:
        show_json({**_head(pack), "rows": [row.as_data() for row in pack.rows.values()]})
    else:
        ruling.show_rows(pack)


@rule.command()
@click.argument("code")
@rules_option
@json_option
def show(code: str, source: str, as_json: bool) -> None:
    """The row of CODE (US-CA is California, CA is Canada), and the country's row that always goes with it."""
    pack = read_rules(source)
    row = pack.rows.get(code.strip().upper())
    if row is None:
        raise BadInput(_no_row(code, pack))
    country = row.iso_code[:2]
    also = [country] * (country != row.iso_code and country in pack.rows)
    if as_json:
        show_json({**_head(pack), "row": row.as_data(), "also": also})
    else:
        ruling.show_row(row, also, pack)


def _head(pack: RulePack) -> dict[str, str]:
    return {"rule_pack": pack.version, "dated": pack.dated}


def _no_row(code: str, pack: RulePack) -> str:
    """What to say instead: near codes, and names like it."""
    wanted = code.strip().upper()
    names = {row.name.upper(): key for key, row in pack.rows.items()}
    near = [f"US-{wanted}"] * (f"US-{wanted}" in pack.rows)
    near += [names[name] for name in difflib.get_close_matches(wanted, names, 3, 0.75)]
    near += difflib.get_close_matches(wanted, pack.rows, 3, 0.7)
    meant = ", ".join(f"{key} ({pack.rows[key].name})" for key in dict.fromkeys(near))
    hint = f"; did you mean {meant}?" if meant else "; `callguard rule list` names them all."
    return f"{printable(code)[:60]}: no row has this code{hint} A place without a row takes {pack.resolve(wanted)}."


# ---------------------------------------------------------------- overrides
@rule.command()
@click.argument("file", type=click.Path(path_type=Path))
@rules_option
@json_option
def check(file: Path, source: str, as_json: bool) -> None:
    """Whether the overrides in FILE can be used and none has expired."""
    found = _overrides(file, read_rules(source), _today())
    if as_json:
        show_json({"overrides": [item.as_data() for item in found]})
        return
    for item in found:
        click.echo(printable(item.sentence))
    click.echo(f"{len(found)} override(s), all in force")


# ---------------------------------------------------------------- two packs
@rule.command()
@click.argument("old")
@click.argument("new")
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="Calls of so many days.")
@config_option
@json_option
@click.pass_context
def diff(context: click.Context, old: str, new: str, days: int, config: Path, as_json: bool) -> None:
    """What differs between two rule packs, and the share of recent calls whose demand would change.

    OLD and NEW: `shipped`, a folder or a file. Exit status: 0 no difference, 1 a difference.
    """
    before, after = read_rules(old), read_rules(new)
    gap = difference(before, after)
    share = _share(before, after, days, config)
    if as_json:
        show_json({"old": before.version, "new": after.version, **gap.as_data(), "calls": share})
    else:
        ruling.show_difference(gap, share)
    context.exit(1 if gap else 0)


def _share(before: RulePack, after: RulePack, days: int, config: Path) -> dict[str, Any]:
    """Of the calls of the last DAYS days whose rule was resolved, how many would have another demand."""
    try:
        judged = with_log(load(config), lambda log: _judged(log, days))
    except CallguardError as error:
        return {"days": days, "judged": None, "changed": None, "share": None, "why": str(error)}
    changed = sum(changes_demand(codes, before, after) for codes in judged)
    share = changed / len(judged) if judged else None
    why = "" if judged else "no call of these days has a rule on record"
    return {"days": days, "judged": len(judged), "changed": changed, "share": share, "why": why}


async def _judged(log: PostgresLog, days: int) -> list[tuple[str, ...]]:
    """The codes of everybody on each call of the last DAYS days, newest first."""
    oldest = datetime.now(UTC) - timedelta(days=days)
    found = []
    async for head in log.calls():
        if head.started_at < oldest:
            break
        stored = await log.load(head.call_id)
        rows = (
            [row.data for row in stored.events if row.type in ("rule_resolved", "rule_reevaluated")] if stored else []
        )
        codes = dict.fromkeys(str(code) for data in rows for code in data.get("jurisdictions", ()))
        found += [tuple(codes)] * bool(codes)
    return found

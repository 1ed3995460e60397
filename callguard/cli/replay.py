"""`callguard replay`: the same facts through the core again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from callguard.cli.option import config_option, json_option, load, show_json, with_log
from callguard.cli.rule import read_rules
from callguard.core.policy import parse_policy
from callguard.errors import BadInput
from callguard.replay import Change, Replayed, Story, read_story, story_of, what_if
from callguard.replay import fact_of as fact_of
from callguard.replay import replay as replay_story
from callguard.settings import read_toml
from callguard.store.postgres import PostgresLog


@click.command()
@click.argument("source", metavar="[FILE|CALL]", required=False)
@click.option("--policy", type=click.Path(path_type=Path), help="What if: another policy.toml over the same facts.")
@click.option("--rules", metavar="PACK", help="What if: `shipped`, or another rule pack's folder or file.")
@click.option(
    "--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="What if: calls of so many days."
)
@click.option("--watch", is_flag=True, help="Show the rows at the pace at which they came.")
@click.option("--speed", type=click.FloatRange(0.01, 1000), default=1.0, show_default=True, help="Pace of --watch.")
@config_option
@json_option
@click.pass_context
def replay(
    context: click.Context,
    source: str | None,
    policy: Path | None,
    rules: str | None,
    days: int,
    watch: bool,
    speed: float,
    config: Path,
    as_json: bool,
) -> None:
    """Replay a call's event log: "same decisions", or the first difference.

    FILE is what `callguard calls export` writes; CALL one of our ids, or a PBX unique id. With --policy, --rules or
    both: how many calls these would have changed, and how; over the calls of the last days where none is named.
    """
    if policy is not None or rules is not None:
        context.exit(_what_if(source, policy, rules, days, config, as_json))
    if source is None:
        raise click.UsageError("name a FILE or a CALL, or give --policy or --rules")
    story = find_story(source, config)
    if watch:
        _watch(story, speed)
    result = replay_story(story)
    if as_json:
        show_json(_document(story, result))
    else:
        click.echo(_text(story, result))
    context.exit(1 if result.difference else 0)


def _watch(story: Story, speed: float) -> None:
    before = story.lines[0].at if story.lines else None
    for line in story.lines:
        pause = (line.at - before).total_seconds() / speed if before else 0.0
        time.sleep(max(0.0, pause))
        before = max(before, line.at) if before else line.at
        click.echo(f"{line.at.time().isoformat('milliseconds')}  {'> ' if line.derived else '  '}{line.type}", err=True)


# ---------------------------------------------------------------- what if
def _what_if(source: str | None, policy: Path | None, rules: str | None, days: int, config: Path, as_json: bool) -> int:
    """Print what POLICY and RULES would have changed; 1 when they would have changed anything."""
    other = parse_policy(read_toml(policy), str(policy)) if policy else None
    pack = read_rules(rules) if rules else None
    stories = [find_story(source, config)] if source else with_log(load(config), lambda log: _stories(log, days))
    changes = [change for story in stories if (change := what_if(story, other, pack))]
    _show_changes(changes, len(stories), as_json)
    return 1 if changes else 0


def _show_changes(changes: Sequence[Change], calls: int, as_json: bool) -> None:
    kinds = Counter(kind for change in changes for kind in change.kinds)
    if as_json:
        rows = [{"call_id": item.call_id, "call_type": item.call_type, "kinds": list(item.kinds)} for item in changes]
        show_json({"calls": calls, "changed": len(changes), "kinds": dict(kinds), "changes": rows})
        return
    for kind, number in kinds.most_common():
        click.echo(f"{number:6}  {kind}")
    click.echo(f"{len(changes)} of {calls} call(s) would change")


async def _stories(log: PostgresLog, days: int) -> list[Story]:
    """The calls of the last DAYS days."""
    oldest = datetime.now(UTC) - timedelta(days=days)
    ids = [head.call_id async for head in log.calls() if head.started_at >= oldest]
    found = [await log.load(call_id) for call_id in ids]
    return [story_of(stored) for stored in found if stored is not None and stored.events]


def find_story(source: str, config: Path) -> Story:
    """A call by its event log file, or by its id in Postgres. Raises BadInput, BadLog, StoreDown."""
    path = Path(source)
    try:
        if path.is_file():
            return read_story(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{source}: cannot be read ({error.strerror})") from None
    if path.suffix in (".jsonl", ".log", ".json") or path.parent != Path("."):
        raise BadInput(f"{source}: no such file")
    stored = with_log(load(config), lambda log: log.load(source))
    if stored is None:
        raise BadInput(f"{source}: no such file, and no call has this id")
    return story_of(stored)


def _document(story: Story, result: Replayed) -> dict[str, object]:
    gap = result.difference
    difference = {"line": gap.line, "what": gap.what, "stored": gap.stored, "now": gap.now} if gap else None
    return {
        "call_id": story.call_id,
        "policy_version": story.policy_version,
        "rule_pack": story.rules.version,
        "decisions": result.decisions,
        "same": gap is None,
        "difference": difference,
    }


def _text(story: Story, result: Replayed) -> str:
    gap = result.difference
    if gap is None:
        return f"{story.call_id}: same decisions ({result.decisions})"
    return f"{story.call_id}: row {gap.line}: {gap.what} differ\n  stored: {gap.stored}\n  now:    {gap.now}"

"""`callguard replay`: the same facts through the core again."""

from __future__ import annotations

from pathlib import Path

import click

from callguard.cli.option import config_option, json_option, load, show_json, with_log
from callguard.errors import BadInput
from callguard.replay import Replayed, Story, read_story, story_of
from callguard.replay import replay as replay_story


@click.command()
@click.argument("source", metavar="FILE|CALL")
@config_option
@json_option
@click.pass_context
def replay(context: click.Context, source: str, config: Path, as_json: bool) -> None:
    """Replay a call's event log: "same decisions", or the first difference.

    FILE is what `callguard calls export` writes; CALL one of our ids, or a PBX unique id.
    """
    story = _story(source, config)
    result = replay_story(story)
    if as_json:
        show_json(_document(story, result))
    else:
        click.echo(_text(story, result))
    context.exit(1 if result.difference else 0)


def _story(source: str, config: Path) -> Story:
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
        "rule_pack": story.rule_pack,
        "decisions": result.decisions,
        "same": gap is None,
        "difference": difference,
    }


def _text(story: Story, result: Replayed) -> str:
    gap = result.difference
    if gap is None:
        return f"{story.call_id}: same decisions ({result.decisions})"
    return f"{story.call_id}: row {gap.line}: {gap.what} differ\n  stored: {gap.stored}\n  now:    {gap.now}"

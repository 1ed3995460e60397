"""`callguard prompts`: what callers hear, and whether it is still what was agreed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from callguard.audio.prompt import Prompt, load_prompts, shipped_prompts
from callguard.cli.option import config_option, json_option, load, show_json
from callguard.core.policy import Mode
from callguard.engine.script import Scripts
from callguard.errors import BadInput, ConfigError
from callguard.settings import Settings, load_policy

LONGEST_SECONDS = 10.0
"""Notice, purpose and choice end within this."""


@click.group()
def prompts() -> None:
    """Prompts: which there are, and whether they are what they were when their text was agreed."""


@prompts.command("list")
@config_option
@json_option
def list_prompts(config: Path, as_json: bool) -> None:
    """Every prompt with its language, version, length and text; the shipped ones where there is no configuration."""
    directory = _directory(load(config)) if config.exists() else shipped_prompts()
    found = [prompt for language in _languages(directory) for prompt in load_prompts(directory, language).values()]
    if as_json:
        show_json({"prompts": [_row(prompt) for prompt in found]})
        return
    for prompt in found:
        click.echo(
            f"{prompt.language}  {prompt.id:18} {prompt.text_version}  {prompt.duration_s:5.2f} s  {prompt.text}"
        )


@prompts.command()
@config_option
@json_option
@click.pass_context
def check(context: click.Context, config: Path, as_json: bool) -> None:
    """Whether every prompt that policy.toml needs is there, unaltered, and short enough. Exit status 1: something was
    found."""
    settings = load(config)
    findings = _findings(settings)
    if as_json:
        show_json({"ok": not findings, "findings": findings})
    else:
        click.echo("\n".join(findings) or "Every prompt is there, unaltered, and short enough.")
    context.exit(1 if findings else 0)


def _findings(settings: Settings) -> list[str]:
    directory = _directory(settings)
    try:
        policy = load_policy(settings)
        Scripts.load(policy, directory)
    except ConfigError as wrong:
        return wrong.problems
    notices = {(kind.language, kind.notice) for kind in policy.call_types.values() if kind.mode is not Mode.NEVER}
    long = [
        prompt
        for language in sorted({language for language, _ in notices})
        for prompt in load_prompts(directory, language).values()
        if (language, prompt.id) in notices and prompt.duration_s > LONGEST_SECONDS
    ]
    return [
        f"{prompt.language}/{prompt.id}: {prompt.duration_s:.1f} s, where a notice has {LONGEST_SECONDS:g} s"
        for prompt in long
    ]


def _directory(settings: Settings) -> Path:
    own = settings.prompts.directory
    return settings.path(own) if own else shipped_prompts()


def _languages(directory: Path) -> list[str]:
    try:
        return sorted(path.name for path in directory.iterdir() if path.is_dir())
    except OSError as wrong:
        raise BadInput(f"{directory}: no folder of prompts ({wrong.strerror})") from None


def _row(prompt: Prompt) -> dict[str, Any]:
    return {
        "id": prompt.id,
        "language": prompt.language,
        "text_version": prompt.text_version,
        "sha256": prompt.sha256,
        "seconds": round(prompt.duration_s, 3),
        "text": prompt.text,
    }

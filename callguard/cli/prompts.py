"""`callguard prompts`: what callers hear, whether it is still what was agreed, and how it is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from callguard.audio.prompt import Prompt, languages_in, list_prompts, load_prompts, shipped_prompts
from callguard.audio.voice import Voice
from callguard.cli.option import config_option, json_option, load, show_json
from callguard.cli.scripts import (
    call_type_option,
    chosen_kinds,
    language_option,
    own_prompts,
    require_languages,
)
from callguard.core.disclosure import LONGEST_SECONDS
from callguard.core.policy import Policy
from callguard.engine.render import jobs, render
from callguard.engine.script import Scripts
from callguard.engine.wording import load_wordings
from callguard.errors import BadInput, ConfigError
from callguard.settings import Settings, load_policy


@click.group()
def prompts() -> None:
    """Prompts: which there are, whether they are what they were when their text was agreed, and new ones."""


@prompts.command("list")
@config_option
@json_option
def list_all(config: Path, as_json: bool) -> None:
    """Every prompt with its language, version, length and text; the shipped ones where there is no configuration."""
    directory = (own_prompts(load(config)) if config.exists() else None) or shipped_prompts()
    found = list(_all(directory))
    if as_json:
        show_json({"prompts": [_row(prompt, call_type) for prompt, call_type in found]})
        return
    for prompt, whose in found:
        name = f"{whose}/{prompt.id}" if whose else prompt.id
        click.echo(f"{prompt.language}  {name:18} {prompt.text_version}  {prompt.duration_s:5.2f} s  {prompt.text}")


def _all(directory: Path) -> Iterator[tuple[Prompt, str]]:
    for language in languages_in(directory):
        folders = sorted(path.name for path in (directory / language).iterdir() if path.is_dir())
        for call_type in ("", *folders):
            yield from ((prompt, call_type) for prompt in load_prompts(directory, language, call_type).values())


@prompts.command()
@config_option
@json_option
@click.pass_context
def check(context: click.Context, config: Path, as_json: bool) -> None:
    """Whether every prompt that policy.toml needs is there, unaltered, and short enough. What it has to say is for
    `callguard scripts check`. Exit status 1: something was found."""
    settings = load(config)
    findings = _findings(settings)
    if as_json:
        show_json({"ok": not findings, "findings": findings})
    else:
        click.echo("\n".join(findings) or "Every prompt is there, unaltered, and short enough.")
    context.exit(1 if findings else 0)


def _findings(settings: Settings) -> list[str]:
    try:
        policy = load_policy(settings)
        scripts = Scripts.load(policy, own_prompts(settings))
    except ConfigError as wrong:
        return wrong.problems
    silent = [
        f'call_type.{kind.name}: no prompt {name} in {language}: agents are told nothing there (indicator = "tone")'
        for kind, language, name in scripts.unspoken(policy)
    ]
    return silent + [
        f"{prompt.language}/{prompt.id}: {prompt.duration_s:.1f} s, where a notice has {LONGEST_SECONDS:g} s"
        for prompt in _notices(policy, scripts)
        if prompt.duration_s > LONGEST_SECONDS
    ]


def _notices(policy: Policy, scripts: Scripts) -> list[Prompt]:
    """Every short notice that a caller may hear, once."""
    heard = [
        scripts.known(kind, language)[name]
        for kind in policy.call_types.values()
        if kind.records
        for language in kind.spoken
        for name in kind.notices
    ]
    return list(dict.fromkeys(heard))


@prompts.command("render")
@config_option
@call_type_option
@language_option
@click.option("--tts", required=True, help="A program: {text_file} or {text}, {wav} and {language} are arguments.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder of prompts.")
def render_all(config: Path, names: tuple[str, ...], languages: tuple[str, ...], tts: str, out: Path) -> None:
    """Have a program speak every text that policy.toml needs, and put it under --out, one folder a language.

    Example: --tts 'espeak-ng -v {language} -w {wav} -f {text_file}'
    """
    voice = Voice.parse(tts)
    settings = load(config)
    policy = load_policy(settings)
    kinds = chosen_kinds(policy, names)
    spoken = {item for kind in kinds for item in kind.spoken}
    wordings = load_wordings(own_prompts(settings), sorted(spoken | set(languages)))
    wanted = set(languages) or spoken
    require_languages(wanted | spoken, wordings)
    work = [
        job
        for language in sorted(wanted)
        for job in jobs(policy, [kind for kind in kinds if language in kind.spoken or languages], language, wordings)
    ]
    count = render(work, voice.speak, out)
    click.echo(
        f"{count} prompts in {', '.join(sorted(wanted))}. `callguard scripts check` holds them against policy.toml."
    )


@prompts.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--language", default="", help="Where the folder is a call type's own; its name is the language else.")
def adopt(folder: Path, language: str) -> None:
    """List recordings of your own: ID.wav (8 kHz, mono) and ID.txt, the words, in FOLDER."""
    language = language or folder.resolve().name
    count = list_prompts(folder, language)
    if not count:
        raise BadInput(f"{folder}: there is no ID.txt in it, which holds the words of ID.wav")
    click.echo(f"{count} prompts listed")


def _row(prompt: Prompt, call_type: str) -> dict[str, Any]:
    return {
        "id": prompt.id,
        "language": prompt.language,
        "call_type": call_type,
        "text_version": prompt.text_version,
        "sha256": prompt.sha256,
        "seconds": round(prompt.duration_s, 3),
        "text": prompt.text,
    }

"""`callguard scripts`: whether callers are told what the policy promises, and the long notice for a web site."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from callguard.audio.staged import staged
from callguard.cli.option import config_option, json_option, load, show_json
from callguard.core.complete import TO_FILL
from callguard.core.disclosure import Finding
from callguard.core.policy import CallType, Policy
from callguard.core.wording import text_of
from callguard.engine.script import Scripts
from callguard.engine.wording import load_wordings
from callguard.errors import BadInput, ConfigError
from callguard.settings import Settings, load_policy

call_type_option = click.option("--call-type", "names", multiple=True, help="Only this call type; may be repeated.")
language_option = click.option("--language", "languages", multiple=True, help="Only this language; may be repeated.")


@click.group()
def scripts() -> None:
    """Scripts: whether callers are told what policy.toml promises."""


@scripts.command()
@config_option
@json_option
@click.pass_context
def check(context: click.Context, config: Path, as_json: bool) -> None:
    """Compare what every call type says, in every language, with its purposes, access, retention and vendors. Exit
    status 1: something differs."""
    settings = load(config)
    problems, differences = _examined(settings)
    if as_json:
        rows = [asdict(item) for item in differences]
        show_json({"ok": not problems + rows, "problems": problems, "findings": rows})
    else:
        click.echo("\n".join([*problems, *map(str, differences)]) or "Callers are told what the policy promises.")
    context.exit(1 if problems or differences else 0)


def _examined(settings: Settings) -> tuple[list[str], list[Finding]]:
    try:
        policy = load_policy(settings)
    except ConfigError as wrong:
        return wrong.problems, []
    loaded, problems = Scripts.load_leniently(policy, own_prompts(settings))
    return problems, loaded.findings(policy)


@scripts.command()
@config_option
@call_type_option
@language_option
@click.option("--format", "form", type=click.Choice(["text", "html"]), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of the screen.")
def publish(config: Path, names: tuple[str, ...], languages: tuple[str, ...], form: str, output: Path | None) -> None:
    """Print the long notice, for a web site: who records, what for, who may listen, how long it is kept."""
    settings = load(config)
    policy = load_policy(settings)
    notices = list(_notices(settings, policy, names, languages))
    block = _block if form == "text" else _section
    page = "\n".join(block(kind, language, text) for kind, language, text in notices)
    if output is None:
        click.echo(page, nl=False)
        return
    with staged(output, "the page") as file:
        file.write(page.encode())


def _notices(
    settings: Settings, policy: Policy, names: tuple[str, ...], languages: tuple[str, ...]
) -> Iterator[tuple[CallType, str, str]]:
    chosen = chosen_kinds(policy, names)
    spoken = {language for kind in chosen for language in languages or kind.spoken}
    wordings = load_wordings(own_prompts(settings), sorted(spoken | {item for kind in chosen for item in kind.spoken}))
    require_languages(spoken, wordings)
    for kind in chosen:
        for language in languages or kind.spoken:
            if kind.long_notice not in wordings[language].scripts:
                raise BadInput(f"call_type.{kind.name}: no template {kind.long_notice} in {language}/script.toml")
            yield kind, language, text_of(kind.long_notice, kind, policy, wordings, language)


def chosen_kinds(policy: Policy, names: tuple[str, ...]) -> list[CallType]:
    """The call types called NAMES, or all that may be recorded. Raises BadInput for one that is not there."""
    if strange := [name for name in names if name not in policy.call_types]:
        raise BadInput(f"policy.toml: there is no call_type.{strange[0]}; there are {', '.join(policy.call_types)}")
    kinds = [kind for kind in policy.call_types.values() if kind.records and (not names or kind.name in names)]
    if nameless := [kind.name for kind in kinds if kind.purpose is None]:
        raise BadInput(f"call_type.{nameless[0]}.purpose: is missing, and no notice can be made without it")
    if TO_FILL in policy.organisation.name + policy.organisation.contact:
        raise BadInput(f"policy.toml: organisation: fill in what says {TO_FILL}; callers hear it")
    return kinds


def require_languages(wanted: set[str], known: Collection[str]) -> None:
    """Raises BadInput for a language without texts."""
    if missing := sorted(language for language in wanted if language not in known):
        raise BadInput(f"there are no texts in {missing[0]}: add {missing[0]}/script.toml to the folder of prompts")


def own_prompts(settings: Settings) -> Path | None:
    """The admin's own folder of prompts, if any."""
    own = settings.prompts.directory
    return settings.path(own) if own else None


def _block(kind: CallType, language: str, text: str) -> str:
    return f"[{kind.name}, {language}]\n{text}\n"


def _section(kind: CallType, language: str, text: str) -> str:
    name = html.escape(f"{kind.name}-{language}")
    return f'<section id="{name}" lang="{html.escape(language)}">\n<p>{html.escape(text)}</p>\n</section>\n'

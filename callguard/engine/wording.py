"""The templates and words of each language, from folders: an admin's own stand over ours, key by key.

What belongs here: finding and joining the files. What does not: what may stand in one (core/wording.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from callguard.audio.prompt import shipped_prompts
from callguard.core.wording import Wording, parse_wording
from callguard.errors import ConfigError
from callguard.text import toml

FILE = "script.toml"


def load_wordings(directory: Path | None, languages: Iterable[str]) -> dict[str, Wording]:
    """The wordings of those LANGUAGES that have one, DIRECTORY's over the shipped ones. Raises ConfigError naming all
    that is wrong."""
    found, problems = {}, []
    for language in languages:
        try:
            if document := _document(directory, language):
                found[language] = parse_wording(language, document, f"{language}/{FILE}")
        except ConfigError as wrong:
            problems += [f"{language}/{FILE}: {problem}" for problem in wrong.problems]
    if problems:
        raise ConfigError("scripts", problems)
    return found


def languages_with_wording(directory: Path | None) -> list[str]:
    """Every language that has templates, in DIRECTORY or shipped."""
    folders = [folder for folder in (shipped_prompts(), directory) if folder]
    return sorted({path.parent.name for folder in folders for path in folder.glob(f"*/{FILE}")})


def _document(directory: Path | None, language: str) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for folder in (shipped_prompts(), directory):
        path = folder / language / FILE if folder and language.replace("-", "").isalnum() else None
        if path and path.exists():
            whole = _over(whole, _read(path))
    return whole


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """ABOVE over BELOW, table by table."""
    joined = dict(below)
    for key, value in above.items():
        old = joined.get(key)
        joined[key] = _over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return joined


def _read(path: Path) -> dict[str, Any]:
    try:
        return toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(FILE, [f"cannot be read ({type(error).__name__})"]) from None
    except ValueError as error:
        raise ConfigError(FILE, [str(error)]) from None

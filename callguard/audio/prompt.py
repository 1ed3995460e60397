"""The prompts that callers hear: which there are, and that they are what they were when their text was agreed.

Belongs here: the manifest of a folder of prompts, written and read. Does not: when one is played (core), how it gets
its sound (voice.py), what it has to say (core/disclosure.py).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from callguard.audio.staged import staged
from callguard.audio.wav import WavReader, WavWriter
from callguard.errors import BadAudio, BadInput

MANIFEST = "manifest.json"
FORMAT = "callguard.prompts"
RATE = 8000

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt. `path`: the audio, 8 kHz mono; `sha256`: hex, of that file; `text_version`: see `version_of`.
    `template`: the version of the template that its text was rendered from, '' for words of one's own."""

    id: str
    language: str
    text_version: str
    sha256: str
    path: Path
    duration_s: float
    text: str
    template: str = ""


def shipped_prompts() -> Path:
    """The folder of the prompts that come with callguard, one folder a language in it."""
    return Path(__file__).resolve().parent.parent / "data" / "prompts"


def version_of(text: str) -> str:
    """The version of a prompt's text: 12 hex digits of its sha256, so that a changed word is a changed version."""
    return hashlib.sha256(text.strip().encode()).hexdigest()[:12]


def load_prompts(directory: Path, language: str, call_type: str = "") -> dict[str, Prompt]:
    """The prompts of LANGUAGE under DIRECTORY by id, every file held against its manifest. With CALL_TYPE, those that
    this call type has for itself, if any: they lie in a folder of its name.

    Raises BadAudio, which names the prompt: a file is missing, was changed since it was listed, or is not 8 kHz mono.
    """
    if not _LANGUAGE.fullmatch(language):
        raise BadAudio(f"{language!r} is not a language such as en or pt-BR")
    folder = directory / language / call_type
    if call_type and not folder.exists():
        return {}
    prompts = [_prompt(folder, language, row) for row in _rows(folder)]
    return {prompt.id: prompt for prompt in prompts}


def languages_in(directory: Path) -> list[str]:
    """The languages that DIRECTORY has prompts of. Raises BadInput where it cannot be read."""
    try:
        return sorted(path.name for path in directory.iterdir() if (path / MANIFEST).exists())
    except OSError as wrong:
        raise BadInput(f"{directory}: no folder of prompts ({wrong.strerror})") from None


def write_prompt(folder: Path, name: str, text: str, samples: NDArray[np.int16]) -> None:
    """The prompt NAME in FOLDER: TEXT and, as RATE Hz mono, SAMPLES. It counts once it is listed."""
    with staged(folder / f"{name}.wav", f"prompt {name}") as file:
        writer = WavWriter(file, RATE, 1)
        writer.write(samples.reshape(-1, 1))
        writer.finish()
    with staged(folder / f"{name}.txt", f"prompt {name}") as file:
        file.write(f"{text}\n".encode())


def list_prompts(folder: Path, language: str, templates: Mapping[str, str] | None = None) -> int:
    """Write the manifest of FOLDER anew; how many prompts it lists: all that have a text, or those in TEMPLATES, which
    holds the version of the template that each was rendered from. Raises BadInput where a recording cannot be used.
    """
    names = sorted(path.stem for path in folder.glob("*.txt")) if templates is None else sorted(templates)
    rows = [_row(folder / f"{name}.txt", language, (templates or {}).get(name, "")) for name in names]
    manifest = {"format": FORMAT, "version": 1, "prompts": rows}
    with staged(folder / MANIFEST, MANIFEST) as file:
        file.write(json.dumps(manifest, indent=2).encode() + b"\n")
    return len(rows)


def _row(text: Path, language: str, template: str) -> dict[str, object]:
    sound = text.with_suffix(".wav")
    try:
        with WavReader(sound) as reader:
            seconds = round(reader.frames / reader.rate, 3)
    except BadInput as error:
        raise BadInput(f"prompt {text.stem}: {error}") from error
    row: dict[str, object] = {
        "id": text.stem,
        "language": language,
        "text_version": version_of(text.read_text(encoding="utf-8")),
        "sha256": hashlib.sha256(sound.read_bytes()).hexdigest(),
        "duration_s": seconds,
    }
    return {**row, "template": template} if template else row


def _rows(folder: Path) -> list[Mapping[str, object]]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadAudio(f"its {MANIFEST} cannot be read: {error.strerror or type(error).__name__}") from error
    except (ValueError, RecursionError) as error:
        raise BadAudio(f"its {MANIFEST} is not JSON") from error
    if not isinstance(manifest, dict) or (manifest.get("format"), manifest.get("version")) != (FORMAT, 1):
        raise BadAudio(f"its {MANIFEST} is not of format {FORMAT} 1: make it anew with `callguard prompts adopt`")
    rows = manifest.get("prompts")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadAudio(f"its {MANIFEST} lists no prompts")
    return rows


def _prompt(folder: Path, language: str, row: Mapping[str, object]) -> Prompt:
    name = row.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise BadAudio(f"its {MANIFEST} holds an id that is not lower-case words joined by '-'")
    try:
        return _checked(folder, language, name, row)
    except BadAudio as error:
        raise BadAudio(f"prompt {name}: {error}") from error


def _checked(folder: Path, language: str, name: str, row: Mapping[str, object]) -> Prompt:
    path = folder / f"{name}.wav"
    sound, text = _bytes(path), _bytes(path.with_suffix(".txt")).decode("utf-8", "replace").strip()
    found = (language, version_of(text), hashlib.sha256(sound).hexdigest())
    for what, listed, there in zip(("language", "text_version", "sha256"), _listed(row), found, strict=True):
        if listed != there:
            raise BadAudio(
                f"its {what} is not the one that {MANIFEST} lists: the file was changed or belongs elsewhere"
            )
    with WavReader(path) as reader:
        if (reader.rate, reader.channels) != (RATE, 1):
            raise BadAudio(f"{reader.rate} Hz and {reader.channels} channel(s), where a prompt has {RATE} Hz and one")
        template = str(row.get("template", ""))
        return Prompt(name, language, found[1], found[2], path, reader.frames / reader.rate, text, template)


def _listed(row: Mapping[str, object]) -> tuple[object, object, object]:
    return row.get("language"), row.get("text_version"), row.get("sha256")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadAudio(
            f"its {path.suffix[1:]} file cannot be read: {error.strerror or type(error).__name__}"
        ) from error

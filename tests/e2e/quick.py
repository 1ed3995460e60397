"""Prompts cut short, so that a call is asked in a second: what is said is not what these tests are about.

What belongs here: a folder of prompts with the shipped ones ("en") and their beginnings ("qaa", and once more as
another language, "qab"). What does not: what the shipped ones must hold (tests/audio, and the one call here that hears
them).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import wave
from pathlib import Path

from callguard.audio.prompt import FORMAT, MANIFEST, shipped_prompts, version_of

LANGUAGE, OTHER = "qaa", "qab"
SECONDS = {"recording-on": 1.915, "notice-soft": 9.0, "notice-hr": 9.0}
"""What is not cut: the recording-is-on line, which is looked for in the audio, and two notices. Everything else is a
second."""


def write_prompts(folder: Path) -> Path:
    """All languages under FOLDER."""
    shutil.copytree(shipped_prompts() / "en", folder / "en")
    for language in (LANGUAGE, OTHER):
        shutil.copytree(shipped_prompts() / "en", folder / language)
        for path in (folder / language).glob("*.wav"):
            _cut(path, SECONDS.get(path.stem, 1.0))
        rows = [_row(path, language) for path in sorted((folder / language).glob("*.wav"))]
        manifest = {"format": FORMAT, "version": 1, "prompts": rows}
        (folder / language / MANIFEST).write_text(json.dumps(manifest))
    return folder


def _cut(path: Path, seconds: float) -> None:
    with wave.open(str(path), "rb") as file:
        frames = file.readframes(round(seconds * file.getframerate()))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(frames)


def _row(path: Path, language: str) -> dict[str, object]:
    return {
        "id": path.stem,
        "language": language,
        "text_version": version_of(path.with_suffix(".txt").read_text()),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }

"""The shipped prompts say what the default policy says, in the words of today's templates."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from callguard.audio.prompt import load_prompts, shipped_prompts
from callguard.engine.wording import load_wordings
from callguard.lab.prompts import VOICES, main, work
from tests.audio.sound import spoken
from tests.audio.sound import write as sound_file


@pytest.mark.parametrize("language", VOICES)
def test_the_shipped_texts_are_the_ones_that_would_be_made(language: str) -> None:
    made = {job.prompt: job.text for job in work(language, load_wordings(None, VOICES))}
    assert {name: prompt.text for name, prompt in load_prompts(shipped_prompts(), language).items()} == made


def test_both_languages_are_made_anew(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(tmp_path / "new")], env={"PATH": voices(tmp_path)})
    assert done.exit_code == 0, done.output
    made = {language: set(load_prompts(tmp_path / "new", language)) for language in VOICES}
    assert made == {language: set(load_prompts(shipped_prompts(), language)) for language in VOICES}


def test_a_machine_without_the_voices_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(tmp_path / "new")], env={"PATH": str(tmp_path)})
    assert done.exit_code == 1
    assert "apt-get install flite espeak-ng" in done.output
    shutil.rmtree(tmp_path / "new", ignore_errors=True)


def voices(folder: Path) -> str:
    """A search path with programs called flite and espeak-ng that say the same whatever they are told."""
    said = sound_file(folder / "said.wav", spoken("paused"))
    for name, argument in (("flite", -1), ("espeak-ng", -1)):
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\nimport shutil, sys\nshutil.copy({str(said)!r}, sys.argv[{argument}])\n"
        )
        program.chmod(0o755)
    return str(folder)

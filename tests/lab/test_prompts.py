"""Prompts made anew are listed as they are."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from callguard.audio.prompt import load_prompts, shipped_prompts
from callguard.lab.prompts import main, write
from tests.audio.sound import noise, read, silence, spoken
from tests.audio.sound import write as sound_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(shipped_prompts() / "en", tmp_path / "en")
    return tmp_path


def test_listing_the_shipped_prompts_changes_nothing(folder: Path) -> None:
    before = (folder / "en" / "manifest.json").read_bytes()
    assert CliRunner().invoke(main, [str(folder / "en"), "--list"]).exit_code == 0
    assert (folder / "en" / "manifest.json").read_bytes() == before


def test_a_recording_of_ones_own_is_accepted_once_it_is_listed(folder: Path) -> None:
    write(spoken("question")[:8000], folder / "en" / "refusal.wav")
    assert CliRunner().invoke(main, [str(folder / "en"), "--list"]).exit_code == 0
    assert load_prompts(folder, "en")["refusal"].duration_s == 1.0


def test_a_text_without_sound_is_named(folder: Path) -> None:
    (folder / "en" / "refusal.wav").unlink()
    done = CliRunner().invoke(main, [str(folder / "en"), "--list"])
    assert done.exit_code == 1
    assert "prompt refusal: cannot be read" in done.output


def test_samples_are_written_as_they_are(tmp_path: Path) -> None:
    write(noise(1, -20), tmp_path / "a.wav")
    assert np.array_equal(read(tmp_path / "a.wav")[:, 0], noise(1, -20))


def test_a_machine_without_the_voice_says_so(tmp_path: Path) -> None:
    """The rendering itself needs Debian's flite; where it is missing, the sentence names the package."""
    (tmp_path / "hello.txt").write_text("Hello.")
    done = CliRunner().invoke(main, [str(tmp_path)], env={"PATH": str(tmp_path)})
    assert done.exit_code == 1
    assert "apt-get install flite" in done.output


def test_a_text_reaches_the_voice_as_one_argument_and_is_brought_to_level(tmp_path: Path) -> None:
    text = "Hello; touch $(x) `y` 'z' --help"
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "hello.txt").write_text(text + "\n")
    said = np.repeat(np.concatenate((silence(1), spoken("refusal") // 4, silence(1))), 2)  # a voice at 16 kHz
    done = CliRunner().invoke(main, [str(tmp_path / "en")], env={"PATH": voice(tmp_path, said)})
    assert done.exit_code == 0, done.output
    assert (tmp_path / "arguments").read_text().splitlines()[2:4] == ["-t", text]
    prompt = load_prompts(tmp_path, "en")["hello"]
    sound = read(prompt.path)[:, 0].astype(float)
    assert abs(prompt.duration_s - len(spoken("refusal")) / 8000) < 0.2
    assert not sound[:800].any()
    assert abs(20 * np.log10(np.sqrt(np.mean(sound[800:-480] ** 2)) / 32768) + 20) < 0.5


def voice(folder: Path, said: np.ndarray) -> str:
    """A search path with a program called flite that says SAID, and notes how it was called."""
    sound_file(folder / "said.wav", said, 16000)
    program = folder / "flite"
    program.write_text(
        f"#!{sys.executable}\nimport shutil, sys\n"
        f"open({str(folder / 'arguments')!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
        f"shutil.copy({str(folder / 'said.wav')!r}, sys.argv[-1])\n"
    )
    program.chmod(0o755)
    return str(folder)

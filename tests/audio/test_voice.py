"""Any program's sound becomes a prompt, and no shell reads what it is told."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.voice import Voice, prompt_of, resampled
from callguard.errors import BadAudio, BadInput, Unreachable
from tests.audio.sound import silence, spoken, write


def program(folder: Path, *lines: str) -> str:
    """A program in FOLDER that does LINES of Python, as the beginning of a command."""
    path = folder / "voice.py"
    path.write_text("\n".join(("import json, shutil, sys", *lines)))
    return f"{sys.executable} {path}"


def said(folder: Path) -> Path:
    """A voice's sound: 22.05 kHz, loud, silence around it."""
    speech = np.repeat(spoken("refusal").astype(float), 441)[::160]
    quiet = silence(1, 22050)
    return write(folder / "said.wav", np.concatenate((quiet, speech.astype(np.int16), quiet)), 22050)


@pytest.mark.requirement("S29")
def test_a_text_reaches_the_program_as_one_argument(tmp_path: Path) -> None:
    text = "Hello; touch $(x) `y` 'z' --help {wav}"
    command = program(
        tmp_path,
        f"json.dump(sys.argv[1:], open({str(tmp_path / 'arguments')!r}, 'w'))",
        f"shutil.copy({str(said(tmp_path))!r}, sys.argv[2])",
        f"shutil.copy(sys.argv[4], {str(tmp_path / 'text')!r})",
    )
    sound = Voice.parse(f"{command} '{{text}}' {{wav}} {{language}} {{text_file}} 'a b'").speak(text, "pt-BR")
    arguments = __import__("json").loads((tmp_path / "arguments").read_text())
    assert (arguments[0], arguments[2], arguments[4]) == (text, "pt-BR", "a b")
    assert (tmp_path / "text").read_text() == text + "\n"
    assert abs(len(sound) - len(spoken("refusal"))) < 1600
    assert not Path(arguments[1]).exists() and not Path(arguments[3]).exists()


def test_a_text_is_never_an_option(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        f"open({str(tmp_path / 'text')!r}, 'w').write(sys.argv[1])",
        f"shutil.copy({str(said(tmp_path))!r}, sys.argv[2])",
    )
    Voice.parse(f"{command} {{text}} {{wav}}").speak("-o /etc/passwd", "en")
    assert (tmp_path / "text").read_text() == " -o /etc/passwd"


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 48000])
def test_every_rate_becomes_eight_kilohertz_at_one_level(rate: int) -> None:
    at = np.arange(rate * 2) / rate
    tone = 0.4 * np.sin(2 * np.pi * 1000 * at)
    made = prompt_of(np.concatenate((np.zeros(rate), tone, np.zeros(rate))), rate).astype(float)
    body = made[1600:-1600]
    assert abs(len(made) / 8000 - 2.2) < 0.05 and not made[:800].any()
    assert abs(20 * np.log10(np.sqrt(np.mean(body**2)) / 32768) + 20) < 0.5
    spectrum = np.abs(np.fft.rfft(body * np.hanning(len(body))))
    assert abs(np.argmax(spectrum) * 8000 / len(body) - 1000) < 2


def test_what_is_too_high_for_a_telephone_does_not_fold_into_the_speech() -> None:
    at = np.arange(44100) / 44100
    high = resampled(np.sin(2 * np.pi * 6000 * at), 44100)
    assert np.sqrt(np.mean(high[200:-200] ** 2)) < 0.01
    assert len(high) == 8000 and len(resampled(np.zeros(0), 16000)) == 0


def test_a_voice_with_high_peaks_is_not_clipped() -> None:
    sound = np.zeros(8000)
    sound[::400] = 1.0
    assert np.abs(prompt_of(sound, 8000)).max() < 32767


@pytest.mark.parametrize("sound", [np.zeros(8000), np.zeros(3), np.full(8000, 1e-6)])
def test_silence_is_no_prompt(sound: np.ndarray) -> None:
    with pytest.raises(BadAudio, match="silence"):
        prompt_of(sound, 8000)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("", "it needs {wav}"),
        ("say {text}", "it needs {wav}"),
        ("say {wav}", "it needs {wav}"),
        ("{text} {wav}", "{text_file} or {text}"),
        ("say --text={text} {wav}", "--text={text} is not one of"),
        ("say {voice} {text} {wav}", "{voice} is not one of"),
        ("say 'x", "No closing quotation"),
    ],
)
def test_a_command_that_cannot_work_is_refused(command: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Voice.parse(command)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "error", "says"),
    [
        (["sys.exit(7)"], Unreachable, "failed with exit status 7"),
        (["pass"], BadAudio, "wrote no sound file"),
        (["open(sys.argv[2], 'w').write('RIFF')"], BadAudio, "wrote no sound file"),
    ],
)
def test_a_program_that_fails_is_a_sentence(
    tmp_path: Path, lines: list[str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Voice.parse(program(tmp_path, *lines) + " {text} {wav}").speak("Hello.", "en")


def test_a_program_that_is_not_there_is_not_reachable() -> None:
    with pytest.raises(Unreachable, match="no-such-voice cannot be run: No such file"):
        Voice.parse("no-such-voice {text} {wav}").speak("Hello.", "en")

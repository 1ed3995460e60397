"""Texts spoken by any program that turns text into a WAV file, brought to the form of a prompt: 8 kHz mono, trimmed,
level.

Belongs here: running the program and what is done to its sound. Does not: which texts there are (core/wording.py),
where prompts lie (prompt.py). No shell reads anything: each argument reaches the program as it is.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import soundfile  # type: ignore[import-untyped,unused-ignore]
from numpy.typing import NDArray

from callguard.audio.prompt import RATE
from callguard.errors import BadAudio, BadInput, Unreachable

LEVEL_DBFS = -20.0
LEAD_MS, TAIL_MS = 100, 60  # a path that opens late swallows the lead, not the first word
MARGIN_MS = 20
TIMEOUT_S = 120.0
_QUIET = 10 ** (-40 / 20)  # below the loudest moment
_KNEE, _PEAK = 0.7, 0.98
_TAPS = 32
_WORDS = ("{text}", "{text_file}", "{wav}", "{language}")

Wave = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Voice:
    """A program and its arguments. `{text_file}` or `{text}`, `{wav}` and `{language}` stand for whole arguments."""

    command: tuple[str, ...]

    @classmethod
    def parse(cls, command: str) -> Self:
        """COMMAND as a shell would split it. Raises BadInput."""
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise BadInput(f"--tts: {error}") from None
        if strange := [word for word in words if "{" in word and word not in _WORDS]:
            raise BadInput(f"--tts: {strange[0]} is not one of {', '.join(_WORDS)}, each an argument of its own")
        if "{wav}" not in words or not {"{text}", "{text_file}"} & set(words[1:]):
            raise BadInput("--tts: it needs {wav}, and {text_file} or {text}: where to write, and what to say")
        return cls(words)

    def speak(self, text: str, language: str) -> NDArray[np.int16]:
        """TEXT as a prompt's samples. Raises Unreachable where the program is not there or fails, BadAudio where it
        wrote no sound."""
        with tempfile.TemporaryDirectory(prefix="callguard-") as folder:
            said, written = Path(folder) / "voice.wav", Path(folder) / "text.txt"
            written.write_text(f"{text}\n", encoding="utf-8")
            # A text that begins with a dash must not be taken for an option.
            values = {"{text}": f" {text}" if text.startswith("-") else text}
            values |= {"{text_file}": str(written), "{wav}": str(said), "{language}": language}
            self._run([values.get(word, word) for word in self.command])
            return prompt_of(*_sound(said))

    def _run(self, arguments: list[str]) -> None:
        program = self.command[0]
        try:
            subprocess.run(
                arguments, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=TIMEOUT_S
            )
        except OSError as error:
            raise Unreachable(f"--tts: the program {program} cannot be run: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise Unreachable(f"--tts: the program {program} did not end within {TIMEOUT_S:g} s") from None
        except subprocess.CalledProcessError as error:
            raise Unreachable(f"--tts: the program {program} failed with exit status {error.returncode}") from None


def _sound(path: Path) -> tuple[Wave, int]:
    """The samples of PATH as one channel from -1 to 1, and its rate in Hz."""
    try:
        sound, rate = soundfile.read(path, dtype="float64", always_2d=True)
    except (OSError, soundfile.SoundFileError):
        raise BadAudio("--tts: the program wrote no sound file that can be read") from None
    return np.asarray(sound).mean(axis=1), int(rate)


def prompt_of(sound: Wave, rate: int) -> NDArray[np.int16]:
    """SOUND, -1 to 1 at RATE Hz, in the form of a prompt. Raises BadAudio where it is silent."""
    voice = _trimmed(resampled(sound, rate))
    gain = 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(voice**2))
    voice = _faded(_rounded(voice * gain))
    quiet = [np.zeros(RATE * ms // 1000) for ms in (LEAD_MS, TAIL_MS)]
    whole = np.concatenate((quiet[0], voice, quiet[1])) * 32768
    return whole.round().clip(-32767, 32767).astype(np.int16)


def resampled(sound: Wave, rate: int) -> Wave:
    """SOUND at RATE Hz as 8 kHz, without what lies above 3.6 kHz: it would fold into the speech. A windowed sinc."""
    cut = min(3600.0, rate * 0.45) / rate  # cycles a sample
    width = int(np.ceil(_TAPS * max(1.0, rate / RATE)))
    padded = np.pad(sound, width + 1)
    reach = np.arange(-width, width + 1)
    blocks = []
    for start in range(0, len(sound) * RATE // rate, RATE):  # a second at a time: the table of weights is wide
        at = np.arange(start, min(start + RATE, len(sound) * RATE // rate)) * (rate / RATE)
        index = at.astype(int)[:, None] + reach
        away = at[:, None] - index
        weight = 2 * cut * np.sinc(2 * cut * away) * np.cos(np.pi * away / (2 * (width + 1))) ** 2
        blocks.append((padded[index + width + 1] * weight).sum(axis=1))
    return np.concatenate(blocks) if blocks else np.zeros(0)


def _trimmed(sound: Wave) -> Wave:
    size = RATE * 5 // 1000
    power = np.sqrt(np.mean(sound[: len(sound) // size * size].reshape(-1, size) ** 2, axis=1))
    if not power.size or power.max() < 1e-4:
        raise BadAudio("--tts: the program wrote silence")
    loud = np.flatnonzero(power > power.max() * _QUIET)
    margin = RATE * MARGIN_MS // 1000
    return sound[max(0, loud[0] * size - margin) : (loud[-1] + 1) * size + margin]


def _rounded(sound: Wave) -> Wave:
    """Peaks bent below full scale: a voice of few peaks would otherwise be quieter than the others."""
    over = np.abs(sound) - _KNEE
    room = _PEAK - _KNEE
    bent = np.sign(sound) * (_KNEE + room * np.tanh(np.maximum(over, 0) / room))
    return np.where(over > 0, bent, sound)


def _faded(sound: Wave) -> Wave:
    """Without a click at either end."""
    size = min(RATE // 100, len(sound))
    ramp = np.linspace(0, 1, size)
    out = sound.copy()
    out[:size] *= ramp
    out[len(out) - size :] *= ramp[::-1]
    return out

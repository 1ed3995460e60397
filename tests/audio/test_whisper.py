"""The transcriber that comes with callguard, on real speech: its words, where they are, and what it does not take."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.transcriber import GROUP, Transcriber, transcriber
from callguard.audio.wav import Samples
from callguard.audio.whisper import LONGEST_S, Whisper, pieces
from callguard.errors import BadAudio, BadInput
from tests.audio.sound import noise, silence, spoken

RATE = 8000


@pytest.fixture(scope="module")
def whisper() -> Transcriber:
    """By the entry point that callguard itself brings."""
    assert [entry.value for entry in entry_points(group=GROUP, name="whisper")] == ["callguard.audio.whisper:Whisper"]
    return transcriber("whisper")


def blocks(*sounds: Samples, size: int = 5000) -> Iterator[Samples]:
    whole = np.concatenate(sounds)
    return iter([whole[at : at + size] for at in range(0, len(whole), size)])


@pytest.mark.requirement("S25")
def test_speech_becomes_its_words_each_at_its_place(whisper: Transcriber) -> None:
    talk = spoken("refusal")
    heard = list(whisper.words(blocks(silence(40), talk, silence(20), talk), RATE, "en-US"))
    words = [re.sub(r"\W", "", word.text).lower() for word in heard]
    said = "no problem we will not record this call we can continue without recording".split()
    assert len(words) == 2 * len(said) and sum(one == other for one, other in zip(words, said * 2, strict=True)) >= 24
    assert [word.start_s for word in heard] == sorted(word.start_s for word in heard)
    length = len(talk) / RATE
    for word in heard[: len(said)]:
        assert 39.5 < word.start_s <= word.end_s < 40.5 + length
    for word in heard[len(said) :]:
        assert 59.5 + length < word.start_s <= word.end_s < 60.5 + 2 * length


def test_nobody_is_made_to_speak(whisper: Transcriber) -> None:
    assert list(whisper.words(blocks(silence(70)), RATE, "en")) == []
    assert list(whisper.words(blocks(noise(30, -55)), RATE, "en")) == []
    assert list(whisper.words(iter(()), RATE, "en")) == []


@pytest.mark.parametrize("rate", [16000, 48000])
def test_other_rates_are_heard_too(whisper: Transcriber, rate: int) -> None:
    talk = np.repeat(spoken("not-recorded"), rate // RATE)
    assert "recorded" in " ".join(word.text for word in whisper.words(blocks(talk), rate, "en"))


def test_a_language_that_the_model_does_not_know_is_one_sentence(whisper: Transcriber) -> None:
    with pytest.raises(BadAudio, match="does not know the language de"):
        list(whisper.words(blocks(silence(1)), RATE, "de"))


def test_what_is_not_installed_or_no_model_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="no folder with a model"):
        transcriber("whisper", str(tmp_path))
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(BadInput, match="cannot be used"):
        Whisper(str(tmp_path))
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(BadInput, match=r"callguard\[transcribe\]"):
        transcriber("whisper")


def test_what_is_long_is_cut_where_it_is_quiet_and_nothing_of_it_is_lost() -> None:
    talk = np.tile(np.concatenate([spoken("notice-long"), silence(0.3)]), 8)
    found = list(pieces(blocks(talk), RATE))
    assert len(talk) > 3 * LONGEST_S * RATE
    assert np.array_equal(np.concatenate([piece for _, piece in found]), talk)
    starts = [round(start * RATE) for start, _ in found]
    assert starts == [0, *np.cumsum([len(piece) for _, piece in found])[:-1]]
    assert max(len(piece) for _, piece in found) <= LONGEST_S * RATE
    for start in starts[1:]:
        assert not talk[start - 100 : start + 100].any()

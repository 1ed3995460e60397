"""The line is found where it is, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from callguard.audio.line import HEARD, Heard, find_line
from tests.audio.sound import at_level, mixed, noise, silence, spoken, through_mulaw

OTHERS = [
    "notice-short",
    "notice-sensitive",
    "notice-announce",
    "question",
    "refusal",
    "withdrawal",
    "paused",
    "resumed",
]
AT = 9_123


def heard_under(speech: str, louder_db: float) -> Heard:
    line = at_level(spoken("recording-on"), -26)
    over = at_level(np.tile(spoken(speech), 4)[:40_000], -26 + louder_db)
    return find_line(through_mulaw(mixed(over, np.concatenate((silence(AT / 8000), line)))), spoken("recording-on"))


def test_alone_it_is_found_to_the_sample() -> None:
    found = heard_under("notice-short", -80)
    assert found.offset == AT
    assert found.score > 0.95


@pytest.mark.parametrize("speech", ["notice-short", "notice-sensitive", "question", "refusal"])
@pytest.mark.parametrize("louder_db", [-6, 0, 6, 10])
def test_under_speech_of_the_same_voice_it_is_found(speech: str, louder_db: float) -> None:
    found = heard_under(speech, louder_db)
    assert abs(found.offset - AT) <= 1
    assert found.score > HEARD


@pytest.mark.parametrize("name", OTHERS)
def test_other_sentences_of_the_same_voice_are_not_it(name: str) -> None:
    sound = np.concatenate((silence(2), spoken(name), silence(2)))
    assert find_line(through_mulaw(sound), spoken("recording-on")).score < HEARD - 0.02


def test_noise_silence_and_too_little_sound_are_not_it() -> None:
    line = spoken("recording-on")
    for sound in (noise(8, -20), silence(8), line[:-1], silence(0)):
        assert find_line(sound, line).score < 0.1
    assert find_line(noise(2, -20), silence(1)).score == 0

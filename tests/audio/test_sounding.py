"""Ringing, keys and music are found, and speech is not taken for them."""

from __future__ import annotations

import numpy as np
import pytest

from callguard.audio.sounding import Sounding
from callguard.audio.spectrum import Spectra
from tests.audio.sound import at_level, mixed, noise, silence, spoken, through_mulaw, whole
from tests.audio.tune import KEYS, tone, tune

SPEECH = ("notice-long", "notice-short", "question", "refusal", "withdrawal", "paused", "notice-hr")


def sounding(sound: np.ndarray, block: int = 79_920) -> np.ndarray:
    spectra, found = Spectra(), Sounding()
    for at in range(0, len(sound), block):
        found.feed(spectra.feed(sound[at : at + block].astype(np.float32)))
    found.feed(spectra.finish())
    return found.flags()


def on_the_line(sound: np.ndarray) -> np.ndarray:
    return through_mulaw(mixed(sound, noise(len(sound) / 8000, -66)))


def share(found: np.ndarray, start: float, end: float) -> float:
    return float(found[round(start / 0.03) : round(end / 0.03)].mean())


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("pitches", [(440, 480), (425,), (400, 450), (480, 620), (2100,)])
def test_ringing_and_busy_are_tones(pitches: tuple[float, ...]) -> None:
    found = sounding(on_the_line(np.concatenate((silence(1), tone(1, *pitches), silence(3), tone(0.5, *pitches)))))
    assert share(found, 1.05, 1.95) == 1 and share(found, 5.05, 5.45) == 1
    assert share(found, 2.3, 4.9) == 0


@pytest.mark.requirement("S126", "S82")
@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_a_tone_even_when_short(key: str) -> None:
    found = sounding(on_the_line(np.concatenate((silence(1), tone(0.1, *KEYS[key]), silence(1)))))
    assert share(found, 1.0, 1.1) == 1
    assert share(found, 0, 0.9) == share(found, 1.4, 2.0) == 0


def test_two_short_tones_that_are_no_key_may_be_a_voice() -> None:
    assert not sounding(on_the_line(np.concatenate((silence(1), tone(0.1, 300, 500), silence(1))))).any()


@pytest.mark.requirement("S126")
def test_overtones_of_a_high_voice_near_the_tones_of_a_key_are_no_key() -> None:
    assert not sounding(on_the_line(np.concatenate((silence(1), tone(0.2, 900, 1200), silence(1))))).any()


@pytest.mark.requirement("S126")
def test_a_cry_as_pure_as_a_tone_glides() -> None:
    at = np.arange(8000) / 8000
    cry = whole(3000 * np.sin(2 * np.pi * (850 + 120 * at) * at))
    assert not sounding(on_the_line(np.concatenate((silence(1), cry, silence(1))))).any()


def test_a_low_voice_that_holds_its_pitch_is_no_tone() -> None:
    assert not sounding(on_the_line(tone(1, 220, 440))).any()


@pytest.mark.requirement("S126")
def test_music_is_found_where_it_is() -> None:
    words, melody = spoken("notice-short"), tune(24)
    found = sounding(on_the_line(np.concatenate((at_level(words, -20), silence(1), melody, silence(1), words))))
    start = len(words) / 8000 + 1
    assert share(found, start + 4, start + 20) == 1
    assert share(found, 0, start - 1) == share(found, start + 25, start + 25 + len(words) / 8000) == 0


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("name", SPEECH)
def test_speech_is_neither(name: str) -> None:
    assert share(sounding(on_the_line(at_level(spoken(name), -26))), 0, 1000) < 0.02


@pytest.mark.parametrize("mains", [50, 60])
def test_hum_under_speech_is_no_music(mains: int) -> None:
    talk = np.concatenate([spoken(name) for name in SPEECH])[: 40 * 8000]
    at = np.arange(len(talk)) / 8000
    hum = sum(np.sin(2 * np.pi * mains * k * at + k) / k**0.5 for k in range(3, 12))
    found = sounding(through_mulaw(mixed(at_level(talk, -26), at_level(whole(hum * 3000), -36), noise(40, -46))))
    assert not found.any()


def test_nothing_is_made_of_nothing() -> None:
    assert not sounding(silence(20)).any() and not sounding(noise(20, -50)).any()
    assert sounding(silence(0.03)).tolist() == [False]


def test_blocks_do_not_matter() -> None:
    sound = on_the_line(np.concatenate((spoken("question"), tune(15), tone(1, 425))))
    assert np.array_equal(sounding(sound), sounding(sound, 2400))

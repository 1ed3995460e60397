"""What is speech, and how loud it need not be."""

from __future__ import annotations

import numpy as np
import pytest

from callguard.audio.vad import FRAME_S, SpeechDetector
from callguard.errors import BadAudio
from tests.audio.sound import at_level, mixed, noise, silence, spoken, through_mulaw


def flags(sound: np.ndarray, rate: int = 8000, block: int = 131_072) -> np.ndarray:
    detector = SpeechDetector(rate)
    for at in range(0, len(sound), block):
        detector.feed(sound[at : at + block])
    return detector.finish()


def share(found: np.ndarray, start: float, end: float) -> float:
    return float(found[round(start / FRAME_S) : round(end / FRAME_S)].mean())


def call(dbov: float) -> np.ndarray:
    """20 s of line noise, 7 s of speech, 20 s of line noise."""
    speech = at_level(spoken("notice-short"), dbov)
    return through_mulaw(mixed(np.concatenate((silence(20), speech, silence(20))), noise(40 + len(speech) / 8000, -66)))


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("dbov", [-12, -26, -38, -44])
def test_quiet_callers_are_heard_like_loud_ones(dbov: float) -> None:
    found = flags(call(dbov))
    assert share(found, 20.2, 26.9) > 0.75  # sentences have pauses
    assert share(found, 1, 19) < 0.02
    assert share(found, 29, 47) < 0.02


@pytest.mark.requirement("S126")
def test_a_caller_far_below_the_detectors_own_threshold_is_lifted_over_it() -> None:
    """At -58 dBov, rising and falling by 6 dB: without the lift a quarter of the frames is lost."""
    speech = at_level(spoken("notice-sensitive"), -58)
    sway = 10 ** ((6 * np.sin(2 * np.pi * 0.7 * np.arange(len(speech)) / 8000) - 3) / 20)
    found = flags((speech * sway).round().astype(np.int16))
    assert share(found, 0.2, len(speech) / 8000 - 0.1) > 0.82


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("hertz", [0, 50])
def test_a_quiet_caller_is_heard_over_what_is_slower_than_a_voice(hertz: float) -> None:
    """An offset of the line card, or hum louder than the caller."""
    sound = mixed(np.concatenate((silence(20), at_level(spoken("notice-short"), -44), silence(20))), noise(45, -66))
    below = 500 * np.cos(2 * np.pi * hertz * np.arange(len(sound)) / 8000)
    found = flags(mixed(sound, below.round().astype(np.int16)))
    assert share(found, 20.2, 26.9) > 0.75
    assert share(found, 1, 19) < 0.02


def test_restless_noise_on_a_silent_leg_is_not_lifted_into_speech() -> None:
    """Noise that swells by 3 dB twice a second: lifted to the level of speech, two thirds of it would be kept."""
    hiss = noise(60, -60)
    swell = 10 ** (3 * np.sin(2 * np.pi * 2 * np.arange(len(hiss)) / 8000) / 20)
    assert flags((hiss * swell).round().astype(np.int16))[100:].mean() < 0.05


def test_a_silent_leg_and_line_noise_are_not_speech() -> None:
    assert not flags(silence(60)).any()
    assert flags(noise(60, -60))[100:].mean() < 0.02


def test_a_loud_and_a_quiet_speaker_in_one_channel_are_both_heard() -> None:
    loud, quiet = at_level(spoken("notice-short"), -15), at_level(spoken("refusal"), -40)
    found = flags(mixed(np.concatenate((loud, silence(3), quiet, silence(3))), noise(18, -66)))
    start = len(loud) / 8000 + 3
    assert share(found, start + 0.3, start + 4) > 0.7


def test_blocks_do_not_matter() -> None:
    sound = call(-26)
    assert np.array_equal(flags(sound), flags(sound, block=777))


@pytest.mark.parametrize("rate", [16000, 24000, 32000, 48000])
def test_other_rates_give_the_same_frames(rate: int) -> None:
    sound = call(-26)
    found = flags(np.repeat(sound, rate // 8000), rate)
    assert np.array_equal(found, flags(sound))


def test_a_rate_that_is_no_multiple_is_refused() -> None:
    with pytest.raises(BadAudio, match="44100 Hz is not supported"):
        SpeechDetector(44100)


def test_less_than_a_frame_has_no_flags() -> None:
    assert len(flags(silence(0.02))) == 0

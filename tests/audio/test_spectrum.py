"""Measures of sounds that are known."""

from __future__ import annotations

import numpy as np
import pytest

from callguard.audio.spectrum import FRAME, HERTZ, Look, Spectra
from tests.audio.sound import noise, silence, spoken
from tests.audio.tune import tone


def look(sound: np.ndarray, block: int = 100_000) -> Look:
    spectra = Spectra()
    looks = [spectra.feed(sound[at : at + block].astype(np.float32)) for at in range(0, len(sound), block)]
    looks.append(spectra.finish())
    joined = {name: np.concatenate([getattr(each, name) for each in looks]) for name in Look.__slots__}
    return Look(**joined)


def test_every_frame_is_looked_at_once() -> None:
    sound = spoken("question")
    sound = sound[: len(sound) // FRAME * FRAME]
    seen = look(sound)
    assert len(seen.voice) == len(seen.share) == len(seen.low) == len(sound) // FRAME
    assert len(seen.notes) == -(-len(seen.voice) // 2) == len(seen.loudness) == len(seen.weight)


@pytest.mark.parametrize("block", [480, 7200, 33_600])
def test_blocks_do_not_matter(block: int) -> None:
    sound = spoken("refusal")[: FRAME * 200]
    whole, parts = look(sound), look(sound, block)
    assert np.allclose(whole.voice, parts.voice, atol=1e-5) and np.array_equal(whole.notes, parts.notes)


def test_a_voice_repeats_itself_and_noise_does_not() -> None:
    assert np.percentile(look(spoken("notice-short")).voice, 80) > 0.7
    assert np.percentile(look(noise(10, -30)).voice, 95) < 0.5
    assert look(silence(3)).voice.max() < 0.1


def test_tones_are_found_by_their_frequency() -> None:
    one, two = look(tone(2, 425)), look(tone(2, 770, 1336))
    inner = slice(3, -3)
    assert (one.share[inner] > 0.99).all() and (two.share[inner] > 0.99).all()
    assert set(np.abs(one.low[inner] * HERTZ - 425) < HERTZ) == {True} and not one.high[inner].any()
    assert set(np.abs(two.high[inner] * HERTZ - 1336) < HERTZ) == {True}
    assert np.median(look(noise(5, -30)).share) < 0.3


def test_a_note_stands_out_of_its_neighbours() -> None:
    seen = look(tone(2, 440, 660, 880))
    bins = [round(hertz / HERTZ) - 8 for hertz in (440, 660, 880)]
    assert seen.notes[3:-3, bins].all() and seen.notes[3:-3].mean() < 0.2

"""Tones, music and noise are let go, ten minutes at a time, wherever one chunk ends and the next begins."""

from __future__ import annotations

import numpy as np
import pytest

from callguard.audio.closer import CHUNK, MARGIN, Closer
from callguard.audio.spectrum import FRAME
from tests.audio.sound import at_level, mixed, noise, silence, spoken
from tests.audio.tune import tone, tune

WINDOW = 333


def flagged(sound: np.ndarray) -> np.ndarray:
    """What stays where the detector takes everything for speech."""
    closer, frames = Closer(), len(sound) // FRAME
    for at in range(0, frames, WINDOW):
        part = sound[at * FRAME : min(at + WINDOW, frames) * FRAME].astype(np.float32)
        power = (part.reshape(-1, FRAME) ** 2).mean(axis=1) / 32768**2
        closer.hear(part, (10 * np.log10(power + 1e-12)).astype(np.float32))
        closer.judge(np.ones(len(power), bool))
    return closer.finish()


def call(before: float) -> np.ndarray:
    """A line with words, ringing and music from BEFORE seconds on."""
    words, ring = at_level(spoken("notice-long"), -22), tone(1, 440, 480)
    sounds = np.concatenate((silence(before), words, silence(2), ring, silence(4), tune(24), silence(2), words))
    return mixed(sounds, noise(len(sounds) / 8000, -66))


def test_the_end_of_a_chunk_changes_nothing() -> None:
    alone = flagged(call(2))
    assert 0.2 < alone.mean() < 0.8
    for before in (CHUNK * 0.03 - 50, CHUNK * 0.03 - 20, (CHUNK + MARGIN) * 0.03 - 30, 2 * CHUNK * 0.03 - 34):
        whole = flagged(call(round(before / 0.03 / 34) * 34 * 0.03 + 2))  # music is counted by the second
        assert np.mean(whole[-len(alone) + MARGIN // 30 :] == alone[MARGIN // 30 :]) > 0.995


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("noisy", [False, True])
def test_in_noise_speech_begins_before_it_is_heard_and_ends_later(noisy: bool) -> None:
    """Three phrases of 40 frames, and one frame alone, which may be noise."""
    closer, words = Closer(), np.zeros(WINDOW, bool)
    for start in (30, 130, 230):
        words[start : start + 40] = True
    words[310] = True
    closer.hear(np.zeros(WINDOW * FRAME, np.float32), np.full(WINDOW, -30, np.float32))
    closer.judge(words, noisy=noisy)
    found = closer.finish()
    assert np.count_nonzero(found) == np.count_nonzero(words) + (3 * 7 if noisy else 0)
    assert bool(found[26:73].all()) is noisy and found[310] and not found[309] and not found[[25, 73]].any()


def test_nothing_heard_is_nothing_flagged() -> None:
    assert len(Closer().finish()) == 0


def test_what_is_held_does_not_grow() -> None:
    closer, quiet = Closer(), np.zeros(WINDOW * FRAME, np.float32)
    for _ in range(4 * CHUNK // WINDOW):
        closer.hear(quiet, np.full(WINDOW, -90, np.float32))
        closer.judge(np.ones(WINDOW, bool))
    held = [*closer._flags, *closer._voice, *closer._dbov, *closer._sounding._low, closer._sounding._music._scores]
    assert sum(map(len, held)) < 4.2 * (CHUNK + 2 * MARGIN + WINDOW)
    assert len(closer.finish()) == 4 * CHUNK // WINDOW * WINDOW

"""Flagged frames stay near a voice or a loud moment, and everywhere where noise is as loud."""

from __future__ import annotations

import numpy as np

from callguard.audio.anchor import anchored

FRAMES = 600


def line(dbov: float = -60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everything flagged, nothing voiced, a quiet line."""
    return np.ones(FRAMES, bool), np.zeros(FRAMES, np.float32), np.full(FRAMES, dbov, np.float32)


def test_what_is_far_from_every_voice_goes_and_what_follows_one_stays() -> None:
    flags, voice, dbov = line()
    voice[300:310], dbov[300:310] = 0.9, -20
    kept = anchored(flags, voice, dbov)
    assert kept[296:318].all() and not kept[240:290].any() and not kept[325:360].any()


def test_a_loud_moment_counts_without_a_voice() -> None:
    flags, voice, dbov = line()
    dbov[300:305] = -20
    assert anchored(flags, voice, dbov)[298:312].all()


def test_a_quiet_voice_beside_a_loud_one_stays() -> None:
    flags, voice, dbov = line(-66)
    voice[200:220], dbov[200:220] = 0.9, -15
    voice[260:280], dbov[260:280] = 0.9, -42
    assert anchored(flags, voice, dbov)[260:285].all()


def test_nothing_is_judged_where_noise_is_nearly_as_loud_as_speech() -> None:
    flags, voice, dbov = line(-36)
    voice[300:310], dbov[300:310] = 0.9, -24
    assert anchored(flags, voice, dbov).all()


def test_a_flat_line_far_below_the_speech_before_it_is_judged() -> None:
    flags, voice, dbov = line(-66)
    voice[:50], dbov[:50] = 0.9, -15
    assert not anchored(flags, voice, dbov)[250:450].any()


def test_chunks_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    flags, voice = rng.random(50_000) > 0.3, rng.random(50_000).astype(np.float32) * 0.7
    dbov = (-60 + 40 * rng.random(50_000) * (np.sin(np.arange(50_000) / 300) > 0)).astype(np.float32)
    whole = anchored(flags, voice, dbov)
    assert np.array_equal(
        whole[9_000:35_000], anchored(flags[7_000:37_000], voice[7_000:37_000], dbov[7_000:37_000])[2_000:28_000]
    )
    assert 0.1 < whole.mean() < 0.7


def test_a_single_frame_is_judged_too() -> None:
    assert anchored(np.ones(1, bool), np.ones(1, np.float32), np.full(1, -20, np.float32)).tolist() == [True]

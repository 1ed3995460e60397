"""Sounds of the network and of a hold queue, made here."""

from __future__ import annotations

import numpy as np

from tests.audio.sound import Mono, whole

_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = {key: (_ROWS[at // 4], _COLUMNS[at % 4]) for at, key in enumerate("123A456B789C*0#D")}
"""ITU-T Q.23."""


def tone(seconds: float, *hertz: float, dbov: float = -20) -> Mono:
    """Steady tones together."""
    at = np.arange(round(seconds * 8000)) / 8000
    waves = np.sum([np.sin(2 * np.pi * each * at) for each in hertz], axis=0)
    return whole(waves / len(hertz) * 32768 * np.sqrt(2) * 10 ** (dbov / 20))


def tune(seconds: float, dbov: float = -20, seed: int = 3) -> Mono:
    """Chords and a melody over them, plucked, without end."""
    rng, rate = np.random.default_rng(seed), 8000
    sound = np.zeros(round(seconds * rate) + 4 * rate)
    steps = np.array([0, 2, 4, 5, 7, 9, 11, 12])

    def pluck(start: float, length: float, pitch: float, loud: float) -> None:
        at = np.arange(round(length * rate)) / rate
        wave = sum(np.sin(2 * np.pi * pitch * n * at) / n**1.5 for n in range(1, 5))
        begin = round(start * rate)
        sound[begin : begin + len(at)] += loud * wave * np.minimum(1, at / 0.01) * np.exp(-at / length * 1.5)

    for bar in np.arange(0, seconds, 2.0):
        root = 220 * 2 ** (rng.choice([0, 5, 7]) / 12)
        for step in (0, 4, 7):
            pluck(bar, 2.0, root * 2 ** (step / 12), 1.0)
        for beat in np.arange(0, 2, 0.5):
            pluck(bar + beat, 0.8, 440 * 2 ** (rng.choice(steps) / 12), 0.8)
    sound = sound[: round(seconds * rate)]
    return whole(sound / sound.std() * 32768 * 10 ** (dbov / 20))

"""Sounds and files for the tests: the shipped prompts are the speech."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from callguard.audio.prompt import load_prompts, shipped_prompts
from callguard.audio.wav import WavReader

Mono = NDArray[np.int16]


@cache
def spoken(name: str) -> Mono:
    return read(load_prompts(shipped_prompts(), "en")[name].path)[:, 0]


def silence(seconds: float, rate: int = 8000) -> Mono:
    return np.zeros(round(seconds * rate), np.int16)


def whole(sound: NDArray[np.float64]) -> Mono:
    return sound.round().clip(-32768, 32767).astype(np.int16)


def noise(seconds: float, dbov: float, seed: int = 1) -> Mono:
    sound = np.random.default_rng(seed).standard_normal(round(seconds * 8000))
    return whole(sound * 32768 * 10 ** (dbov / 20))


def at_level(sound: Mono, dbov: float) -> Mono:
    """SOUND with its louder half at DBOV."""
    power = sound.astype(float) ** 2
    active = np.sqrt(power[power > power.mean()].mean()) / 32768
    return whole(sound * (10 ** (dbov / 20) / active))


def through_mulaw(sound: Mono) -> Mono:
    """What remains of SOUND after the telephone network: G.711 mu-law there and back."""
    share = np.abs(sound / 32768)
    code = np.round(np.log1p(255 * share) / np.log(256) * 127) / 127
    return whole(np.sign(sound) * np.expm1(code * np.log(256)) / 255 * 32767)


def mixed(*sounds: Mono) -> Mono:
    total = np.zeros(max(map(len, sounds)), np.int32)
    for sound in sounds:
        total[: len(sound)] += sound
    return total.clip(-32768, 32767).astype(np.int16)


def stereo(left: Mono, right: Mono) -> NDArray[np.int16]:
    both = np.zeros((max(len(left), len(right)), 2), np.int16)
    both[: len(left), 0], both[: len(right), 1] = left, right
    return both


def write(path: Path, samples: NDArray[np.int16], rate: int = 8000) -> Path:
    """By the standard library's own writer, not by ours."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read(path: Path) -> NDArray[np.int16]:
    with WavReader(path) as reader:
        return reader.read(reader.frames)


def crashed(path: Path) -> Path:
    """PATH as a killed recorder leaves it: all lengths in its header 0."""
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\0\0\0\0"
    path.write_bytes(data)
    return path


def key(low: int, high: int, seconds: float = 0.05, level: int = -16, twist: float = 1.0) -> np.ndarray:
    """One key as it sounds on a line."""
    time = np.arange(round(8000 * seconds)) / 8000
    both = np.sin(2 * np.pi * low * time) + twist * np.sin(2 * np.pi * high * time)
    return at_level((3000 * both).astype(np.int16), level)

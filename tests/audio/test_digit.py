"""Keys are found wherever they sound, and nothing that people say or machines play is taken for one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from callguard.audio import wav
from callguard.audio.digit import HIGH, LOW, find_digits
from callguard.lab.media import CounterTone
from tests.audio.sound import at_level, key, mixed, noise, silence, spoken, stereo, through_mulaw, write

MARGIN = 400


@pytest.mark.requirement("S82")
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(("low", "high"), [(low, high) for low in LOW for high in HIGH])
def test_every_key_on_either_side_is_found_whole(tmp_path: Path, low: int, high: int, side: int) -> None:
    line = noise(1, -50, 1)
    line[3011:3331] = mixed(key(low, high, 0.04), noise(0.04, -50, 2))
    sides = (line, silence(1)) if side == 0 else (silence(1), line)
    ((start, end),) = find_digits(write(tmp_path / "a.wav", stereo(*map(through_mulaw, sides))))
    assert start <= 3011 and end >= 3331 and end - start < 320 + 2 * MARGIN + 200


@pytest.mark.parametrize("off", [0.985, 1.015])
@pytest.mark.parametrize("twist", [0.5, 2.0])
@pytest.mark.parametrize("level", [-6, -36])
def test_keys_of_poor_phones_are_found(tmp_path: Path, off: float, twist: float, level: int) -> None:
    tone = key(round(770 * off), round(1336 * off), 0.06, level, twist)
    sound = np.concatenate((silence(0.5), tone, silence(0.5)))
    assert len(find_digits(write(tmp_path / "a.wav", stereo(sound, sound)))) == 1


def test_a_number_across_the_blocks_of_a_file(tmp_path: Path) -> None:
    before = np.zeros(wav.BLOCK_BYTES // 4 - 9 * 1000, np.int16)
    number = np.concatenate([before, *[np.concatenate((key(697, 1209), silence(0.2))) for _ in range(9)]])
    found = find_digits(write(tmp_path / "a.wav", stereo(number, silence(len(number) / 8000))))
    starts = range(len(before), len(number), 2000)
    assert len(found) == len(starts) == 9 and found[4][0] < wav.BLOCK_BYTES // 4 < found[4][1] + 2000
    assert all(start <= at and at + 400 <= end for (start, end), at in zip(found, starts, strict=True))


@pytest.mark.parametrize("prompt", ["notice-short", "notice-long", "notice-sensitive", "question", "recording-on"])
def test_speech_is_no_key(tmp_path: Path, prompt: str) -> None:
    speech = through_mulaw(at_level(spoken(prompt), -20))
    assert (
        find_digits(write(tmp_path / "a.wav", stereo(speech, mixed(speech, noise(len(speech) / 8000, -40, 1))))) == ()
    )


def test_no_other_tone_is_a_key(tmp_path: Path) -> None:
    tone = CounterTone(20000)
    counted = np.concatenate([tone.packet() for _ in range(500)])
    time = np.arange(len(counted)) / 8000
    single = np.concatenate([4000 * np.sin(2 * np.pi * hertz * time[:8000]) for hertz in (350, 697, 1004, 1336, 1400)])
    busy = 3000 * (np.sin(2 * np.pi * 480 * time) + np.sin(2 * np.pi * 620 * time))
    for number, sound in enumerate((counted, single.astype(np.int16), busy.astype(np.int16), noise(10, -20, 3))):
        assert find_digits(write(tmp_path / f"{number}.wav", stereo(sound, sound))) == ()
    assert find_digits(write(tmp_path / "short.wav", stereo(counted[:90], counted[:90]))) == ()

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.lab.media import (
    PACKET,
    CounterTone,
    Silence,
    WavSource,
    counter_packet,
    find_counters,
    from_mulaw,
    to_mulaw,
)


def test_mulaw_is_g711() -> None:
    assert from_mulaw(b"\xff\x7f\x80\x00").tolist() == [0, 0, 32124, -32124]
    assert from_mulaw(to_mulaw(np.array([0, 32124, -32124, 1980, 8316], dtype=np.int16))).tolist() == [
        0, 32124, -32124, 1980, 8316,
    ]  # fmt: skip


def test_every_code_survives_a_round_trip() -> None:
    every = from_mulaw(bytes(range(256)))
    assert np.array_equal(from_mulaw(to_mulaw(every)), every)


@given(st.integers(-32768, 32767))
def test_mulaw_is_near(value: int) -> None:
    back = int(from_mulaw(to_mulaw(np.array([value], dtype=np.int16)))[0])
    assert abs(back - max(-32635, min(32635, value))) <= (abs(value) + 132) // 32


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=8), st.integers(0, 500))
def test_counters_are_found_where_they_are(numbers: list[int], before: int) -> None:
    audio = np.concatenate([np.zeros(before, dtype=np.int16), *map(counter_packet, numbers)])
    sent = from_mulaw(to_mulaw(audio))
    assert find_counters(sent) == [(before + PACKET * index, number) for index, number in enumerate(numbers)]


def test_counters_survive_a_hole_and_a_cut_packet() -> None:
    tone = CounterTone()
    packets = [tone.packet() for _ in range(6)]
    audio = np.concatenate([packets[0][80:], packets[1], np.zeros(333, dtype=np.int16), packets[4], packets[5][:159]])
    assert find_counters(audio) == [(80, 1), (80 + 160 + 333, 4)]


def test_silence_speech_and_noise_hold_no_counter() -> None:
    noise = np.random.default_rng(1).integers(-20000, 20000, 80000).astype(np.int16)
    assert find_counters(noise) == []
    assert find_counters(np.zeros(8000, dtype=np.int16)) == []
    assert find_counters(np.zeros(10, dtype=np.int16)) == []


def test_a_changed_bit_is_no_packet() -> None:
    packet = counter_packet(0x1234).copy()
    packet[4:13] = -packet[4:13]
    assert find_counters(packet) == []


def test_sending_is_written_down() -> None:
    tone = CounterTone(counter=65535)
    tone.packet()
    tone.packet()
    assert list(tone.sent) == [65535, 0]
    assert tone.sent[65535].monotonic <= tone.sent[0].monotonic


def test_a_wav_plays_in_a_loop_or_once(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.arange(200, dtype="<i2").tobytes())
    loop, once = WavSource.open(path), WavSource.open(path, loop=False)
    for source in (loop, once):
        assert source.packet().tolist() == list(range(160))
        assert source.packet().tolist() == list(range(160, 200)) + [0] * 120
    assert loop.packet()[5] == 5
    assert not once.packet().any() and not Silence().packet().any()


def test_another_rate_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
    with pytest.raises(ValueError, match="8 kHz"):
        WavSource.open(tmp_path / "x.wav")

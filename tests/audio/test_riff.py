"""Headers: read, doubted, repaired."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.audio.riff import Codec, parse, pcm_header, repair_header
from callguard.errors import BadAudio
from tests.audio.sound import crashed, noise, write


def test_our_header_is_understood_by_the_standard_library() -> None:
    with wave.open(io.BytesIO(pcm_header(8000, 2, 8) + b"\1" * 8)) as file:
        assert file.getparams()[:4] == (2, 2, 8000, 2)


def test_a_whole_file_is_complete(tmp_path: Path) -> None:
    with write(tmp_path / "a.wav", noise(1, -30)).open("rb") as file:
        riff = parse(file)
    assert (riff.codec, riff.rate, riff.channels, riff.frames, riff.complete) == (Codec.PCM16, 8000, 1, 8000, True)


@pytest.mark.parametrize("sound", [noise(1, -30), np.zeros(8000, np.int16)], ids=["noise", "silence"])
def test_a_killed_recorders_file_is_repaired_once(tmp_path: Path, sound: np.ndarray) -> None:
    path = crashed(write(tmp_path / "a.wav", sound))
    assert repair_header(path)
    with wave.open(str(path)) as file:
        assert file.readframes(9999) == sound.tobytes()
    assert not repair_header(path)


def test_half_a_frame_at_the_end_is_dropped(tmp_path: Path) -> None:
    path = crashed(write(tmp_path / "a.wav", noise(1, -30)))
    path.write_bytes(path.read_bytes() + b"\7")
    repair_header(path)
    assert path.stat().st_size == 44 + 16000


def test_a_header_that_promises_more_than_is_there_is_repaired(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(1, -30))
    path.write_bytes(path.read_bytes()[:10_044])
    assert repair_header(path)
    with wave.open(str(path)) as file:
        assert file.getnframes() == 5000


def test_parts_after_the_sound_are_not_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(1, -30))
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO")
    before = path.read_bytes()
    assert not repair_header(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"RIFF", "not a WAV"),
        (b"ID3\3" + bytes(100), "not a WAV"),
        (b"RIFF\0\0\0\0WAVE", "ends before its sound"),
        (b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 100, "no sound chunk"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "format is missing"),
        (pcm_header(8000, 1, 0).replace(b"\x10\0data", b"\x18\0data"), "24 bits"),
        (pcm_header(8000, 6, 0), "6 channels"),
        (pcm_header(0, 1, 0), "contradicts"),
    ],
)
def test_what_is_no_usable_wav_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BadAudio, match=reason):
        parse(io.BytesIO(content))


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_break_the_parser(junk: bytes, keep: int) -> None:
    try:
        riff = parse(io.BytesIO(pcm_header(8000, 1, 4)[:keep] + junk))
    except BadAudio:
        return
    assert 0 <= riff.frames * riff.block <= riff.present

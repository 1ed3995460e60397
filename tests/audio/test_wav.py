"""Samples in and out."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callguard.audio.wav import BLOCK_BYTES, WavReader, WavWriter, join_legs
from callguard.errors import BadAudio
from tests.audio.sound import crashed, noise, read, silence, spoken, write


@pytest.mark.parametrize(("subtype", "floor_db"), [("PCM_16", 90), ("ULAW", 30), ("ALAW", 30), ("GSM610", 3)])
def test_every_format_that_a_pbx_writes_is_read(tmp_path: Path, subtype: str, floor_db: float) -> None:
    sound = spoken("recording-on")
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype=subtype)
    heard = read(tmp_path / "a.wav")[: len(sound), 0]  # GSM fills its last block
    error = np.mean((heard.astype(float) - sound) ** 2) + 1e-9
    assert len(heard) == len(sound)
    assert 10 * np.log10(np.mean(sound.astype(float) ** 2) / error) > floor_db


@pytest.mark.parametrize("subtype", ["PCM_16", "GSM610"])
def test_a_span_is_the_same_samples_as_the_whole(tmp_path: Path, subtype: str) -> None:
    soundfile.write(tmp_path / "a.wav", noise(4, -20), 8000, subtype=subtype)
    whole = read(tmp_path / "a.wav")
    with WavReader(tmp_path / "a.wav") as reader:
        assert np.array_equal(reader.span(1234, 5678), whole[1234:5678])
        assert np.array_equal(reader.span(30_000, 10**9), whole[30_000:])


def test_blocks_are_bounded_and_complete(tmp_path: Path) -> None:
    sound = noise(200, -20)
    with WavReader(write(tmp_path / "a.wav", sound)) as reader:
        blocks = list(reader.blocks())
    assert max(block.nbytes for block in blocks) <= BLOCK_BYTES
    assert np.array_equal(np.concatenate(blocks)[:, 0], sound)


def test_a_truncated_or_unfinished_file_is_refused_and_read_leniently(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.wav", noise(1, -20))
    path.write_bytes(path.read_bytes()[:-1001])
    with pytest.raises(BadAudio, match="promises 16000 bytes of sound, 14999 are there"):
        WavReader(path)
    with WavReader(path, lenient=True) as reader:
        assert len(reader.read(9999)) == 7499
    with pytest.raises(BadAudio, match="unfinished"):
        WavReader(crashed(write(tmp_path / "dead.wav", noise(1, -20))))
    with pytest.raises(BadAudio, match="no sound"):
        WavReader(write(tmp_path / "empty.wav", silence(0)))
    with pytest.raises(BadAudio, match="No such file"):
        WavReader(tmp_path / "missing.wav")


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(2, -20))
    with WavReader(path) as reader, path.open("r+b") as other:
        other.truncate(10_000)
        with pytest.raises(BadAudio, match="truncated"):
            reader.read(16_000)


def test_the_writer_is_read_by_the_standard_library() -> None:
    file = io.BytesIO()
    writer = WavWriter(file, 16000, 2)
    writer.write(noise(1, -20).reshape(-1, 2))
    writer.write(noise(1, -20).reshape(-1, 2))
    writer.finish()
    file.seek(0)
    with wave.open(file) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getnframes(), writer.frames) == (16000, 2, 8000, 8000)


def test_a_result_past_four_gigabytes_is_refused() -> None:
    writer = WavWriter(io.BytesIO(), 8000, 2)
    writer.frames = (1 << 30) - 100
    with pytest.raises(BadAudio, match="4 GiB"):
        writer.write(np.zeros((200, 2), np.int16))


@pytest.mark.requirement("S124")
def test_legs_become_left_and_right_and_their_difference_is_told(tmp_path: Path) -> None:
    far, agent = noise(70, -20, seed=1), noise(69, -20, seed=2)  # more than one block
    left = crashed(write(tmp_path / "l.wav", far))
    joined = join_legs(left, write(tmp_path / "r.wav", agent), tmp_path / "out.wav")
    sound = read(tmp_path / "out.wav")
    assert (joined.left, joined.right, joined.samples, joined.difference, joined.rate) == (
        560_000,
        552_000,
        560_000,
        8000,
        8000,
    )
    assert np.array_equal(sound[:, 0], far)
    assert np.array_equal(sound[:552_000, 1], agent)
    assert not sound[552_000:, 1].any()


def test_legs_that_do_not_fit_leave_no_file(tmp_path: Path) -> None:
    mono, out = write(tmp_path / "m.wav", noise(1, -20)), tmp_path / "out.wav"
    wide = write(tmp_path / "w.wav", noise(1, -20), rate=16000)
    two = write(tmp_path / "t.wav", noise(1, -20).reshape(-1, 2))
    for pair, reason in (
        ((mono, wide), "differ in rate"),
        ((mono, two), "right leg: it has 2"),
        ((out, mono), "left leg"),
    ):
        with pytest.raises(BadAudio, match=reason):
            join_legs(*pair, out)
    assert not out.exists()


def test_a_place_that_cannot_be_written_leaves_the_legs(tmp_path: Path) -> None:
    left, right = write(tmp_path / "l.wav", noise(1, -20)), write(tmp_path / "r.wav", noise(1, -20))
    with pytest.raises(BadAudio, match="the stereo file cannot be written: No such file"):
        join_legs(left, right, tmp_path / "missing" / "out.wav")
    assert sorted(tmp_path.iterdir()) == [left, right]

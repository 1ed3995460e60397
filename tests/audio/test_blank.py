"""What is taken out of a file is gone to the sample, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from callguard.audio import wav
from callguard.audio.blank import blank, within
from callguard.audio.wav import WavReader
from callguard.errors import BadAudio
from tests.audio.sound import noise, stereo, write


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ((), ()),
        (((-5, 10),), ((0, 10),)),
        (((900, -1), (10, 20)), ((10, 20), (900, 1000))),
        (((10, 30), (20, 25), (30, 40)), ((10, 40),)),
        (((990, 5000), (1000, 1200), (50, 50), (60, 40)), ((990, 1000),)),
    ],
)
def test_spans_as_they_lie_in_the_file(spans: tuple[tuple[int, int], ...], found: tuple[tuple[int, int], ...]) -> None:
    assert within(spans, 1000) == found


@pytest.mark.requirement("S82")
def test_every_other_sample_stays_where_and_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav, "BLOCK_BYTES", 4000)  # spans that cross blocks
    path = write(tmp_path / "a.wav", stereo(noise(1, -20, 1), noise(1, -20, 2)))
    with WavReader(path) as reader:
        before = reader.read(reader.frames)
    twin = tmp_path / "twin"
    os.link(path, twin)  # shows what became of what was heard there
    blank(path, ((100, 101), (950, 3100), (7900, 8000)))
    assert not any(twin.read_bytes())
    twin.unlink()
    with WavReader(path) as reader:
        after = reader.read(reader.frames)
    expected = before.copy()
    for start, end in ((100, 101), (950, 3100), (7900, 8000)):
        expected[start:end] = 0
    assert np.array_equal(after, expected) and [item.name for item in tmp_path.iterdir()] == ["a.wav"]


def test_what_cannot_be_read_or_written_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(BadAudio):
        blank(tmp_path / "nothing.wav", ((0, 1),))
    path = write(tmp_path / "a.wav", stereo(noise(1, -20, 1), noise(1, -20, 2)))
    link = tmp_path / "socket"
    link.symlink_to("/dev/full")
    with pytest.raises(BadAudio):
        blank(link, ((0, 1),))
    content = path.read_bytes()
    path.write_bytes(content[:4000])
    with pytest.raises(BadAudio):
        blank(path, ((0, 1),))
    assert path.read_bytes() == content[:4000] and len(list(tmp_path.iterdir())) == 2

"""A trimmed recording that says what it was made of: a WAV file with its map behind the sound."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.trimmed import said_of, trimmed
from callguard.audio.wav import WavReader, WavWriter
from callguard.errors import BadAudio

SOUND = np.arange(-8000, 8000, dtype=np.int16).reshape(-1, 2)


def source(folder: Path) -> Path:
    with (folder / "in.wav").open("wb") as file:
        writer = WavWriter(file, 8000, 2)
        writer.write(SOUND)
        writer.finish()
    return folder / "in.wav"


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("said", [{"map": [[0, 10, 0]]}, {"odd": "x"}, {"odd": "xy"}])
def test_it_is_a_sound_file_with_the_kept_samples_and_what_was_said(tmp_path: Path, said: dict[str, object]) -> None:
    with WavReader(source(tmp_path)) as reader:
        content = b"".join(trimmed(reader, np.array([(5, 1000), (4000, 4003)]), said))
    assert said_of(io.BytesIO(content)) == said and int.from_bytes(content[4:8], "little") == len(content) - 8
    with WavReader(io.BytesIO(content)) as again:
        assert again.frames == 998 and again.rate == 8000
        assert (again.read(998) == np.concatenate([SOUND[5:1000], SOUND[4000:4003]])).all()


def test_any_other_sound_file_has_no_map(tmp_path: Path) -> None:
    with pytest.raises(BadAudio, match="no time map"), source(tmp_path).open("rb") as file:
        said_of(file)

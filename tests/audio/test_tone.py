from __future__ import annotations

import hashlib
import wave
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.tone import TONES, beep, make_beep
from callguard.errors import BadInput


@pytest.mark.parametrize("level", [-40, -20, -6])
def test_it_is_half_a_second_of_1400_hertz_at_its_level(level: int) -> None:
    sound = beep(level)
    assert len(sound) == 4000 and np.argmax(np.abs(np.fft.rfft(sound))) * 2 == 1400
    assert 20 * np.log10(np.abs(sound.astype(float)).max() / 32767) == pytest.approx(level, abs=0.3)
    assert abs(int(sound[0])) < 5 and abs(int(sound[-1])) < 5, "it begins and ends without a click"


def test_its_file_is_one_that_a_pbx_plays_and_others_may_read(tmp_path: Path) -> None:
    made = make_beep(tmp_path, -20)
    assert made.path.parent == tmp_path / TONES and made.path.stat().st_mode & 0o777 == 0o644
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    with wave.open(str(made.path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 4000)
    made.path.write_bytes(b"something else")
    assert make_beep(tmp_path, -20) == made, "made anew"
    assert make_beep(tmp_path, -21).sha256 != made.sha256


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="the beep cannot be written"):
        make_beep(tmp_path / "file", -20)

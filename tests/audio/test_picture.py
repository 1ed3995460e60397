"""What `trim --explain` draws, looked at pixel by pixel."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from callguard.audio.picture import MARGIN, TRACK, WIDTH, extremes, picture
from callguard.audio.timemap import TimeMap
from callguard.audio.wav import WavReader
from callguard.errors import BadAudio
from tests.audio.sound import silence, stereo, write

GREEN, GREY, RED, WHITE = (0xDC, 0xEF, 0xDC), (0xA0, 0xA0, 0xA0), (0xC0, 0x20, 0x20), (255, 255, 255)
DARK = (0x1F, 0x6F, 0x3F)


def drawn(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png)).convert("RGB")


def test_what_stays_is_green_what_goes_is_grey_and_events_are_red(tmp_path: Path) -> None:
    loud = np.full(8000, 16000, np.int16)
    source = write(tmp_path / "in.wav", stereo(np.concatenate((loud, silence(1), loud, silence(1))), silence(4)))
    image = drawn(picture(source, TimeMap.of([(0, 12_000)]), events=[8_000]))
    assert image.size == (WIDTH + 2 * MARGIN, 2 * TRACK + 2 * MARGIN)
    quarter, wave, below = WIDTH // 4, MARGIN + TRACK // 2 - 30, MARGIN + TRACK + 20
    at = {share: MARGIN + round(share * quarter) for share in (0.5, 1, 1.25, 2.5, 3.5)}
    assert image.getpixel((at[0.5], wave)) == DARK and image.getpixel((at[0.5], below)) == GREEN
    assert image.getpixel((at[1], below)) == RED
    assert image.getpixel((at[1.25], wave)) == image.getpixel((at[1.25], below)) == GREEN
    assert image.getpixel((at[2.5], wave)) == GREY and image.getpixel((at[2.5], below)) == WHITE
    assert image.getpixel((at[3.5], wave)) == WHITE


@pytest.mark.parametrize("samples", [1, 7, WIDTH - 1, WIDTH + 1, 2_000_000])
def test_every_sample_is_in_a_column_whatever_the_length(tmp_path: Path, samples: int) -> None:
    sound = np.random.default_rng(samples).integers(-30000, 30000, samples).astype(np.int16)
    source = write(tmp_path / "in.wav", sound)
    with WavReader(source) as reader:
        lows, highs = extremes(reader)
    assert (lows.min(), highs.max()) == (min(0, sound.min()), max(0, sound.max()))
    assert drawn(picture(source, TimeMap.of([(0, samples)]), events=[0, samples, samples + 9])).size[0] > WIDTH


def test_nothing_kept(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", silence(2))
    assert drawn(picture(source, TimeMap.of([]))).getpixel((MARGIN + 9, MARGIN + 9)) == WHITE


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadAudio):
        picture(tmp_path / "none.wav", TimeMap.of([]))

"""Recordings that agree with the log, and each way in which they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callguard.audio.prompt import load_prompts, shipped_prompts
from callguard.audio.verify import (
    BLANK,
    LENGTH,
    LINE,
    LOST_SIDE,
    MASK,
    NO_SIDE,
    NOT_STEREO,
    UNREADABLE,
    Expectation,
    verify,
)
from callguard.errors import BadAudio
from tests.audio.call import WRONGS, recorded
from tests.audio.sound import at_level, crashed, mixed, noise, silence, spoken, stereo, through_mulaw, write

LINE_PATH = load_prompts(shipped_prompts(), "en")["recording-on"].path
LINE_AT = 2_400
MASKS = ((80_000, 120_000), (200_000, -1))
EXPECTED = Expectation(seconds=30.0, masks=MASKS, line=LINE_PATH, line_seconds=0.3)


def recording(line_on: str = "right") -> np.ndarray:
    """30 s: both sides speak, the line at LINE_AT, masks within a packet of their edges."""
    speech = at_level(np.tile(spoken("notice-sensitive"), 5)[:240_000], -26)
    line = np.concatenate((silence(LINE_AT / 8000), at_level(spoken("recording-on"), -24)))
    left, right = mixed(speech, noise(30, -60, 1)), mixed(np.roll(speech, 30_000), noise(30, -60, 2))
    if line_on in ("left", "both"):
        left = mixed(left, line)
    if line_on in ("right", "both"):
        right = mixed(right, line)
    sound = stereo(through_mulaw(left), through_mulaw(right))
    sound[sound == 0] = 1  # every zero below is a mask
    sound[80_150:119_900] = 0
    sound[200_150:] = 0
    return sound


@pytest.mark.requirement("S81")
@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_a_true_recording_passes_and_its_measures_are_told(tmp_path: Path, side: str) -> None:
    verdict = verify(write(tmp_path / "a.wav", recording(side)), EXPECTED)
    assert (verdict.ok, verdict.findings, verdict.length_samples) == (True, (), 240_000)
    assert abs(verdict.line_offset - LINE_AT) <= 1
    assert [(mask.silent, mask.silent_from, mask.silent_to) for mask in verdict.masks] == [
        (True, 80_150, 119_900),
        (True, 200_150, 240_000),
    ]


@pytest.mark.requirement("S82")
@pytest.mark.parametrize("at", [60_000, 79_999])
def test_what_was_to_go_is_gone_to_the_sample(tmp_path: Path, at: int) -> None:
    sound = recording()
    sound[60_000:80_200] = 0
    expected = replace(EXPECTED, blanks=((60_000, 80_000),))
    assert verify(write(tmp_path / "a.wav", sound), expected).ok
    sound[at, 0] = 1
    assert verify(write(tmp_path / "b.wav", sound), expected).findings == (BLANK,)


@pytest.mark.requirement("S82")
@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("at", [80_160, 100_000, 119_839, 239_999])
def test_one_loud_sample_on_one_side_under_a_mask_is_found(tmp_path: Path, channel: int, at: int) -> None:
    sound = recording()
    sound[at, channel] = 1
    verdict = verify(write(tmp_path / "a.wav", sound), EXPECTED)
    assert verdict.findings == (MASK,)
    assert [mask.first_sound for mask in verdict.masks if not mask.silent] == [at]


@pytest.mark.parametrize("at", [80_150, 119_840, 119_899])
def test_the_packet_around_a_masks_edges_may_sound(tmp_path: Path, at: int) -> None:
    sound = recording()
    sound[at] = 99
    assert verify(write(tmp_path / "a.wav", sound), EXPECTED).ok


def test_a_mask_that_never_was_is_found_at_its_start(tmp_path: Path) -> None:
    verdict = verify(write(tmp_path / "a.wav", recording()), replace(EXPECTED, masks=((150_000, 160_000),)))
    assert verdict.findings == (MASK,)
    assert (verdict.masks[0].silent_from, verdict.masks[0].silent_to) == (150_160, 150_160)


@pytest.mark.fault("signalwire/freeswitch#2284", "signalwire/freeswitch#2207")
@pytest.mark.parametrize(
    ("seconds", "ok"), [(30.4, True), (29.6, True), (30.7, False), (29.3, False), (-1.0, True), (1.0, False)]
)
def test_a_length_is_wrong_beyond_two_percent_and_half_a_second(tmp_path: Path, seconds: float, ok: bool) -> None:
    verdict = verify(write(tmp_path / "a.wav", recording()), replace(EXPECTED, seconds=seconds))
    assert verdict.findings == (() if ok else (LENGTH,))


def test_half_a_second_of_a_short_recording_is_no_finding_though_it_is_many_percent(tmp_path: Path) -> None:
    assert verify(write(tmp_path / "a.wav", stereo(noise(2, -30), noise(2, -30))), Expectation(seconds=2.45)).ok


@pytest.mark.parametrize("case", ["never played", "another sentence", "elsewhere"])
def test_a_line_that_is_not_there_is_found(tmp_path: Path, case: str) -> None:
    sound, expected = recording("neither"), EXPECTED
    if case == "another sentence":
        sound[LINE_AT : LINE_AT + 9000, 1] = spoken("withdrawal")[:9000]
    if case == "elsewhere":
        sound, expected = recording(), replace(EXPECTED, line_seconds=20.0)
    verdict = verify(write(tmp_path / "a.wav", sound), expected)
    assert verdict.findings == (LINE,)
    assert verdict.line_offset == -1


def test_a_line_that_began_before_the_files_first_sample_is_heard(tmp_path: Path) -> None:
    sound = recording()[LINE_AT + 160 :]
    verdict = verify(write(tmp_path / "a.wav", sound), Expectation(seconds=-1, line=LINE_PATH, line_seconds=0.01))
    assert (verdict.findings, verdict.line_offset) == ((), 0)
    assert verdict.line_score > 0.5


def test_without_a_line_none_is_looked_for(tmp_path: Path) -> None:
    verdict = verify(write(tmp_path / "a.wav", recording("neither")), replace(EXPECTED, line=None))
    assert (verdict.ok, verdict.line_offset, verdict.line_score) == (True, -1, 0.0)


def test_files_that_are_no_recording_of_ours_are_findings(tmp_path: Path) -> None:
    mono = write(tmp_path / "mono.wav", silence(30))
    dead = crashed(write(tmp_path / "dead.wav", recording()))
    soundfile.write(tmp_path / "coded.wav", recording(), 8000, subtype="ULAW")
    assert verify(mono, EXPECTED).findings == (NOT_STEREO,)
    assert verify(dead, EXPECTED).findings == (UNREADABLE,)
    assert verify(tmp_path / "missing.wav", EXPECTED).findings == (UNREADABLE,)
    assert not verify(tmp_path / "coded.wav", EXPECTED).ok


def test_a_missing_reference_is_the_admins_error_not_the_recordings(tmp_path: Path) -> None:
    with pytest.raises(BadAudio):
        verify(write(tmp_path / "a.wav", recording()), replace(EXPECTED, line=tmp_path / "none.wav"))


@pytest.mark.requirement("S1")
@pytest.mark.parametrize("side", [0, 1])
def test_a_side_that_does_not_come_back_from_a_mask_is_found(tmp_path: Path, side: int) -> None:
    sound = recording("both")
    sound[119_000:, side] = 0
    assert verify(write(tmp_path / "a.wav", sound), EXPECTED).findings == (LOST_SIDE,)


def test_a_side_that_is_silent_for_less_or_without_a_mask_is_not_lost(tmp_path: Path) -> None:
    short = recording("left")
    short[119_000:, 1] = 0
    short[155_000:, 0] = 0
    masks = ((80_000, 120_000), (155_000, -1))
    assert verify(write(tmp_path / "a.wav", short), replace(EXPECTED, masks=masks)).ok
    never = recording("left")
    never[:, 1] = 0
    assert verify(write(tmp_path / "b.wav", never), EXPECTED).findings == (NO_SIDE,)
    assert verify(write(tmp_path / "c.wav", never[:39_000]), Expectation(seconds=-1)).ok
    quiet = recording("left")
    quiet[60_000:80_000, 1] = quiet[119_000:, 1] = 0
    assert verify(write(tmp_path / "c.wav", quiet), replace(EXPECTED, masks=())).findings == ()


@pytest.mark.requirement("S124")
@pytest.mark.parametrize("seconds", [0.5, 30, 200])
def test_the_level_of_each_side_is_measured(tmp_path: Path, seconds: float) -> None:
    sound = stereo(noise(seconds, -20, 1), noise(seconds, -35, 2))
    left, right = verify(write(tmp_path / "a.wav", sound), Expectation(seconds=-1)).levels
    assert abs(left + 20) <= 1 and abs(right + 35) <= 1
    sound[:, 1] = 0
    assert verify(write(tmp_path / "a.wav", sound), Expectation(seconds=-1)).levels == (left, -100)


@pytest.mark.parametrize(("said", "ok"), [(0.9, True), (1.1, False)])
def test_a_recording_that_ended_at_once_is_not_asked_for_its_length(tmp_path: Path, said: float, ok: bool) -> None:
    path = write(tmp_path / "a.wav", stereo(noise(0.06, -20, 1), noise(0.06, -20, 2)))
    assert verify(path, Expectation(seconds=said)).ok is ok


@pytest.mark.requirement("S124")
def test_each_finding_says_where(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for seed in range(6):
        made = recorded(seed)
        assert verify(made.write(tmp_path / "call.wav"), made.expected).ok
        for word, spoil in WRONGS.items():
            if spoiled := spoil(made, rng):
                told = verify(spoiled[0].write(tmp_path / "call.wav"), spoiled[0].expected)
                assert abs(dict(zip(told.findings, told.places, strict=True))[word] - spoiled[1]) < 4000

"""What is kept, and that it is kept to the sample."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from callguard.audio.riff import Codec
from callguard.audio.runs import Runs
from callguard.audio.timemap import Kept, TimeMap
from callguard.audio.trim import PROFILES, Extra, Trimmed, keep, trim
from callguard.audio.wav import Raw
from callguard.errors import BadAudio, BadInput
from tests.audio.sound import crashed, mixed, noise, read, silence, spoken, stereo, write

RATE = 8000
FLAGS = st.lists(st.booleans(), max_size=400).map(lambda flags: np.array(flags, bool))


def flags(*runs: tuple[bool, int]) -> np.ndarray:
    return stretches(np.concatenate([np.full(count, value) for value, count in runs]))


def stretches(flags: np.ndarray) -> np.ndarray:
    runs = Runs()
    runs.feed(flags)
    return runs.finish()


def kept(source: np.ndarray, segments: Iterable[dict[str, float]], rate: int) -> np.ndarray:
    parts = [source[round(part["start"] * rate) : round(part["end"] * rate)] for part in segments]
    return np.concatenate([source[:0], *parts])


def conversation() -> np.ndarray:
    """The far party speaks, 10 s of nothing, the agent speaks, 10 s of nothing: stereo."""
    far, agent = spoken("notice-short"), spoken("question")
    left = np.concatenate((silence(3), far, silence(10)))
    right = np.concatenate((silence(len(left) / RATE), agent, silence(10)))
    return stereo(left, right)


# ---------------------------------------------------------------- the rule
def test_speech_keeps_what_is_around_it() -> None:
    assert keep(flags((False, 100), (True, 10), (False, 100)), RATE, 50_400).tolist() == [[23_120, 28_240]]
    fast = keep(flags((False, 100), (True, 10), (False, 100)), RATE, 50_400, profile=PROFILES["fast"])
    assert fast.tolist() == [[22_000, 28_400]]


def test_a_short_pause_stays_whole_and_a_long_one_is_cut() -> None:
    speech = flags((True, 10), (False, 11), (True, 10))
    assert keep(speech, RATE, 7440).tolist() == [[0, 7440]]
    speech = flags((True, 10), (False, 20), (True, 10))
    assert keep(speech, RATE, 9600).tolist() == [[0, 4240], [6320, 9600]]


def test_a_click_is_dropped_and_twice_as_long_is_not() -> None:
    assert not len(keep(flags((False, 50), (True, 1), (False, 50)), RATE, 24_240))
    assert len(keep(flags((False, 50), (True, 2), (False, 50)), RATE, 24_480)) == 1


@given(FLAGS, st.lists(st.integers(0, 100_000), max_size=4), st.sampled_from([8000, 16000]), st.integers(0, 239))
def test_parts_are_apart_in_order_inside_and_hold_all_speech(
    speech: np.ndarray, protected: list[int], rate: int, rest: int
) -> None:
    samples = round(len(speech) * 0.03 * rate) + rest
    parts = keep(stretches(speech), rate, samples, protected).tolist()
    assert all(0 <= start < end <= samples for start, end in parts)
    assert all(before[1] < after[0] for before, after in pairwise(parts))
    inside = np.zeros(samples, bool)
    for start, end in parts:
        inside[start:end] = True
    for at in protected:
        assert inside[max(0, at - 2 * rate) : at + 2 * rate].all()
    frame = round(0.03 * rate)
    for first in np.flatnonzero(speech[:-1] & speech[1:]):  # two frames of speech are no click
        assert inside[first * frame : (first + 2) * frame].all()


# ---------------------------------------------------------------- the file
@pytest.mark.requirement("S126")
def test_stereo_is_cut_only_where_both_are_silent_and_to_the_sample(tmp_path: Path) -> None:
    sound = conversation()
    source, target = write(tmp_path / "in.wav", sound), tmp_path / "out.wav"
    result = trim(source, target)
    assert np.array_equal(read(target), kept(sound, result.segments(), RATE))
    assert len(result.map) == 2
    assert 18 < result.removed_s < 23
    assert not any(sound[a:b].any() for a, b in removed(result.map, len(sound)))  # only digital silence went
    for part in result.map:
        assert np.array_equal(read(target)[part.trimmed : part.trimmed + 800], sound[part.start : part.start + 800])


def removed(parts: Iterable[Kept], samples: int) -> list[tuple[int, int]]:
    edges = [0, *(edge for part in parts for edge in (part.start, part.end)), samples]
    return list(zip(edges[::2], edges[1::2], strict=True))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([8000, 16000]), st.sampled_from([1, 2]))
def test_any_sound_is_cut_to_the_sample(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rate: int, channels: int
) -> None:
    folder = tmp_path_factory.mktemp("trim")
    rng = np.random.default_rng(seed)
    pieces = [
        spoken("paused")[: rng.integers(1, 9000)] if rng.random() < 0.5 else silence(rng.random() * 4) for _ in range(6)
    ]
    sound = np.concatenate([*pieces, spoken("resumed")])
    sound = sound[: len(sound) // channels * channels].reshape(-1, channels)
    result = trim(write(folder / "in.wav", sound, rate), folder / "out.wav")
    assert np.array_equal(read(folder / "out.wav"), kept(sound, result.segments(), rate))
    assert result.map.trimmed_samples == len(read(folder / "out.wav"))


@pytest.mark.requirement("S126")
def test_two_seconds_stay_around_every_protected_instant(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", silence(30))
    result = trim(source, tmp_path / "out.wav", protected=[80_000, 239_000, 0])
    assert [(part.start, part.end) for part in result.map] == [(0, 16_000), (64_000, 96_000), (223_000, 240_000)]


@pytest.mark.requirement("S126")
def test_what_is_known_to_be_no_talk_goes_whatever_it_sounds_like(tmp_path: Path) -> None:
    words = spoken("question")
    source = write(tmp_path / "in.wav", np.concatenate((words, silence(3), words, silence(3), words)))
    gap, second = 3 * RATE, len(words) + 3 * RATE
    idle = [(second - RATE, second + len(words) + RATE)]
    parts = trim(source, tmp_path / "out.wav", idle=idle).map
    assert len(parts) == 2 and parts[0].end < len(words) + gap and parts[1].start > second + len(words)
    assert len(trim(source, tmp_path / "out.wav", idle=idle, protected=[second + RATE]).map) == 3


@pytest.mark.requirement("S126")
def test_the_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.wav", conversation()), tmp_path / "out.wav"
    result = trim(source, target)
    assert result.original_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert result.trimmed_sha256 == hashlib.sha256(target.read_bytes()).hexdigest()


@pytest.mark.parametrize("subtype", ["ULAW", "GSM610"])
def test_coded_files_are_trimmed_without_seeking(tmp_path: Path, subtype: str) -> None:
    sound = mixed(np.concatenate((silence(5), spoken("question"), silence(5))), noise(15, -66))
    soundfile.write(tmp_path / "in.wav", sound, RATE, subtype=subtype)
    result = trim(tmp_path / "in.wav", tmp_path / "out.wav")
    assert np.array_equal(read(tmp_path / "out.wav"), kept(read(tmp_path / "in.wav"), result.segments(), RATE))
    assert result.removed_s > 7


def test_nothing_but_silence_leaves_an_empty_file(tmp_path: Path) -> None:
    result = trim(write(tmp_path / "in.wav", silence(5)), tmp_path / "out.wav")
    assert (len(result.map), result.removed_s) == (0, 5.0)
    assert (tmp_path / "out.wav").stat().st_size == 44


def test_memory_does_not_grow_with_the_call(tmp_path: Path) -> None:
    def peak(seconds: int) -> int:
        source = write(tmp_path / "in.wav", np.resize(conversation(), (seconds * RATE, 2)))
        tracemalloc.start()
        trim(source, tmp_path / "out.wav")
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    short, long = peak(200), peak(1600)  # 3 MB and 26 MB of sound
    assert long < short + 2_000_000


def test_a_day_of_speech_is_held_in_few_bytes() -> None:
    """As many parts as a day of talk has: two megabytes with their map, whatever is written of them."""
    runs, flag = Runs(), np.tile(np.repeat([True, False], 50), 288)
    tracemalloc.start()
    for _ in range(100):
        runs.feed(flag)
    segments = keep(runs.finish(), RATE, 86_400 * RATE)
    done = Trimmed(RATE, 1, 86_400 * RATE, "", "", TimeMap.of(segments))
    assert sum(1 for _ in done.segments()) == sum(1 for _ in done.map.rows()) == 28_800
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size < 4_000_000


# ---------------------------------------------------------------- bad input
def test_bad_sources_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    cut = write(tmp_path / "cut.wav", noise(1, -20))
    cut.write_bytes(cut.read_bytes()[:-100])
    bad = {
        tmp_path / "missing.wav": "No such file",
        tmp_path / "text.wav": "not a WAV file",
        cut: "truncated",
        crashed(write(tmp_path / "dead.wav", noise(1, -20))): "unfinished",
        write(tmp_path / "empty.wav", silence(0)): "no sound",
        write(tmp_path / "rate.wav", noise(1, -20), rate=11025): "11025 Hz is not supported",
        tmp_path: "not a regular file",
    }
    before = set(tmp_path.iterdir())
    for source, reason in bad.items():
        with pytest.raises(BadAudio, match=reason):
            trim(source, tmp_path / "out.wav")
    assert set(tmp_path.iterdir()) == before


def test_no_output_may_be_the_input_or_another_output(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", noise(1, -20))
    (tmp_path / "hard.wav").hardlink_to(source)
    (tmp_path / "soft.wav").symlink_to(source)
    for target in (source, tmp_path / "." / "in.wav", tmp_path / "hard.wav", tmp_path / "soft.wav"):
        with pytest.raises(BadInput, match="IN and OUT are the same file"):
            trim(source, target)
    extra = Extra(tmp_path / "out.wav", "--map", lambda result: [])
    with pytest.raises(BadInput, match="OUT and --map are the same file"):
        trim(source, tmp_path / "out.wav", extras=[extra])
    assert len(read(source)) == 8000


def test_one_file_that_cannot_be_written_means_none(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", noise(1, -20))
    extra = Extra(tmp_path / "missing" / "map.json", "--map", lambda result: [])
    with pytest.raises(BadInput, match="--map cannot be written: No such file"):
        trim(source, tmp_path / "out.wav", extras=[extra])
    assert list(tmp_path.iterdir()) == [source]


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "in.wav", conversation())

    class Growing(list[int]):
        """Protected instants that, when read between the passes, find the recorder still writing."""

        def __iter__(self):  # type: ignore[no-untyped-def]
            with source.open("r+b") as file:
                file.seek(100)
                file.write(b"new")
            return super().__iter__()

    with pytest.raises(BadAudio, match="changed while"):
        trim(source, tmp_path / "out.wav", protected=Growing())
    assert list(tmp_path.iterdir()) == [source]


# ---------------------------------------------------------------- files without a header
@pytest.mark.parametrize(
    ("subtype", "raw"),
    [
        ("PCM_16", Raw(Codec.PCM16)),
        ("ULAW", Raw(Codec.MULAW)),
        ("ALAW", Raw(Codec.ALAW)),
        ("GSM610", Raw(Codec.GSM)),
    ],
)
def test_a_file_without_a_header_is_what_it_is_said_to_be(tmp_path: Path, subtype: str, raw: Raw) -> None:
    sound = np.concatenate((silence(4), spoken("question"), silence(4)))
    soundfile.write(tmp_path / "in.raw", sound, RATE, subtype, format="RAW")
    done = trim(tmp_path / "in.raw", tmp_path / "out.wav", raw=raw)
    length = len(spoken("question")) / RATE
    parts = [*done.segments()]
    first, last = parts[0], parts[-1]
    assert 3.5 < first["start"] < 4.6 and 3.7 + length < last["end"] < 4.5 + length
    assert done.removed_s > 7


def test_both_legs_of_option_d(tmp_path: Path) -> None:
    (tmp_path / "in.raw").write_bytes(conversation().astype("<i2").tobytes())
    write(tmp_path / "in.wav", conversation())
    raw = trim(tmp_path / "in.raw", tmp_path / "a.wav", raw=Raw(Codec.PCM16, channels=2))
    assert raw.map == trim(tmp_path / "in.wav", tmp_path / "b.wav").map
    (tmp_path / "in.raw").write_bytes(b"\0" * 41)
    with pytest.raises(BadAudio, match="no whole number of samples"):
        trim(tmp_path / "in.raw", tmp_path / "a.wav", raw=Raw(Codec.PCM16, channels=2))


@pytest.mark.requirement("S126")
def test_profiles_differ_in_what_they_keep(tmp_path: Path) -> None:
    write(tmp_path / "in.wav", conversation())
    removed = {
        name: trim(tmp_path / "in.wav", tmp_path / "out.wav", profile=PROFILES[name]).removed_s for name in PROFILES
    }
    assert removed["fast"] <= removed["safe"] < removed["tight"]

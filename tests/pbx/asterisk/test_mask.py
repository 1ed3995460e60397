from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from callguard.pbx.asterisk.mask import SETTLE, Finding, MaskWatch
from callguard.pbx.asterisk.probe import Look


def audio(*spans: tuple[int, int], length: int) -> bytes:
    """Sound everywhere but in the spans."""
    samples = bytearray(b"\x01\x00" * length)
    for start, end in spans:
        samples[2 * start : 2 * end] = b"\0" * (2 * (end - start))
    return bytes(samples)


def look(sound: bytes, upto: int, since: int | None, other: bytes | None = None) -> Look:
    start = -1 if since is None else since
    cut = slice(2 * max(start, 0), 2 * upto)
    return Look(True, upto, False, start, sound[cut], (other or sound)[cut])


def follow(watch: MaskWatch, sound: bytes, step: int, other: bytes | None = None) -> list[tuple[Finding, int]]:
    found = []
    for upto in range(step, len(sound) // 2 + 1, step):
        if (since := watch.since()) is not None:
            found += watch.read(look(sound, upto, since, other))
    return found


def test_without_a_mask_no_sound_is_wanted() -> None:
    assert MaskWatch().since() is None


def test_a_mask_is_seen_where_the_sound_ends() -> None:
    watch = MaskWatch()
    watch.turn(silent=True, expected=10_000)
    assert follow(watch, audio((10_080, 40_000), length=40_000), 8000) == [(Finding.SILENT, 10_080)]


def test_a_mask_over_silence_begins_where_it_was_acknowledged() -> None:
    watch = MaskWatch()
    watch.turn(silent=True, expected=10_000)
    assert follow(watch, audio((0, 40_000), length=40_000), 8000) == [(Finding.SILENT, 10_000)]


def test_sound_that_never_ends_is_a_leak() -> None:
    watch = MaskWatch()
    watch.turn(silent=True, expected=10_000)
    assert follow(watch, audio(length=40_000), 8000) == [(Finding.LEAK, 10_000 + SETTLE)]


def test_a_file_that_ends_right_behind_its_mask_proves_no_leak() -> None:
    watch, sound = MaskWatch(), audio((16_090, 16_320), length=16_320)
    watch.turn(silent=True, expected=15_978)
    start = watch.since()
    assert start is not None
    left = sound[2 * start :]
    assert watch.read(Look(True, 16_320, True, start, left, left)) == []


def test_a_file_that_ended_before_its_mask_began_holds_nothing_under_it() -> None:
    watch = MaskWatch()
    watch.turn(silent=True, expected=10_000)
    sound = audio(length=9_000)
    ended = Look(True, 9_000, True, 8_400, sound[2 * 8_400 :], sound[2 * 8_400 :])
    assert watch.since() == 8_400 and watch.read(ended) == []


def test_sound_on_one_side_alone_is_a_leak_once() -> None:
    watch = MaskWatch()
    watch.turn(silent=True, expected=10_000)
    left = audio((10_000, 80_000), length=80_000)
    right = audio((10_000, 30_000), (30_160, 50_000), (50_160, 80_000), length=80_000)
    assert follow(watch, left, 4000, right) == [(Finding.SILENT, 10_000), (Finding.LEAK, 30_000)]


def test_masks_and_their_ends_in_turn() -> None:
    watch, spans = MaskWatch(), [(10_000, 22_000), (40_000, 52_000), (70_000, 82_000)]
    expected = []
    for start, end in spans:
        watch.turn(silent=True, expected=start + 40)
        watch.turn(silent=False, expected=end - 40)
        expected += [(Finding.SILENT, start), (Finding.AUDIBLE, end)]
    assert follow(watch, audio(*spans, length=110_000), 16_384) == expected


def test_an_unmask_before_the_silence_was_looked_at_is_no_leak() -> None:
    watch = MaskWatch()
    watch.turn(silent=True, expected=10_000)
    watch.turn(silent=False, expected=12_500)
    found = follow(watch, audio((10_000, 12_500), length=40_000), 16_384)
    assert found == [(Finding.SILENT, 10_000), (Finding.AUDIBLE, 12_500)]


def test_the_same_turn_twice_is_one() -> None:
    watch = MaskWatch()
    watch.turn(silent=False, expected=5)
    assert watch.since() is None
    watch.turn(silent=True, expected=10_000)
    watch.turn(silent=True, expected=11_000)
    assert follow(watch, audio((10_000, 40_000), length=40_000), 8000) == [(Finding.SILENT, 10_000)]


def test_a_mask_set_again_before_any_sound_came_back() -> None:
    watch = MaskWatch()
    for silent, expected in ((True, 10_000), (False, 20_000), (True, 21_000)):
        watch.turn(silent=silent, expected=expected)
    assert follow(watch, audio((10_000, 60_000), length=60_000), 8000) == [
        (Finding.SILENT, 10_000),
        (Finding.SILENT, 21_000),
    ]


@given(
    st.lists(st.tuples(*[st.integers(6000, 30_000)] * 2), min_size=1, max_size=4),
    st.integers(100, 20_000),
    st.integers(-400, 400),
)
def test_obeyed_masks_never_leak_and_are_all_seen(pairs: list[tuple[int, int]], step: int, error: int) -> None:
    gaps = [gap for pair in pairs for gap in pair]
    edges = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    spans = [pair for index, pair in enumerate(pairwise(edges)) if index % 2 == 0]
    watch = MaskWatch()
    for start, end in spans:
        watch.turn(silent=True, expected=start + error)
        watch.turn(silent=False, expected=end + error)
    found = follow(watch, audio(*spans, length=edges[-1] + 30_000), step)
    assert found == [item for start, end in spans for item in ((Finding.SILENT, start), (Finding.AUDIBLE, end))]

"""The time map, both ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.audio.timemap import Image, Kept, TimeMap
from callguard.errors import BadInput


@st.composite
def maps(draw: st.DrawFn) -> TimeMap:
    edges = sorted(draw(st.sets(st.integers(0, 10_000), max_size=20)))
    return TimeMap.of(list(zip(edges[::2], edges[1::2], strict=False)))


@pytest.mark.requirement("S126")
@given(maps(), st.integers(-100, 10_100))
def test_an_instant_goes_there_and_back_or_says_that_it_was_clamped(time_map: TimeMap, at: int) -> None:
    image = time_map.to_trimmed(at)
    kept = any(part.start <= at < part.end for part in time_map)
    assert image.clamped is not kept
    assert 0 <= image.sample <= time_map.trimmed_samples
    if kept:
        assert time_map.to_original(image.sample) == Image(at)


@given(maps())
def test_every_trimmed_sample_has_one_origin_in_order(time_map: TimeMap) -> None:
    origins = [time_map.to_original(at) for at in range(time_map.trimmed_samples)]
    assert not any(origin.clamped for origin in origins)
    assert [origin.sample for origin in origins] == [at for part in time_map for at in range(part.start, part.end)]


@given(maps(), st.integers(0, 10_100), st.integers(0, 10_100))
def test_order_is_kept(time_map: TimeMap, one: int, other: int) -> None:
    first, second = sorted((one, other))
    assert time_map.to_trimmed(first).sample <= time_map.to_trimmed(second).sample


@given(maps())
def test_json_goes_there_and_back(time_map: TimeMap) -> None:
    assert TimeMap.from_json(json.dumps([*time_map.rows()])) == time_map


def test_outside_the_trimmed_file_is_clamped() -> None:
    time_map = TimeMap.of([(100, 200), (300, 400)])
    assert (time_map.to_original(-1), time_map.to_original(200)) == (Image(100, clamped=True), Image(399, clamped=True))
    assert time_map.to_trimmed(250) == Image(100, clamped=True)
    assert TimeMap().to_original(0) == Image(0, clamped=True)


@pytest.mark.parametrize(
    "parts", [(Kept(5, 5, 0),), (Kept(0, 5, 1),), (Kept(0, 5, 0), Kept(4, 6, 5)), (Kept(-1, 5, 0),)]
)
def test_a_map_that_cannot_be_is_refused(parts: tuple[Kept, ...]) -> None:
    with pytest.raises(ValueError, match="does not follow"):
        TimeMap(parts)


WRONG = ["", "{}x", "5", "[5]", "[[1,2]]", '[[0,"5",0]]', "[[0,5.0,0]]", "[[9,5,0]]", "null", "[" * 100_000]
WRONG += ["[[0,99999999999999999999,0]]"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a time map"):
        TimeMap.from_json(text)

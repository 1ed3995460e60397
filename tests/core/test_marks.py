"""Facts of a call as places in its recording."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from callguard.core.events import (
    Bridged,
    ChannelHeld,
    ChannelHungUp,
    ChannelUnheld,
    DigitPressed,
    Event,
    NoticeEnded,
    RecordingAcknowledged,
    RecordingDamaged,
    RecordingGrowing,
    RecordingVerified,
    Unbridged,
)
from callguard.core.marks import Marks, marks, recording_of
from tests.core.play import START


def at(seconds: float, kind: type[Event], channel_id: str = "far", **values: Any) -> Event:
    return kind(at=START + timedelta(seconds=seconds), channel_id=channel_id, **values)


TALKING = (at(5, Bridged, "far", bridge_id="B"), at(5, Bridged, "near", bridge_id="B"))
RECORDED = at(6, RecordingAcknowledged, recording_id="R")


def test_what_tells_something_stays_where_the_recorder_heard_it() -> None:
    events = (at(2, NoticeEnded), *TALKING, RECORDED, at(7.5, DigitPressed), at(7.5, NoticeEnded), at(9, NoticeEnded))
    assert marks(events, "R") == Marks(telling=(12_000, 24_000))


def test_hold_and_being_alone_are_idle() -> None:
    events = (
        *TALKING,
        RECORDED,
        at(10, ChannelHeld, "near"),
        at(20, ChannelHeld, "far"),
        at(30, ChannelUnheld, "near"),
        at(40, ChannelUnheld, "far"),
        at(50, Unbridged, "near", bridge_id="B"),
        at(51, ChannelHungUp, "near"),
        at(60, Bridged, "other", bridge_id="B"),
        at(61, ChannelHeld, "other"),
        at(61.9, ChannelUnheld, "other"),
        at(70, ChannelHeld, "far"),
        at(80, ChannelHungUp, "far"),
    )
    assert marks(events, "R").idle == ((4.5 * 8000, 33.5 * 8000), (44.5 * 8000, 53.5 * 8000))


def test_two_in_two_bridges_cannot_talk() -> None:
    apart = (at(5, Bridged, "far", bridge_id="A"), at(5, Bridged, "near", bridge_id="B"))
    events = (*apart, RECORDED, at(10, Bridged, "near", bridge_id="A"))
    assert marks(events, "R").idle == ((4000, 28_000),)


def test_before_the_recorder_nothing_is_marked() -> None:
    assert marks((*TALKING, at(9, DigitPressed)), "R") == Marks()


def test_a_recording_is_known_by_its_hash() -> None:
    verdicts = (
        at(9, RecordingVerified, recording_id="R1", sha256="aa"),
        at(9, RecordingDamaged, recording_id="R2", sha256="bb"),
    )
    assert [recording_of((RECORDED, *verdicts), sha) for sha in ("aa", "bb", "cc")] == ["R1", "R2", None]


def test_a_file_that_fell_behind_has_its_places_sooner_and_in_doubt_nothing_is_idle() -> None:
    fell = at(14, RecordingGrowing, recording_id="R", fell_ms=2000, fell_since=40_000, offset_samples=56_000)
    events = (
        *TALKING,
        RECORDED,
        at(8, DigitPressed),
        at(12, ChannelHeld, "near"),
        fell,
        at(16, DigitPressed),
        at(20, ChannelUnheld, "near"),
    )
    found = marks(events, "R")
    assert found.telling == (16_000, 64_000)
    assert found.idle == ((48_000 + 4000, 96_000 - 4000),)
    later = (*events[:4], at(12.5, DigitPressed), *events[4:])
    assert marks(later, "R").telling == (16_000, 36_000, 52_000, 64_000)
    caught_up = at(18, RecordingGrowing, recording_id="R", fell_ms=-2000, fell_since=56_000, offset_samples=96_000)
    waited = (*TALKING, RECORDED, fell, at(16, DigitPressed), caught_up, at(20, DigitPressed))
    assert marks(waited, "R").telling == (64_000, 80_000, 112_000), "where it only waited to be written"

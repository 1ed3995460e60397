from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields

import pytest

from callguard.core.events import (
    FACTS,
    Bridged,
    CallStarted,
    Event,
    Link,
    NoticeStarted,
    Outcome,
    Record,
    RecordingEvent,
)
from tests.core.play import START


def test_every_fact_is_known_by_its_type() -> None:
    assert len(FACTS) == 42
    assert all(kind.type == type for type, kind in FACTS.items())


def test_groups_of_facts_are_no_facts() -> None:
    assert "" not in FACTS
    assert Event not in FACTS.values() and RecordingEvent not in FACTS.values()


def test_types_of_facts_and_outcomes_share_only_the_unexpected() -> None:
    assert set(FACTS) & set(Outcome) == {"unexpected"}


@pytest.mark.parametrize("kind", FACTS.values(), ids=lambda kind: kind.type)
def test_a_fact_is_frozen_and_needs_nothing_but_its_time(kind: type[Event]) -> None:
    fact = kind(at=START)
    with pytest.raises(FrozenInstanceError):
        fact.at = START  # type: ignore[misc]
    assert set(fact.data()) == {item.name for item in fields(fact)} - {"at", "channel_id"}
    json.dumps(fact.data())


def test_data_leaves_out_what_has_columns_of_its_own() -> None:
    assert Bridged(at=START, channel_id="far", bridge_id="B1").data() == {"bridge_id": "B1"}


def test_words_go_into_json_as_text() -> None:
    stored = json.loads(json.dumps(CallStarted(at=START, faults=(Link.LOG,)).data()))
    assert stored["faults"] == ["log"]


def test_a_record_has_data_of_its_own() -> None:
    one, other = Record(Outcome.UNEXPECTED), Record(Outcome.UNEXPECTED)
    assert one.data == {} and one.data is not other.data


@pytest.mark.requirement("S15")
def test_a_notice_says_which_text_in_which_language_and_which_audio() -> None:
    told = NoticeStarted(at=START, prompt="notice-short", language="en", text_version="3", audio_sha256="ab" * 32)
    assert told.data() == {
        "script": "notice",
        "prompt": "notice-short",
        "language": "en",
        "text_version": "3",
        "audio_sha256": "ab" * 32,
    }

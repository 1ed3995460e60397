from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callguard.core.call import open_call
from callguard.core.events import FACTS, Bridged, CallStarted, Event, Link, RecordingDamaged
from callguard.core.history import decode, retell
from callguard.errors import BadInput
from tests.core.play import ASK, CALL_ID, PACK, START, play


def stored(event: Event) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(event.data()))
    return data


@pytest.mark.parametrize("kind", FACTS.values(), ids=lambda kind: kind.type)
def test_every_fact_is_read_back(kind: type[Event]) -> None:
    fact = kind(at=START, channel_id="far")
    assert decode(fact.type, START, "far", stored(fact)) == fact


def test_lists_are_read_back() -> None:
    for fact in (CallStarted(at=START, faults=(Link.LOG,)), RecordingDamaged(at=START, findings=("leak",))):
        assert decode(fact.type, START, "", stored(fact)) == fact


@pytest.mark.parametrize(
    ("type", "data", "problem"),
    [
        ("no_such_fact", {}, "no fact"),
        ("", {}, "no fact"),
        ("bridged", {"bridge_id": "B1", "colour": 1}, "colour: unknown"),
        ("bridged", {"bridge_id": 5}, "must be str"),
        ("link_lost", {"link": "moon"}, "is none of"),
        ("link_lost", {"link": ["log"]}, "is none of"),
        ("channel_hung_up", {"cause": True}, "must be int"),
        ("recording_damaged", {**RecordingDamaged(at=START).data(), "findings": "leak"}, "must be a list"),
        ("call_started", {"faults": ["moon"]}, "is none of"),
    ],
)
def test_what_does_not_fit_is_told(type: str, data: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        decode(type, START, "", data)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(FACTS)), st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5)))
def test_nothing_but_bad_input_is_raised(type: str, data: dict[str, Any]) -> None:
    try:
        decode(type, START, "", data)
    except BadInput as error:
        assert error.exit_code == 2


def test_a_call_is_retold() -> None:
    talk = play().recording().joined_by().masked()
    assert retell(open_call(CALL_ID, ASK, PACK), talk.facts) == (talk.call, [])


def test_what_an_older_version_did_not_write_stands_at_its_default() -> None:
    assert decode("bridged", START, "", {}) == Bridged(at=START)

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.core.events import Role
from callguard.ports import EventRow
from callguard.store.chain import FIRST_SEQ, GENESIS, HASHED, canonical, first_break, plain, row_hash
from tests.store import rows

CALL = rows.new_id()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ("é\n", '"é\\n"'),
        (datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), '"2025-01-02T01:04:05.000000Z"'),
        (date(2025, 1, 1), '"2025-01-01"'),
        (b"\x00\xff", '"00ff"'),
        ((5.0, 0.25, 1e22), "[5,0.25,10000000000000000000000]"),
        (Role.FAR, '"far"'),
    ],
)
def test_canonical_text(value: object, text: str) -> None:
    assert canonical(value) == text.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {1, 2}, object(), datetime(2025, 1, 1)])
def test_what_json_cannot_say_has_no_canonical_form(value: object) -> None:
    with pytest.raises(ValueError, match="canonical form"):
        canonical(value)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_a_round_trip_through_json_keeps_the_canonical_text(value: Any) -> None:
    try:
        text = canonical(value)
    except UnicodeEncodeError:
        return  # a lone surrogate: no UTF-8 stands for it
    assert canonical(json.loads(text)) == text
    assert json.loads(text) == plain(value)


def test_a_sound_chain_has_no_break() -> None:
    assert first_break(rows.chain(CALL, 9)) is None
    assert first_break([]) is None


CHANGED: dict[str, Any] = {
    "call_id": rows.new_id(),
    "call_month": date(2025, 12, 1),
    "seq": 99,
    "event_id": "another",
    "channel_id": "another",
    "type": "bridged",
    "derived": True,
    "at": rows.START,
    "recorded_at": rows.START,
    "monotonic_ns": 1,
    "clock_sync": False,
    "offset_samples": 3,
    "data": {"digit": "2"},
    "dedup": "d",
    "decision": None,
}


@pytest.mark.requirement("S81")
@pytest.mark.parametrize("name", HASHED[EventRow])
def test_every_column_is_covered_by_the_hash(name: str) -> None:
    row = rows.chain(CALL, 3)[-1]
    changed = replace(row, **{name: CHANGED[name]})
    assert row_hash(row.prev_hash, changed) != row.hash


def test_every_row_is_covered_by_the_ones_before_it() -> None:
    row = rows.chain(CALL, 1)[0]
    assert row_hash(b"x" * 32, row) != row_hash(GENESIS, row)


@pytest.mark.requirement("S81")
@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("reason", ["missing", "reordered", "duplicated", "altered"])
def test_each_tampering_is_found_and_located(at: int, reason: str) -> None:
    chain, seq = rows.chain(CALL, 7), FIRST_SEQ + at
    expected: tuple[int, str] = (seq, reason)
    match reason:
        case "missing":
            del chain[at]
        case "reordered":
            chain[at], chain[at + 1] = chain[at + 1], chain[at]
            expected = (seq + 1, reason)
        case "duplicated":
            chain.insert(at + 1, chain[at])
        case _:
            chain[at] = replace(chain[at], data={"digit": "2"})
    assert first_break(chain) == expected


def test_a_row_rewritten_with_a_matching_hash_breaks_the_link_after_it() -> None:
    chain = rows.chain(CALL, 4)
    forged = replace(chain[1], data={"digit": "2"})
    chain[1] = replace(forged, hash=row_hash(chain[0].hash, forged))
    assert first_break(chain) == (FIRST_SEQ + 2, "altered")


@given(st.integers(0, 31), st.integers(0, 7), st.booleans())
def test_one_flipped_bit_of_a_hash_is_found(byte: int, bit: int, previous: bool) -> None:
    chain = rows.chain(CALL, 3)
    value = bytearray(chain[1].prev_hash if previous else chain[1].hash)
    value[byte] ^= 1 << bit
    flipped = bytes(value)
    chain[1] = replace(chain[1], prev_hash=flipped) if previous else replace(chain[1], hash=flipped)
    assert first_break(chain) == (FIRST_SEQ + 1, "altered")


def test_a_row_of_another_call_is_foreign() -> None:
    chain = rows.chain(CALL, 3)
    chain[2] = replace(chain[2], call_id=rows.new_id())
    assert first_break(chain) == (FIRST_SEQ + 2, "foreign")


def test_times_keep_their_instant_not_their_zone() -> None:
    row = rows.chain(CALL, 1)[0]
    moved = replace(row, at=row.at.astimezone(timezone(timedelta(hours=-5))))
    assert row_hash(GENESIS, moved) == row.hash
    assert row.at.tzinfo is UTC

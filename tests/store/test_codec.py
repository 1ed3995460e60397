from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from callguard.errors import BadInput
from callguard.ports import Batch, EventRow
from callguard.store.codec import batch_from_json, batch_to_json, row_from_json, row_to_json
from tests.store import rows


def test_a_batch_survives_json() -> None:
    batch = rows.whole(rows.new_id())
    assert batch_from_json(json.loads(json.dumps(batch_to_json(batch)))) == batch
    assert batch_from_json(batch_to_json(Batch())) == Batch()


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("unknown", {"extra": 1}, "extra"),
    ("number for text", {"type": 5}, "type"),
    ("text for number", {"seq": "5"}, "seq"),
    ("bool for number", {"seq": True}, "seq"),
    ("null", {"at": None}, "at"),
    ("bad time", {"at": "yesterday"}, "at"),
    ("bad hex", {"hash": "zz"}, "hash"),
    ("list for object", {"data": []}, "data"),
]


@pytest.mark.parametrize(
    ("change", "field"), [(change, field) for _, change, field in BAD], ids=[one[0] for one in BAD]
)
def test_a_foreign_row_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    good = row_to_json(rows.chain(rows.new_id(), 1)[0])
    with pytest.raises(BadInput, match=field):
        row_from_json(EventRow, {**good, **change})


@pytest.mark.parametrize("value", [None, [], "x", {}])
def test_what_is_no_row_is_refused(value: object) -> None:
    with pytest.raises(BadInput):
        row_from_json(EventRow, value)


@pytest.mark.parametrize("change", [{"events": None}, {"events": [1]}, {"more": []}, {"call": 1}])
def test_what_is_no_batch_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        batch_from_json({**batch_to_json(rows.whole(rows.new_id())), **change})
    with pytest.raises(BadInput):
        batch_from_json([])


def test_a_batch_of_an_earlier_release_has_no_answers() -> None:
    batch = rows.whole(rows.new_id())
    old = {key: value for key, value in batch_to_json(batch).items() if key != "answers"}
    assert batch_from_json(old) == replace(batch, answers=())


def test_nullable_columns_may_be_null() -> None:
    row = rows.chain(rows.new_id(), 2)[1]
    assert row.decision is None and row.offset_samples is None
    assert row_from_json(EventRow, row_to_json(row)) == row

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from callguard.errors import CannotDecrypt, StoreRefused
from callguard.ports import Batch
from callguard.store.activation import UNREADABLE
from callguard.store.keys import MasterKey
from callguard.store.statement import RAW_KEYS_KEPT, Sealer, event_from, months, statements
from tests.store import rows

SEALER = Sealer(MasterKey(bytes(32)))


def test_a_batch_becomes_statements_in_the_order_of_their_references() -> None:
    names = [name for name, _ in statements(rows.whole(rows.new_id(), 2), SEALER)]
    assert names == [
        "insert_call",
        "insert_event",
        "insert_decision",
        "insert_event",
        "insert_party",
        "insert_raw",
        "upsert_recording",
        "upsert_incident",
        "keep_answer",
    ]


def test_personal_values_are_nowhere_in_the_clear() -> None:
    batch = rows.whole(rows.new_id())
    shown = repr([values for name, values in statements(batch, SEALER) if name in ("insert_party", "insert_raw")])
    assert "555" not in shown and "Hara" not in shown and "StasisStart" not in shown


def test_sealed_rows_open_again_and_only_in_their_place() -> None:
    party, raw = rows.party("c1", "p1"), rows.raw("c1")
    assert SEALER.opened_party(SEALER.party(party)) == party
    assert SEALER.opened_raw(SEALER.raw(raw)) == raw
    with pytest.raises(CannotDecrypt):
        SEALER.opened_party({**SEALER.party(party), "call_id": "c2"})
    with pytest.raises(CannotDecrypt):
        SEALER.opened_raw({**SEALER.raw(raw), "seq": 7})


def test_an_entry_of_the_register_opens_in_its_place_under_its_key_alone() -> None:
    row = rows.activation(author="Ann O'Hara", reason="because of 555")
    columns = SEALER.activation(row)
    sealed = {name: getattr(value, "obj", value) for name, value in columns.items()}
    assert "Hara" not in repr(sealed) and "555" not in repr(sealed["sealed"])
    assert SEALER.opened_activation(sealed) == row
    assert SEALER.opened_activation({**sealed, "wrapped": None}) == replace(row, said={})
    for change in ({"seq": 2}, {"sealed": bytes(64)}, {"key_id": "other"}):
        assert SEALER.opened_activation({**sealed, **change}).said == UNREADABLE


def test_a_party_without_its_key_has_no_values() -> None:
    assert SEALER.opened_party({**SEALER.party(rows.party("c1", "p1")), "wrapped": None}).values == {}


def test_raw_messages_of_a_call_share_a_key_and_old_calls_are_forgotten() -> None:
    sealer = Sealer(MasterKey(bytes(32)))
    first = sealer.raw(rows.raw("c0", 1))["key_id"]
    assert sealer.raw(rows.raw("c0", 2))["key_id"] == first
    for number in range(1, RAW_KEYS_KEPT + 1):
        sealer.raw(rows.raw(f"c{number}"))
    assert sealer.raw(rows.raw("c0", 3))["key_id"] != first


@pytest.mark.parametrize(
    "decision", [{}, {"state": None}, {"state": {}, "effects": [], "reasons": [], "rule": "x"}, None]
)
def test_a_decision_comes_back_as_it_was(decision: dict[str, object] | None) -> None:
    row = replace(rows.chain("c1", 1)[0], decision=decision)
    found = dict(statements(Batch(events=(row,)), SEALER))
    columns = {name: getattr(value, "obj", value) for name, value in found.get("insert_decision", {}).items()}
    blank = dict.fromkeys(("state", "effects", "reasons", "extra"))
    event = {name: getattr(value, "obj", value) for name, value in found["insert_event"].items()}
    assert event_from({**blank, **columns, **event}) == row


def test_what_json_cannot_say_is_refused() -> None:
    bad = replace(rows.chain("c1", 1)[0], data={"x": {1}})
    with pytest.raises(StoreRefused, match="set"):
        statements(Batch(events=(bad,)), SEALER)


def test_the_months_of_a_batch() -> None:
    batch = replace(rows.whole("c1"), incidents=(replace(rows.incident("c1", "i1"), call_month=date(2025, 12, 1)),))
    assert months(batch) == {rows.MONTH, date(2025, 12, 1)}
    assert months(Batch()) == set()

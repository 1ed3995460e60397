from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.store.activation import digest, forged, newest
from callguard.store.chain import FIRST_SEQ, GENESIS, first_break
from tests.store import rows


def test_the_first_row_has_nothing_before_it() -> None:
    row = rows.activation()
    assert (row.seq, row.prev_hash, row.previous) == (FIRST_SEQ, GENESIS, "")


def test_the_newest_of_a_kind_is_in_force() -> None:
    first = rows.activation()
    rules = rows.activation([first], kind="rules")
    third = rows.activation([first, rules])
    register = [first, rules, third]
    assert third.previous == first.version and rules.previous == ""
    assert newest(register, "policy") == third and newest(register, "rules") == rules and newest([], "rules") is None


@pytest.mark.requirement("S27")
@pytest.mark.parametrize(
    "change", [{"said_digest": bytes(32)}, {"key_id": "other"}, {"content": {}}, {"version": "0" * 64}]
)
def test_a_changed_row_breaks_the_register(change: dict[str, object]) -> None:
    first = rows.activation()
    register = [first, rows.activation([first])]
    assert first_break(register) is None
    assert first_break([first, replace(register[1], **change)]) == (2, "altered")  # type: ignore[arg-type]
    assert first_break([register[1]]) == (1, "missing")
    assert first_break([first, rows.activation([first], tenant="other")]) == (2, "foreign")


@pytest.mark.requirement("S27")
def test_what_was_said_is_proved_by_its_digest_and_the_chain_without_it() -> None:
    first = rows.activation()
    second = rows.activation([first])
    assert first.said["salt"] != second.said["salt"] and first.said_digest != second.said_digest
    assert digest(first.said) == first.said_digest and list(forged([first, second])) == []
    blamed = replace(second, said={**second.said, "author": "user:mallory"})
    assert first_break([first, blamed]) is None and list(forged([first, blamed])) == [2]
    gone = replace(second, said={})
    assert first_break([first, gone]) is None and list(forged([first, gone])) == []

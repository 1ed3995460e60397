from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.store.activation import newest
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
    "change", [{"reason": "none"}, {"author": "user:mallory"}, {"content": {}}, {"version": "0" * 64}]
)
def test_a_changed_row_breaks_the_register(change: dict[str, object]) -> None:
    first = rows.activation()
    register = [first, rows.activation([first])]
    assert first_break(register) is None
    assert first_break([first, replace(register[1], **change)]) == (2, "altered")  # type: ignore[arg-type]
    assert first_break([register[1]]) == (1, "missing")
    assert first_break([first, rows.activation([first], tenant="other")]) == (2, "foreign")

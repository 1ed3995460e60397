from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callguard.errors import StoreDown, StoreRefused
from callguard.ports import Batch
from callguard.store.chain import GENESIS, row_hash
from callguard.store.postgres import PostgresLog
from callguard.store.share import Share, count_modes
from tests.store import rows
from tests.store.conftest import Database

RULES = (("sales", "ask", "ZZ"), ("sales", "announce", "US-TX"), ("sales", "ask", "ZZ"), ("support", "ask", "US-CA"))


def began(call_type: str, mode: str, place: str, at: datetime = rows.START) -> Batch:
    """A call whose first row says under which rule it stands."""
    call_id = rows.new_id()
    head = replace(rows.head(call_id, at), call_type=call_type)
    data = {"mode": mode, "jurisdictions": [place]}
    row = replace(rows.row(call_id, 0, GENESIS, head.call_month), type="rule_resolved", derived=True, decision=None)
    row = replace(row, seq=1, data=data)
    return Batch(call=head, events=(replace(row, hash=row_hash(GENESIS, row)),))


async def test_calls_are_counted_by_type_mode_and_place(database: Database, postgres_log: PostgresLog) -> None:
    await postgres_log.append([began(*rule) for rule in RULES])
    await postgres_log.append([began("sales", "ask", "ZZ", rows.START - timedelta(days=8))])
    assert count_modes(database.app, rows.START - timedelta(days=7)) == (
        Share("sales", "announce", False, 1),
        Share("sales", "ask", True, 2),
        Share("support", "ask", False, 1),
    )
    assert count_modes(database.app, rows.START + timedelta(seconds=1)) == ()


def test_a_database_that_cannot_count(empty: Database) -> None:
    with pytest.raises(StoreRefused, match="db upgrade"):
        count_modes(empty.admin, datetime.now(UTC))
    with pytest.raises(StoreDown):
        count_modes("host=127.0.0.1 port=1", datetime.now(UTC))

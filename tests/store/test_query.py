from __future__ import annotations

import re
from pathlib import Path

import callguard.store
from callguard.store.query import QUERIES, parse


def test_statements_are_named_and_comments_left_out() -> None:
    assert parse("-- head\n\n-- name: a\nSELECT 1\n-- why\n-- name: b\nSELECT\n  2\n") == {
        "a": b"SELECT 1",
        "b": b"SELECT\n  2",
    }


def test_every_statement_is_used_and_every_used_one_exists() -> None:
    folder = Path(callguard.store.__file__).parent
    code = "".join((folder / name).read_text() for name in ("postgres.py", "share.py", "statement.py"))
    assert {name for name in QUERIES if f'"{name}"' not in code} == set()


def test_values_are_always_parameters() -> None:
    text = b"".join(QUERIES.values()).decode()
    assert re.findall(r"%(?!\(\w+\)s)", text) == []

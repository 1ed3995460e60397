"""How many calls stood under which mode: counted from the event log, for people.

What belongs here: that one count. What does not: single calls (postgres.py), what the figures mean (doctor).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import psycopg

from callguard.store.query import QUERIES
from callguard.store.sentences import translated

SECONDS = 5


@dataclass(frozen=True, slots=True)
class Share:
    """`calls` of one call type whose rule, when they began, said `mode`. `nowhere`: with somebody of unknown place."""

    call_type: str
    mode: str
    nowhere: bool
    calls: int


def count_modes(dsn: str, since: datetime) -> tuple[Share, ...]:
    """The calls that began at SINCE or later, by type. Raises StoreDown, StoreRefused."""
    options = f"-c statement_timeout={SECONDS * 1000} -c timezone=UTC"
    with translated(), psycopg.connect(dsn, autocommit=True, connect_timeout=SECONDS, options=options) as connection:
        rows = connection.execute(QUERIES["count_modes"], {"since": since}).fetchall()
    return tuple(Share(*cast(tuple[str, str, bool, int], row)) for row in rows)

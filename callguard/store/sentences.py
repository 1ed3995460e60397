"""psycopg's exceptions become ours, as one sentence that an admin can act on.

What belongs here: the one place of this adapter where driver exceptions are translated. What does not: retrying.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg

from callguard.errors import BadInput, CallguardError, StoreDown, StoreRefused, StoreUnfit

_GONE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError, OSError)
"""Not there, too slow, shutting down, disk full, or a standby that takes no writes (InternalError)."""

_UNFIT = "42"
"""SQLSTATE's class of grants, tables, columns and functions that are missing: no row's own fault."""


@contextmanager
def translated() -> Iterator[None]:
    """Inside this block, driver exceptions leave as StoreDown or StoreRefused."""
    try:
        yield
    except (psycopg.Error, OSError) as error:
        raise sentence(error) from None


def sentence(error: BaseException) -> CallguardError:
    """Our exception for ERROR: StoreDown when the server is not there or too slow, StoreRefused when it said no,
    StoreUnfit when it would say so to any row."""
    if isinstance(error, pg.UndefinedTable | pg.InvalidSchemaName | pg.UndefinedFunction):
        return StoreUnfit("The database lacks callguard's tables: run callguard db upgrade.")
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:  # its text may quote a password
        return BadInput("The database's address cannot be read: postgresql://USER:PASSWORD@HOST:PORT/NAME is wanted.")
    if isinstance(error, _GONE):
        return StoreDown(f"Postgres is not reachable: {_first_line(error)}. Check the address, password and server.")
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_UNFIT):
        return StoreUnfit(f"Postgres refused: {_first_line(error)}. callguard db check says what is missing.")
    return StoreRefused(f"Postgres refused: {_first_line(error)}.")


def _first_line(error: BaseException) -> str:
    """What the server said, without DETAIL lines, which can quote values."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")

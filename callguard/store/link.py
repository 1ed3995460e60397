"""Connections to Postgres that never keep the caller waiting.

What belongs here: connecting, and giving up, in about a second. What does not: what is said over them (postgres.py).
A hung server does not answer a cancel request either, so what is too slow has its socket cut.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

from psycopg import AsyncConnection

from callguard.errors import StoreDown
from callguard.store.sentences import translated

SECONDS = 1.0
"""How long a connection, a commit or a sign of life may take."""
T = TypeVar("T")


async def connect(dsn: str, statement_seconds: float = SECONDS) -> AsyncConnection:
    """A connection in autocommit, whose server gives up on a statement after STATEMENT_SECONDS. Raises StoreDown."""
    options = (
        f"-c statement_timeout={int(statement_seconds * 1000)} -c timezone=UTC -c synchronous_commit=on"
        " -c search_path=callguard"
    )
    with translated():
        try:
            async with asyncio.timeout(SECONDS):
                return await AsyncConnection.connect(
                    dsn, autocommit=True, options=options, application_name="callguard", prepare_threshold=2
                )
        except TimeoutError:
            raise StoreDown(f"Postgres does not let us in within {SECONDS:g} s.") from None


def cut(connection: AsyncConnection) -> None:
    """Shut the socket down, whatever the connection is doing: who waits on it gets an error at once."""
    if connection.closed:
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other end was faster
            return


async def within(connection: AsyncConnection, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of WORK, which uses CONNECTION. Too slow, or cancelled: the connection is cut.

    Raises StoreDown, StoreRefused.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        cut(connection)
        await asyncio.wait({task})
        task.exception()
        raise
    if not done:
        cut(connection)
    with translated():
        return await task

"""Connections to Postgres that never keep the caller waiting.

What belongs here: connecting, and giving up, in about a second. What does not: what is said over them (postgres.py).
A hung server does not answer a cancel request either, so what is too slow has its socket cut.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from psycopg import AsyncConnection

from callguard.errors import StoreDown
from callguard.store.sentences import translated

SECONDS = 1.0
"""How long a connection, a commit or a sign of life may take."""
_VANISHED = " -c tcp_keepalives_idle=3 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
"""A machine that vanishes says goodbye to nobody: within 10 s the server lets go of what it held, the lead too."""
T = TypeVar("T")

logging.getLogger("psycopg").setLevel(logging.ERROR)  # of each refusal it warns once more, in words for programmers


async def connect(dsn: str, statement_seconds: float = SECONDS, seconds: float = SECONDS) -> AsyncConnection:
    """A connection in autocommit, whose server gives up on a statement after STATEMENT_SECONDS.

    Raises StoreDown where it is not open within SECONDS.
    """
    options = (
        f"-c statement_timeout={int(statement_seconds * 1000)} -c timezone=UTC -c synchronous_commit=on"
        " -c search_path=callguard" + _VANISHED
    )
    with translated():
        try:
            async with asyncio.timeout(seconds):
                return await AsyncConnection.connect(
                    dsn, autocommit=True, options=options, application_name="callguard", prepare_threshold=2
                )
        except TimeoutError:
            raise StoreDown(f"Postgres does not let us in within {seconds:g} s.") from None


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


class Kept:
    """One connection that stays open for short questions, which cost less than opening it. Questions take turns."""

    def __init__(self, dsn: str) -> None:
        """Connects with the first question."""
        self._dsn = dsn
        self._connection: AsyncConnection | None = None
        self._opening = asyncio.Lock()

    async def ask(self, question: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """What QUESTION comes to. A connection that broke while nobody used it is opened anew.

        Raises StoreDown, StoreRefused.
        """
        if self._connection and not self._connection.closed:
            with suppress(StoreDown):
                return await within(self._connection, SECONDS, question(self._connection))
        connection = await self._open()
        return await within(connection, SECONDS, question(connection))

    async def close(self) -> None:
        """Let go."""
        connection, self._connection = self._connection, None
        if connection:
            cut(connection)
            await connection.close()

    async def _open(self) -> AsyncConnection:
        async with self._opening:
            if self._connection is None or self._connection.closed:
                self._connection = await connect(self._dsn)
            return self._connection

"""Who leads: of several controllers for one PBX only the one that holds its lock in Postgres.

What belongs here: taking the lock, keeping it over a lost connection. What does not: what a controller does with it.
The lock belongs to a connection: a controller that dies loses it at once. While Postgres is away nobody else can take
it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

from psycopg import AsyncConnection

from callguard.errors import BadInput, StoreDown
from callguard.store.link import SECONDS, connect, cut, within

PATIENCE = 3.0
"""Seconds that a controller which has just ended may still seem to lead."""
EVERY = 2.0
"""Seconds between two looks."""
_TRY = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


@dataclass
class Lead:
    """The lock of one PBX. Make it anywhere; use it in one event loop."""

    dsn: str = field(repr=False)
    tenant: str
    pbx_id: str
    patience: float = PATIENCE
    every: float = EVERY
    _connection: AsyncConnection | None = None

    async def take(self) -> None:
        """Lead from now on. Raises BadInput where another controller does, StoreDown."""
        end = asyncio.get_running_loop().time() + self.patience
        while not await self._taken():
            if asyncio.get_running_loop().time() >= end:
                raise BadInput(
                    f"another controller leads PBX {self.pbx_id} of tenant {self.tenant}: only one may. "
                    "`callguard run --replace` there takes its calls over; another PBX needs a pbx_id of its own"
                )
            await asyncio.sleep(0.1)

    async def keep(self) -> NoReturn:
        """Look after the lock until cancelled. Raises BadInput where another controller took it meanwhile."""
        while True:
            await asyncio.sleep(self.every)
            with suppress(StoreDown):
                if not await self._held():
                    await self.take()

    async def close(self) -> None:
        """Lead no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            cut(connection)
            await connection.close()

    async def _held(self) -> bool:
        if self._connection is None or self._connection.closed:
            return False
        try:
            await within(self._connection, SECONDS, self._connection.execute("SELECT 1"))
        except StoreDown:
            await self.close()
            return False
        return True

    async def _taken(self) -> bool:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self.dsn)
        answer = await within(self._connection, SECONDS, self._connection.execute(_TRY, (self._key,)))
        row = await answer.fetchone()
        return bool(row and row[0])

    @property
    def _key(self) -> str:
        return f"callguard/{self.tenant}/{self.pbx_id}"

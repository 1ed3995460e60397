"""Writes down what was put into force, and what became of incidents, now or as soon as the log is there.

What belongs here: entries that wait, and who is told that they do. What does not: whether a policy may be put into
force (cli/approval.py), the rows (store/activation.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from callguard.engine import clock
from callguard.errors import StoreDown, StoreRefused
from callguard.ports import ActivationRow, IncidentRow, Register
from callguard.store.activation import following

RETRY = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was put into force `at` a time, or what became of `incident` then; `kind`, `version` and `content` as in
    ports.ActivationRow."""

    at: datetime
    kind: str
    version: str
    author: str
    reason: str
    content: Mapping[str, Any]
    incident: IncidentRow | None = None


async def enter(register: Register, tenant: str, entry: Entry) -> ActivationRow | None:
    """The row that ENTRY became; None where its version is in force already, or its incident has that entry. Raises
    StoreDown, and StoreRefused when somebody else was quicker."""
    rows = await register.activations(tenant)
    before = [row for row in rows if row.kind == entry.kind]
    if entry.version in [row.version for row in (before if entry.incident else before[-1:])]:
        return None
    row = following(
        rows,
        tenant=tenant,
        at=entry.at,
        kind=entry.kind,
        version=entry.version,
        author=entry.author,
        reason=entry.reason,
        content=entry.content,
    )
    await register.activate(row, entry.incident)
    return row


def to_midnight() -> float:
    """Seconds until the next day begins (UTC): overrides end with their last one."""
    now = clock.read().wall.astimezone(UTC)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    return (tomorrow - now).total_seconds()


async def each_day(note: Callable[[], None], wait: Callable[[], float] = to_midnight) -> None:
    """NOTE what is in force at the beginning of each day, until cancelled. WAIT: seconds to the next one."""
    while True:
        await asyncio.sleep(wait())
        note()


@dataclass
class Registrar:
    """Enters what it is given, in order; a call never waits for it. `retry`: seconds between two tries."""

    register: Register
    tenant: str
    alert_by: Callable[[str, str], None]
    retry: float = RETRY
    waiting: asyncio.Queue[Entry] = field(default_factory=asyncio.Queue)

    def note(self, entry: Entry) -> None:
        """ENTRY is in force."""
        self.waiting.put_nowait(entry)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._enter(await self.waiting.get())

    async def _enter(self, entry: Entry) -> None:
        told = False
        while True:
            try:
                await enter(self.register, self.tenant, entry)
                return
            except (StoreDown, StoreRefused):
                if not told:
                    self.alert_by("activation_not_recorded", "")
                told = True
            await asyncio.sleep(self.retry)

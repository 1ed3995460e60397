"""The event log in Postgres: one writer task that commits what has gathered, reads on connections of their own.

What belongs here: PostgresLog. What does not: rows -> SQL (statement.py), connections and time limits (link.py), roles
and tables (schema.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from callguard.core.events import Remembered
from callguard.core.jurisdiction import RulePack
from callguard.errors import CallguardError, ConfigError, StoreDown, StoreRefused, StoreUnfit
from callguard.ports import (
    ActivationRow,
    Batch,
    CallRow,
    IncidentRow,
    KeptAnswer,
    PartyRow,
    RawRow,
    RecordingRow,
    StoredCall,
    Wanted,
)
from callguard.store.keys import MasterKey
from callguard.store.link import SECONDS, Kept, connect, cut, within
from callguard.store.query import QUERIES
from callguard.store.sentences import translated
from callguard.store.statement import Sealer, Statement, activation, event_from, key_month, months, statements

GROUP = 50
"""At most so many appends share a transaction, so that it stays far below its time limit."""
PAGE = 500
READ_SECONDS = 30.0
PATIENCE_SECONDS = 5.0
"""To open a connection for a read: no caller waits for it, and a busy machine is no lost database."""
MONTH_SECONDS = 5.0
PURGE_SECONDS = 600.0
ALL_TIME = datetime(1970, 1, 1, tzinfo=UTC)
Values = Mapping[str, Any]
_Ask = Callable[[str, Values], Coroutine[Any, Any, list[dict[str, Any]]]]


@dataclass(eq=False)
class _Job:
    """One `append` that waits for its commit."""

    statements: list[Statement]
    months: set[date]
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def settle(self, error: CallguardError | None = None) -> None:
        if self.done.done():  # settled before, or its caller was cancelled
            return
        if error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)


class PostgresLog:
    """ports.EventLog, ports.Register and ports.Answers on Postgres, as callguard_app.

    Made by `open`; belongs to the event loop that opened it.
    """

    def __init__(self, dsn: str, master_key: MasterKey) -> None:
        """Use `PostgresLog.open`."""
        self._dsn = dsn
        self._sealer = Sealer(master_key)
        self._asked = Kept(dsn)
        self._connection: AsyncConnection | None = None
        self._months: set[date] = set()
        self._packs: dict[str, RulePack] = {}
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, dsn: str, master_key: MasterKey) -> PostgresLog:
        """Connect and make this month's and the next month's partitions. Raises StoreDown, StoreRefused."""
        log = cls(dsn, master_key)
        await log._ensure(await log._connected(), _this_and_next(datetime.now(UTC).date()))
        log._writer = asyncio.create_task(log._write(), name="event log writer")
        return log

    async def append(self, batches: Sequence[Batch]) -> None:
        """Durable on return; without batches it asks whether the store is there.

        Cancelling the caller leaves the rows to their fate: all are stored, or none.
        Raises StoreDown, or StoreRefused when the database says no to these rows (nothing of them is stored then).
        """
        rows = [statement for batch in batches for statement in statements(batch, self._sealer)]
        await self._put(rows, set().union(*map(months, batches)))

    async def load(self, call_id: str) -> StoredCall | None:
        """The call with this id, PBX unique id or linkedid (the newest of several), or None."""
        async with self._reading() as read:
            heads = await read("find_call", {"id": call_id})
            if not heads:
                return None
            call = CallRow(**heads[0])
            place = {"call_month": call.call_month, "call_id": call.call_id}
            events, recordings, incidents = [await read(name, place) for name in ("events", "recordings", "incidents")]
        return StoredCall(
            call,
            tuple(map(event_from, events)),
            tuple(RecordingRow(**row) for row in recordings),
            tuple(IncidentRow(**row) for row in incidents),
            await self._rules(call.rule_pack),
        )

    async def _rules(self, version: str) -> RulePack | None:
        if version not in self._packs:
            for row in await self._read("rules", {"version": version}):
                with suppress(ConfigError):  # changed or cut: the call is without rules, and that is a finding
                    self._packs[version] = RulePack.from_data(row["content"], "rule_pack")
        return self._packs.get(version)

    async def keep_rules(self, pack: RulePack) -> None:
        """Durable on return: the rules that calls refer to by their version."""
        await self._put([("insert_rules", {"version": pack.version, "content": Jsonb(pack.as_data())})])

    async def activate(self, row: ActivationRow, incident: IncidentRow | None = None) -> None:
        """See ports.Register. Raises StoreDown, StoreRefused."""
        beside = Batch(incidents=(incident,) if incident else ())
        rows = [activation(row, self._sealer), *statements(beside, self._sealer)]
        await self._put(rows, {key_month(row)} | months(beside))

    async def known(self, recording_ids: Sequence[str]) -> frozenset[str]:
        """Which of RECORDING_IDS are recordings of ours."""
        rows = await self._read("known_recordings", {"ids": list(recording_ids)})
        return frozenset(row["recording_id"] for row in rows)

    async def activations(self, tenant: str) -> tuple[ActivationRow, ...]:
        """The whole register of TENANT in order of seq; nothing was said in one whose key was destroyed."""
        return tuple(map(self._sealer.opened_activation, await self._read("activations", {"tenant": tenant})))

    async def _put(self, rows: list[Statement], wanted: set[date] | None = None) -> None:
        """Durable on return. WANTED: the months that ROWS need."""
        if self._writer is None or self._writer.done():
            raise StoreDown("The event log is closed.")
        job = _Job(rows, wanted or set())
        self._queue.put_nowait(job)
        await job.done

    async def calls(self) -> AsyncIterator[CallRow]:
        """The heads of all calls, newest first; read page by page, so that no connection is held between."""
        last: Values = {"started_at": "infinity", "call_id": ""}
        while page := await self._read("calls", {**last, "page": PAGE}):
            for row in page:
                yield CallRow(**row)
            last = page[-1]

    async def dialplans(self, since: datetime) -> dict[str, str]:
        """By call since then: the version of the dialplan that it came by, where that said so."""
        return {row["call_id"]: row["dialplan"] for row in await self._read("dialplans", {"since": since})}

    async def find_incidents(self, wanted: Wanted) -> tuple[IncidentRow, ...]:
        """Incidents of all calls and of none, oldest first."""
        return tuple(IncidentRow(**row) for row in await self._read("find_incidents", asdict(wanted)))

    async def party(self, call_id: str) -> tuple[PartyRow, ...]:
        """The parties of a call, in the clear; one whose key was destroyed has no values. Raises CannotDecrypt."""
        return tuple(map(self._sealer.opened_party, await self._read("parties", {"call_id": call_id})))

    async def raw(self, call_id: str) -> tuple[RawRow, ...]:
        """The raw messages of a call that can still be opened. Raises CannotDecrypt."""
        return tuple(map(self._sealer.opened_raw, await self._read("raw", {"call_id": call_id})))

    async def erase_key(self, key_id: str) -> bool:
        """Destroy a key, which is erasure of what it sealed; a party's key has the party's id, that of an entry
        of the register its key_id. Whether it was there."""
        return await self._delete("erase_key", {"key_id": key_id}) > 0

    async def answer_of(self, tenant: str, number: str, call_type: str, at: datetime) -> Remembered:
        """See ports.Answers. A caller waits for it: it goes over a connection that stays open."""
        code = self._sealer.search_hmac(number)
        values = {"tenant": tenant, "search_hmac": code, "call_type": call_type, "at": at}
        found = await self._asked.ask(lambda connection: _fetch(connection, "answer_of", values)) if code else []
        return Remembered(found[0]["answer"]) if found else Remembered.NOTHING

    async def answers(self, tenant: str) -> tuple[KeptAnswer, ...]:
        """See ports.Answers."""
        return tuple(map(_kept, await self._read("answers", {"tenant": tenant})))

    async def answers_of(self, tenant: str, number: str) -> tuple[KeptAnswer, ...]:
        """See ports.Answers."""
        values = {"tenant": tenant, "search_hmac": self._sealer.search_hmac(number)}
        return tuple(map(_kept, await self._read("answers_of", values)))

    async def forget_answers(self, tenant: str, number: str) -> int:
        """See ports.Answers."""
        values = {"tenant": tenant, "search_hmac": self._sealer.search_hmac(number)}
        return await self._delete("forget_answers", values)

    async def forget_expired(self, tenant: str, at: datetime) -> int:
        """See ports.Answers."""
        return await self._delete("forget_expired", {"tenant": tenant, "at": at})

    async def _delete(self, name: str, values: Values) -> int:
        """How many rows went."""
        connection = await connect(self._dsn)
        async with connection:
            cursor = await within(connection, SECONDS, connection.execute(QUERIES[name], values))
        return cursor.rowcount

    async def purge_raw(self, before: datetime, since: datetime = ALL_TIME) -> int:
        """Destroy the keys of raw messages that were all written before BEFORE, of calls that began at SINCE or later.

        How many calls that concerned. Raises StoreDown, StoreRefused.
        """
        connection = await connect(self._dsn, PURGE_SECONDS)
        async with connection:
            run = connection.execute(QUERIES["purge_raw"], {"before": before, "since": since})
            cursor = await within(connection, PURGE_SECONDS, run)
        return cursor.rowcount

    async def wait_lost(self) -> None:
        """Return when the store has gone away: at once when its socket closes, within 2 s when it hangs."""
        try:
            connection = await connect(self._dsn)
        except StoreDown:
            return
        try:
            while True:
                await _silence(connection)
                await within(connection, SECONDS, connection.execute("SELECT 1"))
        except StoreDown:
            return
        finally:
            await connection.close()

    async def close(self) -> None:
        """Let go; appends that wait are refused."""
        if self._writer:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        await self._asked.close()
        await self._drop()

    async def _write(self) -> None:
        jobs: list[_Job] = []
        try:
            while True:
                jobs = [await self._queue.get()]
                while len(jobs) < GROUP and not self._queue.empty():
                    jobs.append(self._queue.get_nowait())
                await self._commit(jobs)
        finally:  # whatever ended this task, nobody waits for ever
            _settle([*jobs, *self._take()], StoreDown("The event log is closed."))

    def _take(self) -> list[_Job]:
        """Everything that waits."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    async def _commit(self, jobs: list[_Job]) -> None:
        """Commit JOBS together; when the database refuses, one by one, so that only the culprit fails."""
        try:
            await self._transact(jobs)
        except StoreRefused as error:
            if len(jobs) == 1 or isinstance(error, StoreUnfit):
                return _settle(jobs, error)
            for job in jobs:
                await self._commit([job])
        except StoreDown as error:
            await self._drop()
            _settle([*jobs, *self._take()], error)  # who waits behind would only wait for the same
        else:
            _settle(jobs)

    async def _transact(self, jobs: list[_Job]) -> None:
        connection = await self._connected()
        await self._ensure(connection, set().union(*(job.months for job in jobs)))
        await within(connection, SECONDS, _run(connection, [row for job in jobs for row in job.statements]))

    async def _ensure(self, connection: AsyncConnection, wanted: set[date]) -> None:
        """Make the partitions that are not known to be there; that may take longer than an append."""
        missing: list[Statement] = [("ensure_month", {"call_month": month}) for month in sorted(wanted - self._months)]
        if missing:
            await within(connection, SECONDS, connection.execute("SELECT 1"))  # a hung server gets no more than that
            await within(connection, MONTH_SECONDS, _run(connection, missing, MONTH_SECONDS))
            self._months |= wanted

    async def _connected(self) -> AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._dsn)
        return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            cut(connection)
            await connection.close()

    async def _read(self, name: str, values: Values) -> list[dict[str, Any]]:
        async with self._reading() as read:
            return await read(name, values)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[_Ask]:
        """Questions over one connection: opening one takes longer than a question."""
        connection = await connect(self._dsn, READ_SECONDS, PATIENCE_SECONDS)
        async with connection:
            yield lambda name, values: within(connection, READ_SECONDS, _fetch(connection, name, values))


async def _silence(connection: AsyncConnection) -> None:
    """Nobody notifies: this waits for the socket to close, which is StoreDown, or so long."""
    with translated():
        async for _ in connection.notifies(timeout=SECONDS):
            pass


async def _run(connection: AsyncConnection, rows: Iterable[Statement], seconds: float = SECONDS) -> None:
    """All ROWS in one transaction, sent without waiting for each answer."""
    async with connection.pipeline(), connection.transaction():
        if seconds != SECONDS:
            await connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])
        for name, values in rows:
            await connection.execute(QUERIES[name], values)


async def _fetch(connection: AsyncConnection, name: str, values: Values) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], values)
        return await cursor.fetchall()


def _kept(row: Mapping[str, Any]) -> KeptAnswer:
    return KeptAnswer(**{**row, "answer": Remembered(row["answer"])})


def _settle(jobs: Iterable[_Job], error: CallguardError | None = None) -> None:
    for job in jobs:
        job.settle(error)


def _this_and_next(today: date) -> set[date]:
    following = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    return {today.replace(day=1), following}

"""Retention as rows: what is due, ends that change, why something is there, runs and their chain.

What belongs here: SQL about retention. What does not: when something ends (core/retention.py), deleting (deletion.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from callguard.core.retention import OVER, Fact
from callguard.store.artefact import PAGE, Artefact, Artefacts
from callguard.store.chain import canonical
from callguard.store.keys import MasterKey

FIRST = bytes(32)
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Due:
    """What is over and still there: `due` to be deleted, `going` whose deletion is not finished, `held` by a legal
    hold. `oldest`: since when."""

    due: int
    going: int
    held: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Ending:
    """When something stored goes, if nothing changes."""

    kind: str
    call_type: str
    expires_at: datetime
    held: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `due` = `deleted`, since the run before, + `failed`, still there, + `held`. `seal`: the master key's
    over it and the seal of the run before."""

    run_id: str
    started_at: datetime
    ended_at: datetime
    due: int
    deleted: int
    failed: int
    held: int
    seal: bytes = b""


@dataclass(frozen=True, slots=True)
class Gone:
    """What retention deleted in a time, and how many seconds after its end: median, 95th percentile, longest."""

    count: int
    lag_p50: float
    lag_p95: float
    lag_max: float


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What stands for something that was deleted."""

    artefact_id: str
    kind: str
    reason: str
    expires_at: datetime
    marked_at: datetime
    deleted_at: datetime


@dataclass(frozen=True)
class Retention:
    """Over the connection of `rows`, of one tenant; `master` signs runs. Methods raise StoreDown, StoreRefused."""

    rows: Artefacts
    tenant: str
    master: MasterKey

    # ------------------------------------------------------------ what is there
    def due(self, now: datetime, but: Collection[str] = ()) -> tuple[Artefact, ...]:
        """Some of what is over and not held, without those BUT; what was derived first."""
        found = self.rows.ask("due", now=now, page=PAGE, but=list(but))
        return tuple(each for item in found for each in self.rows.find(artefact_id=item["artefact_id"]))

    def count_due(self, now: datetime) -> Due:
        """All that is over."""
        (row,) = self.rows.ask("count_due", now=now, over=OVER)
        return Due(**row)

    def ends(self) -> tuple[Ending, ...]:
        """When everything that is stored goes."""
        return tuple(Ending(**row) for row in self.rows.ask("ends"))

    def facts(self, recording_id: str | None = None) -> tuple[Fact, ...]:
        """What is known of everything that is there, or of one recording's."""
        found = self.rows.ask("facts", recording_id=recording_id)
        return tuple(Fact(**{**row, "cases": tuple(row["cases"])}) for row in found)

    def closed(self) -> dict[str, datetime]:
        """When the last case of each call was closed that was held and is held no more."""
        return {row["call_id"]: row["closed_at"] for row in self.rows.ask("closed", tenant=self.tenant)}

    def set_end(self, artefact_id: str, at: datetime) -> None:
        """It goes then."""
        self.rows.ask("set_end", artefact_id=artefact_id, at=at)

    def tombstones(self, recording_id: str) -> tuple[Tombstone, ...]:
        """What was deleted of a recording."""
        return tuple(Tombstone(**row) for row in self.rows.ask("find_tombstones", recording_id=recording_id))

    # ------------------------------------------------------------ runs
    def runs(self) -> tuple[Run, ...]:
        """Every run, oldest first."""
        return tuple(_run(row) for row in self.rows.ask("find_runs", tenant=self.tenant))

    def last(self) -> Run | None:
        """The newest run."""
        return next((_run(row) for row in self.rows.ask("last_run", tenant=self.tenant)), None)

    def waiting_since(self) -> datetime | None:
        """Since when there has been no run: the last one's end, or the first thing that was stored."""
        if last := self.last():
            return last.ended_at
        at: datetime | None = self.rows.ask("first_stored")[0]["at"]
        return at

    def note(self, began: datetime) -> Run:
        """The run that BEGAN then is over: it is counted by what it left and by the tombstones since the run before, so
        that one that was killed is counted with the next, and sealed behind that."""
        last, ended = self.last(), self.rows.ask("clock")[0]["now"]
        left = self.count_due(began)
        deleted = self.gone(last.ended_at if last else EVER, ended).count
        failed = left.due + left.going
        due = deleted + failed + left.held
        run = Run(str(uuid.uuid4()), min(began, ended), ended, due, deleted, failed, left.held)
        run = Run(**{**_values(run), "seal": self._seal(last.seal if last else FIRST, run)})
        self.rows.ask("insert_run", tenant=self.tenant, **_values(run))
        return run

    def unsealed(self, runs: Sequence[Run]) -> list[str]:
        """Ids of RUNS, from the first on, whose seal does not follow: one was changed, or is missing before it."""
        before, found = FIRST, []
        for run in runs:
            if run.seal != self._seal(before, run):
                found.append(run.run_id)
            before = run.seal
        return found

    def _seal(self, before: bytes, run: Run) -> bytes:
        said = {name: value for name, value in _values(run).items() if name != "seal"}
        return self.master.sign(before + canonical(said))

    def gone(self, since: datetime, until: datetime) -> Gone:
        """What retention deleted in that time."""
        (row,) = self.rows.ask("tombstones", tenant=self.tenant, over=OVER, since=since, until=until)
        return Gone(**row)

    def gone_otherwise(self, since: datetime, until: datetime) -> dict[str, int]:
        """How much was deleted in that time for other reasons."""
        found = self.rows.ask("count_other_tombstones", tenant=self.tenant, over=OVER, since=since, until=until)
        return {row["reason"]: row["count"] for row in found}


def _run(row: dict[str, Any]) -> Run:
    return Run(**{**row, "seal": bytes(row["seal"])})


def _values(run: Run) -> dict[str, Any]:
    return {field.name: getattr(run, field.name) for field in fields(run)}

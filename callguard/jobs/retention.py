"""The retention run: what is over is deleted, and the run says how much that was.

What belongs here: a run, ends that follow a changed policy. What does not: when something ends (core/retention.py), the
steps of a deletion (deletion.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callguard.core.policy import Policy
from callguard.core.retention import GRACE, OVER, End, Reason, Why, end_of, live_reason
from callguard.errors import CallguardError, Held, Unreachable
from callguard.jobs.deletion import PATIENCE, Deletion
from callguard.jobs.incident import Incidents
from callguard.store.artefact import Artefact
from callguard.store.retention import Retention, Run

DAILY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Change:
    """An artefact whose end is another under the policy of now."""

    row: Artefact
    end: End

    @property
    def shortens(self) -> bool:
        """Whether it would go sooner."""
        return self.end.at < self.row.expires_at


@dataclass(frozen=True)
class Retainer:
    """Deletes what is over. `policy`: what is in force, None where nothing is."""

    retention: Retention
    deletion: Deletion
    incidents: Incidents
    policy: Callable[[], Policy | None] = lambda: None

    def work(self) -> Run | None:
        """What a worker does every minute, one at a time: finish what was begun; a run where something is due, and at
        least one a day."""
        self.tell_missed()
        self.deletion.resume()
        now, last = self.deletion.now(), self.retention.last()
        if last and now - last.ended_at < DAILY:
            return self.run() if self.retention.count_due(now).due else None
        self.follow()
        self.escalate()
        return self.run()

    def missed(self) -> datetime | None:
        """Since when there has been no run, where that is longer than a day."""
        since = self.retention.waiting_since()
        return since if since and self.deletion.now() - since > GRACE else None

    def tell_missed(self) -> None:
        """A day without a run is an incident, once."""
        if since := self.missed():
            self.incidents.open("retention_missed", since.isoformat())

    def run(self) -> Run:
        """Delete what is over by now. Raises StoreDown; what the vault does not give up is counted as failed."""
        began = self.deletion.now()
        failed, in_a_row = set[str](), 0
        while in_a_row < PATIENCE and (rows := self.retention.due(began, failed)):
            for row in rows:
                try:
                    self.deletion.delete(row, OVER)
                    in_a_row = 0
                except Held:  # placed since it was listed
                    failed.add(row.artefact_id)
                except CallguardError as error:
                    failed.add(row.artefact_id)
                    in_a_row += isinstance(error, Unreachable)
                if in_a_row == PATIENCE:
                    break
        return self.retention.note(began)

    def escalate(self) -> None:
        """What has no reason to be there any more, and is there, is an incident."""
        now = self.deletion.now()
        for fact in self.retention.facts():
            if live_reason(fact, now)[0] is Reason.UNEXPLAINED:
                for row in self.deletion.artefacts.find(artefact_id=fact.artefact_id):
                    self.incidents.open("artefact_unexplained", row.artefact_id, row)

    # ------------------------------------------------------------ a changed policy
    def follow(self) -> None:
        """Give what is stored the later ends that the policy says. Sooner ones wait for somebody who has seen them."""
        policy = self.policy()
        if policy is None:
            return
        changes = list(self.changes(policy))
        self.apply(change for change in changes if not change.shortens)
        if any(change.shortens for change in changes):
            self.incidents.open("retention_unapplied", policy.version)

    def changes(self, policy: Policy) -> Iterator[Change]:
        """What ends at another time under POLICY. What is over is over."""
        now = self.deletion.now()
        rows = {row.artefact_id: row for row in self.deletion.artefacts.find()}
        stored = [row for row in rows.values() if row.state == "stored"]
        closed = self.retention.closed()
        ends = {row.artefact_id: _end(row, policy, now, closed.get(row.call_id)) for row in stored}
        for row in stored:
            end = ends[row.artefact_id]
            if row.parent_id:  # one that is gone bounds what was made of it as it did
                parent = ends.get(row.parent_id)
                end = replace(end, at=min(end.at, parent.at if parent else rows[row.parent_id].expires_at))
            if end.at != row.expires_at and row.expires_at > now:
                yield Change(row, end)

    def close(self, call_ids: Collection[str]) -> int:
        """The last case of these calls was closed: what their call types say of that holds at once. How much ends
        sooner by it."""
        policy = self.policy()
        changes = list(self.changes(policy)) if policy else []
        own = [each for each in changes if each.row.call_id in call_ids and each.end.why is Why.CLOSED]
        self.apply(own)
        return len(own)

    def apply(self, changes: Iterable[Change]) -> None:
        """Give each its end: all, or none. What something was derived from comes first."""
        with self.deletion.artefacts.transaction():
            for change in sorted(changes, key=lambda change: change.row.parent_id is not None):
                self.retention.set_end(change.row.artefact_id, change.end.at)


def _end(row: Artefact, policy: Policy, now: datetime, closed_at: datetime | None) -> End:
    """What would be over already ends now: how late it goes is counted from here."""
    end = end_of(row.kind, row.began_at, row.promised_until, policy.find(row.call_type), closed_at)
    return replace(end, at=max(end.at, now))

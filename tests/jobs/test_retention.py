"""The run: what is over goes and the count says so, whatever is killed or refused; ends follow the policy."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from callguard.core.policy import Policy, parse_policy
from callguard.core.retention import Why
from callguard.errors import ShelfDown
from callguard.jobs.retention import Retainer
from callguard.store.artefact import Artefact
from callguard.store.retention import EVER
from tests.jobs.site import DAYS, Place, now
from tests.store.conftest import Database


def policy(days: int, **others: object) -> Policy:
    return parse_policy({"call_type": {"support": {"purpose": "qa", "retention": {"audio": days}, **others}}})


def at(place: Place, when: datetime, in_force: Policy | None = None) -> Retainer:
    return replace(place.retainer, deletion=replace(place.deletion, now=lambda: when), policy=lambda: in_force)


@pytest.mark.requirement("S58")
def test_what_is_over_goes_and_the_run_adds_up(place: Place) -> None:
    old, kept, held = place.over(), place.stored(), place.over()
    child = place.derived(old)
    hold = place.hold(held)
    run = place.retainer.run()
    assert (run.due, run.deleted, run.failed, run.held) == (3, 2, 0, 1)
    assert place.objects() == {kept.object, held.object}
    assert {stone.artefact_id for stone in place.retention.tombstones(old.recording_id)} == {
        old.artefact_id,
        child.artefact_id,
    }
    place.holds.release([hold], {"reason": "settled", "by": "admin"})
    run = place.retainer.run()
    assert (run.deleted, run.held) == (1, 0) and place.objects() == {kept.object}
    assert place.retention.gone(EVER, run.ended_at).count == sum(each.deleted for each in place.retention.runs())


class Refusing:
    """A store that gives up nothing, or not one object."""

    def __init__(self, place: Place, *objects: str) -> None:
        self.objects, self.own, self.asked = objects, place.shelf, 0

    def delete(self, name: str) -> None:
        if not self.objects or name in self.objects:
            self.asked += 1
            raise ShelfDown("The vault is away.")
        self.own.delete(name)

    def size(self, name: str) -> int | None:
        return self.own.size(name)


def test_one_that_is_not_given_up_is_counted_and_told_when_it_lasts(place: Place) -> None:
    bad, good = place.over(2), place.over(1)
    shelf = Refusing(place, bad.object)
    broken = replace(place.retainer, deletion=replace(place.deletion, shelf=shelf))  # type: ignore[arg-type]
    run = broken.run()
    assert (run.deleted, run.failed) == (1, 1) and place.objects() == {bad.object}
    assert place.artefacts.key(bad.key_id) is None and good.object not in place.objects()
    at(place, now()).escalate()
    assert place.told == []
    at(place, now() + timedelta(days=2)).escalate()
    assert place.told == ["artefact_unexplained"] == place.kinds()
    assert place.deletion.resume() == 1 and place.retainer.run().deleted == 1


def test_a_store_that_is_away_is_not_asked_for_everything(place: Place) -> None:
    for _ in range(5):
        place.over()
    shelf = Refusing(place)
    broken = replace(place.retainer, deletion=replace(place.deletion, shelf=shelf))  # type: ignore[arg-type]
    run = broken.run()
    assert (run.failed, run.deleted, shelf.asked) == (5, 0, 3)
    assert broken.deletion.resume() == 0 and shelf.asked == 6
    assert place.deletion.resume() == 3 and place.retainer.run().deleted == 5


@pytest.mark.requirement("S85")
def test_a_worker_runs_where_something_is_due_and_once_a_day_and_a_missed_day_is_an_incident(place: Place) -> None:
    start = now()
    place.stored()
    assert at(place, start).work() and at(place, start + timedelta(hours=1)).work() is None
    place.over()
    run = at(place, start + timedelta(hours=2)).work()
    assert run and run.deleted == 1 and place.told == []
    assert at(place, now() + timedelta(hours=24.5)).work() and place.told == []
    assert at(place, now() + timedelta(hours=26)).work() and place.told == ["retention_missed"]


def test_a_vault_that_was_never_looked_through_is_an_incident_too(place: Place) -> None:
    assert at(place, now() + timedelta(days=9)).missed() is None
    row = place.stored()
    assert place.retainer.missed() is None
    later = at(place, now() + timedelta(days=2))
    assert later.missed() == place.only(row.recording_id).created_at
    for _ in range(2):
        later.tell_missed()
    assert place.told == ["retention_missed"]


# ------------------------------------------------------------ a changed policy
@pytest.mark.requirement("S57")
def test_ends_follow_the_policy_later_by_themselves_sooner_when_somebody_says_so(place: Place) -> None:
    row = place.stored()
    child = place.derived(row)
    began = row.began_at

    def ends() -> list[timedelta]:
        return [each.expires_at - began for each in place.artefacts.find(recording_id=row.recording_id)]

    assert list(place.retainer.changes(policy(DAYS))) == [] and ends() == [timedelta(days=DAYS)] * 2
    at(place, now(), policy(30)).follow()
    assert ends() == [timedelta(days=DAYS)] * 2 and place.told == ["retention_unapplied"]
    changes = list(place.retainer.changes(policy(30)))
    assert [(change.row.artefact_id, change.shortens, change.end.why) for change in changes] == [
        (row.artefact_id, True, Why.POLICY),
        (child.artefact_id, True, Why.POLICY),
    ]
    place.retainer.apply(changes)
    assert ends() == [timedelta(days=30)] * 2
    at(place, now(), policy(60)).follow()
    assert ends() == [timedelta(days=60)] * 2
    at(place, now(), policy(400)).follow()
    assert ends() == [timedelta(days=DAYS)] * 2  # no longer than was promised
    at(place, now(), policy(400, minimum_days=120)).follow()
    assert ends() == [timedelta(days=120), timedelta(days=DAYS)]  # a minimum is of the audio
    at(place, now(), None).follow()


@pytest.mark.requirement("S101")
def test_what_a_case_kept_ends_so_many_days_after_its_last_one_was_closed(place: Place) -> None:
    row, other = place.stored(), place.stored()
    child, said = place.derived(row), {"reason": "settled", "by": "admin"}
    policy = parse_policy({"call_type": {"support": {"purpose": "qa", "retention": {"audio": DAYS}, "closed_days": 7}}})
    retainer = replace(place.retainer, policy=lambda: policy)
    first, second = place.hold(row), place.hold(row, "case-2")
    place.holds.release([first], said)
    assert retainer.close({row.call_id}) == 0  # another case is open
    place.holds.release([second], said)
    assert retainer.close({row.call_id}) == 2 and retainer.close({row.call_id}) == 0
    ends = {each.artefact_id: each.expires_at for each in place.artefacts.find()}
    assert ends[row.artefact_id] == ends[child.artefact_id] != other.expires_at == ends[other.artefact_id]
    assert timedelta(days=6.9) < ends[row.artefact_id] - now() < timedelta(days=7)
    retainer.follow()  # nothing brings the later end back
    assert place.only(other.recording_id).expires_at == other.expires_at
    assert {each.artefact_id: each.expires_at for each in place.artefacts.find()} == ends
    place.retention.set_end(row.artefact_id, now() - timedelta(hours=1))
    assert retainer.run().deleted == 2 and place.only(other.recording_id).state == "stored"


def test_what_was_derived_never_outlives_its_audio(place: Place) -> None:
    row = place.stored()
    place.derived(row)
    own = policy(30, outputs=["audio", "transcript"])
    kind = own.call_types["support"]
    own = replace(own, call_types={"support": replace(kind, retention={**kind.retention, "transcript": 60})})
    changes = list(place.retainer.changes(own))
    assert {change.end.at - row.began_at for change in changes} == {timedelta(days=30)}


def test_an_end_that_has_passed_is_now(place: Place) -> None:
    row, over = place.stored(started=now() - timedelta(days=40)), place.over()
    (change,) = place.retainer.changes(policy(30))
    assert change.row == row and abs(change.end.at - now()) < timedelta(seconds=5)
    place.retainer.apply([change])
    assert list(place.retainer.changes(policy(30))) == [] and over.expires_at < now()
    assert place.retainer.run().deleted == 2


# ------------------------------------------------------------ killed
KILLED = """
import os, signal, sys
from pathlib import Path
from callguard.store.deletion import Deletions
from tests.jobs.site import Place
dsn, folder = sys.argv[1:]
left, bury = [4], Deletions.bury
def dies(self, row):
    left[0] -= 1
    os.kill(os.getpid(), signal.SIGKILL) if not left[0] else bury(self, row)
Deletions.bury = dies
with Place.open(dsn, Path(folder)) as place:
    place.retainer.run()
"""


@pytest.mark.requirement("S58")
def test_a_run_that_is_killed_is_counted_with_the_next(place: Place, database: Database) -> None:
    rows: list[Artefact] = [place.over() for _ in range(6)]
    command = [sys.executable, "-c", KILLED, database.app, str(place.folder)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert place.retention.runs() == () and 0 < len(place.objects()) < len(rows)
    run = place.retainer.work()
    assert run and (run.due, run.deleted, run.failed) == (6, 6, 0) and place.objects() == set()

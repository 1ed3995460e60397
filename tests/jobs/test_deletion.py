"""Deleting: in the order of steps, going on after a kill at each of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from dataclasses import replace

import pytest

from callguard.audio.vault.folder import Folder
from callguard.errors import Held, ShelfDown
from callguard.store.artefact import Wrapped
from tests.jobs.site import Place
from tests.store.conftest import Database


def tombstones(place: Place) -> list[tuple[str, str]]:
    asked = "SELECT artefact_id::text, reason FROM callguard.tombstone ORDER BY deleted_at"
    return place.artefacts.connection.execute(asked).fetchall()


@pytest.mark.requirement("S58")
def test_key_object_and_what_was_derived_go_and_tombstones_stay(place: Place) -> None:
    row, other = place.stored(), place.stored()
    child = place.derived(row)
    assert place.deletion.delete_recording(row.recording_id, "discarded") == 2
    assert place.objects() == {other.object} and place.artefacts.key(row.key_id) is None
    assert tombstones(place) == [(child.artefact_id, "discarded"), (row.artefact_id, "discarded")]
    assert {each.state for each in place.artefacts.find(recording_id=row.recording_id)} == {"deleted"}
    assert place.deletion.delete_recording(row.recording_id, "discarded") == 0 == place.deletion.resume()


def test_what_was_never_finished_goes_too(place: Place) -> None:
    row = place.stored()
    half = replace(
        row, artefact_id=str(uuid.uuid4()), part="left", key_id=uuid.uuid4(), object=f"{uuid.uuid4().hex}.cgv"
    )
    place.artefacts.begin(half, Wrapped(half.key_id, "0" * 16, b"x"))
    assert place.deletion.delete_recording(row.recording_id, "discarded") == 2
    assert {reason for _, reason in tombstones(place)} == {"discarded", "never stored"} and place.objects() == set()


class Clinging(Folder):
    """A store that says yes and keeps the object."""

    def delete(self, name: str) -> None:
        pass


def test_an_object_that_is_still_there_is_not_called_deleted(place: Place) -> None:
    row = place.stored()
    with pytest.raises(ShelfDown, match="still in the vault"):
        replace(place.deletion, shelf=Clinging(place.folder / "vault")).delete(row, "due")
    assert place.only(row.recording_id).state == "shredded" and tombstones(place) == []
    assert place.deletion.resume() == 1 and tombstones(place) == [(row.artefact_id, "due")]


KILLED = """
import os, signal, sys
from pathlib import Path
import callguard.audio.vault.folder as folder
from callguard.store.deletion import Deletions
from tests.jobs.site import Place
dsn, work, artefact_id, point = sys.argv[1:]
def dies(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
points = {"marked": (Deletions, "shred"), "shredded": (folder.Folder, "delete"), "deleted": (folder.Folder, "size"),
    "confirmed": (Deletions, "bury")}
owner, name = points[point]
setattr(owner, name, dies)
with Place.open(dsn, Path(work)) as place:
    (row,) = place.artefacts.find(artefact_id=artefact_id)
    place.deletion.delete(row, "due")
"""


@pytest.mark.requirement("S58")
def test_a_kill_anywhere_is_gone_on_from(place: Place, database: Database) -> None:
    points = ("marked", "shredded", "deleted", "confirmed")
    rows = [place.stored() for _ in points]
    running = [
        subprocess.Popen([sys.executable, "-c", KILLED, database.app, str(place.folder), row.artefact_id, point])
        for row, point in zip(rows, points, strict=True)
    ]
    assert [process.wait() for process in running] == [-signal.SIGKILL] * len(points)
    assert place.deletion.resume() == len(points)
    assert sorted(tombstones(place)) == sorted((row.artefact_id, "due") for row in rows)
    assert place.objects() == set() and not any(place.artefacts.key(row.key_id) for row in rows)
    assert os.listdir(place.spool.folder) == []


def test_what_a_store_clings_to_does_not_keep_the_rest_waiting(place: Place) -> None:
    rows = [place.stored() for _ in range(2)]
    clinging = replace(place.deletion, shelf=Clinging(place.folder / "vault"))
    for row in rows:
        with pytest.raises(ShelfDown):
            clinging.delete(row, "due")
    assert clinging.resume() == 0 and place.deletion.resume() == 2 and place.objects() == set()


def test_what_is_discarded_under_a_hold_goes_after_its_release(place: Place) -> None:
    row, held = place.stored(), place.derived
    child = held(row)
    hold = place.hold(row)
    with pytest.raises(Held):
        place.deletion.delete_recording(row.recording_id, "discarded")
    place.deletion.expire(row.recording_id)
    assert place.retainer.run().held == 2 and len(place.objects()) == 2
    place.holds.release([hold], {"reason": "settled", "by": "admin"})
    assert place.retainer.run().deleted == 2 and place.objects() == set()
    assert {stone.artefact_id for stone in place.retention.tombstones(row.recording_id)} == {
        row.artefact_id,
        child.artefact_id,
    }

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
from callguard.errors import ShelfDown
from callguard.jobs.deletion import Deletion
from callguard.store.artefact import Artefact, Measured, Wrapped
from tests.jobs.site import Place, now
from tests.store.conftest import Database


def deletion(place: Place) -> Deletion:
    return Deletion(place.artefacts, place.shelf, now)


def tombstones(place: Place) -> list[tuple[str, str]]:
    asked = "SELECT artefact_id::text, reason FROM callguard.tombstone ORDER BY deleted_at"
    return place.artefacts.connection.execute(asked).fetchall()


def transcript(place: Place, parent: Artefact) -> Artefact:
    """Something that was derived, in the vault."""
    row = replace(
        parent, artefact_id=str(uuid.uuid4()), kind="transcript", parent_id=parent.artefact_id, key_id=uuid.uuid4()
    )
    row = replace(row, object=f"{uuid.uuid4().hex}.cgv")
    place.artefacts.begin(row, Wrapped(row.key_id, "0" * 16, b"x"))
    place.shelf.put(row.object, [b"words"])
    place.artefacts.stored(row.artefact_id, row.key_id, Measured(5, bytes(32), 5, bytes(32)))
    return row


@pytest.mark.requirement("S11")
def test_key_object_and_what_was_derived_go_and_tombstones_stay(place: Place) -> None:
    row, other = place.stored(), place.stored()
    child = transcript(place, row)
    assert deletion(place).delete_recording(row.recording_id, "discarded") == 2
    assert place.objects() == {other.object} and place.artefacts.key(row.key_id) is None
    assert tombstones(place) == [(child.artefact_id, "discarded"), (row.artefact_id, "discarded")]
    assert {each.state for each in place.artefacts.find(recording_id=row.recording_id)} == {"deleted"}
    assert deletion(place).delete_recording(row.recording_id, "discarded") == 0 == deletion(place).resume()


def test_what_was_never_finished_goes_too(place: Place) -> None:
    row = place.stored()
    half = replace(
        row, artefact_id=str(uuid.uuid4()), part="left", key_id=uuid.uuid4(), object=f"{uuid.uuid4().hex}.cgv"
    )
    place.artefacts.begin(half, Wrapped(half.key_id, "0" * 16, b"x"))
    assert deletion(place).delete_recording(row.recording_id, "discarded") == 2
    assert {reason for _, reason in tombstones(place)} == {"discarded", "never stored"} and place.objects() == set()


class Clinging(Folder):
    """A store that says yes and keeps the object."""

    def delete(self, name: str) -> None:
        pass


def test_an_object_that_is_still_there_is_not_called_deleted(place: Place) -> None:
    row = place.stored()
    with pytest.raises(ShelfDown, match="still in the vault"):
        replace(deletion(place), shelf=Clinging(place.folder / "vault")).delete(row, "due")
    assert place.only(row.recording_id).state == "shredded" and tombstones(place) == []
    assert deletion(place).resume() == 1 and tombstones(place) == [(row.artefact_id, "due")]


KILLED = """
import os, signal, sys
from pathlib import Path
import callguard.audio.vault.folder as folder, callguard.jobs.deletion as deletion
from callguard.store.deletion import Deletions
from tests.jobs.site import Place, now
dsn, work, artefact_id, point = sys.argv[1:]
def dies(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
points = {"marked": (Deletions, "shred"), "shredded": (folder.Folder, "delete"), "deleted": (folder.Folder, "size"),
    "confirmed": (Deletions, "bury")}
owner, name = points[point]
setattr(owner, name, dies)
with Place.open(dsn, Path(work)) as place:
    (row,) = place.artefacts.find(artefact_id=artefact_id)
    deletion.Deletion(place.artefacts, place.shelf, now).delete(row, "due")
"""


@pytest.mark.requirement("S11")
def test_a_kill_anywhere_is_gone_on_from(place: Place, database: Database) -> None:
    points = ("marked", "shredded", "deleted", "confirmed")
    rows = [place.stored() for _ in points]
    running = [
        subprocess.Popen([sys.executable, "-c", KILLED, database.app, str(place.folder), row.artefact_id, point])
        for row, point in zip(rows, points, strict=True)
    ]
    assert [process.wait() for process in running] == [-signal.SIGKILL] * len(points)
    assert deletion(place).resume() == len(points)
    assert sorted(tombstones(place)) == sorted((row.artefact_id, "due") for row in rows)
    assert place.objects() == set() and not any(place.artefacts.key(row.key_id) for row in rows)
    assert os.listdir(place.spool.folder) == []

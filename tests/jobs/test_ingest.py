"""From the spool into the vault: the order of things, and a kill at every point of it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callguard.audio.vault.folder import Folder
from callguard.audio.vault.keyring import PublicKey
from callguard.errors import BadContainer, BadInput, NotThere, ShelfDown
from callguard.jobs.ingest import Outcome
from callguard.jobs.keep import Busy
from callguard.store.artefact import Artefacts
from tests.jobs.site import PAIR, Place, now, write_wav
from tests.store.conftest import Database


@pytest.mark.requirement("S5")
@pytest.mark.requirement("S57")
@pytest.mark.requirement("S86")
def test_a_recording_is_sealed_stored_and_leaves_the_spool(place: Place) -> None:
    recording_id = place.ended()
    content = place.spool.path(recording_id, "whole").read_bytes()
    assert place.ingest.run(recording_id) is Outcome.STORED
    row = place.only(recording_id)
    assert place.left() == [] and place.objects() == {row.object} and place.kinds() == []
    assert place.heard(recording_id) == content
    assert (row.state, row.kind, row.part, row.plain_size) == ("stored", "audio", "whole", len(content))
    assert row.plain_sha256 == hashlib.sha256(content).digest() and row.expires_at == row.promised_until
    raw = place.shelf.fetch(row.object, 0, row.size or 0)
    assert row.sha256 == hashlib.sha256(raw).digest() and b"RIFF" not in raw
    assert place.opened(row).read(44, 1000) == content[44:1000]


@pytest.mark.requirement("S29")
def test_names_in_the_vault_say_nothing(place: Place) -> None:
    row = place.stored()
    for word in (row.recording_id, row.call_id, row.artefact_id, row.key_id.hex, row.call_type):
        assert word.replace("-", "") not in row.object
    assert [path.suffix for path in (place.folder / "vault").rglob("*") if path.is_file()] == [".cgv"]


def test_done_twice_it_comes_to_the_same(place: Place) -> None:
    recording_id = place.ended()
    content = place.spool.path(recording_id, "whole").read_bytes()
    place.ingest.run(recording_id)
    row = place.only(recording_id)
    assert place.ingest.run(recording_id) is Outcome.WAS_STORED
    place.spool.path(recording_id, "whole").write_bytes(content)  # a crash before the shredding
    assert place.ingest.run(recording_id) is Outcome.WAS_STORED
    assert place.left() == [] and place.only(recording_id) == row


def test_another_file_under_a_stored_name_is_kept_and_told(place: Place) -> None:
    recording_id = place.stored().recording_id
    write_wav(place.spool.path(recording_id, "whole"), seed=99)
    assert place.ingest.run(recording_id) is Outcome.WAS_STORED
    assert len(place.left()) == 1 and place.kinds() == ["spool_differs"] == place.told


def test_a_spool_file_is_not_shredded_while_its_object_is_gone(place: Place) -> None:
    row = place.stored()
    place.shelf.delete(row.object)
    write_wav(place.spool.path(row.recording_id, "whole"))
    with pytest.raises(NotThere):
        place.ingest.run(row.recording_id)
    assert len(place.left()) == 1


def test_legs_that_could_not_be_joined_are_kept_each(place: Place) -> None:
    recording_id = place.ended("damaged", content=b"")
    place.spool.path(recording_id, "whole").unlink()
    for part in ("left", "right"):
        place.spool.path(recording_id, part).write_bytes(part.encode())
    assert place.ingest.run(recording_id) is Outcome.STORED
    rows = place.artefacts.find(recording_id=recording_id)
    assert {row.part: b"".join(place.opened(row).blocks()) for row in rows} == {"left": b"left", "right": b"right"}
    assert place.left() == []


def test_legs_beside_their_whole_go_with_it(place: Place) -> None:
    recording_id = place.ended()
    place.spool.path(recording_id, "left").write_bytes(b"leg")
    place.ingest.run(recording_id)
    assert place.left() == [] and place.only(recording_id).part == "whole"


def test_what_is_no_sound_is_kept_as_it_is(place: Place) -> None:
    for content in (b"", b"RIFF", bytes(70_000)):
        recording_id = place.ended("damaged", content=content)
        place.ingest.run(recording_id)
        assert place.heard(recording_id) == content and place.left() == []


def test_a_file_that_is_not_the_one_of_the_verdict_is_stored_and_told(place: Place) -> None:
    recording_id = place.ended(sha256="00" * 32)
    assert place.ingest.run(recording_id) is Outcome.STORED
    assert place.kinds() == ["recording_changed"] and place.left() == []


def test_a_recording_whose_file_is_gone_is_told_once(place: Place) -> None:
    recording_id = place.ended()
    place.spool.path(recording_id, "whole").unlink()
    assert [place.ingest.run(recording_id) for _ in range(2)] == [Outcome.GONE] * 2
    assert place.kinds() == ["recording_gone"] == place.told


def test_what_has_not_ended_is_not_touched(place: Place) -> None:
    for recording_id in (place.ended("growing"), place.ended("discarded"), "unknown"):
        with pytest.raises(BadInput):
            place.ingest.run(recording_id)
    assert len(place.left()) == 2 and place.objects() == set()


def test_what_is_no_regular_file_is_refused_at_once(place: Place) -> None:
    recording_id = place.ended("damaged")
    path = place.spool.path(recording_id, "whole")
    for make in (Path.mkdir, os.mkfifo, lambda odd: odd.symlink_to("/etc/hostname")):
        path.rmdir() if path.is_dir() else path.unlink()
        make(path)
        with pytest.raises(BadInput):
            place.ingest.run(recording_id)
    assert place.objects() == set()


class Lying(Folder):
    """A store that gives back other bytes than it got."""

    def put(self, name: str, blocks: Iterable[bytes]) -> None:
        raw = bytearray(b"".join(blocks))
        raw[-1] ^= 1
        super().put(name, [bytes(raw)])


class Full(Folder):
    """A store whose disk is full half-way."""

    def put(self, name: str, blocks: Iterable[bytes]) -> None:
        raise ShelfDown("The vault's directory cannot be used: No space left on device.")


@pytest.mark.requirement("S5")
@pytest.mark.parametrize(("store", "error"), [(Lying, BadContainer), (Full, ShelfDown)])
def test_a_store_that_fails_costs_no_audio(place: Place, store: type[Folder], error: type[Exception]) -> None:
    recording_id = place.ended()
    content = place.spool.path(recording_id, "whole").read_bytes()
    with pytest.raises(error):
        replace(place.ingest, shelf=store(place.folder / "vault")).run(recording_id)
    assert place.left() == [f"{recording_id}.wav"] and place.only(recording_id).state == "writing"
    assert place.ingest.run(recording_id) is Outcome.STORED
    assert place.heard(recording_id) == content and len(place.objects()) == 1


def test_without_a_key_nothing_is_stored(place: Place) -> None:
    def none() -> PublicKey:
        raise BadInput("no key")

    recording_id = place.ended()
    with pytest.raises(BadInput, match="no key"):
        replace(place.ingest, public=none).run(recording_id)
    assert place.objects() == set() and place.artefacts.find() == () and len(place.left()) == 1


def test_two_workers_do_not_work_on_one_recording(place: Place, database: Database) -> None:
    recording_id = place.ended()
    with Artefacts.open(database.app) as other, other.turn(recording_id) as mine:
        assert mine
        with pytest.raises(Busy):
            place.ingest.run(recording_id)
    assert place.ingest.run(recording_id) is Outcome.STORED


def test_a_file_that_changes_meanwhile_is_not_shredded(place: Place) -> None:
    recording_id = place.ended()
    path = place.spool.path(recording_id, "whole")

    class Slow(Folder):
        def lock(self, name: str, until: datetime) -> None:
            with path.open("ab") as file:
                file.write(b"more")

    with pytest.raises(BadInput, match="changed"):
        replace(place.ingest, shelf=Slow(place.folder / "vault")).run(recording_id)
    assert place.left() == [path.name]


KILLED = """
import os, signal, sys
from pathlib import Path
import callguard.jobs.ingest as ingest, callguard.jobs.keep as keep, callguard.audio.vault.folder as folder
from tests.jobs.site import Place
dsn, work, recording_id, point = sys.argv[1:]
def dies(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
points = {
    "before the row": (ingest, "new_artefact"), "before the object": (folder.Folder, "put"),
    "in the object": (folder.os, "fsync"), "before the read back": (keep, "open_object"),
    "before the lock": (folder.Folder, "lock"), "before the row says so": (ingest.Artefacts, "stored"),
    "before the shredding": (ingest, "shred"), "in the shredding": (Path, "unlink"),
}
owner, name = points[point]
setattr(owner, name, dies)
with Place.open(dsn, Path(work)) as place:
    place.ingest.run(recording_id)
"""
POINTS = (
    "before the row|before the object|in the object|before the read back|before the lock|before the row says so|"
    "before the shredding|in the shredding"
).split("|")


@pytest.mark.requirement("S5")
def test_a_kill_anywhere_leaves_nothing_lost_doubled_or_readable(place: Place, database: Database) -> None:
    contents: dict[str, bytes] = {}
    running = {}
    for point in POINTS:
        recording_id = place.ended()
        contents[recording_id] = place.spool.path(recording_id, "whole").read_bytes()
        command = [sys.executable, "-c", KILLED, database.app, str(place.folder), recording_id, point]
        running[point] = subprocess.Popen(command)
    assert {point: process.wait() for point, process in running.items()} == dict.fromkeys(POINTS, -signal.SIGKILL)
    for recording_id in place.sweep.run().wanting:
        place.ingest.run(recording_id)
    assert [place.heard(recording_id) for recording_id in contents] == list(contents.values())
    assert place.left() == [] and len(place.objects()) == len(POINTS)
    assert place.objects() == {row.object for row in place.artefacts.find()}
    keys = place.artefacts.connection.execute("SELECT count(*) FROM callguard.artefact_key").fetchone()
    assert keys == (len(POINTS),) and place.kinds() == []


@pytest.mark.requirement("S11")
def test_a_recording_over_its_time_is_due_at_once(place: Place) -> None:
    assert place.stored(started=now() - timedelta(days=200)).expires_at < now()


def test_the_writer_cannot_read_what_it_wrote(place: Place) -> None:
    key = place.artefacts.key(place.stored().key_id)
    assert key is not None and key.kid == PAIR.public.kid and not hasattr(PAIR.public, "unwrap")

"""A new key pair: everything is wrapped anew, nothing sealed anew, and a kill loses nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callguard.audio.vault.keyfile import ENVIRONMENT, Files, KeyFile
from callguard.audio.vault.keyring import Kind, load_public
from callguard.audio.vault.reading import open_object
from callguard.errors import CannotDecrypt
from callguard.jobs.rotation import rotate
from tests.jobs.site import Place, now


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.setenv(ENVIRONMENT, "a long passphrase")
    made = Files(tmp_path / "vault.pub", tmp_path / "vault.keys", tmp_path / "none")
    made.create(Kind.X25519, now())
    return made


def store(place: Place, files: Files, count: int) -> list[str]:
    ids = [place.ended() for _ in range(count)]
    for recording_id in ids:
        replace(place.ingest, public=lambda: load_public(files.public)).run(recording_id)
    return ids


def opens(place: Place, files: Files, recording_id: str) -> bool:
    row, keys = place.only(recording_id), files.open()
    key = place.artefacts.key(row.key_id)
    assert key is not None
    opened = open_object(place.shelf, row.object, keys.unwrap(key.kid, key.wrapped, key.key_id), row.key_id)
    return opened.measure()[1] == row.plain_sha256


@pytest.mark.requirement("S86")
def test_every_key_is_wrapped_anew_and_no_object_touched(place: Place, files: Files) -> None:
    ids = store(place, files, 3)
    before, objects = files.open().kids(), {name: place.shelf.fetch(name, 0, 10**6) for name in place.objects()}
    done = rotate(files, place.artefacts, Kind.HYBRID, now())
    assert (done.rewrapped, done.resumed, done.retired) == (3, False, ())
    assert load_public(files.public).kid == done.kid and place.artefacts.keys_by_pair() == {done.kid: 3}
    assert all(opens(place, files, recording_id) for recording_id in ids)
    assert objects == {name: place.shelf.fetch(name, 0, 10**6) for name in place.objects()}
    again = rotate(files, place.artefacts, Kind.X25519, now(), retire=True)
    assert set(again.retired) == {*before, done.kid} and files.open().kids() == (again.kid,)
    assert all(opens(place, files, recording_id) for recording_id in ids)


def test_a_rotation_that_was_cut_off_is_finished_not_begun_again(place: Place, files: Files) -> None:
    ids = store(place, files, 3)

    class Cut(Exception):
        pass

    class Half(type(place.artefacts)):  # type: ignore[misc]
        left = 1

        def rewrap(self, *keys: object) -> bool:
            if not self.left:
                raise Cut
            self.left -= 1
            return bool(super().rewrap(*keys))

    with pytest.raises(Cut):
        rotate(files, Half(place.artefacts.connection), Kind.X25519, now())
    assert sorted(place.artefacts.keys_by_pair().values()) == [1, 2]
    assert all(opens(place, files, recording_id) for recording_id in ids)
    done = rotate(files, place.artefacts, Kind.X25519, now())
    assert (done.resumed, done.rewrapped, done.kid) == (True, 2, files.open().kids()[-1])
    assert len(files.open().held) == 2 and all(opens(place, files, recording_id) for recording_id in ids)


def test_a_new_pair_whose_public_key_was_never_written_is_published(place: Place, files: Files) -> None:
    store(place, files, 1)
    files.open().with_new(Kind.X25519, now()).write()  # killed before the public key
    done = rotate(files, place.artefacts, Kind.X25519, now())
    assert done.resumed and load_public(files.public).kid == done.kid == files.open().kids()[-1]


def test_what_another_machine_wrapped_is_said(place: Place, files: Files) -> None:
    place.stored()
    other = KeyFile(files.private, "a long passphrase").with_new(Kind.X25519, now())
    other.write()
    with pytest.raises(CannotDecrypt, match=r"is not in vault\.keys"):
        rotate(files, place.artefacts, Kind.X25519, now())

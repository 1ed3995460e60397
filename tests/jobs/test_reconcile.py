"""Rows against objects against hashes: each kind of difference is named, and nothing else is."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from callguard.audio.vault.bucket import Bucket
from callguard.audio.vault.keyring import Kind, PrivateKey
from callguard.errors import CannotDecrypt
from callguard.jobs.ingest import new_artefact
from callguard.jobs.reconcile import check_bytes, check_opens, reconcile, sample
from callguard.store.artefact import Wrapped
from tests.audio.vault.s3 import S3
from tests.jobs.site import PAIR, Place, now
from tests.store.conftest import Database


class Keeper:
    """port.Custody with one pair."""

    def __init__(self, pair: PrivateKey = PAIR) -> None:
        self.pair = pair

    def kids(self) -> tuple[str, ...]:
        return (self.pair.public.kid,)

    def unwrap(self, kid: str, wrapped: bytes, key_id: uuid.UUID) -> bytes:
        if kid != self.pair.public.kid:
            raise CannotDecrypt("another pair")
        return self.pair.unwrap(wrapped, key_id)


def differences(place: Place, hashes: bool = False) -> list[tuple[str, str]]:
    found = reconcile(place.artefacts, place.shelf, now() + timedelta(hours=2), hashes=hashes)
    return sorted((item.what, item.object) for item in found.differences)


@pytest.mark.requirement("S93")
def test_each_difference_is_named(place: Place) -> None:
    whole, gone, cut, changed = [place.stored() for _ in range(4)]
    assert differences(place, hashes=True) == []
    orphan = f"{uuid.uuid4().hex}.cgv"
    place.shelf.put(orphan, [b"x"])
    place.shelf.delete(gone.object)
    raw = place.shelf.fetch(changed.object, 0, 10**6)
    place.shelf.put(cut.object, [b"short"])
    place.shelf.put(changed.object, [raw[:-1] + bytes([raw[-1] ^ 1])])
    ended = place.artefacts.recording(place.ended())
    assert ended is not None
    begun = new_artefact(ended, "whole", f"{uuid.uuid4().hex}.cgv", uuid.uuid4(), now())
    place.artefacts.begin(begun, Wrapped(begun.key_id, "0" * 16, b""))
    place.artefacts.put_key(Wrapped(uuid.uuid4(), "0" * 16, b""))
    expected = [
        ("key_without_row", ""),
        ("never_finished", begun.object),
        ("object_missing", gone.object),
        ("object_without_row", orphan),
        ("size_differs", cut.object),
    ]
    assert differences(place) == expected
    assert differences(place, hashes=True) == sorted(
        [*expected, ("hash_differs", changed.object), ("hash_differs", cut.object)]
    )
    done = reconcile(place.artefacts, place.shelf, now())
    assert (done.rows, done.objects) == (4, 4) and whole.object in place.objects()
    assert place.artefacts.remove_stray_keys() == 1


@pytest.mark.requirement("S63")
def test_audio_is_opened_and_compared(place: Place) -> None:
    row = place.stored()

    def found(keeper: Keeper, about: object = row) -> list[str]:
        return [item.what for item in check_opens(about, place.artefacts, place.shelf, keeper)]  # type: ignore[arg-type]

    assert found(Keeper()) == [] and list(check_bytes(row, place.shelf)) == []
    assert found(Keeper(PrivateKey.generate(Kind.X25519))) == ["does_not_open"]
    assert found(Keeper(), replace(row, plain_sha256=bytes(32))) == ["audio_differs"]
    assert found(Keeper(), replace(row, key_id=uuid.uuid4())) == ["key_missing"]
    place.shelf.delete(row.object)
    assert found(Keeper()) == ["does_not_open"]
    assert [item.what for item in check_bytes(row, place.shelf)] == ["object_missing"]


def test_a_sample_is_of_the_wanted_size(place: Place) -> None:
    row = place.stored()
    assert len(sample([row] * 9, 4)) == 4 and sample([row], 4) == [row]


@pytest.mark.requirement("S93")
def test_a_bucket_is_held_against_its_rows_too(place: Place, database: Database, s3: S3) -> None:
    with Place.open(database.app, place.folder, Bucket(s3.address("reconciled"))) as there:
        rows = [there.stored() for _ in range(2)]
        assert differences(there, hashes=True) == [] and there.heard(rows[0].recording_id)[:4] == b"RIFF"
        there.shelf.delete(rows[1].object)
        assert differences(there) == [("object_missing", rows[1].object)]

"""Deletions as rows: what one step does, and that none is done twice."""

from __future__ import annotations

from datetime import timedelta

from callguard.store.deletion import Deletions
from tests.jobs.conftest import place
from tests.jobs.site import Place, now

__all__ = ["place"]


def test_marked_once_shredded_then_buried(place: Place) -> None:
    row, own = place.stored(), Deletions(place.artefacts)
    assert [own.mark(row, "due", now()) for _ in range(2)] == [True, False]
    for _ in range(2):
        own.shred(row)
        assert place.only(row.recording_id).state == "shredded" and place.artefacts.key(row.key_id) is None
    for _ in range(2):
        own.bury(row)
    asked = "SELECT reason, plain_sha256 FROM callguard.tombstone"
    assert place.artefacts.connection.execute(asked).fetchall() == [("due", row.plain_sha256)]
    assert place.only(row.recording_id).state == "deleted" and own.derived(row) == ()


def test_an_end_comes_sooner_never_later(place: Place) -> None:
    row, own = place.stored(), Deletions(place.artefacts)
    own.expire(row, row.expires_at + timedelta(days=1))
    assert place.only(row.recording_id).expires_at == row.expires_at
    own.expire(row, at := now())
    assert place.only(row.recording_id).expires_at == at

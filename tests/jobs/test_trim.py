"""Trimming what is stored: beside it or in its place, with what the log says, and after a kill anywhere."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, LiteralString

import numpy as np
import pytest
from psycopg import errors as pg

from callguard.audio.trim import SAFE
from callguard.audio.trimmed import said_of
from callguard.audio.wav import WavReader, WavWriter
from callguard.core.policy import parse_call_type
from callguard.errors import ShelfDown
from callguard.jobs.derive import sound_of
from callguard.jobs.keep import Busy
from callguard.jobs.trim import Trim
from callguard.store.artefact import Artefact, Artefacts
from tests.audio.sound import silence, spoken, stereo
from tests.jobs.site import Place, now
from tests.store.conftest import Database

RATE = 8000


TALK = spoken("notice-short")


def call() -> bytes:
    """A long silence, talk, a long silence, talk; stereo."""
    left = np.concatenate([silence(8), TALK, silence(8), TALK])
    file = io.BytesIO()
    writer = WavWriter(file, RATE, 2)
    writer.write(stereo(left, silence(1)))
    writer.finish()
    return file.getvalue()


def trim(place: Place) -> Trim:
    return Trim(place.room, now, place.deletion)


def recording(place: Place, wish: str, content: bytes | None = None) -> Artefact:
    values: dict[str, Any] = {"purpose": "qa", "retention": {"audio": 90}, "trim": wish}
    kind = parse_call_type("support", values).as_data()
    recording_id = place.ended(content=call() if content is None else content, policy=kind)
    place.ingest.run(recording_id)
    return place.only(recording_id)


def plain(place: Place, row: Artefact) -> io.BytesIO:
    return io.BytesIO(b"".join(place.opened(row).blocks()))


@pytest.mark.requirement("S126")
def test_a_trimmed_copy_is_kept_beside_its_original_and_says_where_each_sample_was(place: Place) -> None:
    row = recording(place, "beside")
    assert trim(place).run(row.recording_id) == "trimmed" == trim(place).run(row.recording_id)
    original, copy = place.artefacts.find(recording_id=row.recording_id)
    assert (copy.kind, copy.parent_id, copy.expires_at) == ("trimmed", original.artefact_id, original.expires_at)
    said = said_of(plain(place, copy))
    assert said["original_sha256"] == (original.plain_sha256 or b"").hex() and said["settings"]["profile"] == "safe"
    with WavReader(plain(place, original)) as whole, WavReader(plain(place, copy)) as cut:
        before, after = whole.read(whole.frames), cut.read(cut.frames)
    assert len(TALK) < len(after) < len(before) - 14 * RATE and said["original_samples"] == len(before)
    for start, end, at in said["map"]:
        assert (after[at : at + end - start] == before[start:end]).all()
    assert sound_of((original, copy)) == [original]


@pytest.mark.requirement("S126")
def test_both_hashes_the_settings_and_what_became_of_the_original_are_in_an_event(place: Place) -> None:
    beside, instead, held = (recording(place, wish) for wish in ("beside", "instead", "instead"))
    place.hold(held)
    said = {}
    for row in (beside, instead, held):
        trim(place).run(row.recording_id)
        trim(place).run(row.recording_id)
        _, copy = place.artefacts.find(recording_id=row.recording_id)
        events = place.artefacts.events(row.recording_id)
        said[row.recording_id] = [event.type for event in events]
        for event in events:
            assert (event.artefact_id, event.parent_id) == (copy.artefact_id, row.artefact_id)
            assert (event.parent_sha256, event.sha256) == (row.plain_sha256, copy.plain_sha256)
        made, cut = events[0].data, hashlib.sha256(plain(place, copy).read())
        assert made["settings"] == {"profile": "safe", **SAFE.as_data(), "protected": [], "idle": []}
        assert made["original"] == ("kept" if row is beside else "shredded when this is stored")
        assert cut.digest() == events[0].sha256 and made["trimmed_samples"] < made["original_samples"]
    assert list(said.values()) == [["made"], ["made", "original_shredded"], ["made", "original_held"]]


def test_no_statement_of_the_application_changes_an_event_or_makes_a_false_one(place: Place) -> None:
    row = recording(place, "beside")
    trim(place).run(row.recording_id)
    before = place.artefacts.events(row.recording_id)
    refused: tuple[LiteralString, ...] = (
        "UPDATE callguard.artefact_event SET data = '{}'",
        "DELETE FROM callguard.artefact_event",
        "TRUNCATE callguard.artefact_event",
        "INSERT INTO callguard.artefact_event SELECT artefact_id, 'original_shredded', at, tenant, call_month, call_id,"
        " recording_id, kind, parent_id, parent_sha256, sha256, data FROM callguard.artefact_event",
        "INSERT INTO callguard.artefact_event SELECT artefact_id, 'original_held', at, tenant, call_month, call_id,"
        " recording_id, kind, parent_id, sha256, parent_sha256, data FROM callguard.artefact_event",
    )
    for statement in refused:
        with pytest.raises((pg.CheckViolation, pg.InsufficientPrivilege)):
            place.artefacts.connection.execute(statement)
    assert place.artefacts.events(row.recording_id) == before


@pytest.mark.requirement("S50")
def test_in_its_place_the_original_is_destroyed_and_the_trimmed_one_lives_on(place: Place) -> None:
    row = recording(place, "instead")
    assert trim(place).run(row.recording_id) == "trimmed, in its place"
    original, copy = place.artefacts.find(recording_id=row.recording_id)
    assert original.state == "deleted" and place.objects() == {copy.object} and sound_of((original, copy)) == [copy]
    assert [stone.reason for stone in place.retention.tombstones(row.recording_id)] == ["trimmed"]
    assert trim(place).run(row.recording_id) == "nothing is stored"
    place.retention.set_end(copy.artefact_id, sooner := now() + timedelta(days=3))
    assert place.artefacts.find(artefact_id=copy.artefact_id)[0].expires_at == sooner
    assert place.deletion.delete_recording(row.recording_id, "discarded") == 1 and place.objects() == set()


def test_a_legal_hold_keeps_the_original(place: Place) -> None:
    row = recording(place, "instead")
    place.hold(row)
    assert "legal hold" in trim(place).run(row.recording_id) and len(place.objects()) == 2


@pytest.mark.parametrize(
    ("wish", "content", "says"),
    [
        ("no", None, "call type"),
        ("instead", b"no sound", "not trimmed"),
        ("instead", b"", "not trimmed"),
        ("instead", call()[:44] + bytes(len(call()) - 44), "nobody is heard"),
    ],
)
def test_what_is_not_to_be_trimmed_stays_as_it_is(place: Place, wish: str, content: bytes | None, says: str) -> None:
    row = recording(place, wish, content)
    assert says in trim(place).run(row.recording_id) and place.objects() == {row.object}


@pytest.mark.requirement("S126")
def test_what_surrounds_a_key_is_kept(place: Place) -> None:
    quiet, told = recording(place, "beside"), str(uuid.uuid4())
    kind = parse_call_type("support", {"purpose": "qa", "retention": {"audio": 90}, "trim": "beside"}).as_data()
    begun, agreed = ("recording_acknowledged", {"recording_id": told}), ("consent_granted", {"how": "implied"})
    story = (begun, agreed, ("digit_pressed", {"digit": "x"}))
    place.ended(content=call(), policy=kind, told=story, recording_id=told)
    place.ingest.run(told)
    for recording_id in (quiet.recording_id, told):
        trim(place).run(recording_id)
    (_, without), (_, beside) = (place.artefacts.find(recording_id=each) for each in (quiet.recording_id, told))
    assert said_of(plain(place, beside))["map"][0][:2] == [0, 2 * RATE + 16]
    assert said_of(plain(place, without))["map"][0][0] > 7 * RATE


def test_what_was_cut_off_is_gone_on_from(place: Place, database: Database) -> None:
    row = recording(place, "instead")

    class Full(type(place.shelf)):  # type: ignore[misc]
        def put(self, name: str, blocks: Iterable[bytes]) -> None:
            raise ShelfDown("No space left.")

    with pytest.raises(ShelfDown):
        replace(trim(place), room=replace(place.room, shelf=Full(place.folder / "vault"))).run(row.recording_id)
    held = place.hold(row)
    assert "legal hold" in trim(place).run(row.recording_id)
    with Artefacts.open(database.app) as other, other.turn(row.recording_id), pytest.raises(Busy):
        trim(place).run(row.recording_id)
    place.holds.release([held], {"reason": "settled", "by": "admin"})
    assert trim(place).run(row.recording_id) == "trimmed, in its place" and len(place.objects()) == 1

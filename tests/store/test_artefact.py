"""Rows of the vault, and what the database itself refuses whoever asks."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import errors as pg

import callguard
from callguard.errors import StoreDown
from callguard.store.artefact import SQL, Artefacts, Measured, Wrapped
from tests.jobs.conftest import place
from tests.jobs.site import Place

__all__ = ["place"]


def test_every_statement_is_used() -> None:
    code = "".join(path.read_text() for path in Path(callguard.__file__).parent.rglob("*.py"))
    assert {name for name in SQL if f'"{name}"' not in code} == set()


def test_a_recording_says_who_promised_what(place: Place) -> None:
    ended = place.artefacts.recording(place.ended())
    assert ended and (ended.state, ended.call_type, ended.purpose, ended.pbx_id) == (
        "verified",
        "support",
        "qa",
        "pbx1",
    )
    assert len(ended.sha256) == 64 and ended.expires_at - ended.started_at == timedelta(days=90)
    assert place.artefacts.recording("none") is None


def test_a_writer_that_was_overtaken_does_not_say_stored(place: Place) -> None:
    row = place.stored()
    measured = Measured(1, bytes(32), 1, bytes(32))
    assert not place.artefacts.stored(row.artefact_id, row.key_id, measured)
    assert place.artefacts.find(artefact_id=row.artefact_id) == (row,)
    assert place.artefacts.find(states=["writing"]) == () and place.artefacts.find(call_id=row.call_id) == (row,)


def test_keys_are_wrapped_anew_once(place: Place) -> None:
    old = place.artefacts.key(place.stored().key_id)
    assert old is not None
    new = Wrapped(old.key_id, "f" * 16, b"anew")
    assert place.artefacts.wrapped_elsewhere("f" * 16) == (old,)
    assert [place.artefacts.rewrap(old, new) for _ in range(2)] == [True, False]
    assert place.artefacts.key(old.key_id) == new and place.artefacts.wrapped_elsewhere("f" * 16) == ()
    assert place.artefacts.keys_by_pair() == {"f" * 16: 1}


@pytest.mark.requirement("S86")
@pytest.mark.parametrize("held", [False, True])
def test_the_application_cannot_lose_a_key_that_it_may_not_destroy(place: Place, held: bool) -> None:
    row, connection = place.stored(), place.artefacts.connection
    if held:
        place.hold(row)
    before = place.artefacts.key(row.key_id)
    assert before is not None
    refused: tuple[LiteralString, ...] = (
        "UPDATE callguard.artefact_key SET wrapped = 'garbage'",
        "UPDATE callguard.artefact_key SET kid = 'f', wrapped = 'garbage'",
        "SELECT callguard.rewrap(key_id, kid, kid, 'garbage') FROM callguard.artefact_key",
    )
    for statement in refused:
        with pytest.raises((pg.InsufficientPrivilege, pg.CheckViolation)):
            connection.execute(statement)
    assert place.artefacts.key(row.key_id) == before
    connection.execute("SELECT callguard.rewrap(key_id, kid, repeat('f', 16), 'garbage') FROM callguard.artefact_key")
    former: LiteralString = "SELECT key_id, kid, wrapped FROM callguard.artefact_key_former"
    assert connection.execute(former).fetchall() == [(before.key_id, before.kid, before.wrapped)]
    for statement in ("DELETE FROM callguard.artefact_key_former", "UPDATE callguard.artefact_key_former SET kid = ''"):
        with pytest.raises(pg.InsufficientPrivilege):
            connection.execute(statement)
    if not held:
        place.deletion.delete(row, "due")
        assert connection.execute(former).fetchall() == []


REFUSED: dict[LiteralString, type[Exception]] = {
    "UPDATE callguard.artefact SET expires_at = 'infinity'": pg.CheckViolation,
    "UPDATE callguard.artefact SET expires_at = NULL": pg.NotNullViolation,
    "UPDATE callguard.artefact SET promised_until = now()": pg.InsufficientPrivilege,
    "UPDATE callguard.artefact SET purpose = 'other'": pg.InsufficientPrivilege,
    "UPDATE callguard.artefact SET state = 'writing'": pg.CheckViolation,
    "UPDATE callguard.artefact SET state = 'marked'": pg.CheckViolation,
    "UPDATE callguard.artefact SET state = 'deleted', reason = 'x', marked_at = now()": pg.CheckViolation,
    "UPDATE callguard.artefact SET object = '../x'": pg.CheckViolation,
    "DELETE FROM callguard.artefact": pg.InsufficientPrivilege,
    "DELETE FROM callguard.artefact_key": pg.CheckViolation,
    "TRUNCATE callguard.artefact_key": pg.InsufficientPrivilege,
    "DELETE FROM callguard.tombstone": pg.InsufficientPrivilege,
    "DELETE FROM callguard.legal_hold": pg.InsufficientPrivilege,
    "UPDATE callguard.legal_hold SET call_id = 'x'": pg.InsufficientPrivilege,
    "DELETE FROM callguard.retention_run": pg.InsufficientPrivilege,
}


@pytest.mark.requirement("S11")
@pytest.mark.requirement("S57")
def test_the_database_refuses_what_must_not_be(place: Place) -> None:
    row = place.stored()
    for statement, error in REFUSED.items():
        with pytest.raises(error), place.artefacts.connection.transaction():
            place.artefacts.connection.execute(statement)
    assert place.artefacts.find() == (row,)


@pytest.mark.requirement("S25")
@pytest.mark.requirement("S108")
def test_what_was_derived_never_outlives_what_it_came_from(place: Place) -> None:
    parent = place.stored()
    child = replace(
        parent, artefact_id=str(uuid.uuid4()), kind="transcript", parent_id=parent.artefact_id, key_id=uuid.uuid4()
    )
    child = replace(child, object=f"{uuid.uuid4().hex}.cgv")
    key = Wrapped(child.key_id, "0" * 16, b"")
    longer = replace(child, expires_at=parent.expires_at + timedelta(seconds=1))
    with pytest.raises(Exception, match="outlive"):
        place.artefacts.begin(longer, key)
    with pytest.raises(Exception, match="derived_from_another"):
        place.artefacts.begin(replace(child, parent_id=None), key)
    place.artefacts.begin(child, key)
    sooner = parent.expires_at - timedelta(days=9)
    place.artefacts.connection.execute(
        "UPDATE callguard.artefact SET expires_at = %s WHERE parent_id IS NULL", [sooner]
    )
    assert {row.expires_at for row in place.artefacts.find()} == {sooner}


def test_a_database_that_is_away_is_one_sentence() -> None:
    with pytest.raises(StoreDown), Artefacts.open("postgresql://callguard_app:x@127.0.0.1:9/none"):
        pass


def test_the_job_queue_is_that_of_the_library() -> None:
    import procrastinate

    ours = (Path(callguard.__file__).parent.parent / "migrations" / "procrastinate.sql").read_text()
    theirs = Path(procrastinate.__file__).parent.joinpath("sql", "schema.sql").read_text()
    assert ours.split("\n", 2)[2].strip() == theirs.split("\n", 2)[2].strip()

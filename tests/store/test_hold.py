"""Legal holds: nothing of a held call goes, by no statement that the application's role may run, before its release."""

from __future__ import annotations

from datetime import timedelta
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors as pg

from callguard.errors import CannotDecrypt, Held
from callguard.store.hold import Holds
from callguard.store.keys import MasterKey
from tests.jobs.conftest import place
from tests.jobs.site import Place, now

__all__ = ["place"]

SAID = {"reason": "settled", "by": "admin"}


@pytest.mark.requirement("S102")
def test_a_hold_says_why_to_who_has_the_master_key_and_stands_once(place: Place) -> None:
    row = place.stored()
    hold = place.hold(row)
    assert hold.said["authority"] == "letter 7" and hold.release == {} and "key=" not in repr(hold)
    assert not hold.overdue(now().date()) and hold.overdue(now().date() + timedelta(days=31))
    assert place.holds.place("case-1", [row.call_id], hold.review_on, {"reason": "again"}) == 0
    assert place.holds.place("case-2", [row.call_id], hold.review_on, {"reason": "another"}) == 1
    assert place.holds.release([hold], SAID) == 1 and place.holds.release([hold], SAID) == 0
    assert place.holds.find("case-1") == () and len(place.holds.find()) == 1
    (released,) = place.holds.find("case-1", released=True)
    assert released.release == SAID and not released.overdue(now().date() + timedelta(days=99))
    with pytest.raises(CannotDecrypt):
        Holds(place.artefacts, "acme", MasterKey(bytes(32))).find()


STATEMENTS: tuple[LiteralString, ...] = (
    "UPDATE callguard.artefact SET state = 'marked', reason = 'due', marked_at = now()",
    "DELETE FROM callguard.artefact_key",
    "DELETE FROM callguard.artefact",
    "TRUNCATE callguard.artefact_key",
    "UPDATE callguard.artefact SET key_id = gen_random_uuid()",
    "UPDATE callguard.artefact SET object = repeat('0', 32) || '.cgv'",
    "DELETE FROM callguard.legal_hold",
    "UPDATE callguard.legal_hold SET released_at = now()",
    "UPDATE callguard.legal_hold SET call_id = gen_random_uuid()::text",
    "DELETE FROM callguard.artefact_key_former",
    "ALTER TABLE callguard.artefact DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
)


@pytest.mark.requirement("S102")
@pytest.mark.parametrize("state", ["stored", "marked"])
def test_no_statement_of_the_application_deletes_what_is_held(place: Place, state: str) -> None:
    row = place.stored()
    if state == "marked":
        place.deletion.rows.mark(row, "due", now())
    place.hold(row)
    refused: list[LiteralString] = []
    for statement in STATEMENTS:
        try:
            with place.artefacts.connection.transaction():
                changed = place.artefacts.connection.execute(statement).rowcount
        except (pg.RaiseException, pg.CheckViolation, pg.InsufficientPrivilege, pg.IntegrityError):
            refused.append(statement)
        else:
            assert state == "marked" and statement == STATEMENTS[0] and changed == 1  # it is marked already
    assert len(refused) >= len(STATEMENTS) - (state == "marked")
    assert place.heard(row.recording_id)
    with pytest.raises(Held):
        place.deletion.delete(place.only(row.recording_id), "due")


def test_a_hold_waits_for_a_deletion_that_is_being_marked(place: Place) -> None:
    row = place.stored()
    with psycopg.connect(place.dsn) as other:
        other.execute("UPDATE callguard.artefact SET state = 'marked', reason = 'due', marked_at = now()")
        place.artefacts.connection.execute("SET statement_timeout = '300ms'")
        with pytest.raises(Exception, match="statement timeout"):
            place.hold(row)
    assert place.holds.find() == () and place.only(row.recording_id).state == "marked"

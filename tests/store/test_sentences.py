from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg

from callguard.errors import BadInput, StoreDown, StoreRefused, StoreUnfit
from callguard.store.sentences import sentence, translated


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.OperationalError("gone"), StoreDown),
        (pg.QueryCanceled("statement timeout"), StoreDown),
        (pg.DiskFull("no space"), StoreDown),
        (pg.AdminShutdown("terminating"), StoreDown),
        (pg.ReadOnlySqlTransaction("standby"), StoreDown),
        (psycopg.InterfaceError("closed"), StoreDown),
        (ConnectionRefusedError("refused"), StoreDown),
        (pg.UniqueViolation("twice"), StoreRefused),
        (pg.CheckViolation("bad"), StoreRefused),
        (pg.InvalidTextRepresentation("unknown word"), StoreRefused),
        (pg.InsufficientPrivilege("denied"), StoreUnfit),
        (pg.UndefinedColumn("missing"), StoreUnfit),
        (pg.UndefinedTable("missing"), StoreUnfit),
        (psycopg.ProgrammingError('missing "=" after "word" in connection info string'), BadInput),
    ],
)
def test_driver_exceptions_become_ours(error: Exception, kind: type[Exception]) -> None:
    assert type(sentence(error)) is kind
    with pytest.raises(kind), translated():
        raise error


def test_a_sentence_holds_no_detail_that_quotes_a_value() -> None:
    error = pg.UniqueViolation("duplicate key\nDETAIL:  Key (number)=(+12025550143) already exists.")
    assert "2025550143" not in str(sentence(error)) and "\n" not in str(sentence(error))


def test_missing_tables_name_the_command() -> None:
    assert "callguard db upgrade" in str(sentence(pg.UndefinedTable("x")))


def test_an_empty_message_still_says_something() -> None:
    assert "TimeoutError" in str(sentence(TimeoutError()))

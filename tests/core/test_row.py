from __future__ import annotations

import pytest

from callguard.core.row import COLUMNS, FLAGS, Beep, Consent, parse_row, raised, row_problems
from tests.core.law import PACK

ROWS = PACK.rows
CELLS = ROWS["US-CA"].as_data()


def test_cells_come_back_as_they_were() -> None:
    assert tuple(CELLS) == COLUMNS
    for row in ROWS.values():
        assert parse_row(row.as_data()) == row


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"consent": "both"}, "consent: must be one of one_party, all_party"),
        ({"express_required": "perhaps"}, "express_required: must be one of yes, no"),
        ({"beep_ok": 1}, "beep_ok: must be text"),
        ({"iso_code": "California"}, "iso_code: must be a code like CA (Canada) or US-CA (California)"),
        ({"colour": "red"}, "colour: unknown column"),
        ({"beep_ok": "na"}, "beep_ok: na goes with notice_required no, and only with it"),
        (
            {"express_required": "yes", "notice_required": "no", "beep_ok": "na"},
            "express_required: nobody can agree without a notice (notice_required)",
        ),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], problem: str) -> None:
    assert row_problems({**CELLS, **change}) == [problem]


def test_missing_columns_are_all_named() -> None:
    assert len(row_problems({"iso_code": "US-CA"})) == len(COLUMNS) - 1


def test_special_is_words() -> None:
    assert ROWS["FR"].special == ("no_systematic_recording", "right_to_object", "retention_days=180")


def test_stricter_covers_what_asks_for_less() -> None:
    assert ROWS["US-CA"].covers(ROWS["US-TX"]) and not ROWS["US-TX"].covers(ROWS["US-CA"])
    assert ROWS["US-WA"].covers(ROWS["US-CA"]) and ROWS["US-CA"].covers(ROWS["US-CA"])
    assert not ROWS["US-CT"].covers(ROWS["US-CA"]) and not ROWS["US-CA"].covers(ROWS["US-CT"])


def test_raised_asks_for_the_most_of_each() -> None:
    both = raised(ROWS["US-TX"], (ROWS["US-CT"], ROWS["GB"]))
    assert (both.iso_code, both.consent, both.beep_ok) == ("US-TX", Consent.ALL_PARTY, Beep.NO)
    assert [getattr(both, flag) for flag in FLAGS] == [False, True, True, True]
    assert raised(ROWS["US-TX"], ()) == ROWS["US-TX"]

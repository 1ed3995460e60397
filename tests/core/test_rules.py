from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from callguard.core.jurisdiction import NOWHERE, RulePack
from callguard.core.override import Override
from callguard.core.policy import CallType, Mode
from callguard.core.row import Beep
from callguard.core.rules import STRICTEST, resolve
from tests.core.play import ANNOUNCE, ASK, FIRM, MILD, NEVER, PACK, STRICT

DAY = date(2026, 11, 24)
CASUAL = replace(ANNOUNCE, override=None)


@pytest.mark.requirement("S9", "S42", "S40")
@pytest.mark.parametrize(
    ("call_type", "codes", "mode"),
    [
        (ASK, [MILD], Mode.ASK),
        (CASUAL, [MILD], Mode.ANNOUNCE),
        (CASUAL, [FIRM], Mode.ASK),
        (CASUAL, [MILD, FIRM], Mode.ASK),
        (CASUAL, [STRICT], Mode.ASK),
        (ANNOUNCE, [FIRM], Mode.ANNOUNCE),
        (ANNOUNCE, [FIRM, STRICT], Mode.ASK),
        (ANNOUNCE, [STRICT], Mode.ASK),
        (ANNOUNCE, ["QQ"], Mode.ASK),
        (ANNOUNCE, [NOWHERE], Mode.ASK),
        (ANNOUNCE, [], Mode.ASK),
        (NEVER, [MILD], Mode.NEVER),
    ],
)
def test_the_stricter_of_call_type_and_floor_stands(call_type: CallType, codes: list[str], mode: Mode) -> None:
    assert resolve(call_type, PACK, codes, DAY).mode is mode


def test_a_rule_knows_whether_it_takes_a_tone_and_how_often_it_has_to_come() -> None:
    row = replace(PACK.rows[FIRM], beep_ok=Beep.YES, special=("beep_interval_s=15", "other"))
    pack = RulePack({**PACK.rows, FIRM: row}, {})
    found = {codes: resolve(ASK, pack, codes, DAY) for codes in ((FIRM,), (MILD,), (FIRM, MILD), (FIRM, STRICT))}
    assert [rule.beep for rule in found.values()] == [True, False, True, False]
    assert [rule.beep_within for rule in found.values()] == [15, 0, 15, 15]


@pytest.mark.requirement("S42")
def test_an_override_ends() -> None:
    assert ANNOUNCE.override is not None
    last = ANNOUNCE.override.expires
    assert resolve(ANNOUNCE, PACK, [FIRM], last).mode is Mode.ANNOUNCE
    ended = replace(ANNOUNCE, override=replace(ANNOUNCE.override, expires=DAY))
    assert resolve(ended, PACK, [FIRM], date(2026, 11, 25)).mode is Mode.ASK


def test_the_override_is_named_among_the_reasons() -> None:
    assert any("board decision 7" in reason for reason in resolve(ANNOUNCE, PACK, [FIRM], DAY).reasons)


@pytest.mark.requirement("S9")
def test_a_row_that_an_operator_changed_is_named_without_names() -> None:
    stricter = Override(MILD, (("consent", "all_party"),), "letter 4 of counsel", "legal", DAY)
    reasons = [resolve(ASK, PACK.overridden([stricter], on), [MILD, FIRM], on).reasons for on in (DAY, date.max)]
    said = f"{MILD}: an operator's override of consent stands until 2026-11-24"
    assert [said in each for each in reasons] == [True, False]
    assert resolve(ASK, PACK.overridden([stricter], DAY), [FIRM], DAY).reasons == reasons[1][1:]
    assert "counsel" not in repr(reasons) and "legal" not in repr(reasons)


def test_the_rule_names_places_rows_and_pack() -> None:
    rule = resolve(ASK, PACK, [STRICT, MILD], DAY)
    assert (rule.jurisdictions, rule.rows, rule.rule_pack) == ((MILD, STRICT), (MILD, STRICT), PACK.version)
    assert resolve(ASK, STRICTEST, ["DE"], DAY).rows == (NOWHERE,)


def test_internal_calls_are_not_recorded_unless_the_call_type_says_so() -> None:
    assert resolve(ASK, PACK, [MILD], DAY, internal=True).mode is Mode.NEVER
    assert resolve(replace(ASK, internal=Mode.ASK), PACK, [MILD], DAY, internal=True).mode is Mode.ASK
    assert resolve(replace(NEVER, internal=Mode.ASK), PACK, [MILD], DAY, internal=True).mode is Mode.ASK

from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.policy import CallType, Mode
from callguard.core.rules import RULE_PACK, resolve
from tests.core.play import ANNOUNCE, ASK, NEVER


@pytest.mark.requirement("S7")
@pytest.mark.parametrize(
    ("call_type", "mode"),
    [
        (ASK, Mode.ASK),
        (NEVER, Mode.NEVER),
        (replace(NEVER, override="board decision 7"), Mode.NEVER),
        (replace(ASK, override="board decision 7"), Mode.ASK),
        (ANNOUNCE, Mode.ANNOUNCE),
    ],
)
def test_the_stricter_of_call_type_and_floor_stands(call_type: CallType, mode: Mode) -> None:
    assert resolve(call_type).mode is mode


@pytest.mark.requirement("S42")
def test_announce_is_ask_without_a_named_override() -> None:
    assert resolve(replace(ANNOUNCE, override="")).mode is Mode.ASK


def test_the_override_is_named_among_the_reasons() -> None:
    rule = resolve(ANNOUNCE)
    assert any("board decision 7" in reason for reason in rule.reasons)
    assert (rule.jurisdictions, rule.rule_pack) == (("ZZ",), RULE_PACK)


def test_internal_calls_are_not_recorded_unless_the_call_type_says_so() -> None:
    assert resolve(ASK, internal=True).mode is Mode.NEVER
    assert resolve(replace(ASK, internal=Mode.ASK), internal=True).mode is Mode.ASK
    assert resolve(replace(NEVER, internal=Mode.ASK), internal=True).mode is Mode.ASK

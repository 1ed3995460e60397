from __future__ import annotations

from dataclasses import replace
from datetime import date

from callguard.core.policy import parse_call_type
from callguard.core.profile import UNKNOWN, CallType, Category, Mode, OnLogLoss, OnWithdrawal, Override
from callguard.core.purpose import Output

SALES = parse_call_type("sales", {"purpose": "qa", "agents": ["PJSIP/agent*"]})


def test_a_call_type_is_ask_and_discard_and_stop_unless_it_says_otherwise() -> None:
    assert (SALES.mode, SALES.on_withdrawal, SALES.on_log_loss) == (Mode.ASK, OnWithdrawal.DISCARD, OnLogLoss.STOP)
    assert (SALES.withdraw, SALES.pause, SALES.category) == ("*7", "*8", Category.GENERAL)


def test_strictness() -> None:
    assert sorted(Mode, key=lambda mode: mode.strictness) == [Mode.ANNOUNCE, Mode.ASK, Mode.NEVER]


def test_agents_are_patterns_over_endpoints() -> None:
    assert SALES.is_agent("PJSIP/agent12")
    assert not SALES.is_agent("PJSIP/trunk") and not UNKNOWN.is_agent("PJSIP/agent12")


def test_an_unknown_call_type_is_never_recorded() -> None:
    assert UNKNOWN.mode is Mode.NEVER and not UNKNOWN.records
    assert SALES.records and replace(UNKNOWN, internal=Mode.ASK).records


def test_an_override_stands_until_its_last_day() -> None:
    kind = replace(SALES, override=Override("board 7", "the board", date(2027, 1, 31)))
    assert kind.override_at(date(2027, 1, 31)) and not kind.override_at(date(2027, 2, 1))
    assert not SALES.override_at(date(2027, 1, 31)) and str(kind.override) == "board 7"


def test_audio_is_kept_as_short_as_can_be_where_nothing_is_said() -> None:
    assert SALES.retention_days == 1
    assert replace(SALES, retention={Output.AUDIO: 30}).retention_days == 30


def test_every_language_once_the_default_first() -> None:
    kind = replace(SALES, languages=("es", "en"), language_keys={"3": "fr"}, language_dids={"+15125550100": "es"})
    assert kind.spoken == ("en", "es", "fr") and SALES.spoken == ("en",)


def test_a_type_that_announces_may_have_to_ask() -> None:
    asking = CallType(name="x", notice="n", ask_notice="a")
    assert asking.notices == ("n",) and replace(asking, mode=Mode.ANNOUNCE).notices == ("n", "a")

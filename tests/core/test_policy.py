from __future__ import annotations

from typing import Any

import pytest

from callguard.core.policy import (
    UNKNOWN,
    CallType,
    Category,
    Mode,
    OnLogLoss,
    OnWithdrawal,
    parse_call_type,
    parse_policy,
    policy_version,
)
from callguard.errors import ConfigError

SALES: dict[str, Any] = {"purpose": "quality", "agents": ["PJSIP/agent*"]}


def problems(**table: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_policy({"call_type": {"sales": SALES | table}})
    return caught.value.problems


def test_a_call_type_is_ask_and_discard_and_stop_unless_it_says_otherwise() -> None:
    sales = parse_call_type("sales", SALES)
    assert (sales.mode, sales.on_withdrawal, sales.on_log_loss) == (Mode.ASK, OnWithdrawal.DISCARD, OnLogLoss.STOP)
    assert (sales.withdraw, sales.pause, sales.category) == ("*7", "*8", Category.GENERAL)


def test_strictness() -> None:
    assert sorted(Mode, key=lambda mode: mode.strictness) == [Mode.ANNOUNCE, Mode.ASK, Mode.NEVER]


def test_agents_are_patterns_over_endpoints() -> None:
    sales = parse_call_type("sales", SALES)
    assert sales.is_agent("PJSIP/agent12")
    assert not sales.is_agent("PJSIP/trunk") and not UNKNOWN.is_agent("PJSIP/agent12")


def test_what_is_written_is_read_back() -> None:
    sales = parse_call_type("sales", SALES | {"mode": "announce", "override": "board 7", "on_log_loss": "keep"})
    assert parse_call_type("sales", {key: value for key, value in sales.as_data().items() if key != "name"}) == sales


def test_a_policy_finds_its_call_types() -> None:
    policy = parse_policy({"call_type": {"sales": SALES}})
    assert policy.find("sales") == parse_call_type("sales", SALES)
    assert policy.find("nobody") is None


def test_the_same_policy_has_the_same_version_whatever_the_order() -> None:
    one = parse_policy({"call_type": {"sales": SALES, "help": {"purpose": "help"}}})
    other = parse_policy({"call_type": {"help": {"purpose": "help"}, "sales": dict(reversed(SALES.items()))}})
    assert one.version == other.version == policy_version(one.call_types)
    assert one.version != parse_policy({"call_type": {"sales": SALES}}).version


@pytest.mark.parametrize("document", [{}, {"call_type": {}}, {"call_type": 5}])
def test_a_policy_without_call_types_is_none(document: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="at least one"):
        parse_policy(document)


def test_every_problem_is_told_at_once_with_its_key() -> None:
    document = {"colour": 1, "call_type": {"Sales!": {"mode": "maybe", "speed": 1}, "help": 5}}
    with pytest.raises(ConfigError) as caught:
        parse_policy(document)
    assert caught.value.problems == [
        "colour: unknown key",
        "call_type.Sales!: a name is lower case letters, digits, - and _",
        "call_type.Sales!.speed: unknown key",
        "call_type.Sales!.mode: must be one of announce, ask, never",
        "call_type.Sales!.purpose: is missing",
        "call_type.help: must be a table",
    ]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("agents", "PJSIP/agent1", "must be a list of endpoint patterns"),
        ("agents", ["", "PJSIP/agent1"], "must be a list of endpoint patterns"),
        ("retention_days", 0, "must be a whole number of days"),
        ("retention_days", True, "must be a whole number of days"),
        ("retention_days", "90", "must be a whole number of days"),
        ("retention_days", 36501, "must be a whole number of days"),
        ("language", 5, "must be text"),
        ("notice", " ", "must not be empty"),
        ("pause", "8", "must be * or # and one to three keys"),
        ("withdraw", "*12345", "must be * or # and one to three keys"),
    ],
)
def test_a_wrong_value_is_told(key: str, value: object, problem: str) -> None:
    (found,) = problems(**{key: value})
    assert found.startswith(f"call_type.sales.{key}: {problem}")


@pytest.mark.parametrize(("withdraw", "pause"), [("*8", "*8"), ("*7", "*78"), ("*85", "*8")])
def test_no_sequence_hides_the_other(withdraw: str, pause: str) -> None:
    (found,) = problems(withdraw=withdraw, pause=pause)
    assert "same sequence as withdraw, or one begins with the other" in found


def test_the_shipped_sequence_counts_when_only_one_is_given() -> None:
    assert problems(pause="*7")


@pytest.mark.requirement("S42")
@pytest.mark.parametrize("category", sorted(set(Category) - {Category.GENERAL}))
def test_implied_consent_is_refused_for_sensitive_calls(category: Category) -> None:
    (found,) = problems(mode="announce", override="board 7", category=category.value)
    assert "implied consent" in found


def test_an_empty_override_is_none() -> None:
    assert parse_call_type("sales", SALES | {"override": ""}).override == ""


def test_one_bad_table_is_refused_on_its_own() -> None:
    with pytest.raises(ConfigError):
        parse_call_type("sales", {})


def test_an_unknown_call_type_is_never_recorded() -> None:
    assert UNKNOWN.mode is Mode.NEVER and isinstance(UNKNOWN, CallType)

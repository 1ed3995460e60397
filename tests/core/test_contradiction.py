from __future__ import annotations

from typing import Any

import pytest

from callguard.core.contradiction import ORDER_DAYS, floor_days
from callguard.core.policy import parse_call_type
from callguard.core.profile import Category
from callguard.errors import ConfigError


def problems(**table: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_call_type("sales", {"purpose": "qa", **table})
    return caught.value.problems


@pytest.mark.parametrize(("withdraw", "pause"), [("*8", "*8"), ("*7", "*78"), ("*85", "*8")])
def test_no_sequence_hides_the_other(withdraw: str, pause: str) -> None:
    (found,) = problems(withdraw=withdraw, pause=pause)
    assert "withdraw and pause are the same sequence, or one begins with the other" in found


def test_the_shipped_sequence_counts_when_only_one_is_given() -> None:
    assert problems(pause="*7")


@pytest.mark.requirement("S42")
@pytest.mark.parametrize("key", ["mode", "internal"])
@pytest.mark.parametrize("category", sorted(set(Category) - {Category.GENERAL}))
def test_implied_consent_is_refused_for_sensitive_calls(category: Category, key: str) -> None:
    (found,) = problems(**{key: "announce"}, category=category.value)
    assert found.startswith(f"call_type.sales.{key}: announce is implied consent")


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"purpose": "none"}, "purpose: none is only for call types that are never recorded"),
        ({"purpose": "none", "mode": "never", "internal": "ask"}, "purpose: none is only for"),
        ({"uses": ["qa"]}, "uses: repeats the purpose"),
        ({"uses": ["ai_training"], "category": "hr"}, "uses: has ai_training, which category hr forbids"),
        ({"outputs": ["transcript"]}, "outputs: must list audio where anything is recorded"),
        ({"retention": {"audio": 9, "tags": 9}}, "retention: has tags, which outputs does not list"),
        ({"retention": {"audio": 9}, "minimum_days": 10}, "retention: keeps audio for 9 days, but at least 10"),
        (
            {"outputs": ["audio", "transcript"], "retention": {"audio": 9, "transcript": 10}},
            "retention: keeps the transcript longer than the audio",
        ),
        ({"must_record": True, "mode": "never"}, "must_record: cannot be true with mode never"),
        ({"languages": ["en"], "language_keys": {"3": "es"}}, "languages: does not list es"),
        ({"languages": ["es"]}, "languages: does not list en"),
    ],
)
def test_what_cannot_stand_together_is_refused(table: dict[str, Any], problem: str) -> None:
    (found,) = problems(**table)
    assert found.startswith(f"call_type.sales.{problem}")


@pytest.mark.parametrize(
    "table",
    [
        {"purpose": "none", "mode": "never"},
        {"uses": ["training", "ai_training"]},
        {"uses": ["training"], "category": "hr"},
        {"mode": "never", "outputs": []},
        {"outputs": ["audio", "transcript"], "retention": {"transcript": 10}},
        {"retention": {"audio": 10}, "minimum_days": 10},
        {"languages": ["en", "es"], "language_keys": {"3": "es"}},
    ],
)
def test_what_can_stand_together_stands(table: dict[str, Any]) -> None:
    assert parse_call_type("sales", {"purpose": "qa", **table}).name == "sales"


def test_the_record_of_an_order_is_kept_for_five_years() -> None:
    order = {"purpose": "order_evidence", "must_record": True}
    (found,) = problems(**order, retention={"audio": ORDER_DAYS - 1})
    assert f"at least {ORDER_DAYS}" in found
    assert floor_days(parse_call_type("sales", {**order, "retention": {"audio": ORDER_DAYS}})) == 1826
    assert floor_days(parse_call_type("sales", {**order, "must_record": False, "retention": {"audio": 30}})) == 0


def test_a_value_that_cannot_be_read_contradicts_nothing() -> None:
    (found,) = problems(mode="maybe", purpose="none")
    assert "mode" in found

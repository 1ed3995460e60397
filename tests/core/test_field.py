from __future__ import annotations

from dataclasses import fields
from datetime import datetime

import pytest

from callguard.core.field import FIELDS
from callguard.core.policy import parse_call_type
from callguard.core.profile import CallType
from callguard.core.purpose import Purpose
from callguard.errors import ConfigError

DAYS = "must be a whole number of days from 1 to 36500 (nothing is kept for ever)"


def test_every_field_of_a_call_type_has_a_check() -> None:
    assert list(FIELDS) == [item.name for item in fields(CallType) if item.name != "name"]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("agents", "PJSIP/agent1", "must be a list of endpoint patterns"),
        ("agents", ["", "PJSIP/agent1"], "must be a list of endpoint patterns"),
        ("retention", 90, "must be a table of days by output"),
        ("retention", {"video": 9}, "knows no video: only audio, transcript, summary, tags"),
        ("retention", {"audio": 0}, f"audio {DAYS}"),
        ("retention", {"audio": True}, f"audio {DAYS}"),
        ("retention", {"audio": "forever"}, f"audio {DAYS}"),
        ("retention", {"audio": float("inf")}, f"audio {DAYS}"),
        ("retention", {"audio": 36501}, f"audio {DAYS}"),
        ("language", 5, "must be text"),
        ("notice", " ", "must not be empty"),
        ("pause", "8", "must be * or # and one to three keys"),
        ("pause", 8, "must be text"),
        ("withdraw", "*12345", "must be * or # and one to three keys"),
        ("purpose", ["qa", "training"], "must be one primary purpose"),
        ("purpose", "qa and training", "must be one primary purpose"),
        ("purpose", "personal", "must be one primary purpose"),
        ("purpose", "other", "must be one primary purpose"),
        ("uses", "qa", "must be a list of qa"),
        ("uses", ["fun"], "must be a list of qa"),
        ("uses", ["training", "training"], "names something twice"),
        ("unique_purpose", 1, "must be true or false"),
        ("basis", "because", "must be one of consent"),
        ("review", "soon", "must be a date such as"),
        ("review", 5, "must be a date such as"),
        ("review", datetime(2027, 1, 31, 12), "must be a date such as"),
        ("override", "board 7", "must be a table of reason, author and expires"),
        ("override", {"reason": "x", "author": "y"}, "must be a table of reason, author and expires"),
        (
            "override",
            {"reason": "", "author": 5, "expires": ""},
            "reason must not be empty; author must be text; expires",
        ),
        ("site", "Texas", "must be an ISO 3166 code"),
        ("hq", 5, "must be an ISO 3166 code"),
        ("number_policy", "guess", "must be one of hint, trust"),
        ("languages", "en", "must be a list of languages"),
        ("languages", ["en", "en"], "names something twice"),
        ("language_keys", "es", "must be a table from a key 3 to 8"),
        ("language_keys", {"1": "es"}, "must lead from a key 3 to 8"),
        ("language_keys", {"33": "es"}, "must lead from a key 3 to 8"),
        ("language_keys", {"3": ""}, "must lead from a key 3 to 8"),
        ("language_dids", {"callers": "es"}, "must lead from the digits"),
        ("language_countries", {"Mexico": "es"}, "must lead from an ISO 3166"),
        ("outputs", ["video"], "must be a list of audio"),
        ("listen", ["Q A"], "must be a list of names"),
        ("export", "qa", "must be a list of names"),
        ("minimum_days", -1, "must be a whole number from 0 to 36500"),
        ("remember_days", 3651, "must be a whole number from 0 to 3650"),
        ("sample_percent", 0, "must be a whole number from 1 to 100"),
        ("sample_percent", True, "must be a whole number from 1 to 100"),
        ("pause_limit_s", 1.5, "must be a whole number from 0 to 86400"),
        ("indicator", "lamp", "must be one of none, name, tone"),
        ("must_record", "yes", "must be true or false"),
        ("beep", True, "must be text"),
        ("beep_every_s", 2, "must be a whole number from 3 to 60"),
        ("beep_level_db", 0, "must be a whole number from -40 to -6"),
    ],
)
@pytest.mark.requirement("S11")
def test_a_wrong_value_is_told(key: str, value: object, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_call_type("sales", {key: value})
    (found,) = caught.value.problems
    assert found.startswith(f"call_type.sales.{key}: {problem}")


@pytest.mark.parametrize("key", ["purpose", "basis", "review", "override"])
def test_what_is_not_said_is_none(key: str) -> None:
    assert getattr(parse_call_type("sales", {key: None}), key) is None


@pytest.mark.parametrize("key", ["purpose", "basis", "review", "site", "owner"])
def test_empty_text_says_nothing(key: str) -> None:
    assert not getattr(parse_call_type("sales", {key: ""}), key)


def test_a_place_and_a_purpose() -> None:
    kind = parse_call_type("sales", {"site": "US-TX", "hq": "DE", "purpose": "qa"})
    assert (kind.site, kind.hq, kind.purpose) == ("US-TX", "DE", Purpose.QA)

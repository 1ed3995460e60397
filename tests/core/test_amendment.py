from __future__ import annotations

from typing import Any

import pytest

from callguard.core.amendment import Amendment, amendments
from callguard.core.policy import parse_policy

OLD: dict[str, Any] = {
    "organisation": {"name": "Example Ltd"},
    "call_type": {"sales": {"purpose": "qa", "retention": {"audio": 90}}, "help": {"mode": "never"}},
}


def changes(**new: Any) -> list[Amendment]:
    return amendments(parse_policy(OLD), parse_policy({**OLD, **new}))


@pytest.mark.requirement("S27")
def test_every_key_that_differs_is_told() -> None:
    kinds = {"sales": {"purpose": "safety", "retention": {"audio": 30}}, "help": {"mode": "never"}}
    assert changes(call_type=kinds) == [
        Amendment("call_type.sales.purpose", "qa", "safety"),
        Amendment("call_type.sales.retention", {"audio": 90}, {"audio": 30}),
    ]
    assert changes(organisation={"name": "Other Ltd"}) == [
        Amendment("organisation.name", "Example Ltd", "Other Ltd"),
    ]


def test_what_came_and_what_went() -> None:
    found = changes(vendor={"scribe": {"what": "text"}}, call_type={"sales": OLD["call_type"]["sales"]})
    assert found[0] == Amendment("vendor.scribe.what", None, "text")
    gone = [item for item in found if item.key.startswith("call_type.help.")]
    assert Amendment("call_type.help.mode", "never", None) in gone and len(gone) > 10 and len(found) == len(gone) + 1


def test_the_same_is_no_change() -> None:
    assert changes() == []

"""Which language is spoken first, and why."""

from __future__ import annotations

import pytest

from callguard.core.script import Chosen, language_for
from tests.core.script_text import policy, support

OWN = support(
    policy(
        languages=["en", "es", "de", "fr"],
        language_dids={"+4930123": "de", "18005550100": "es"},
        language_countries={"MX": "es", "FR": "fr"},
    )
)


@pytest.mark.requirement("S20")
@pytest.mark.parametrize(
    ("did", "country", "asked", "expected"),
    [
        ("", "", "", ("en", Chosen.DEFAULT)),
        ("+4930123", "FR", "fr", ("fr", Chosen.ASKED)),
        ("+4930123", "FR", "", ("de", Chosen.DID)),
        ("4930123", "", "", ("de", Chosen.DID)),
        ("+18005550100", "FR", "", ("es", Chosen.DID)),
        ("5550100", "FR", "", ("fr", Chosen.COUNTRY)),
        ("", "MX", "", ("es", Chosen.COUNTRY)),
        ("", "", "it", ("en", Chosen.DEFAULT)),
        ("", "", "../es", ("en", Chosen.DEFAULT)),
        ("x;y", "ZZ", "", ("en", Chosen.DEFAULT)),
    ],
)
def test_the_nearest_wish_wins_and_what_the_policy_does_not_name_is_passed_over(
    did: str, country: str, asked: str, expected: tuple[str, Chosen]
) -> None:
    assert language_for(OWN, did, country, asked) == expected


def test_a_number_that_is_not_known_is_not_a_number_without_digits() -> None:
    assert language_for(support(policy()), "", "", "") == ("en", Chosen.DEFAULT)

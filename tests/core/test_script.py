from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.policy import CallType
from callguard.core.script import Chosen, language_for
from tests.core.play import ASK

POLYGLOT: CallType = replace(
    ASK,
    languages=("en", "es", "de", "fr"),
    language_dids={"+15125550100": "es"},
    language_countries={"DE": "de"},
)


@pytest.mark.requirement("S20")
@pytest.mark.parametrize(
    ("did", "country", "asked", "spoken"),
    [
        ("", "", "", ("en", Chosen.DEFAULT)),
        ("", "DE", "", ("de", Chosen.COUNTRY)),
        ("15125550100", "DE", "", ("es", Chosen.DID)),
        ("+15125550100", "DE", "fr", ("fr", Chosen.ASKED)),
        ("999", "QQ", "tlh", ("en", Chosen.DEFAULT)),
    ],
)
def test_the_strongest_hint_is_spoken(did: str, country: str, asked: str, spoken: tuple[str, Chosen]) -> None:
    assert language_for(POLYGLOT, did, country, asked) == spoken

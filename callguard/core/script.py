"""Which language a caller is spoken to in, and why that one.

What belongs here: the choice before the first word. What does not: the texts (wording.py), whether they say what the
policy promises (disclosure.py), the keys that change the language during a call (keypad.py).
"""

from __future__ import annotations

from enum import StrEnum

from callguard.core.policy import CallType


class Chosen(StrEnum):
    """Why a language was taken, strongest first."""

    ASKED = "asked"  # the dialplan said so, on the channel
    DID = "did"  # the number that was called
    COUNTRY = "country"  # where the caller's number belongs
    DEFAULT = "default"  # the call type's own


def language_for(call_type: CallType, called_did: str = "", country: str = "", asked: str = "") -> tuple[str, Chosen]:
    """The language to speak on a call of CALL_TYPE, and why.

    `called_did`: the called number; `country`: ISO 3166, of the caller; `asked`: what the channel's variable says. Each
    may be '' or hostile: what the policy does not name for this call type is passed over.
    """
    if asked in call_type.spoken:
        return asked, Chosen.ASKED
    numbers = {_digits(number): language for number, language in call_type.language_dids.items()}
    if language := numbers.get(_digits(called_did), ""):
        return language, Chosen.DID
    if language := call_type.language_countries.get(country, ""):
        return language, Chosen.COUNTRY
    return call_type.language, Chosen.DEFAULT


def _digits(number: str) -> str:
    return number.removeprefix("+")

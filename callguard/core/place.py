"""Where a party is, as far as its facts show: codes of rows, and closed words for what they rest on.

What belongs here: sites, CRM codes and numbers to places. What does not: what a place asks for (jurisdiction.py).
Numbers are parsed by libphonenumber; its geocoder is 100 MB of data and knows no states, and what it calls a valid
number lags behind what is in service: neither is used. A number is never part of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumberType,
    ValidationResult,
    is_possible_number_with_reason,
    number_type,
    parse,
    region_code_for_number,
)

from callguard.core.jurisdiction import NOWHERE, RulePack
from callguard.core.purpose import NumberPolicy


class Role(StrEnum):
    """Who a party is. A `system` is an IVR or voicemail of our own; a `room_guest` hears through another's phone."""

    AGENT = "agent"
    CUSTOMER = "customer"
    GUEST = "guest"
    TRANSFER_TARGET = "transfer_target"
    SUPERVISOR = "supervisor"
    ROOM_GUEST = "room_guest"
    SYSTEM = "system"


class LineType(StrEnum):
    """What a number ends at."""

    LANDLINE = "landline"
    MOBILE = "mobile"
    VOIP = "voip"
    TOLLFREE = "tollfree"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """What a place rests on, and what was wrong with it."""

    SITE = "site"
    HQ = "hq"
    CRM = "crm"
    NO_SITE = "no_site"
    UNKNOWN_SITE = "unknown_site"
    UNKNOWN_HQ = "unknown_hq"
    UNKNOWN_CRM = "unknown_crm"
    COUNTRY_NOT_STATE = "country_not_state"
    NO_ROW = "no_row"
    NUMBER = "number"
    NPA = "npa"
    NUMBER_COUNTRY = "number_country"
    UNKNOWN_NPA = "unknown_npa"
    WITHHELD = "withheld"
    UNPARSABLE = "unparsable"
    SHARED_NUMBER = "shared_number"
    SIP = "sip"
    NOTHING = "nothing"
    SYSTEM = "system"
    IN_ROOM = "in_room"


SAID = {
    Evidence.SITE: "its registered site",
    Evidence.HQ: "its headquarters",
    Evidence.CRM: "the CRM",
    Evidence.NO_SITE: "no site is registered",
    Evidence.UNKNOWN_SITE: "the site is no ISO 3166 code (Texas is US-TX)",
    Evidence.UNKNOWN_HQ: "the headquarters are no ISO 3166 code (Texas is US-TX)",
    Evidence.UNKNOWN_CRM: "what the CRM says is no ISO 3166 code (Texas is US-TX)",
    Evidence.COUNTRY_NOT_STATE: "two letters are a country, never a state (CA is Canada, US-CA is California)",
    Evidence.NO_ROW: "it has no row of its own, or its state is not known",
    Evidence.NUMBER: "its number",
    Evidence.NPA: "the area code",
    Evidence.NUMBER_COUNTRY: "a number of this kind shows the country only",
    Evidence.UNKNOWN_NPA: "the area code is not in service",
    Evidence.WITHHELD: "the number is withheld",
    Evidence.UNPARSABLE: "the number cannot be one of E.164",
    Evidence.SHARED_NUMBER: "toll-free, shared and non-geographic numbers are nowhere",
    Evidence.SIP: "a SIP address alone shows no place",
    Evidence.NOTHING: "nothing shows where it is",
    Evidence.SYSTEM: "a system of our own has no say",
    Evidence.IN_ROOM: "it is in the room of another party",
}


@dataclass(frozen=True, slots=True)
class Party:
    """What is known of a party. `site`, `hq`, `crm`: ISO codes ("US-CA"), `number`: E.164 with +, `cli`: "anonymous"
    and the like where the number is withheld, `sip`: an address. Personal: never stored, logged or shown.
    """

    role: Role
    site: str = ""
    hq: str = ""
    crm: str = ""
    number: str = ""
    line: LineType = LineType.UNKNOWN
    cli: str = ""
    sip: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """`codes` of rows that apply, each once; none for who has no say or no place of its own. `evidence`: on what."""

    codes: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class _Clue:
    code: str
    words: tuple[Evidence, ...]
    vague: bool = False
    """Country only, and no more than that: a better clue from the same country stands in for it."""


WITHHELD = frozenset("anonymous withheld restricted private unavailable unknown blocked".split())
"""What a PBX or a carrier writes where the number is withheld."""


def locate(party: Party, pack: RulePack, policy: NumberPolicy = NumberPolicy.HINT) -> Place:
    """Where PARTY is. What is not known is ZZ; clues that disagree all apply."""
    if party.role is Role.SYSTEM:
        return Place((), (Evidence.SYSTEM,))
    stated = list(_stated(party, pack))
    if party.role is Role.AGENT:
        return _place([] if party.site.strip() else [_Clue(NOWHERE, (Evidence.NO_SITE,))], stated)
    found = list(_heard(party, pack, policy, stated))
    if stated or found:
        return _place(stated, [clue for clue in found if not (clue.vague and _is_known(clue, stated))])
    if party.role is Role.ROOM_GUEST:
        return Place((), (Evidence.IN_ROOM,))
    return Place((NOWHERE,), (Evidence.NOTHING,))


def _place(*clues: list[_Clue]) -> Place:
    found = [clue for part in clues for clue in part]
    words = (word for clue in found for word in clue.words)
    return Place(tuple(dict.fromkeys(clue.code for clue in found)), tuple(dict.fromkeys(words)))


def _is_known(clue: _Clue, stated: list[_Clue]) -> bool:
    return any(other.code[:2] == clue.code[:2] for other in stated)


# ---------------------------------------------------------------- what somebody has written down
def _stated(party: Party, pack: RulePack) -> Iterator[_Clue]:
    if text := party.site.strip():
        yield _written(text, pack, Evidence.SITE, Evidence.UNKNOWN_SITE)
    if text := party.hq.strip():
        yield _written(text, pack, Evidence.HQ, Evidence.UNKNOWN_HQ)
    if text := party.crm.strip():
        yield _written(text, pack, Evidence.CRM, Evidence.UNKNOWN_CRM)


def _written(text: str, pack: RulePack, word: Evidence, unknown: Evidence) -> _Clue:
    """A code as an admin or a CRM writes it. US- before two letters is never guessed."""
    code = text.upper()
    if code not in pack.rows and not (re.fullmatch(_SHAPE, code) and code[:2] in SUPPORTED_REGIONS):
        return _Clue(NOWHERE, (unknown,))
    row = pack.resolve(code)
    ambiguous = len(code) == 2 and code != NOWHERE and f"US-{code}" in pack.rows
    words = (word, *[Evidence.COUNTRY_NOT_STATE] * ambiguous, *[Evidence.NO_ROW] * (row != code))
    return _Clue(row, words)


_SHAPE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)


def is_place(text: str, pack: RulePack) -> bool:
    """Whether an admin's TEXT names a place: a country, or a part of one. Where PACK has every part of a country that
    matters (US-...), it has to be one of those.
    """
    clue = _written(text.strip(), pack, Evidence.SITE, Evidence.UNKNOWN_SITE)
    guessed = "-" in text and clue.code.endswith(f"-{NOWHERE}") and Evidence.NO_ROW in clue.words
    return Evidence.UNKNOWN_SITE not in clue.words and not guessed


# ---------------------------------------------------------------- what the call shows
_SEPARATORS = str.maketrans("", "", " -.()/\u00a0")
_E164 = re.compile(r"\+[1-9][0-9]{5,14}", re.ASCII)
_NANP = re.compile(r"\+1([2-9][0-9]{2})[0-9]{7}", re.ASCII)
_NOBODYS = frozenset(
    {
        PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.UAN,
        PhoneNumberType.PERSONAL_NUMBER, PhoneNumberType.PAGER, PhoneNumberType.VOICEMAIL,
    }
)  # fmt: skip
_UNPARSABLE = _Clue(NOWHERE, (Evidence.UNPARSABLE,))
_SHARED = _Clue(NOWHERE, (Evidence.SHARED_NUMBER,))


def _heard(party: Party, pack: RulePack, policy: NumberPolicy, stated: list[_Clue]) -> Iterator[_Clue]:
    number = party.number.strip()
    if {party.cli.strip().lower(), number.lower(), _user(party.sip)} & WITHHELD:
        yield _Clue(NOWHERE, (Evidence.WITHHELD,))
    elif party.line is LineType.TOLLFREE:
        yield _SHARED
    if number and number.lower() not in WITHHELD and party.line is not LineType.TOLLFREE:
        known = any(clue.code != NOWHERE for clue in stated)
        yield _numbered(number, pack, known or party.line is LineType.LANDLINE or policy is NumberPolicy.TRUST)
    elif party.sip.strip() and not stated:
        yield _Clue(NOWHERE, (Evidence.SIP,))


def _user(sip: str) -> str:
    """The user of a SIP address: sip:anonymous@anonymous.invalid withholds its number."""
    return sip.strip().lower().partition(":")[2].partition("@")[0]


def _numbered(text: str, pack: RulePack, to_the_state: bool) -> _Clue:
    digits = text.translate(_SEPARATORS)
    if not _E164.fullmatch(digits):
        return _UNPARSABLE
    if digits.startswith("+1"):
        return _north_american(digits, pack, to_the_state)
    try:
        number = parse(digits, None)
    except NumberParseException:
        return _UNPARSABLE
    region = region_code_for_number(number)
    if is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE or region is None:
        return _UNPARSABLE
    if region == "001" or number_type(number) in _NOBODYS:
        return _SHARED
    return _country(region, pack)


def _north_american(digits: str, pack: RulePack, to_the_state: bool) -> _Clue:
    """libphonenumber lacks area codes that are in service, and says US of numbers that all of +1 shares."""
    match = _NANP.fullmatch(digits)
    if match is None or match[1].endswith("11"):
        return _UNPARSABLE
    code = pack.npa.get(match[1])
    if code == NOWHERE or (code is None and match[1][0] in "58"):
        return _SHARED
    if code is None:
        return _Clue(pack.somewhere_in("US"), (Evidence.NUMBER, Evidence.UNKNOWN_NPA))
    if not to_the_state:
        return _country(code[:2], pack)
    row = pack.resolve(code)
    words = (Evidence.NUMBER, Evidence.NPA, *[Evidence.NO_ROW] * (row != code))
    return _Clue(row, words, vague=row.endswith(f"-{NOWHERE}"))


def _country(region: str, pack: RulePack) -> _Clue:
    row = pack.somewhere_in(region)
    words = (Evidence.NUMBER, Evidence.NUMBER_COUNTRY, *[Evidence.NO_ROW] * (row[:2] != region))
    return _Clue(row, words, vague=row.endswith(f"-{NOWHERE}"))

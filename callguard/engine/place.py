"""Where the people of a call are, as far as this site can tell: from a PBX's words to codes of jurisdictions.

What belongs here: which evidence there is about an endpoint, and what is spoken to it. What does not: what the evidence
is worth (core/place.py), what the law demands there (core/rules.py). Numbers stay in memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache

import phonenumbers

from callguard.core.events import Role
from callguard.core.jurisdiction import RulePack
from callguard.core.override import Override
from callguard.core.place import LineType, Party, Place, locate
from callguard.core.place import Role as Kind
from callguard.core.policy import CallType
from callguard.core.rules import STRICTEST
from callguard.core.script import language_for
from callguard.ports import Endpoint, Found

_CODE = r"([A-Za-z]{2}(?:-[A-Za-z0-9]{1,3})?)"


@dataclass(frozen=True)
class Places:
    """What a site knows. `agents`: endpoint patterns to codes; `in_name`: an endpoint's name with {site} in it;
    `region`: country of numbers without a country code, `trunks`: the same by a trunk's pattern; `lines`: line types by
    a trunk's pattern.
    """

    pack: RulePack = STRICTEST
    overrides: tuple[Override, ...] = ()
    agents: Mapping[str, str] = field(default_factory=dict)
    in_name: str = ""
    region: str = ""
    trunks: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)

    def pack_on(self, day: date) -> RulePack:
        """The rules in force on DAY: overrides end."""
        return _overridden(self.pack, self.overrides, day)

    def agents_of(self, call_type: CallType, said: str = "") -> Place:
        """Where the agents of a call are taken to be before one of them is there. SAID: by the dialplan, on the far
        party's channel; else the call type tells."""
        return self._all([Party(Kind.AGENT, site=said or call_type.site, hq=call_type.hq)], call_type)

    def of(self, who: Endpoint, role: Role, call_type: CallType, found: Found | None = None) -> Place:
        """Where the party at WHO may be. FOUND: what a look-up told."""
        if role is Role.AGENT:
            return self._agent(who, call_type)
        return self._all(self._outside(who, found), call_type)

    def _agent(self, who: Endpoint, call_type: CallType) -> Place:
        said = [who.words.get("site", ""), self._in_name(who.endpoint), _first(self.agents, who.endpoint)]
        sites = [site for site in said if site] or [call_type.site]
        return self._all([Party(Kind.AGENT, site=site, hq=call_type.hq) for site in sites], call_type)

    def _all(self, parties: Sequence[Party], call_type: CallType) -> Place:
        """All that is said about one party's place stands, and the strictest of it counts."""
        places = [locate(party, self.pack, call_type.number_policy) for party in parties]
        codes = {code for place in places for code in place.codes}
        return Place(tuple(sorted(codes)), tuple(dict.fromkeys(word for place in places for word in place.evidence)))

    def _in_name(self, endpoint: str) -> str:
        if "{site}" not in self.in_name:
            return ""
        before, _, after = self.in_name.partition("{site}")
        pattern = re.escape(before) + _CODE + re.escape(after).replace(r"\*", ".*")
        match = re.fullmatch(pattern, endpoint)
        return match[1].upper() if match else ""

    def _outside(self, who: Endpoint, found: Found | None) -> list[Party]:
        said = [who.words.get("place", ""), found.place if found else ""]
        said_line = who.words.get("line", "") or (found.line if found else "") or _first(self.lines, who.endpoint)
        line = LineType(said_line) if said_line in list(LineType) else LineType.UNKNOWN
        number = international(who.number, _first(self.trunks, who.endpoint) or self.region)
        places = [place for place in said if place] or [""]
        return [Party(Kind.CUSTOMER, number=number, crm=place, line=line) for place in places]

    def language(self, who: Endpoint, place: Place, call_type: CallType) -> tuple[str, str]:
        """What is spoken to the party at WHO, and why: its own wish, the number it called, its country, or nothing
        better."""
        country = place.codes[0].partition("-")[0] if len(place.codes) == 1 else ""
        return language_for(call_type, who.words.get("dialled", ""), country, who.words.get("language", ""))


@cache
def _overridden(pack: RulePack, overrides: tuple[Override, ...], day: date) -> RulePack:
    return pack.overridden(overrides, day)


def _first(patterns: Mapping[str, str], endpoint: str) -> str:
    return next((value for pattern, value in patterns.items() if fnmatchcase(endpoint, pattern)), "")


def international(number: str, region: str) -> str:
    """NUMBER with + and country code, as far as that can be told; else as it came: nobody's, which is strict."""
    if number.startswith("+") or not number:
        return number
    if number.startswith("00"):
        return "+" + number[2:]
    if not region:
        return number
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)

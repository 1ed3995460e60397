"""Where people are, with the rules that are shipped."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from callguard.core.events import Role
from callguard.core.override import Override
from callguard.core.policy import CallType
from callguard.core.purpose import NumberPolicy, Purpose
from callguard.engine.place import Places, international
from callguard.ports import Endpoint, Found
from callguard.store.pack import shipped_pack

PACK = shipped_pack()
HELP = CallType(name="help", purpose=Purpose.QA, site="US-TX")
SITE = Places(
    pack=PACK,
    agents={"PJSIP/ca-*": "US-CA", "PJSIP/*": "GB"},
    in_name="PJSIP/{site}-desk*",
    region="US",
    trunks={"PJSIP/trunk-de*": "DE"},
    lines={"PJSIP/fixed*": "landline"},
)


def who(endpoint: str, number: str = "", **words: str) -> Endpoint:
    return Endpoint("c", f"{endpoint}-00000001", endpoint, number=number, words=words)


def codes(
    endpoint: Endpoint, role: Role = Role.FAR, call_type: CallType = HELP, found: Found | None = None
) -> tuple[str, ...]:
    return SITE.of(endpoint, role, call_type, found).codes


@pytest.mark.requirement("S9")
@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (who("PJSIP/ca-7"), ("US-CA",)),
        (who("PJSIP/other"), ("GB",)),
        (who("PJSIP/us-wa-desk4"), ("GB", "US-WA")),
        (who("PJSIP/ca-7", site="US-NY"), ("US-CA", "US-NY")),
        (who("SIP/other"), ("US-TX",)),
        (who("SIP/other", site="Atlantis"), ("ZZ",)),
    ],
)
def test_an_agent_sits_where_anything_says_that_it_sits(endpoint: Endpoint, expected: tuple[str, ...]) -> None:
    assert codes(endpoint, Role.AGENT) == expected


def test_an_agent_of_no_place_is_nowhere() -> None:
    assert codes(who("SIP/other"), Role.AGENT, replace(HELP, site="")) == ("ZZ",)
    assert SITE.agents_of(replace(HELP, site="")).codes == ("ZZ",) and SITE.agents_of(HELP).codes == ("US-TX",)
    assert SITE.agents_of(HELP, "US-WA").codes == ("US-WA",) and SITE.agents_of(HELP, "Atlantis").codes == ("ZZ",)


@pytest.mark.requirement("S9", "S46")
@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (who("PJSIP/t", "+15125551234", line="landline"), ("US-TX",)),
        (who("PJSIP/fixed1", "+15125551234"), ("US-TX",)),
        (who("PJSIP/t", "+15125551234"), ("US-ZZ",)),
        (who("PJSIP/t", "512 555 1234", line="landline"), ("US-TX",)),
        (who("PJSIP/trunk-de1", "030 901820"), ("DE",)),
        (who("PJSIP/t", "0049 30 901820"), ("DE",)),
        (who("PJSIP/t", "+15125551234", place="US-CA", line="landline"), ("US-CA", "US-TX")),
        (who("PJSIP/t", ""), ("ZZ",)),
        (who("PJSIP/t", "anonymous"), ("ZZ",)),
        (who("PJSIP/t", "+1 512"), ("ZZ",)),
        (who("PJSIP/t", "9" * 40), ("ZZ",)),
    ],
)
def test_a_caller_is_where_anything_says_that_it_is(endpoint: Endpoint, expected: tuple[str, ...]) -> None:
    assert codes(endpoint) == expected


def test_a_record_that_disagrees_with_the_dialplan_counts_too() -> None:
    caller = who("PJSIP/t", place="US-NY")
    assert codes(caller, found=Found(place="US-WA")) == ("US-NY", "US-WA")
    assert codes(who("PJSIP/t", "+15125551234"), found=Found(line="landline")) == ("US-TX",)


def test_an_area_code_is_trusted_only_where_the_call_type_says_so() -> None:
    trusting = replace(HELP, number_policy=NumberPolicy.TRUST)
    assert codes(who("PJSIP/t", "+15125551234"), call_type=trusting) == ("US-TX",)


def test_overrides_end() -> None:
    override = Override("US-CA", (("consent", "one_party"),), "counsel's letter 4", "legal", date(2026, 12, 31))
    places = Places(pack=PACK, overrides=(override,))
    assert places.pack_on(date(2026, 12, 31)).version != PACK.version == places.pack_on(date(2027, 1, 1)).version
    assert places.pack_on(date(2026, 12, 31)) is places.pack_on(date(2026, 12, 31))


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [("+44123", "US", "+44123"), ("", "US", ""), ("0044123", "", "+44123"), ("030 1", "", "030 1"), ("x", "DE", "x")],
)
def test_numbers_without_a_country(number: str, region: str, expected: str) -> None:
    assert international(number, region) == expected


@pytest.mark.requirement("S20")
def test_what_is_spoken() -> None:
    polyglot = replace(HELP, language="en", language_dids={"+15125550100": "es"}, language_countries={"DE": "de"})
    german = who("PJSIP/trunk-de1", "030 901820")
    assert SITE.language(german, SITE.of(german, Role.FAR, polyglot), polyglot)[0] == "de"
    called = replace(german, words={"dialled": "5125550100"})
    assert SITE.language(called, SITE.of(called, Role.FAR, polyglot), polyglot)[0] in ("es", "de")
    nobody = who("PJSIP/t")
    assert SITE.language(nobody, SITE.of(nobody, Role.FAR, polyglot), polyglot)[0] == "en"

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.core.place import SAID, Evidence, LineType, Party, Role
from callguard.core.purpose import NumberPolicy
from callguard.core.row import Consent
from callguard.core.strictest import merge
from tests.core.law import PACK, customer, place

LAND, MOBILE, TRUST = LineType.LANDLINE, LineType.MOBILE, NumberPolicy.TRUST


# ---------------------------------------------------------------- what is written down
@pytest.mark.requirement("S9")
@pytest.mark.parametrize(
    ("site", "hq", "codes", "evidence"),
    [
        ("US-CA", "", ("US-CA",), (Evidence.SITE,)),
        (" us-ca ", "", ("US-CA",), (Evidence.SITE,)),
        ("US-TX", "US-WA", ("US-TX", "US-WA"), (Evidence.SITE, Evidence.HQ)),
        ("", "", ("ZZ",), (Evidence.NO_SITE,)),
        ("", "US-WA", ("ZZ", "US-WA"), (Evidence.NO_SITE, Evidence.HQ)),
        ("US-TX", "Austin", ("US-TX", "ZZ"), (Evidence.SITE, Evidence.UNKNOWN_HQ)),
        ("CA", "", ("CA",), (Evidence.SITE, Evidence.COUNTRY_NOT_STATE)),
        ("IL", "", ("IL",), (Evidence.SITE, Evidence.COUNTRY_NOT_STATE)),
        ("PA", "", ("ZZ",), (Evidence.SITE, Evidence.COUNTRY_NOT_STATE, Evidence.NO_ROW)),
        ("TX", "", ("ZZ",), (Evidence.UNKNOWN_SITE,)),
        ("Texas", "", ("ZZ",), (Evidence.UNKNOWN_SITE,)),
        ("UK", "", ("ZZ",), (Evidence.UNKNOWN_SITE,)),
        ("CN", "", ("ZZ",), (Evidence.SITE, Evidence.NO_ROW)),
        ("CA-ON", "", ("CA",), (Evidence.SITE, Evidence.NO_ROW)),
        ("US", "", ("US-ZZ",), (Evidence.SITE, Evidence.NO_ROW)),
        ("US-QQ", "", ("US-ZZ",), (Evidence.SITE, Evidence.NO_ROW)),
        ("ZZ", "", ("ZZ",), (Evidence.SITE,)),
        ("\uff35\uff33-TX", "", ("ZZ",), (Evidence.UNKNOWN_SITE,)),
    ],
)
def test_an_agent_is_at_its_site_and_its_headquarters(
    site: str, hq: str, codes: tuple[str, ...], evidence: tuple[Evidence, ...]
) -> None:
    found = place(Party(Role.AGENT, site=site, hq=hq, number="+14155551234", cli="anonymous"))
    assert (found.codes, found.evidence) == (codes, evidence)


def test_a_transfer_target_may_have_a_site() -> None:
    assert place(Party(Role.TRANSFER_TARGET, site="US-WA")).codes == ("US-WA",)
    with_mobile = Party(Role.SUPERVISOR, site="US-WA", number="+12065551234", line=MOBILE)
    assert place(with_mobile).codes == ("US-WA",)


def test_a_system_has_no_say_and_a_room_guest_no_place_of_its_own() -> None:
    assert place(Party(Role.SYSTEM, site="US-CA", number="+14155551234")).codes == ()
    assert place(Party(Role.ROOM_GUEST)).evidence == (Evidence.IN_ROOM,)
    assert place(Party(Role.ROOM_GUEST, crm="FR")).codes == ("FR",)
    assert place(Party(Role.GUEST)) == place(customer()) and place(customer()).evidence == (Evidence.NOTHING,)


# ---------------------------------------------------------------- North American numbers
@pytest.mark.requirement("S9")
@pytest.mark.parametrize(
    ("number", "line", "hint", "trust"),
    [
        ("+15125551234", LAND, "US-TX", "US-TX"),
        ("+1 (512) 555-1234", LAND, "US-TX", "US-TX"),
        ("+15125551234", MOBILE, "US-ZZ", "US-TX"),
        ("+15125551234", LineType.VOIP, "US-ZZ", "US-TX"),
        ("+15125551234", LineType.UNKNOWN, "US-ZZ", "US-TX"),
        ("+15125551234", LineType.TOLLFREE, "ZZ", "ZZ"),
        ("+17875551234", LAND, "US-PR", "US-PR"),
        ("+17875551234", MOBILE, "US-ZZ", "US-PR"),
        ("+14165551234", LAND, "CA", "CA"),
        ("+14165551234", MOBILE, "CA-ZZ", "CA"),
        ("+19025551234", LAND, "CA-ZZ", "CA-ZZ"),
        ("+18765551234", LAND, "ZZ", "ZZ"),
        ("+18765551234", MOBILE, "ZZ", "ZZ"),
        ("+18005551234", LAND, "ZZ", "ZZ"),
        ("+18885551234", LineType.UNKNOWN, "ZZ", "ZZ"),
        ("+18225551234", LAND, "ZZ", "ZZ"),
        ("+19005551234", LAND, "ZZ", "ZZ"),
        ("+15005551234", LAND, "ZZ", "ZZ"),
        ("+15505551234", LAND, "ZZ", "ZZ"),
        ("+16005551234", LAND, "ZZ", "ZZ"),
        ("+19995551234", LAND, "US-ZZ", "US-ZZ"),
        ("+15655551234", LAND, "ZZ", "ZZ"),
        ("+17615551234", LAND, "US-ZZ", "US-ZZ"),
    ],
)
def test_an_area_code_is_a_state_for_a_landline_or_on_trust(number: str, line: LineType, hint: str, trust: str) -> None:
    assert place(customer(number, line)).codes == (hint,)
    assert place(customer(number, line), TRUST).codes == (trust,)


@pytest.mark.parametrize("area", "357 436 457 621 624 679 729 837 861 924".split())
def test_area_codes_that_the_library_calls_invalid_are_known(area: str) -> None:
    found = place(customer(f"+1{area}5551234", LAND))
    assert found.codes == (PACK.resolve(PACK.npa[area]),) and found.evidence[:2] == (Evidence.NUMBER, Evidence.NPA)


@pytest.mark.parametrize("area", sorted(PACK.npa))
def test_every_area_code_leads_to_a_row(area: str) -> None:
    for policy in NumberPolicy:
        for line in LineType:
            (code,) = place(customer(f"+1{area}5551234", line), policy).codes
            assert code in PACK.rows and code != "US"


# ---------------------------------------------------------------- other numbers
@pytest.mark.requirement("S9")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+442079460000", "GB"), ("+441534500000", "JE"), ("+447911123456", "GG"), ("+447781123456", "GG"),
        ("+447797712345", "JE"), ("+447700312345", "JE"), ("+447624123456", "IM"), ("+447924123456", "GB"),
        ("+448001234567", "ZZ"), ("+443001234567", "ZZ"), ("+447012345678", "ZZ"),
        ("+74951234567", "ZZ"), ("+77011234567", "ZZ"), ("+78001234567", "ZZ"), ("+80012345678", "ZZ"),
        ("+883510000000000", "ZZ"), ("+61412345678", "AU-ZZ"), ("+61212345678", "AU-ZZ"), ("+61732345678", "AU-ZZ"),
        ("+41791234567", "CH"), ("+33912345678", "FR"), ("+8613912345678", "ZZ"), ("+358912345678", "FI"),
        ("+35818123456", "ZZ"), ("+390669812345", "ZZ"), ("+97235551234", "IL"), ("+4930123456", "DE"),
    ],
)  # fmt: skip
def test_a_number_shows_its_country(number: str, code: str) -> None:
    for line in (LAND, MOBILE):
        assert place(customer(number, line)).codes == (code,)


ODD = [
    "0000000000", "5125551234", "15125551234", "+1512555123", "+151255512345", "+1800FLOWERS", "+1512555ABCD", "+",
    "+" + "1" * 40, "1" * 40, "911", "+911", "112", "999", "211", "+1911", "+12115551234", "+10005551234",
    "+11105551234", "sip:anonymous", "sip:a@b", "tel:+15125551234", "+999123456789", "+210123456789", "x", "\x00",
    "+1512555\u0661\u0662\u0663\u0664", "\uff0b15125551234", "'; DROP TABLE call; --", "+4420794600001111", "+44",
    "+442", "+49 1", "++15125551234", "+1512555123,4", "+15125551234;ext=5", "+440000000000",
]  # fmt: skip


@pytest.mark.requirement("S9")
@pytest.mark.parametrize("number", ODD)
@pytest.mark.parametrize("policy", NumberPolicy)
def test_an_odd_number_is_nowhere(number: str, policy: NumberPolicy) -> None:
    assert place(customer(number, LAND), policy) == place(customer("garbage"))
    assert place(customer(number, LAND), policy).evidence == (Evidence.UNPARSABLE,)


@pytest.mark.parametrize(
    ("party", "evidence"),
    [
        (customer(cli="anonymous"), (Evidence.WITHHELD,)),
        (customer("anonymous"), (Evidence.WITHHELD,)),
        (customer("Restricted"), (Evidence.WITHHELD,)),
        (customer(sip="sip:anonymous@anonymous.invalid"), (Evidence.WITHHELD, Evidence.SIP)),
        (customer(sip="sip:alice@example.com"), (Evidence.SIP,)),
        (customer(sip="sip:+15125551234@example.com"), (Evidence.SIP,)),
        (customer(line=LineType.TOLLFREE), (Evidence.SHARED_NUMBER,)),
    ],
)
def test_no_number_is_nowhere(party: Party, evidence: tuple[Evidence, ...]) -> None:
    assert (place(party).codes, place(party).evidence) == (("ZZ",), evidence)


# ---------------------------------------------------------------- clues side by side
@pytest.mark.requirement("S9")
@pytest.mark.parametrize(
    ("party", "codes"),
    [
        (customer("+14155551234", MOBILE, crm="US-CA"), ("US-CA",)),
        (customer("+14155551234", MOBILE, crm="US-TX"), ("US-TX", "US-CA")),
        (customer("+14155551234", LAND, crm="FR"), ("FR", "US-CA")),
        (customer("+442079460000", crm="US-CA"), ("US-CA", "GB")),
        (customer("+61412345678", MOBILE, crm="AU-QLD"), ("AU-QLD",)),
        (customer("+61412345678", MOBILE, crm="GB"), ("GB", "AU-ZZ")),
        (customer("+19025551234", MOBILE, crm="CA-NS"), ("CA",)),
        (customer("+14155551234", MOBILE, crm="California"), ("ZZ", "US-ZZ")),
        (customer("+19995551234", LAND, crm="US-TX"), ("US-TX", "US-ZZ")),
        (customer("+15125551234", LAND, crm="US"), ("US-ZZ", "US-TX")),
        (customer(crm="US-TX"), ("US-TX",)),
        (customer("+18005551234", crm="US-TX"), ("US-TX", "ZZ")),
        (customer("garbage", crm="US-TX"), ("US-TX", "ZZ")),
        (customer(cli="anonymous", crm="US-TX"), ("US-TX", "ZZ")),
        (customer("+15125551234", LAND, cli="anonymous"), ("ZZ", "US-TX")),
        (customer(sip="sip:a@b", crm="US-TX"), ("US-TX",)),
        (customer("+15125551234", LAND, sip="sip:a@b"), ("US-TX",)),
    ],
)
def test_clues_that_disagree_all_apply(party: Party, codes: tuple[str, ...]) -> None:
    assert place(party).codes == codes


def test_every_word_is_explained() -> None:
    assert set(SAID) == set(Evidence)


parties = st.builds(
    Party,
    role=st.sampled_from([role for role in Role if role not in (Role.SYSTEM, Role.ROOM_GUEST)]),
    site=st.sampled_from(["", "US", "CA", "IL", "TX", "US-QQ", "nowhere", "\x00"]) | st.text(max_size=6),
    crm=st.sampled_from(["", "US", "AU", "MT", "Texas"]) | st.text(max_size=6),
    number=st.sampled_from(ODD) | st.text(max_size=20) | st.from_regex(r"\+[0-9]{1,15}", fullmatch=True),
    line=st.sampled_from([LineType.MOBILE, LineType.VOIP, LineType.UNKNOWN, LineType.TOLLFREE]),
    cli=st.text(max_size=5),
    sip=st.text(max_size=20),
)


@pytest.mark.requirement("S9")
@given(parties)
def test_whatever_comes_there_is_a_row_and_never_the_federal_floor_alone(party: Party) -> None:
    found = place(party)
    assert found.codes and all(code in PACK.rows for code in found.codes)
    assert "US" not in found.codes
    if Evidence.NO_ROW in found.evidence and found.codes[0][:2] in ("US", "ZZ"):
        assert merge(PACK.rows_for(found.codes)).consent is Consent.ALL_PARTY


def test_the_geocoder_is_never_loaded() -> None:
    script = (
        "import sys, callguard.cli\n"
        "from callguard.core.place import Party, Role, LineType, locate\n"
        "from callguard.store.pack import shipped_pack\n"
        "for number in ('+442079460000', '+15125551234', '+61412345678'):\n"
        "    locate(Party(Role.CUSTOMER, number=number, line=LineType.LANDLINE), shipped_pack())\n"
        "parts = ('geodata', 'geocoder', 'carrier', 'tzdata', 'timezone')\n"
        "print([name for name in sys.modules if name.startswith('phonenumbers') and any(p in name for p in parts)])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

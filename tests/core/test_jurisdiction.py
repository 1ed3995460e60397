from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from callguard.core.jurisdiction import EEA, RulePack, parse_pack
from callguard.core.override import Override
from callguard.core.row import COLUMNS, Consent, Row
from callguard.errors import ConfigError
from tests.core.law import PACK

CODES = "npa,iso_code,in_service,in_service_date,use\n212,US-NY,Y,01-Jan-1947,G\n"


def text(rows: Mapping[str, Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(row.as_data() for row in rows.values())
    return out.getvalue()


def without(*codes: str) -> RulePack:
    return parse_pack(text({code: row for code, row in PACK.rows.items() if code not in codes}), CODES)


def problems(jurisdictions: str, codes: str = CODES, dated: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_pack(jurisdictions, codes, dated)
    return caught.value.problems


# ---------------------------------------------------------------- fallbacks
@pytest.mark.requirement("S9")
@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("US-CA", "US-CA"), ("CA", "CA"), ("CA-BC", "CA-BC"), ("FR", "FR"), ("ZZ", "ZZ"), ("US-ZZ", "US-ZZ"),
        ("CA-ON", "CA"), ("AU-XX", "AU"), ("GB-SCT", "GB"), ("DE-BY", "DE"), ("EU", "EU-ZZ"),
("CN", "ZZ"), ("RU-MOW", "ZZ"), ("XX", "ZZ"), ("", "ZZ"), ("nonsense", "ZZ"),
        ("CALIFORNIA", "ZZ"), ("US-", "ZZ"),
        ("US", "US-ZZ"), ("US-UM", "US-ZZ"), ("US-XX", "US-ZZ"),
    ],
)  # fmt: skip
def test_a_place_without_a_row_falls_back_to_a_stricter_one(code: str, row: str) -> None:
    assert PACK.resolve(code) == row


def test_members_of_the_eea_fall_back_to_eu() -> None:
    pack = without("FR", "IS")
    assert (pack.resolve("FR"), pack.resolve("IS"), pack.resolve("FR-IDF")) == ("EU-ZZ",) * 3
    assert set(PACK.rows) >= EEA and len(EEA) == 30
    assert without("FR", "EU-ZZ").resolve("FR") == "ZZ"


@pytest.mark.requirement("S9")
@pytest.mark.parametrize("missing", [("US-TX",), ("US", "US-TX"), ("US-ZZ", "US-TX"), ("US", "US-ZZ", "US-TX")])
def test_a_missing_row_never_means_one_party(missing: tuple[str, ...]) -> None:
    pack = without(*missing)
    rows = pack.rows_for(["US-TX"])
    assert any(row.consent is Consent.ALL_PARTY for row in rows) is ("US" not in pack.rows or "US-ZZ" in pack.rows)


def test_a_subdivision_brings_its_country_and_each_row_comes_once() -> None:
    assert [row.iso_code for row in PACK.rows_for(["US-CA", "US-TX", "US-CA"])] == ["US-CA", "US", "US-TX"]
    assert [row.iso_code for row in PACK.rows_for(["ZZ", "GB"])] == ["ZZ", "GB"]
    assert [row.iso_code for row in PACK.rows_for(["CA-ON", "AU-ZZ"])] == ["CA", "AU-ZZ", "AU"]


def test_somewhere_in_a_country() -> None:
    assert [PACK.somewhere_in(code) for code in ("US", "CA", "AU", "FR", "CN")] == [
        "US-ZZ", "CA-ZZ", "AU-ZZ", "FR", "ZZ",
    ]  # fmt: skip


def test_the_shipped_pack_is_whole() -> None:
    assert (len(PACK.rows), PACK.dated) == (122, "2026-11")
    assert PACK.npa["415"] == "US-CA" and PACK.npa["800"] == "ZZ"


def test_area_codes_that_were_due_by_the_packs_date_count_and_later_ones_do_not() -> None:
    assert PACK.npa["465"] == "US-NY" and {"273", "565", "761", "822"}.isdisjoint(PACK.npa)
    undated = parse_pack(text(PACK.rows), f"{CODES}465,US-NY,N,18-Jun-2026,G\n")
    assert set(undated.npa) == {"212"}


# ---------------------------------------------------------------- version
def test_version_is_of_the_content() -> None:
    again = parse_pack(text(dict(reversed(list(PACK.rows.items())))), CODES)
    other = parse_pack(text(PACK.rows), CODES)
    assert again.version == other.version and again == other and hash(again) == hash(other)
    assert len(PACK.version) == 64 and other != PACK and PACK != "x"
    assert replace(other, dated="2026-12").version != other.version


def test_a_pack_can_be_kept_in_a_log() -> None:
    pack = PACK.overridden([override("US-TX", "2027-01-31", consent="all_party"), override("FR", "2026-01-01")], TODAY)
    data = json.loads(json.dumps(pack.as_data()))
    again = RulePack.from_data(data)
    assert again == pack and again.overrides == pack.overrides and again.expired == pack.expired
    assert RulePack.from_data(PACK.as_data()) == PACK


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"format": "other"}, "format"),
        ({"rows": 7}, "not as they were written"),
        ({"npa": []}, "not as they were written"),
        ({"rows": [7]}, "not as they were written"),
        ({"overrides": [{"code": "FR"}]}, "not as they were written"),
        ({"rows": [{"iso_code": "FR"}]}, "name: is missing"),
        ({"npa": {}}, "version"),
        ({"version": "0"}, "version"),
        ({"dated": "soon"}, "dated"),
    ],
)
def test_a_changed_pack_is_refused(change: dict[str, Any], part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        RulePack.from_data({**PACK.as_data(), **change})
    with pytest.raises(ConfigError):
        RulePack.from_data([])


# ---------------------------------------------------------------- overrides
TODAY = date(2026, 12, 1)


def override(code: str, expires: str, **changes: str) -> Override:
    return Override(code, tuple(changes.items()), "counsel", "legal", date.fromisoformat(expires))


@pytest.mark.requirement("S9")
def test_an_override_applies_until_its_day_is_over() -> None:
    wanted = override("US-TX", "2026-12-01", consent="all_party", notice_required="yes", beep_ok="no")
    pack = PACK.overridden([wanted], TODAY)
    assert pack.rows["US-TX"].consent is Consent.ALL_PARTY and pack.version != PACK.version
    assert (pack.overrides, pack.expired) == ((wanted,), ())
    later = PACK.overridden([wanted], date(2026, 12, 2))
    assert later.rows["US-TX"] == PACK.rows["US-TX"] and later.version == PACK.version
    assert (later.overrides, later.expired) == ((), (wanted,))


def test_unknown_places_follow_a_stricter_override() -> None:
    pack = PACK.overridden([override("CA", "2027-01-31", express_required="yes")], TODAY)
    assert pack.rows["CA-ZZ"].express_required and pack.rows["CA-ZZ"].covers(pack.rows["CA"])
    assert not PACK.rows["CA-ZZ"].express_required


def test_an_override_may_weaken_a_known_place_but_no_unknown_one() -> None:
    weak = dict(consent="one_party", notice_required="no", beep_ok="na", announce_recorded="no", express_required="no")
    pack = PACK.overridden([override("US-FL", "2027-01-31", **weak)], TODAY)
    assert pack.rows["US-FL"].consent is Consent.ONE_PARTY
    assert pack.rows["US-ZZ"] == PACK.rows["US-ZZ"] and pack.rows["ZZ"] == PACK.rows["ZZ"]


def test_an_override_of_a_row_that_this_pack_lacks_does_nothing() -> None:
    assert PACK.overridden([override("XX", "2027-01-31")], TODAY) == PACK


# ---------------------------------------------------------------- bad packs
def test_a_pack_without_zz_is_refused() -> None:
    rows = {code: row for code, row in PACK.rows.items() if code != "ZZ"}
    assert problems(text(rows)) == ["ZZ: is missing; every place without a row falls back to it"]


@pytest.mark.requirement("S9")
def test_an_unknown_place_that_asks_for_less_than_a_known_one_is_refused() -> None:
    rows = {**PACK.rows, "US-ZZ": replace(PACK.rows["US-ZZ"], announce_recorded=False)}
    found = problems(text(rows))
    assert len(found) == 1 and found[0].startswith("US-ZZ: asks for less than US-AS, US-CT")
    rows = {**PACK.rows, "EU-ZZ": replace(PACK.rows["EU-ZZ"], purpose_required=False)}
    assert "EU-ZZ: asks for less than AT" in problems(text(rows))[0]


def test_every_bad_row_is_named() -> None:
    line = text({"FR": PACK.rows["FR"]}).splitlines()[1]
    bad = text(PACK.rows) + line + "\n" + line.replace("FR,France,all_party", "F,France,both") + "\n"
    assert problems(bad) == [
        "line 124 (FR): a second row of this code",
        "line 125 (F): iso_code: must be a code like CA (Canada) or US-CA (California)",
        "line 125 (F): consent: must be one of one_party, all_party",
    ]


@pytest.mark.parametrize(
    ("jurisdictions", "part"),
    [
        ("", "line 1: no column iso_code"),
        ("\ufeffiso_code\nFR,x\n", "line 2: 2 cells, not 1"),
        ('iso_code\n"FR\n', "not CSV"),
    ],
)
def test_what_is_no_table(jurisdictions: str, part: str) -> None:
    assert any(part in problem for problem in problems(jurisdictions))


def test_bad_area_codes_and_date() -> None:
    good = text(PACK.rows)
    assert problems(good, CODES + "12,US-NY,Y,,G\n") == ["line 3: not an area code and an ISO code"]
    assert problems(good, CODES + "212,New York,Y,,G\n") == ["line 3: not an area code and an ISO code"]
    assert problems(good, dated="November") == ["dated: must be YYYY-MM or YYYY-MM-DD"]

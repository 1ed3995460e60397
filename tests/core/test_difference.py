from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from callguard.core.difference import Change, changes_demand, difference
from callguard.core.jurisdiction import RulePack
from callguard.core.row import Consent
from tests.core.law import PACK


def changed() -> RulePack:
    rows = dict(PACK.rows)
    rows["FR"] = replace(rows["FR"], consent=Consent.ONE_PARTY, note="x")
    rows["CA-ON"] = replace(rows["CA-QC"], iso_code="CA-ON")
    rows["US-TX"] = replace(rows["US-TX"], special=("y",))
    del rows["BR"]
    npa = {**PACK.npa, "212": "US-NJ", "999": "US-NY"}
    return replace(PACK, rows=MappingProxyType(rows), npa=MappingProxyType(npa))


def test_rows_cells_and_area_codes_that_differ() -> None:
    gap = difference(PACK, changed())
    assert gap and (gap.added, gap.removed) == (("CA-ON",), ("BR",))
    assert [code for code, _ in gap.changed] == ["FR", "US-TX"]
    data = gap.as_data()
    assert data["changed"]["FR"]["consent"] == ["all_party", "one_party"] and set(data["changed"]["FR"]) == {
        "consent",
        "note",
    }
    assert gap.area_codes == (Change("212", "US-NY", "US-NJ"), Change("999", "", "US-NY"))


def test_no_difference_is_none() -> None:
    gap = difference(PACK, PACK)
    assert not gap and gap.as_data() == {"added": [], "removed": [], "changed": {}, "area_codes": {}}


@pytest.mark.requirement("S46")
@pytest.mark.parametrize(
    ("codes", "felt"),
    [
        (["FR"], True), (["FR", "DE"], False), (["GB"], False), (["US-TX"], True), (["BR", "GB"], True),
        (["BR", "ZZ"], False), ([], False),
    ],
)  # fmt: skip
def test_a_call_feels_it_where_its_demand_changes(codes: list[str], felt: bool) -> None:
    assert changes_demand(codes, PACK, changed()) is felt

from __future__ import annotations

import pytest

from callguard.core.purpose import CREEP, Purpose, Use


@pytest.mark.requirement("S66")
def test_every_purpose_can_be_a_further_use_and_creep_is_never_a_purpose() -> None:
    assert {str(item) for item in Purpose} - {"none"} == {str(item) for item in set(Use) - CREEP}


@pytest.mark.requirement("S8")
def test_there_is_no_code_for_a_purpose_of_ones_own() -> None:
    assert not {"personal", "other", "unknown", ""} & {str(item) for item in Purpose}

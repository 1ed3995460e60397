"""The simulation can fail: each of these defects is a careless change, and each is found."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulate.defect import DEFECTS
from tests.simulate.run import some

SHOWN_BY = {
    "IgnoresThirdParties": (121, "recorded untold"),
    "ActsBeforeTheCommit": (40, "permitted before its rows were durable"),
    "GrantsOnSilence": (1, "recorded silent"),
    "QuorumAlwaysHolds": (1, "recorded untold"),
    "LosesStops": (40, "recorded refused"),
    "LosesMasks": (1, "recorded untold"),
    "LosesCallers": (1, "left waiting"),
    "LosesRows": (90, "un-audited"),
    "NeverStarts": (1, "silent loss"),
    "StaysMasked": (281, "silent loss"),
    "ForgetsStops": (1, "recorded halted"),
    "ForgetsDisputes": (1281, "recorded silent"),
    "HaltsNobodyAtTheDoor": (189, "asked under a halt"),
    "IgnoresListeners": (1, "recorded untold"),
    "TellsOneCallOfListeners": (4030, "recorded untold"),
}
"""Where to begin, and what is found in a few worlds from there on."""


def found(first: int, worlds: int = 40, defect: str = "") -> Counter[str]:
    """Kinds of violations in some worlds, with a defect or none."""
    return some(first, worlds, defect=defect).kinds


def test_every_defect_has_worlds_that_show_it() -> None:
    assert SHOWN_BY.keys() == DEFECTS.keys()


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(defect: str) -> None:
    first, kind = SHOWN_BY[defect]
    assert found(first) == Counter()
    assert found(first, defect=defect)[kind] > 0

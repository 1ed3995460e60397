"""What may be made of a recording: what its call type lists, of parties who were told and agreed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.deriving import Told, refusal
from callguard.core.policy import parse_call_type
from callguard.core.profile import CallType
from callguard.core.purpose import Output

AUDIO = parse_call_type("support", {"purpose": "qa", "retention": {"audio": 90}})
BOTH = replace(AUDIO, outputs=(Output.AUDIO, Output.TRANSCRIPT))
YES = Told("far", told=True, granted=True, refused=False)


@pytest.mark.requirement("S3")
@pytest.mark.parametrize(
    ("then", "now", "parties", "says"),
    [
        (BOTH, BOTH, [YES], ""),
        (BOTH, None, [YES, YES], ""),
        (AUDIO, BOTH, [YES], "did not list transcript when"),
        (None, BOTH, [YES], "did not list transcript when"),
        (BOTH, AUDIO, [YES], "any more"),
        (BOTH, BOTH, [], "nobody"),
        (BOTH, BOTH, [YES, replace(YES, told=False)], "not told to the end"),
        (BOTH, BOTH, [YES, replace(YES, granted=False)], "did not agree"),
        (BOTH, BOTH, [YES, replace(YES, refused=True)], "refused or withdrew"),
    ],
)
def test_each_of_the_conditions_alone_forbids_it(
    then: CallType | None, now: CallType | None, parties: list[Told], says: str
) -> None:
    found = refusal(Output.TRANSCRIPT, then, now, parties)
    assert says in found and bool(found) == bool(says)

"""How long a policy with many call types takes to be read and judged."""

from __future__ import annotations

import time
import tomllib
from datetime import date

from callguard.core.complete import incomplete
from callguard.core.policy import parse_policy
from callguard.lab.stand import COMPLETE

CALL_TYPES = 500


def test_five_hundred_call_types_in_a_second() -> None:
    tables = (
        f"[call_type.team{number}]\nuses = ['dispute']\nretention = {{audio = 30}}\n" for number in range(CALL_TYPES)
    )
    text = COMPLETE + "".join(tables)
    begin = time.perf_counter()
    policy = parse_policy(tomllib.loads(text))
    found = incomplete(policy, date(2026, 12, 14))
    seconds = time.perf_counter() - begin
    print(f"\n{CALL_TYPES} call types: {seconds:.3f} s")
    assert len(policy.call_types) == CALL_TYPES and found == [] and seconds < 1

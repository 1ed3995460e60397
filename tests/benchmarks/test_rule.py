"""How many calls a second the rule engine can judge in one process."""

from __future__ import annotations

import time

from callguard.core.explain import explain
from tests.core.law import EXAMPLES, PACK, example

ROUNDS = 100


def test_two_thousand_explanations_a_second() -> None:
    documents = [example(case) for case in EXAMPLES]
    for document in documents:
        explain(document, PACK)
    begin = time.perf_counter()
    for _ in range(ROUNDS):
        for document in documents:
            explain(document, PACK)
    rate = ROUNDS * len(documents) / (time.perf_counter() - begin)
    print(f"\nrule engine: {rate:.0f} explanations/s")
    assert rate >= 2000

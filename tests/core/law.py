"""What the tests of the rule engine stand on: the shipped pack, and parties in a line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from callguard.core.explain import explain
from callguard.core.place import LineType, Party, Place, Role, locate
from callguard.core.purpose import NumberPolicy
from callguard.store.pack import shipped_pack

PACK = shipped_pack()
EXAMPLES = list(csv.DictReader(Path(__file__).with_name("rule_examples.csv").read_text("utf-8").splitlines()))
TEXAS: dict[str, Any] = {"role": "agent", "site": "US-TX"}


def customer(number: str = "", line: LineType = LineType.UNKNOWN, **facts: str) -> Party:
    return Party(Role.CUSTOMER, number=number, line=line, **facts)


def place(party: Party, policy: NumberPolicy = NumberPolicy.HINT) -> Place:
    return locate(party, PACK, policy)


def document(event: str, *parties: dict[str, Any], policy: str = "hint") -> dict[str, Any]:
    return {"event": event, "number_policy": policy, "parties": list(parties)}


def asked(event: str, *parties: dict[str, Any], policy: str = "hint") -> dict[str, Any]:
    return explain(document(event, *parties, policy=policy), PACK)


def example(case: dict[str, str]) -> dict[str, Any]:
    return document(case["event"], *json.loads(case["parties"]), policy=case["number_policy"])

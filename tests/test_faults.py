"""Every fault of docs/faults.md has its test, and every such test its row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAULT = "test_fault_"


def all_faults() -> set[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    found = (node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {name for name in found if name.startswith(FAULT)}


def test_each_fault_is_made_to_happen_by_exactly_one_test() -> None:
    named = re.findall(rf"`({FAULT}\w+)`", (ROOT / "docs" / "faults.md").read_text(encoding="utf-8"))
    assert len(named) > 30 and len(set(named)) == len(named)
    there = all_faults()
    made = {name: [test for test in there if test.startswith(f"{name}_")] for name in named}
    assert {name: found for name, found in made.items() if len(found) != 1} == {}
    assert sorted(test for found in made.values() for test in found) == sorted(there)

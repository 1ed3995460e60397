"""Which numbered demands have tests, read from the tests' marks without running them.

What belongs here: finding `@pytest.mark.requirement("S7")`, and marks like it, on functions, on classes and as a
module's `pytestmark`, and the list that `./dev requirements` prints. What does not: the demands' words, and whether the
tests pass.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

NUMBERS = [f"S{number}" for number in range(1, 130)]


def marks(node: ast.AST, mark: str) -> Iterator[str]:
    """Every number named by a `requirement(...)` call, or another MARK's, at or below this node."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == mark:
            yield from (arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def _decorators(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, mark: str) -> list[str]:
    return [number for decorator in node.decorator_list for number in marks(decorator, mark)]


def _own_mark(body: list[ast.stmt], mark: str) -> list[str]:
    assigned = [node for node in body if isinstance(node, ast.Assign)]
    named = [node for node in assigned if any(getattr(name, "id", "") == "pytestmark" for name in node.targets)]
    return [number for node in named for number in marks(node, mark)]


def proofs(
    body: list[ast.stmt], inherited: list[str], prefix: str, mark: str = "requirement"
) -> Iterator[tuple[str, str]]:
    """(number, test name) for each test function in a module or class body."""
    inherited = inherited + _own_mark(body, mark)
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from proofs(node.body, inherited + _decorators(node, mark), f"{prefix}::{node.name}", mark)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield from ((number, f"{prefix}::{node.name}") for number in inherited + _decorators(node, mark))


def collect(tests: Path, mark: str = "requirement") -> dict[str, list[str]]:
    """Number -> the tests that carry it, as pytest node ids relative to the folder above `tests`."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        for number, test in proofs(module.body, [], path.relative_to(tests.parent).as_posix(), mark):
            found[number].append(test)
    return found


def main() -> int:
    """Print number and tests; exit 1 when a test names a number that does not exist."""
    found = collect(Path(__file__).parent)
    for number in (number for number in NUMBERS if number in found):
        print(f"{number:<5} {found[number][0]}", *found[number][1:], sep="\n      ")
    print(f"{len(found.keys() & set(NUMBERS))} of {len(NUMBERS)} demands have tests")
    unknown = sorted(found.keys() - set(NUMBERS))
    if unknown:
        print(f"not a number of a demand: {', '.join(unknown)}", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())

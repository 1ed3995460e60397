"""Variables that hold what came of something."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.carrier import carriers
from tests.lint.plan import graph

SETS = """
[a]
exten => 1,1,Set({})
 same => n,MSet(Z=${{B}})
 same => n,Set(X=1)
[b]
exten => 1,1,Set(Y=${{FIRST}})
"""


@pytest.mark.parametrize(
    "data", ["B=${FIRST}", "__B=x${FIRST}", "LOCAL(B)=${FIRST:1}", "GLOBAL(B)=${IF($[${FIRST}]?1:2)}"]
)
def test_they_are_followed_through_set(tmp_path: Path, data: str) -> None:
    held = carriers(graph(tmp_path, SETS.format(data)), ["FIRST"], ["b"])
    names = ("FIRST", "B", "Z", "X", "Y", "FIRSTS")
    assert [name for name in names if held.search(f"${{{name}}}")] == ["FIRST", "B", "Z"]


def test_what_only_looks_alike_holds_nothing(tmp_path: Path) -> None:
    held = carriers(graph(tmp_path, SETS.format("B=FIRST")), ["FIRST"])
    assert not held.search("${B}") and held.search("${Y}")

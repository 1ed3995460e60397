"""How long it takes to look through dialplans of the size that sites have, and what memory it takes."""

from __future__ import annotations

import resource
import time
from pathlib import Path

from callguard.lint.examine import lint
from tests.lint.plan import freepbx, written


def show(what: str, lines: int, seconds: float) -> None:
    print(f"\nlint {what}: {lines} lines in {seconds:.2f} s")


def test_a_tree_of_freepbx_takes_less_than_two_seconds(tmp_path: Path) -> None:
    tree = freepbx(tmp_path, asks=True)
    lines = sum(len(path.read_text().splitlines()) for path in tree.glob("*.conf"))
    begin = time.perf_counter()
    lint([tree])
    taken = time.perf_counter() - begin
    show("FreePBX", lines, taken)
    assert lines > 5000 and taken < 2


def test_two_hundred_thousand_lines(tmp_path: Path) -> None:
    lines = "".join(f"exten => {number},1,NoOp(x)\n same => n,Goto(x,{number % 10},1)\n" for number in range(100_000))
    targets = "".join(f"exten => {number},1,Hangup()\n" for number in range(10))
    path = written(tmp_path, f"[from-trunk]\n{lines}[x]\n{targets}")
    begin = time.perf_counter()
    lint([path])
    show("one context", 200_012, time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak {peak} MiB")
    assert peak < 800

"""How long it takes to look through dialplans of the size that sites have, and what memory it takes."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from callguard.lint.examine import lint
from callguard.lint.freeswitch.examine import lint as lint_freeswitch
from tests.lint.freeswitch import site as switch
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


_OUT = "exten => _{0:04}X.,1,Dial(PJSIP/1@t)\n"
COMPUTED = {
    "patterns": ("exten => _{0:04}X.,1,NoOp()\n same => n,Goto(out,${{EXTEN}},1)\n", _OUT),
    "numbers": ("exten => _{0:04}X,1,NoOp()\n same => n,Goto(out,{0:04}1,1)\n", _OUT),
    "names": ("exten => {0},1,NoOp()\n same => n,Goto(out,s{0}-${{X}},1)\n", "exten => s{0}-A,1,Dial(PJSIP/a)\n"),
    "menus": ("exten => {0},1,Background(x)\n same => n,WaitExten()\n", ""),
}


@pytest.mark.parametrize("kind", COMPUTED)
def test_two_thousand_computed_targets_take_less_than_a_second(tmp_path: Path, kind: str) -> None:
    sources, targets = ("".join(line.format(number) for number in range(2000)) for line in COMPUTED[kind])
    path = written(tmp_path, f"[from-trunk]\n{sources}[out]\n{targets}")
    begin = time.perf_counter()
    lint([path])
    taken = time.perf_counter() - begin
    show(f"2,000 computed {kind}", len(path.read_text().splitlines()), taken)
    assert taken < 1


def test_five_thousand_lines_of_freeswitch_take_less_than_two_seconds(tmp_path: Path) -> None:
    to, more = switch.act("transfer", "$1 XML default"), switch.act("set", "a=b") + "\n"
    ask = more * 6 + switch.ASK.replace("/>", "/>\n") + switch.BRIDGE
    trunks = [switch.extension(f"\n{to}\n", rf"^(\+?1?5125550{number:03})$", f"t{number}") for number in range(360)]
    phones = [switch.extension(ask, rf"^\+?1?5125550({number:03})$", f"p{number}") for number in range(360)]
    path = switch.written(tmp_path, switch.context(*trunks), switch.context(*phones, name="default"))
    lines = len(path.read_text().splitlines())
    begin = time.perf_counter()
    report = lint_freeswitch([path, switch.SNIPPET])
    taken = time.perf_counter() - begin
    show("FreeSWITCH", lines, taken)
    assert report.findings == () and taken < 2 and lines > 5000

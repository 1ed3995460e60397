"""What a target means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.plan import graph, step

PLAN = """
[globals]
DEST = b
[a]
exten => _X.,1,{}
 same => n(l1),NoOp()
 same => n(l2),NoOp()
exten => s-BUSY,1,NoOp()
exten => s-NOANSWER,1,NoOp()
exten => i,1,NoOp()
exten => h,1,NoOp()
[b]
include => c
exten => 5,1,NoOp()
[c]
exten => _5X,1,NoOp()
exten => s,1,NoOp()
[to-one]
exten => s,1,NoOp()
[to-two]
exten => s,1,NoOp()
exten => _s-.,1,NoOp()
exten => _5X,1,NoOp()
exten => s-BUSY,1,NoOp()
"""


@pytest.mark.parametrize(
    ("app", "means"),
    [
        ("Goto(l1)", ["a:_X.:2"]),
        ("Goto(l${A})", ["a:_X.:2", "a:_X.:3"]),
        ("Goto(+2)", ["a:_X.:3"]),
        ("Goto(b,5,1)", ["b:5:1"]),
        ("Goto(${DEST},5,1)", ["b:5:1"]),
        ("Goto(b,55,1)", ["c:_5X:1"]),
        ("Goto(b,${EXTEN},1)", ["c:_5X:1"]),
        ("Goto(b,${EXTEN:1},1)", ["b:5:1", "c:_5X:1"]),
        ("Goto(s-${DIALSTATUS},1)", ["a:s-BUSY:1", "a:s-NOANSWER:1"]),
        ("Goto(to-two,s-${Y},1)", ["to-two:s-BUSY:1", "to-two:_s-.:1"]),
        ("Goto(b,${Y},1)", ["unknown"]),
        ("Goto(${Y},s,1)", ["unknown"]),
        ("Goto(to-${Y},s,1)", ["to-one:s:1", "to-two:s:1"]),
        ("Goto(b,5,${Y})", ["unknown"]),
        ("Goto(b,6,1)", []),
        ("Goto(none,s,1)", ["unknown"]),
        ("GosubIf($[${DIALPLAN_EXISTS(none,s,1)}]?none,s,1)", []),
        ("WaitExten()", ["a:_X.:1", "a:s-BUSY:1", "a:s-NOANSWER:1", "a:i:1"]),
        ("Background(x,,,b)", ["b:5:1", "c:_5X:1"]),
        ("Dial(Local/5@b)", ["b:5:1"]),
    ],
)
def test_targets(tmp_path: Path, app: str, means: list[str]) -> None:
    ways = graph(tmp_path, PLAN.format(app))
    ((_, found),) = ways.onward(step(ways.plan, "a", "_X."))
    shown = [f"{each.context}:{each.exten}:{each.priority}" for each in found.steps]
    assert (["unknown"] if found.unknown else shown) == means


def test_the_extension_itself_is_known_where_it_is_no_pattern(tmp_path: Path) -> None:
    ways = graph(tmp_path, "[a]\nexten => 95,1,Goto(b,${EXTEN:1},1)\n[b]\nexten => 5,1,NoOp()\nexten => 6,1,NoOp()\n")
    ((_, found),) = ways.onward(step(ways.plan, "a", "95"))
    assert [each.exten for each in found.steps] == ["5"]


def test_the_end_of_a_loop(tmp_path: Path) -> None:
    lines = ("While($[1])", "While($[2])", "EndWhile()", "ExitWhile()", "EndWhile()", "Hangup()")
    ways = graph(tmp_path, "[a]\n" + "".join(f"exten => s,{at},{line}\n" for at, line in enumerate(lines, 1)))
    ends = [
        [each.priority for _, found in ways.onward(step(ways.plan, "a", "s", at)) for each in found.steps]
        for at in (1, 2, 4)
    ]
    assert ends == [[6], [4], [6]] and ways.goes_on(step(ways.plan, "a", "s", 1))
    assert not ways.goes_on(step(ways.plan, "a", "s", 4)) and ways.following(step(ways.plan, "a", "s", 6)) is None

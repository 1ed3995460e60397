"""Contexts, extensions and priorities: our reading of a dialplan against Asterisk's own."""

from __future__ import annotations

import re
from pathlib import Path

from callguard.lab.asterisk import Asterisk
from callguard.lint.model import Dialplan
from tests.lint.plan import plan, step

ODD = """
[globals]
NUMBER = 77
[tmpl](!)
exten => 1,1,NoOp(from the template)
[inbound](tmpl)
exten => 2,1,NoOp(a)
 same => n(here),NoOp(b) ; comment
exten => 2,n+2,NoOp(c)
exten => 3,n,NoOp(counted on)
exten = ${NUMBER},1,NoOp(constant)
exten => 2,1,NoOp(twice)
;-- exten => 4,1,NoOp(hidden)
 --; exten => 5,1,NoOp(shown)
exten => 6,1,NoOp(a\\;b)
exten => 6,here2,NoOp(no such label)
exten => 7,1,NoOp(first \\
same => n,NoOp(second)
exten => _8XX,1,NoOp(p)
exten => _8XX/123,1,NoOp(for one caller)
exten => 9,1,NoOp(x(y)z)
exten => 9,2(unclosed,NoOp(lost)
whatever => 1
exten => 10,hint,PJSIP/agent1
exten => 11,next,NoOp(next)
[agents]
[inbound](+)
exten => 12,1,NoOp(added)
[internal]
"""


def registered(dialplan: Dialplan, name: str) -> set[tuple[str, int, str, str]]:
    found = dialplan.contexts[name].extensions.items()
    return {
        (key.replace("/", ""), number, each.label, f"{each.app}({each.data})")
        for key, extension in found
        for number, each in extension.steps.items()
    }


def shown(text: str) -> set[tuple[str, int, str, str]]:
    """What `dialplan show` printed."""
    found, exten = set(), ""
    for line in text.splitlines():
        if start := re.match(r"  '([^']*)'(?: \(CID match '([^']*)'\))? =>", line):
            exten = start[1] + (start[2] or "")
        if hit := re.match(r"(?:  '.*=>|)\s+(?:\[(\w+)\]\s+)?(\d+)\. (.*?)\s+\[", line):
            found.add((exten, int(hit[2]), hit[1] or "", hit[3]))  # it prints no label of the first priority
    return found


async def test_asterisk_registers_the_same_steps(tmp_path: Path) -> None:
    ours = registered(plan(tmp_path / "text", ODD), "inbound")
    async with Asterisk(tmp_path / "pbx", dialplan=ODD, agents=1) as running:
        theirs = shown(await running.cli("dialplan show inbound"))
        await running.kill()
    assert len(theirs) > 12
    assert ours == theirs


def test_what_asterisk_ignores_is_found_with_its_line(tmp_path: Path) -> None:
    found = {(each.rule, each.place.line) for each in plan(tmp_path, ODD).findings}
    assert found == {("duplicate", 12), *(("syntax", line) for line in (16, 17, 22, 23, 25))}


def test_the_most_specific_extension_is_meant(tmp_path: Path) -> None:
    context = plan(tmp_path, "[a]\nexten => _9.,1,A()\nexten => _91X,1,B()\nexten => 911,1,C()\n").contexts["a"]
    assert [context.find(number)[0].exten for number in ("911", "912", "95", "9")[:3]] == ["911", "_91X", "_9."]
    assert context.find("9") == []


def test_includes_are_reached_in_order_and_a_ring_ends(tmp_path: Path) -> None:
    text = "[a]\ninclude => b,9:00-17:00,mon-fri,*,*\ninclude => d\n[b]\ninclude => c\n[c]\ninclude => a\n[d]\n"
    assert [context.name for context in plan(tmp_path, text).reach("a")] == ["a", "b", "c", "d"]


def test_a_global_that_is_set_is_no_constant(tmp_path: Path) -> None:
    text = "[globals]\nA = 1\nB = 2\n[x]\nexten => 1,1,Set(GLOBAL(A)=3)\n same => n,ExecIf($[1]?Set(__C=1))\n"
    assert plan(tmp_path, text).constants == {"B": "2"}


def test_steps_keep_their_place(tmp_path: Path) -> None:
    assert step(plan(tmp_path, "[x]\n\nexten => 1,1,Dial(PJSIP/a,20)\n"), "x", "1").place.line == 3

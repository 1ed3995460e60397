"""How deep the choice to say no lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.plan import ASK, found, rules

ASKED = f"{ASK}\n same => n,Queue(a)\n"
READ = "Read(A,x,1)\n same => n,"
MENU = "Background(x)\n same => n,WaitExten()\n"


@pytest.mark.requirement("S22")
@pytest.mark.parametrize(
    ("text", "depth"),
    [
        (f"exten => s,1,{ASKED}", 0),
        (f"exten => s,1,{READ}{ASKED}", 1),
        (f"exten => s,1,{READ}{READ}{ASKED}", 2),
        (f"exten => s,1,{READ}{READ}{READ}{ASKED}", 3),
        (f"exten => s,1,{MENU}exten => 1,1,{ASKED}", 1),
        (f"exten => s,1,{MENU}exten => 1,1,Goto(b,s,1)\n[b]\nexten => s,1,{MENU}exten => 2,1,{ASKED}", 2),
        (f"exten => s,1,Gosub(b,s,1)\n same => n,{ASKED}[b]\nexten => s,1,Read(A,x)\n same => n,Return()\n", 0),
        (f"exten => s,1,{READ}{READ}GotoIf($[1]?2:1)\nexten => t,1,{ASKED}", 0),
    ],
)
def test_menus_before_the_notice(tmp_path: Path, text: str, depth: int) -> None:
    told = [each.text for each in found(tmp_path, f"[from-trunk]\n{text}") if each.rule == "opt-out-behind-menus"]
    expected = f"a caller passes {depth} menus before the notice offers the choice to say no"
    assert told == ([expected] if depth > 1 else [])


def test_the_shortest_way_counts_and_one_who_was_asked_is_not_asked_again(tmp_path: Path) -> None:
    ways = f"[from-trunk]\nexten => s,1,GotoIf($[1]?a)\n same => n,{READ}{READ}NoOp()\n same => n(a),{ASKED}"
    assert "opt-out-behind-menus" not in [rule for rule, _ in rules(tmp_path, ways)]
    again = f"[from-trunk]\nexten => s,1,{ASK}\n same => n,{READ}{READ}{ASKED}"
    assert rules(tmp_path, again) == []


def test_the_own_phones_are_no_callers(tmp_path: Path) -> None:
    assert rules(tmp_path, f"[from-internal]\nexten => 5,1,{READ}{READ}{ASKED}") == []

"""Where calls come in."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.entry import Entries, entries, exempt, first_steps, site_numbers
from callguard.lint.snippet import recognise
from tests.lint.plan import graph

PLAN = """
[from-trunk-a]
include => inner
exten => s,1,Goto(menu,s,1)
[from-internal]
exten => 1,1,Dial(PJSIP/a,20,G(late^s^1))
[provider]
exten => 1,1,Set(CHANNEL(hangup_handler_push)=ends,s,1)
[inner]
exten => 911,1,NoOp()
exten => 5,1,NoOp()
[menu]
[late]
[ends]
[from-did-direct]
exten => h,1,NoOp()
"""


def test_by_name_and_by_what_leads_there(tmp_path: Path) -> None:
    ways = graph(tmp_path, PLAN)
    trunks = ("from-trunk-a", "from-did-direct")
    assert entries(ways, recognise(ways), ()) == Entries(trunks, ("from-internal",), ("provider",))
    assert entries(ways, recognise(ways), ("menu",)) == Entries(trunks=("menu",))


def test_an_inner_context_of_freepbx_is_no_entry_once_something_leads_there(tmp_path: Path) -> None:
    ways = graph(tmp_path, PLAN + "[x]\nexten => 1,1,Goto(from-did-direct,1,1)\n")
    assert "from-did-direct" not in entries(ways, recognise(ways), ()).trunks


@pytest.mark.parametrize(
    ("exten", "passes"),
    [("911", True), ("_9911", True), ("0112", True), ("_911", True), ("_9X.", False), ("*72", True), ("_*8.", True),
     ("fax", True), ("h", True), ("s", False), ("555", True), ("556", False)],
)  # fmt: skip
def test_what_may_pass_unasked(exten: str, passes: bool) -> None:
    assert exempt(exten, frozenset(("555",))) is passes


def test_first_steps_leave_out_what_may_pass(tmp_path: Path) -> None:
    ways = graph(tmp_path, PLAN + "[globals]\nCALLGUARD_EMERGENCY = 5&6\n")
    assert site_numbers(ways) == {"5", "6"}
    assert [each.exten for each in first_steps(ways, ("from-trunk-a",), frozenset())] == ["s", "5"]
    assert [each.exten for each in first_steps(ways, ("from-trunk-a",), site_numbers(ways))] == ["s"]

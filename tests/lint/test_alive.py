"""What anything leads to."""

from __future__ import annotations

from pathlib import Path

from callguard.lint.alive import alive
from callguard.lint.snippet import recognise
from tests.lint.plan import graph


def places(folder: Path, text: str, *named: str) -> set[tuple[str, str, int]]:
    ways = graph(folder, text)
    return {(each.context, each.exten, each.priority) for each in alive(ways, recognise(ways), named)}


def test_what_a_return_or_nothing_leads_to_is_not_alive(tmp_path: Path) -> None:
    text = (
        "[in]\nexten => s,1,Gosub(sub,s,1)\n same => n,Hangup()\n same => n,NoOp()\n[sub]\nexten => s,1,Return()\n"
        " same => n,Gosub(deep,s,1)\n[deep]\nexten => s,1,NoOp()\n"
    )
    assert places(tmp_path, text) == {("in", "s", 1), ("in", "s", 2), ("sub", "s", 1)}


def test_handlers_the_end_of_calls_and_both_parties_of_g_are(tmp_path: Path) -> None:
    text = (
        "[in]\nexten => s,1,Set(CHANNEL(hangup_handler_push)=end,s,1)\n same => n,Dial(PJSIP/a,20,G(both^s^1))\n"
        "exten => h,1,NoOp()\n[end]\nexten => s,1,Return()\n[both]\nexten => s,1,Hangup()\n same => n,Hangup()\n"
    )
    assert {("in", "h", 1), ("end", "s", 1), ("both", "s", 1), ("both", "s", 2)} <= places(tmp_path, text)


def test_the_named_entries_alone(tmp_path: Path) -> None:
    text = "[in]\nexten => s,1,NoOp()\n[other]\nexten => s,1,NoOp()\n"
    assert places(tmp_path, text, "other") == {("other", "s", 1)}

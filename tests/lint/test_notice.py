"""Ways around the notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import Options
from callguard.lint.notice import BRIDGES
from tests.lint.plan import ASK, found, rules


@pytest.mark.requirement("S80")
@pytest.mark.parametrize("app", sorted(BRIDGES))
def test_each_application_that_connects_people(tmp_path: Path, app: str) -> None:
    assert rules(tmp_path, f"[from-trunk]\nexten => 1,1,{app}(x)\n") == [("bypass", 2)]
    assert rules(tmp_path, f"[from-trunk]\nexten => 1,1,{ASK}\n same => n,{app}(x)\n") == []


@pytest.mark.requirement("S80")
@pytest.mark.parametrize(
    "text",
    [
        "[from-pstn]\ninclude => b\n[b]\nexten => _X.,1,Queue(a)\n",
        "[inbound-a]\nexten => 1,1,Goto(b,s,1)\n[b]\nexten => s,1,Queue(a)\n",
        "[incoming]\nexten => 1,1,Background(a)\n same => n,WaitExten()\nexten => 2,1,Queue(a)\n",
        "[from-trunk]\nexten => 1,1,Dial(Local/2@b/n)\n[b]\nexten => 2,1,Queue(a)\n",
        f"[from-trunk]\nexten => 1,1,GotoIf($[1]?x)\n same => n,{ASK}\n same => n(x),Queue(a)\n",
        f"[from-trunk]\nexten => 1,1,GotoIfTime(9:00-17:00,*,*,*?x)\n same => n,{ASK}\n same => n(x),Queue(a)\n",
        f"[from-trunk]\nexten => 1,1,ExecIf($[1]?{ASK})\n same => n,Queue(a)\n",
        "[from-trunk]\nexten => 1,1,ExecIf($[1]?Queue(a))\n",
        "[from-trunk]\nexten => 1,1,Goto(s-${A},1)\nexten => s-B,1,Queue(a)\n",
        "[from-trunk]\nexten => i,1,Queue(a)\n",
    ],
)
def test_ways_around_it_are_found(tmp_path: Path, text: str) -> None:
    assert [each.severity for each in found(tmp_path, text) if each.rule == "bypass"] == ["blocker"]


@pytest.mark.parametrize(
    "text",
    [
        f"[from-trunk]\nexten => 1,1,{ASK}\n same => n,Goto(b,s,1)\n[b]\nexten => s,1,Queue(a)\n",
        "[from-trunk]\nexten => 1,1,Dial(Local/2@b/n)\n[b]\nexten => 2,1," + ASK + "\n same => n,Queue(a)\n",
        "[from-trunk]\nexten => 1,1,Dial(PJSIP/1@t,20,G(callguard^told^1))\n",
        "[from-trunk]\nexten => 1,1,VoiceMail(1)\n",
        "[from-trunk]\nexten => fax,1,Dial(PJSIP/fax)\n",
        "[from-internal]\nexten => 1,1,Dial(PJSIP/a)\n",
        "[from-internal]\nexten => _*8.,1,Pickup(${EXTEN:2})\n",
        "[outbound]\nexten => 911,1,Dial(PJSIP/911@t)\n",
    ],
)
def test_what_is_no_way_around_it(tmp_path: Path, text: str) -> None:
    assert rules(tmp_path, text) == []


def test_how_sure_it_is_depends_on_where_calls_come_in(tmp_path: Path) -> None:
    text = "[{}]\nexten => 1,1,Dial(PJSIP/a)\nexten => 2,1,Dial(PJSIP/${{FILTER(0-9,${{X}})}}@t)\n"

    def severities(name: str, options: Options | None = None) -> list[tuple[int, str]]:
        return [(each.place.line, each.severity) for each in found(tmp_path, text.format(name), options)]

    assert severities("from-trunk") == [(2, "blocker"), (3, "blocker")]
    assert severities("provider") == [(2, "warning"), (3, "warning")]
    assert severities("from-internal") == [(3, "warning")]
    assert severities("from-internal", Options(entries=("from-internal",))) == [(2, "blocker"), (3, "blocker")]


def test_nothing_is_claimed_where_a_target_is_computed(tmp_path: Path) -> None:
    text = "[from-trunk]\nexten => 1,1,Goto(${A},s,1)\nexten => 2,1,Goto(${A},s,1)\n[b]\nexten => s,1,Hangup()\n"
    (one,) = found(tmp_path, text)
    assert (one.rule, one.severity, one.place.line) == ("not-followed", "warning", 2) and "1 more" in one.text


def test_calls_that_the_dialplan_makes_are_asked_anew(tmp_path: Path) -> None:
    text = f"[from-trunk]\nexten => 1,1,{ASK}\n same => n,Originate(PJSIP/a,exten,b,1,1)\n[b]\nexten => 1,1,Queue(a)\n"
    assert rules(tmp_path, text) == [("bypass", 5)]


def test_scripts_are_named_once_and_only_when_asked_for(tmp_path: Path) -> None:
    text = f"[from-trunk]\nexten => 1,1,AGI(a.agi,x)\n same => n,AGI(a.agi,y)\n same => n,{ASK}\n same => n,Queue(a)\n"
    assert rules(tmp_path, text) == []
    assert rules(tmp_path, text, Options(strict=True)) == [("not-seen", 2)]


def test_the_way_is_named_by_lines(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "[from-trunk]\nexten => 5550100,1,NoOp()\n same => n,Queue(a)\n")
    assert f"{tmp_path / 'extensions.conf'}:2 > 3" in one.text and "5550100" not in one.text

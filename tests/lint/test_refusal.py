"""Who says no is served like anybody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.plan import ASK, rules

NO = '$["${CALLGUARD_ASKED}" != "asked"]'


@pytest.mark.requirement("S70")
@pytest.mark.parametrize(
    ("rest", "line"),
    [
        ("", 2),
        (" same => n,Hangup()\n", 2),
        (f" same => n,GotoIf({NO}?bye)\n same => n,Queue(a)\n same => n(bye),Hangup()\n", 3),
        (f" same => n,GotoIf({NO}?ok)\n same => n,Hangup()\n same => n(ok),Queue(a)\n", 3),
        (f" same => n,ExecIf({NO}?Hangup())\n same => n,Queue(a)\n", 3),
        (f" same => n,ExecIf({NO}?Goto(bye,s,1))\n same => n,Queue(a)\n[bye]\nexten => s,1,Playback(x)\n", 3),
    ],
)
def test_a_refusal_that_ends_the_call(tmp_path: Path, rest: str, line: int) -> None:
    assert rules(tmp_path, f"[office]\nexten => 1,1,{ASK}\n{rest}") == [("refusal-ends-call", line)]


@pytest.mark.parametrize(
    "rest",
    [
        " same => n,Queue(a)\n same => n,Hangup()\n",
        " same => n,Return()\n",
        " same => n,VoiceMail(1)\n",
        " same => n,Goto(${DEST},s,1)\n",
        f" same => n,{ASK}\n same => n,Queue(a)\n",
        f" same => n,GotoIf({NO}?two)\n same => n,Queue(a)\n same => n(two),Queue(b)\n",
        f" same => n,Queue(a)\n same => n,GotoIf({NO}?bye)\n same => n,NoOp()\n same => n(bye),Hangup()\n",
        " same => n,Gosub(sub,s,1)\n same => n,Queue(a)\n[sub]\nexten => s,1,Return()\n",
        " same => n,Dial(PJSIP/a,20,t${CALLGUARD_DIAL})\n same => n,Hangup()\n",
    ],
)
def test_what_serves_everybody(tmp_path: Path, rest: str) -> None:
    assert [each for each in rules(tmp_path, f"[office]\nexten => 1,1,{ASK}\n{rest}") if "refusal" in each[0]] == []


def test_a_question_in_a_subroutine(tmp_path: Path) -> None:
    text = f"[office]\nexten => 1,1,Gosub(sub,s,1)\n same => n,ExecIf({NO}?Hangup())\n same => n,Queue(a)\n"
    assert rules(tmp_path, f"{text}[sub]\nexten => s,1,{ASK}\n same => n,Return()\n") == [("refusal-ends-call", 3)]

"""Who says no is served like anybody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.graph import Graph
from callguard.lint.model import Step
from callguard.lint.refusal import refused
from callguard.lint.snippet import recognise
from tests.lint.plan import ASK, SNIPPET, graph, rules

NO, BY = '$["${CALLGUARD_ASKED}" != "asked"]', "${CALLGUARD_ASKED}"


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
        (' same => n,ExecIf($["${STASISSTATUS}" = "FAILED"]?Congestion(5))\n same => n,Queue(a)\n', 3),
        (f" same => n,Set(how={BY})\n same => n,ExecIf($[${{how}}=asked]?Busy())\n same => n,Queue(a)\n", 4),
        (f" same => n,Goto(on-{BY},s,1)\n[on-asked]\nexten => s,1,Queue(a)\n[on-bypass]\nexten => s,1,Busy()\n", 3),
        (f" same => n,Goto(s-{BY},1)\nexten => s-asked,1,Queue(a)\nexten => _s-.,1,Hangup()\n", 3),
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
        f" same => n,Goto(s-{BY},1)\nexten => s-asked,1,Queue(a)\nexten => _s-.,1,Queue(b)\n",
        " same => n,Read(key,press-9-to-end)\n same => n,ExecIf($[${key}=9]?Hangup())\n same => n,Queue(a)\n",
    ],
)
def test_what_serves_everybody(tmp_path: Path, rest: str) -> None:
    assert [each for each in rules(tmp_path, f"[office]\nexten => 1,1,{ASK}\n{rest}") if "refusal" in each[0]] == []


def test_a_question_in_a_subroutine(tmp_path: Path) -> None:
    text = f"[office]\nexten => 1,1,Gosub(sub,s,1)\n same => n,ExecIf({NO}?Hangup())\n same => n,Queue(a)\n"
    assert rules(tmp_path, f"{text}[sub]\nexten => s,1,{ASK}\n same => n,Return()\n") == [("refusal-ends-call", 3)]


@pytest.mark.requirement("S70")
def test_a_question_of_the_dialplan_s_own(tmp_path: Path) -> None:
    """By Read or by a menu: no key, and no silence, ends the call."""
    read = "[office]\nexten => 1,1,Read(key,ask-consent,1)\n same => n,GotoIf($[${key}=2]?no)\n"
    ends = f"{read} same => n,{ASK}\n same => n,Queue(a)\n same => n(no),Playback(bye)\n same => n,Hangup()\n"
    assert rules(tmp_path, ends) == [("refusal-ends-call", 3)]
    menu = "[office]\nexten => s,1,Background(press-2-to-decline)\n same => n,WaitExten(5)\n"
    keys = f"exten => 1,1,{ASK}\n same => n,Queue(a)\nexten => 2,1,Hangup()\nexten => t,1,{{}}\n"
    refusals = [each for each in rules(tmp_path, menu + keys.format("Hangup()")) if "refusal" in each[0]]
    assert refusals == [("refusal-ends-call", 6), ("refusal-ends-call", 7)]
    served = [each for each in rules(tmp_path, menu + keys.format("Goto(1,1)")) if "refusal" in each[0]]
    assert served == [("refusal-ends-call", 6)]


def test_extensions_that_lead_on_to_one_another_take_no_longer_each(tmp_path: Path) -> None:
    ring = [(1000 + n, 1000 + (n + 1) % 900) for n in range(900)]
    rest = " same => n,Dial(PJSIP/a)\n"
    parts = [f"exten => {here},1,{ASK}\n same => n,GotoIf($[${{X}}]?{there},1)\n{rest}" for here, there in ring]
    text = "".join(["[from-trunk]\n", *parts])
    (tmp_path / "callguard.conf").write_text(SNIPPET.read_text())
    plan = graph(tmp_path, f"{text}#include callguard.conf\n")
    walked = Counted(plan.plan)
    assert list(refused(walked, recognise(walked))) == []
    assert walked.asked < 30_000  # a walk to the end from each would look 1.6 million times


class Counted(Graph):
    """A graph that counts how often it is asked what follows a step."""

    asked = 0

    def following(self, step: Step) -> Step | None:
        self.asked += 1
        return super().following(step)

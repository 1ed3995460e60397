"""Where one step may lead."""

from __future__ import annotations

import pytest

from callguard.lint.finding import Place
from callguard.lint.flow import Call, Edge, Target, called, calls, destinations, flow, target
from callguard.lint.model import Dialplan, Step


def one(text: str) -> list[Call]:
    name, _, data = text.partition("(")
    return list(calls(Step(Place("f", 1), "c", "s", 1, "", name, data.removesuffix(")")), Dialplan()))


def kinds(edges: tuple[Edge, ...]) -> list[tuple[str, str, str, str]]:
    return [(each.kind.name, each.target.context, each.target.exten, each.target.priority) for each in edges]


@pytest.mark.parametrize(
    ("text", "edges", "goes_on"),
    [
        ("Goto(a,b,1)", [("JUMP", "a", "b", "1")], False),
        ("Goto(label)", [("JUMP", "", "", "label")], False),
        ("GotoIf($[1]?x)", [("JUMP", "", "", "x")], True),
        ("GotoIf($[1]?x:b,2)", [("JUMP", "", "", "x"), ("JUMP", "", "b", "2")], False),
        ("GotoIfTime(9:00-17:00,*,*,*?day,s,1)", [("JUMP", "day", "s", "1")], True),
        ("Gosub(a,s,1(x,y))", [("CALL", "a", "s", "1")], False),
        ("GosubIf($[1]?a,s,1(x):b,s,1)", [("CALL", "a", "s", "1"), ("CALL", "b", "s", "1")], False),
        ("Macro(dial,1)", [("MACRO", "macro-dial", "s", "1")], False),
        ("MacroIf($[1]?a,1)", [("MACRO", "macro-a", "s", "1")], True),
        ("Background(a&b,,,menu)", [("DIGITS", "menu", "", "1")], True),
        ("WaitExten(5)", [("DIGITS", "", "", "1")], True),
        ("DISA(no-password,out)", [("DIGITS", "out", "", "1")], False),
        ("Dial(Local/5@q/n&PJSIP/a,20)", [("LOCAL", "q", "5", "1")], True),
        ("Dial(PJSIP/a,20,U(sub^x)G(c^e^2))", [("NEW", "sub", "s", "1"), ("NEW", "c", "e", "2")], True),
        ("RetryDial(a,1,2,Local/5@q,20,tT)", [("LOCAL", "q", "5", "1")], True),
        ("Set(CHANNEL(hangup_handler_push)=h,s,1(x))", [("NEW", "h", "s", "1")], True),
        ("Originate(PJSIP/a,exten,c,e,1)", [("NEW", "c", "e", "1")], True),
        ("Originate(PJSIP/a,app,Playback)", [], True),
        ("ChannelRedirect(x,c,e,1)", [("NEW", "c", "e", "1")], True),
        ("Set(A=1)", [], True),
        ("Hangup()", [], False),
        ("Playback(x)", [], True),
    ],
)
def test_applications(text: str, edges: list[tuple[str, str, str, str]], goes_on: bool) -> None:
    (call,) = one(text)
    assert (kinds(flow(call).edges), flow(call).goes_on) == (edges, goes_on)


def test_execif_is_opened_with_both_its_branches() -> None:
    found = one("ExecIf($[${A}=1]?ExecIf($[2]?Goto(a,s,1)):Dial(PJSIP/x))")
    assert [(each.app, each.condition) for each in found] == [
        ("goto", "$[2]"), ("", "$[2]"), ("dial", "$[${A}=1]"),
    ]  # fmt: skip
    assert [each.app for each in one("ExecIf($[1]?Hangup())")] == ["hangup", ""]
    assert [each.app for each in one("TryExec(MixMonitor(a))")] == ["mixmonitor"]


def test_return_hidden_and_targets() -> None:
    assert flow(Call("Return", "")).returns and flow(Call("AGI", "x")).hidden and not flow(Call("Wait", "1")).hidden
    assert target("${C(x)},s,${P}(a,b)") == Target("${C(x)}", "s", "${P}", "a,b")
    assert called("M", "x^1") == Target("macro-x", "s", "1")
    assert destinations(Call("Dial", "PJSIP/a&Local/1@b/n,20")) == ["PJSIP/a", "Local/1@b/n"]

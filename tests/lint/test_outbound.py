"""What an agent's outbound Dial needs, so that whoever answers is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import lint
from tests.lint.plan import SNIPPET, found, freepbx, rules, written

TOLD = "Gosub(callguard,s,1(sales,outbound,told))"
OUT = "PJSIP/${FILTER(0-9,${EXTEN:1})}@trunk"


def outbound(folder: Path, *lines: str) -> list[tuple[str, int, str]]:
    text = "[internal]\nexten => _9X.,1," + "\n same => n,".join(lines) + "\n"
    return [(each.rule, each.place.line, each.severity.value) for each in found(folder, text)]


@pytest.mark.requirement("S80")
@pytest.mark.parametrize("when", ["told", "bridged"])
def test_a_dial_without_what_the_gosub_left_for_it(tmp_path: Path, when: str) -> None:
    gosub = TOLD.replace("told", when)
    assert outbound(tmp_path, gosub, f"Dial({OUT},60,T)") == [("dial-option", 3, "blocker")]
    assert outbound(tmp_path, gosub, f"RetryDial(a,1,1,{OUT},60,T)") == [("dial-option", 3, "blocker")]
    assert outbound(tmp_path, gosub, f"ExecIf($[1]?Dial({OUT},60))") == [("dial-option", 3, "blocker")]
    assert outbound(tmp_path, gosub, f"Dial({OUT},60,T${{CALLGUARD_DIAL}})") == []
    assert outbound(tmp_path, gosub, f"RetryDial(a,1,1,{OUT},60,T${{CALLGUARD_DIAL}})") == []
    assert outbound(tmp_path, gosub, f"Dial({OUT},60,T${{CALLGUARD_DIALLED}})") == [("dial-option", 3, "blocker")]


@pytest.mark.requirement("S1", "S80")
def test_a_dial_behind_outbound_without_a_word_on_when(tmp_path: Path) -> None:
    gosub = "Gosub(callguard,s,1(sales,outbound))"
    for options in ("T", "T${CALLGUARD_DIAL}"):
        assert outbound(tmp_path, gosub, f"Dial({OUT},60,{options})") == [("outbound-when", 3, "warning")]
    assert outbound(tmp_path, gosub, "Queue(support)") == []  # who was called back waits for an agent
    assert outbound(tmp_path, gosub.replace("outbound", "internal"), "Dial(PJSIP/1,60)") == []


def test_the_second_trunk_needs_it_too(tmp_path: Path) -> None:
    first, second = f"Dial({OUT},60,${{CALLGUARD_DIAL}})", f"Dial({OUT}2,60)"
    assert outbound(tmp_path, TOLD, first, second) == [("dial-option", 4, "blocker")]
    desk = "Goto(desk,1)\nexten => desk,1,Dial(PJSIP/a)"
    assert outbound(tmp_path, TOLD, first, desk) == []


def test_other_variables_may_carry_it(tmp_path: Path) -> None:
    carry = "Set(OPTIONS=T${CALLGUARD_DIAL})", "Set(MORE=${OPTIONS}r)"
    assert outbound(tmp_path, TOLD, *carry, f"Dial({OUT},60,${{MORE}})") == []
    assert outbound(tmp_path, TOLD, *carry, f"Dial({OUT},60,${{OTHER}})") == [("dial-option", 5, "blocker")]


def test_options_against_it(tmp_path: Path) -> None:
    for other, severity in (("U(x)${CALLGUARD_DIAL}", "warning"), ("${CALLGUARD_DIAL}G(a^s^1)", "blocker")):
        assert ("dial-option", 3, severity) in outbound(tmp_path, TOLD, f"Dial({OUT},60,{other})")


def test_a_dial_in_a_subroutine_or_behind_one_that_asks(tmp_path: Path) -> None:
    sub = "\n[sub]\nexten => s,1,Dial(PJSIP/1@trunk,60{})\n same => n,Return()\n"
    text = f"[internal]\nexten => 91,1,{TOLD}\n same => n,Gosub(sub,s,1)\n"
    assert rules(tmp_path, text + sub.format("")) == [("dial-option", 6)]
    assert rules(tmp_path, text + sub.format(",${CALLGUARD_DIAL}")) == []
    hook = f"[internal]\nexten => 91,1,Gosub(hook,s,1)\n same => n,Dial(PJSIP/1@trunk)\n[hook]\nexten => s,1,{TOLD}\n"
    assert rules(tmp_path, hook + " same => n,Return()\n") == [("dial-option", 3)]


def test_an_emergency_number_needs_none_of_it(tmp_path: Path) -> None:
    assert rules(tmp_path, f"[internal]\nexten => 911,1,{TOLD}\n same => n,Dial(PJSIP/911@trunk)\n") == []


@pytest.mark.parametrize("macro", [True, False])
def test_the_hook_of_freepbx_by_macro_and_by_gosub(tmp_path: Path, macro: bool) -> None:
    """FreePBX 16 on Asterisk before 21 calls its hooks by Macro, FreePBX 17 by Gosub."""
    hook = (SNIPPET.parent.parent / "freepbx" / "extensions_custom.conf").read_text()
    tree = freepbx(tmp_path, 3, 3, asks=False)
    written(tree, hook, "extensions_custom.conf")
    written(tree, SNIPPET.read_text(), "callguard.conf")
    path = tree / "extensions_additional.conf"
    if macro:
        name = "macro-dialout-trunk-predial-hook"
        gosub = f"GosubIf($[${{DIALPLAN_EXISTS({name},s,1)}}]?{name},s,1())"
        assert gosub in path.read_text()
        path.write_text(path.read_text().replace(gosub, "Macro(dialout-trunk-predial-hook,)"))
    places = [
        each for each in lint([tree]).findings if each.rule in ("dial-option", "snippet-missing", "refusal-ends-call")
    ]
    assert places == []
    written(tree, hook.replace("Set(DIAL_TRUNK_OPTIONS=", "Set(OTHER="), "extensions_custom.conf")
    [finding] = [each for each in lint([tree]).findings if each.rule == "dial-option"]
    assert finding.place.file.endswith("extensions_additional.conf")


@pytest.mark.parametrize(
    ("exten", "options", "expected"),
    [
        ("_7X.", "", True),
        ("_7NXXXXXX", "", False),
        ("_9X.", "", False),
        ("_77X.", ":2", True),
        ("_8888X.", ":4", True),
        ("_7X.", ":1:15", True),
        ("_[67]X.", "", True),
        ("_[89]X.", "", False),
        ("_00X.", ":2", False),
        ("_011X.", ":3", False),
        ("_7X.", "+49", False),
        ("_7X.", "globals", False),
        ("_7X.", "dialled", False),
        ("_NX.", "", False),
    ],
)
def test_an_outside_line_that_the_snippet_does_not_know(
    tmp_path: Path, exten: str, options: str, expected: bool
) -> None:
    head = "[globals]\nCALLGUARD_PREFIX=0&7\n" if options == "globals" else ""
    dialled = " same => n,Set(CALLGUARD_DIALLED=${EXTEN:1})\n" if options == "dialled" else ""
    cut = options if options.startswith(":") else ":1"
    begin = options if options.startswith("+") else ""
    dial = f"Dial(PJSIP/{begin}${{EXTEN{cut}}}@t,60,${{CALLGUARD_DIAL}})"
    text = f"{head}[internal]\nexten => {exten},1,NoOp()\n{dialled} same => n,{TOLD}\n same => n,{dial}\n"
    assert ("emergency-asked" in [rule for rule, _ in rules(tmp_path, text)]) is expected

"""Emergency numbers in what agents dial."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import lint
from callguard.lint.snippet import EMERGENCY
from tests.lint.plan import SNIPPET, rules, written

ASKED = "Gosub(callguard,s,1(sales,outbound,told))"
DIAL = "Dial(PJSIP/${FILTER(0-9,${EXTEN:1})}@trunk,60,${CALLGUARD_DIAL})"


@pytest.mark.parametrize("exten", ["911", "_9X.", "_X.", "_9911", "_NXX", "112"])
def test_a_recorder_before_an_emergency_call(tmp_path: Path, exten: str) -> None:
    text = f"[from-internal]\nexten => {exten},1,MixMonitor(a)\n same => n,{ASKED}\n same => n,{DIAL}\n"
    assert ("emergency-recorded", 2) in rules(tmp_path, text)


def test_a_recorder_in_a_subroutine_of_an_outbound_route(tmp_path: Path) -> None:
    text = (
        f"[from-internal]\nexten => _X.,1,Gosub(rec,s,1)\n same => n,{DIAL}\n[rec]\nexten => s,1,Monitor(wav)\n"
        " same => n,Return()\n"
    )
    assert ("emergency-recorded", 5) in rules(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        f"[from-internal]\nexten => _9X.,1,{ASKED}\n same => n,{DIAL}\n",
        f"[from-internal]\nexten => _555X,1,MixMonitor(a)\n same => n,{ASKED}\n same => n,{DIAL}\n",
        "[from-trunk]\nexten => _X.,1,MixMonitor(a)\n same => n,Dial(PJSIP/${EXTEN})\n",
        "[from-internal]\nexten => _X.,1,MixMonitor(a)\n same => n,Dial(PJSIP/agent1)\n",
        f"[from-internal]\nexten => _XXX,1,MixMonitor(a)\n same => n,{DIAL}\n"
        + "".join(f"exten => {number},1,{DIAL}\n" for number in EMERGENCY),
    ],
)
def test_what_is_no_emergency_call_that_is_recorded(tmp_path: Path, text: str) -> None:
    assert [rule for rule, _ in rules(tmp_path, text) if rule.startswith("emergency")] == []


def test_a_copy_of_the_snippet_without_the_test(tmp_path: Path) -> None:
    cut = "".join(line for line in SNIPPET.read_text().splitlines(keepends=True) if "911|933" not in line)
    paths = [written(tmp_path, cut, "callguard.conf")]
    paths.append(written(tmp_path, f"[from-internal]\nexten => _9X.,1,{ASKED}\n same => n,{DIAL}\n"))
    assert [(each.rule, each.place.line) for each in lint(paths).findings] == [("emergency-asked", 2)]

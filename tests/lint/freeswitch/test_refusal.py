"""Who says no is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.freeswitch.site import ASK, BRIDGE, act, context, extension, found

ENDS = {("blocker", "refusal-ends-call")}


@pytest.mark.requirement("S70")
@pytest.mark.parametrize(
    "text",
    [
        extension(ASK),
        extension(ASK + act("hangup")),
        extension(ASK + act("set", "x=${cond(${callguard_asked} == asked ? hangup : bridge)}") + BRIDGE),
        extension(ASK + BRIDGE) + extension(act("hangup"), "^refused$", "after", field="${callguard_asked}"),
        extension(ASK + BRIDGE)
        + extension(BRIDGE + act("respond", "603", "anti-action"), "^y$", "after", field="${CALLGUARD_STATUS}"),
    ],
)
def test_a_call_that_ends_for_its_answer(tmp_path: Path, text: str) -> None:
    assert set(found(tmp_path, context(text))) >= ENDS


@pytest.mark.parametrize(
    "text",
    [
        extension(ASK + act("transfer", "x XML default")),
        extension(ASK + act("voicemail", "default lab 1") + act("hangup")),
        extension(ASK, more='continue="true"') + extension(BRIDGE, name="then"),
        extension(ASK + BRIDGE) + extension(BRIDGE + act("hangup"), "^no$", "b", field="${callguard_asked}"),
    ],
)
def test_a_call_that_goes_on(tmp_path: Path, text: str) -> None:
    assert "refusal-ends-call" not in {rule for _, rule in found(tmp_path, context(text))}

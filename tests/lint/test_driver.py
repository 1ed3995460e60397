"""Dials through drivers that Asterisk no longer has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.plan import rules


@pytest.mark.requirement("S128")
@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("Dial(SIP/100,30)", True),
        ("Dial(PJSIP/1&sip/2)", True),
        ("RetryDial(a,1,1,SIP/100@trunk,30)", True),
        ("ExecIf($[1]?Dial(SIP/1))", True),
        ("Originate(Skinny/1,exten,a,1,1)", True),
        ("Dial(PJSIP/100,30)", False),
        ("Set(X=SIP/100)", False),
    ],
)
def test_a_dial_through_a_driver_that_is_gone(tmp_path: Path, line: str, *, named: bool) -> None:
    assert (("driver-gone", 2) in rules(tmp_path, f"[phones]\nexten => 1,1,{line}\n")) is named

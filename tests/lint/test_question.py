"""Questions of the dialplan's own, by what they play."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.question import menus, reads
from tests.lint.plan import graph

CHOICES = ["ask-consent", "custom/press-2-to-decline", "opt_out", "do-you-agree"]
TELLS = ["this-call-will-be-recorded", "recording-notice", "we-record"]
OTHERS = ["to-listen-to-it&press-1&to-rerecord-it", "main-menu", "agreement-desk", "recordings-menu", "vm-record"]


@pytest.mark.parametrize("sound", [*CHOICES, *TELLS, *OTHERS])
def test_what_is_played_tells_what_is_asked(tmp_path: Path, sound: str) -> None:
    ways = graph(tmp_path, f"[a]\nexten => 1,1,Read(key,{sound},1)\n same => n,Background({sound})\n")
    assert [name for _, name in reads(ways)] == ["key"] * (sound not in OTHERS)
    assert [step.priority for step, _ in menus(ways)] == [2] * (sound in CHOICES)


def test_a_read_into_what_is_no_variable_is_none(tmp_path: Path) -> None:
    assert not list(reads(graph(tmp_path, "[a]\nexten => 1,1,Read(${X},ask-consent)\n same => n,Read(key)\n")))

"""Emergency numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.freeswitch.site import ASK, BRIDGE, act, context, extension, found

OUT = act("bridge", "sofia/gateway/trunk/$1")
RECORD = act("record_session", "/a.wav")


def rules(folder: Path, *parts: str) -> set[str]:
    return {rule for _, rule in found(folder, *parts)} & {"emergency-recorded", "emergency-asked"}


@pytest.mark.parametrize("number", [r"^(\d+)$", "^(911)$", r"^9(\d{3,})$"])
def test_a_recorder_before_an_emergency_number(tmp_path: Path, number: str) -> None:
    assert rules(tmp_path, context(extension(RECORD + OUT, number), name="default")) == {"emergency-recorded"}
    flag = act("set", "record_session=true")
    assert rules(tmp_path, context(extension(flag + OUT, number), name="default")) == {"emergency-recorded"}


def test_an_extension_of_its_own_is_fine(tmp_path: Path) -> None:
    own = extension(OUT, "^(911|933|112|999|000|110|118|119)$", "help")
    assert rules(tmp_path, context(own, extension(RECORD + OUT, r"^(\d{3})$"), name="default")) == set()


def test_what_is_not_dialled_out_is_no_emergency_call(tmp_path: Path) -> None:
    assert rules(tmp_path, context(extension(RECORD, r"^(\d+)$"), name="default")) == set()


def test_a_recorder_behind_a_transfer(tmp_path: Path) -> None:
    to = context(extension(act("transfer", "out XML trunks"), r"^\d+$"), name="default")
    assert rules(tmp_path, to, context(extension(RECORD + OUT, "^out$"), name="trunks")) == {"emergency-recorded"}


def test_an_outside_line_that_the_snippet_does_not_know(tmp_path: Path) -> None:
    ask = ASK.replace("inbound", "outbound")
    seven = context(extension(ask + OUT, r"^7(\d+)$"), name="default")
    assert rules(tmp_path, seven) == {"emergency-asked"}
    assert rules(tmp_path, '<X-PRE-PROCESS cmd="set" data="callguard_prefix=7|8"/>', seven) == set()
    assert rules(tmp_path, context(extension(ask + BRIDGE, r"^9(\d+)$"), name="default")) == set()

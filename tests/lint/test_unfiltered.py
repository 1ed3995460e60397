"""What a caller can choose, in commands and file names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.plan import rules


@pytest.mark.parametrize(
    ("exten", "app", "bad"),
    [
        ("s", "System(echo ${CALLERID(name)})", True),
        ("s", "TrySystem(echo ${CALLERID(num)})", True),
        ("s", "Set(A=${SHELL(echo ${CALLERID(name)})})", True),
        ("s", "ExecIf($[1]?System(x ${PJSIP_HEADER(read,X-A)}))", True),
        ("_X.", "System(echo ${EXTEN})", True),
        ("_X!", "System(echo ${EXTEN:1})", True),
        ("_XXX", "System(echo ${EXTEN})", False),
        ("s", "System(echo ${FILTER(0-9,${CALLERID(num)})})", False),
        ("s", "System(echo ${UNIQUEID})", False),
        ("s", "Set(A=${CALLERID(name)})", False),
    ],
)
def test_each_place(tmp_path: Path, exten: str, app: str, bad: bool) -> None:
    assert rules(tmp_path, f"[office]\nexten => {exten},1,{app}\n") == ([("unfiltered", 2)] if bad else [])


@pytest.mark.parametrize("app", ["MixMonitor(${CALLERID(num)}.wav)", "Monitor(wav,${EXTEN})", "Record(${EXTEN}.wav)"])
def test_file_names(tmp_path: Path, app: str) -> None:
    assert ("unfiltered", 2) in rules(tmp_path, f"[office]\nexten => _X.,1,{app}\n")

"""callguard replay on what is no log: line and reason, exit status 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import callguard
from tests.test_replay import text


@pytest.mark.requirement("S127")
@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "line 1: empty"),
        (b"hello\n", "line 1: not JSON"),
        (b"{}\n", "line 1: no header"),
        (b"\x00" * 100, "line 1: truncated"),
    ],
)
def test_a_foreign_file(tmp_path: Path, content: bytes, part: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(content)
    done = callguard("replay", file)
    assert (done.status, done.out) == (2, b"") and part in done.err


def test_a_good_file_needs_no_configuration(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(text())
    assert callguard("replay", file, "--config", tmp_path / "none").status == 0


@pytest.mark.parametrize("name", ["none.jsonl", "no/such/file", "a" * 300, "."])
def test_a_name_that_is_no_file(tmp_path: Path, name: str) -> None:
    assert callguard("replay", name, "--config", tmp_path / "none.toml").status == 2


# ---------------------------------------------------------------- what if
HEAD = '[call_type.support]\npurpose = "qa"\nagents = ["PJSIP/agent*"]\n'
SAME = HEAD + "retention = {audio = 90}\n"


def what_if(tmp_path: Path, policy: str, *more: str) -> tuple[int, str]:
    file, other = tmp_path / "x.jsonl", tmp_path / "other.toml"
    file.write_bytes(text())
    other.write_text(policy)
    done = callguard("replay", file, "--policy", other, "--config", tmp_path / "none", *more)
    return done.status, done.out.decode()


@pytest.mark.requirement("S127")
def test_the_same_policy_would_change_nothing(tmp_path: Path) -> None:
    assert what_if(tmp_path, SAME) == (0, "0 of 1 call(s) would change\n")
    answered_for = SAME + 'owner = "somebody else"\nassessment = "DPIA-2"\nreview = 2030-01-01\n'
    assert what_if(tmp_path, answered_for)[0] == 0  # no call feels that


@pytest.mark.requirement("S56")
def test_another_policy_is_counted_by_what_it_would_change(tmp_path: Path) -> None:
    status, out = what_if(tmp_path, HEAD + 'mode = "never"\nretention = {audio = 7}\n', "--json")
    found = json.loads(out)
    assert (status, found["calls"], found["changed"]) == (1, 1, 1)
    assert set(found["kinds"]) == {"mode ask -> never", "retention differs"}
    status, out = what_if(tmp_path, '[call_type.other]\npurpose = "qa"\n')
    assert status == 1 and "call type gone: never recorded" in out


@pytest.mark.requirement("S27")
def test_other_rules_are_counted_by_what_they_would_change(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(text())
    done = callguard("replay", file, "--rules", "shipped", "--config", tmp_path / "none")
    assert (done.status, done.out) == (0, b"0 of 1 call(s) would change\n")
    other = tmp_path / "other.toml"
    other.write_text(SAME + 'mode = "announce"\nsite = "US-TX"\n')
    both = callguard("replay", file, "--rules", "shipped", "--policy", other, "--config", tmp_path / "none")
    assert both.status == 1 and b"1 of 1" in both.out
    assert callguard("replay", file, "--rules", tmp_path / "nothing.json", "--config", tmp_path / "none").status == 2


def test_a_broken_policy_or_no_source_is_bad_input(tmp_path: Path) -> None:
    assert what_if(tmp_path, "[call_type.support]\nmode = 1\n")[0] == 2
    assert callguard("replay").status == 2


def test_watching_shows_the_rows_and_keeps_standard_output_to_the_result(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(text())
    done = callguard("replay", file, "--watch", "--speed", "1000", "--config", tmp_path / "none")
    assert done.status == 0 and "call_started" in done.err and b"call_started" not in done.out

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulate.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = re.compile(
    r"(\d+) worlds: \d+ calls, \d+ rows, \d+ requests, \d+ faults, \d+ crashes, \d+ incidents; \d+ s recorded, "
    r"react at most \d+ ms, dark at most \d+ ms; (\d+) violations"
)


def simulate(*words: str, hash_seed: str = "0") -> tuple[int, bytes]:
    """Exit status and output of the command in a process of its own."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "tests.simulate", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.stderr == b""
    return done.returncode, done.stdout


def test_the_same_arguments_print_the_same_whoever_runs_it() -> None:
    words = ("--seed", "140", "--calls", "120", "--trace")
    first = simulate(*words, "--processes", "1", hash_seed="1")
    assert first == simulate(*words, "--processes", "2", hash_seed="2")
    assert first[0] == 0 and first[1].count(b"controller 2 starts") > 0


def test_a_violation_is_printed_with_the_way_to_see_it_again() -> None:
    words = ("--seed", "1", "--calls", "20", "--defect", "LosesMasks")
    status, printed = simulate(*words)
    *lines, summary = printed.decode().splitlines()
    assert status == 1 and (last := SUMMARY.fullmatch(summary)) and last[1] == "20" and int(last[2]) == len(lines) > 0
    again = lines[0].partition("; alone: python -m tests.simulate ")[2]
    alone, traced = simulate(*again.split())
    assert alone == 1 and b"VIOLATION" in traced and lines[0] in traced.decode()


def test_the_last_line_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "5", "--calls", "3", "--processes", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert (found := SUMMARY.fullmatch(line)) and found.groups() == ("3", "0")


@pytest.mark.parametrize(
    "words", [["--calls", "0"], ["--seed", "-1"], ["--seed", "x"], ["--seed", "²"], ["--defect", "none"], ["more"]]
)
def test_arguments_that_make_no_sense(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2 and "usage" in capsys.readouterr().err

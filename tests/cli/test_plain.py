"""Options that cost nothing to have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def test_a_command_that_only_has_the_options_loads_no_driver() -> None:
    program = "import sys, callguard.cli.trim; print(sorted({'psycopg', 'aiohttp', 'alembic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [("--help",), ("rule", "list"), ("rule", "list", "--json")])
def test_an_answer_for_which_there_is_no_room_is_one_sentence(words: tuple[str, ...], unbuffered: str) -> None:
    command, around = (sys.executable, "-m", "callguard", *words), os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=around, timeout=60, check=False
        )
    said = "callguard: standard output: cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)

"""A process that dies leaves nothing readable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DIES = """
import ctypes, os, resource
from contextlib import suppress
from callguard.cli import cli
from callguard.errors import CallguardError
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
with suppress(CallguardError):
    cli(["trim", "none.wav", "out.wav"], standalone_mode=False)
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
os.abort()
"""
"""3: PR_GET_DUMPABLE."""


@pytest.mark.requirement("S63")
def test_a_command_that_dies_leaves_no_core_dump(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIES], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert died.returncode == -6 and died.stdout.split() == ["0", "0"]
    assert list(tmp_path.iterdir()) == []

"""Options that cost nothing to have."""

from __future__ import annotations

import subprocess
import sys


def test_a_command_that_only_has_the_options_loads_no_driver() -> None:
    program = "import sys, callguard.cli.trim; print(sorted({'psycopg', 'aiohttp', 'alembic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"

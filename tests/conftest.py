"""What holds for a whole run of the tests: a folder of its own.

pytest's usual place is shared by all runs of an account, and every run that starts closes it to others. Postgres, which
runs as another user where we are root, would be shut out of its data in the middle of a test.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

_MADE = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """`--basetemp FOLDER` is for looking at what is left; otherwise nothing is."""
    if config.option.basetemp is None:
        made = Path(tempfile.mkdtemp(prefix="callguard-tests-"))
        config.stash[_MADE] = made
        config.option.basetemp = str(made / "run")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing of the run stays."""
    if made := config.stash.get(_MADE, None):
        shutil.rmtree(made, ignore_errors=True)

"""One site for all tests that leave it as they found it, and one of its own for each test that kills something."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.site import Site
from tests.e2e.switch_site import SwitchSite, switch_site


def new_folder() -> Path:
    """Not below pytest's own: Postgres runs as another user, and every pytest that starts closes that one to others."""
    return Path(tempfile.mkdtemp(prefix="callguard-e2e-"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one test's site."""
    made = new_folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """The site that is shared: tests run on its loop, `pytest.mark.asyncio(loop_scope="session")`."""
    made = new_folder()
    async with await Site.open(made) as running:
        yield running
    shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture
async def own_site(folder: Path) -> AsyncIterator[Site]:
    """A site for one test."""
    async with await Site.open(folder) as running:
        yield running


@pytest_asyncio.fixture
async def idle_site(folder: Path) -> AsyncIterator[Site]:
    """A site whose controller was never started."""
    async with await Site.open(folder, controller=False) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def switched_site() -> AsyncIterator[SwitchSite]:
    """The site on FreeSWITCH that is shared in the same way."""
    made = new_folder()
    async with switch_site(made / "site") as running:
        yield running
    shutil.rmtree(made, ignore_errors=True)

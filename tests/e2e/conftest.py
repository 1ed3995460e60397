"""One site for all tests that leave it as they found it, and one of its own for each test that kills something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.site import Site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The site that is shared: tests run on its loop, `pytest.mark.asyncio(loop_scope="session")`."""
    async with await Site.open(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest_asyncio.fixture
async def own_site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site for one test."""
    async with await Site.open(tmp_path) as running:
        yield running

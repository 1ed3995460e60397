"""Trials on a real FreeSWITCH: `./dev freeswitch`. They are no part of the suite, which needs nothing installed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.live.site import LiveSite


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="callguard-live-"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one test's site."""
    made = _folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site() -> AsyncIterator[LiveSite]:
    """The site that is shared."""
    made = _folder()
    async with await LiveSite.raise_on(made) as running:
        yield running
    shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture
async def own_site(folder: Path) -> AsyncIterator[LiveSite]:
    """A site for one test."""
    async with await LiveSite.raise_on(folder) as running:
        yield running

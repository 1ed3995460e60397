"""Trials on a real FreeSWITCH: `./dev freeswitch`. They are no part of the suite, which needs nothing installed."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.e2e.conftest import folder, new_folder
from tests.live.site import LiveSite

__all__ = ["folder"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site() -> AsyncIterator[LiveSite]:
    """The site that is shared."""
    made = new_folder()
    async with await LiveSite.raise_on(made) as running:
        yield running
    shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture
async def own_site(folder: Path) -> AsyncIterator[LiveSite]:
    """A site for one test."""
    async with await LiveSite.raise_on(folder) as running:
        yield running

"""One Asterisk for all tests of the wire; tests that kill or stop one bring their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.lab.asterisk import Asterisk
from tests.pbx.rig import SITE, Rig, rig_on


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one event loop: the Asterisk process belongs to the loop that started it."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asterisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asterisk]:
    async with Asterisk(tmp_path_factory.mktemp("asterisk"), dialplan=SITE) as own:
        yield own


@pytest_asyncio.fixture(loop_scope="session")
async def rig(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_on(asterisk, tmp_path) as own:
        yield own

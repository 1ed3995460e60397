"""One Postgres for this room, a fresh database and an empty vault for each test that wants them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audio.vault.conftest import s3
from tests.jobs.site import Place
from tests.store.conftest import Database, database, server

__all__ = ["database", "place", "s3", "server"]


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    with Place.open(database.app, tmp_path) as made:
        yield made

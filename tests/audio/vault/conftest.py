"""One S3 server for this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.audio.vault.s3 import S3, serving


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with serving() as server:
        yield server

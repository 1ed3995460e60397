"""A site on a real database whose recordings have ended, for commands about what is left to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from callguard.lab.postgres import ADMIN, Postgres
from callguard.store.schema import APP, OWNER
from tests.cli.command import Done, callguard, database, site
from tests.jobs.site import Place

_numbers = count()


@dataclass(frozen=True)
class Left:
    config: Path
    place: Place

    def call(self, *arguments: object) -> Done:
        return callguard(*arguments, "--config", self.config)

    def json(self, *arguments: object, status: int = 0) -> Any:
        done = self.call(*arguments, "--json")
        assert done.status == status, done.err
        return json.loads(done.out)


@pytest.fixture(scope="session")
def left_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with database(tmp_path_factory.mktemp("server") / "pg") as made:
        yield made


@pytest.fixture
def left(left_server: Postgres, tmp_path: Path) -> Iterator[Left]:
    name = f"left_{next(_numbers)}"
    with psycopg.connect(left_server.dsn(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE callguard")
    app = left_server.dsn(APP, name)
    config = site(tmp_path, app)
    text = config.read_text()
    assert 'directory = "recordings"' in text  # the folder that Place calls spool
    config.write_text(
        'tenant = "acme"\npbx_id = "pbx1"\n' + text.replace('directory = "recordings"', 'directory = "spool"')
    )
    with Place.open(app, tmp_path) as place:
        yield Left(config, place)

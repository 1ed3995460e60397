from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from callguard.lab.postgres import Postgres
from callguard.ports import Batch
from callguard.store import schema
from callguard.store.postgres import PostgresLog
from tests.cli.command import NOWHERE, callguard, site
from tests.engine.stage import MASTER
from tests.store import rows

MAIN = "import sys; from callguard.cli.db import db; from callguard.errors import CallguardError\n"
RUN = """
try:
    db(sys.argv[1:])
except CallguardError as error:
    print(error, file=sys.stderr); sys.exit(error.exit_code)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    made = Postgres.start(tmp_path_factory.mktemp("db"))
    yield made
    made.stop()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """callguard db, in a process of its own, with nothing else in its environment."""
    root = str(Path(schema.__file__).parents[2])
    command = [sys.executable, "-c", MAIN + RUN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": root, **environment})


@pytest.mark.requirement("S129")
def test_check_before_and_after_an_upgrade(server: Postgres) -> None:
    before = run("check", "--dsn", server.owner_dsn, "--json")
    assert (before.returncode, json.loads(before.stdout)["ok"]) == (1, False)
    assert json.loads(before.stdout)["findings"][0]["code"] == "revision"
    upgraded = run("upgrade", CALLGUARD_OWNER_URL=server.owner_dsn)
    assert (upgraded.returncode, upgraded.stdout) == (0, f"The database is at revision {schema.head_revision()}.\n")
    again = run("upgrade", "--dsn", server.owner_dsn, "--json")
    assert json.loads(again.stdout) == {"revision": schema.head_revision(), "created": []}
    after = run("check", CALLGUARD_DATABASE_URL=server.app_dsn)
    assert (after.returncode, after.stdout) == (0, "The database is as it should be.\n")
    assert json.loads(run("check", "--dsn", server.app_dsn, "--json").stdout) == {"ok": True, "findings": []}


def test_a_finding_says_what_to_do(server: Postgres) -> None:
    schema.upgrade(server.owner_dsn)
    with psycopg.connect(server.owner_dsn) as connection:
        connection.execute("GRANT DELETE ON callguard.decision TO callguard_app")
    found = run("check", "--dsn", server.app_dsn)
    with psycopg.connect(server.owner_dsn) as connection:
        connection.execute("REVOKE DELETE ON callguard.decision FROM callguard_app")
    assert found.returncode == 1 and "DELETE on decision" in found.stdout


@pytest.mark.parametrize("part", [{"password": "wrong-word"}, {"host": "name.invalid"}, {"port": "1"}])
@pytest.mark.parametrize("command", ["check", "upgrade"])
def test_what_is_not_reachable_is_one_sentence(server: Postgres, command: str, part: dict[str, str]) -> None:
    done = run(command, "--dsn", make_conninfo(server.owner_dsn, **part))
    assert done.returncode == 3 and done.stdout == ""
    assert "Traceback" not in done.stderr and "wrong-word" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [["check"], ["upgrade"], ["check", "--dsn", "no = such = option"], ["nothing"]])
def test_bad_usage_is_exit_status_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr


@pytest.mark.requirement("S31")
def test_a_reader_is_let_in_and_out(server: Postgres) -> None:
    schema.upgrade(server.owner_dsn)
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE reports")
        let = run("reader", "reports", "--dsn", server.owner_dsn, "--json")
        assert let.returncode == 0 and "search_hmac" in json.loads(let.stdout)["reads"]["party"]
        assert "reads nothing any more" in run("reader", "reports", "--revoke", "--dsn", server.owner_dsn).stdout
        connection.execute("DROP ROLE reports")
    none = run("reader", "reports", "--dsn", server.owner_dsn)
    assert (none.returncode, none.stdout) == (2, "") and "CREATE ROLE" in none.stderr


def test_a_role_that_was_made_is_named(server: Postgres) -> None:
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
        connection.execute("ALTER ROLE callguard_app RENAME TO put_away")
        try:
            done = run("upgrade", "--dsn", make_conninfo(server.admin_dsn, dbname="fresh"))
        finally:
            connection.execute("DROP DATABASE fresh WITH (FORCE)")
            connection.execute("DROP ROLE IF EXISTS callguard_app")
            connection.execute("ALTER ROLE put_away RENAME TO callguard_app")
    assert done.returncode == 0 and "Role callguard_app was made without a password" in done.stdout


@pytest.mark.requirement("S81")
def test_raw_messages_are_purged_by_their_age(server: Postgres, tmp_path: Path) -> None:
    schema.upgrade(server.owner_dsn)
    asyncio.run(fill(server))
    config = site(tmp_path / "site", server.app_dsn)
    assert json.loads(callguard("db", "purge-raw", "--config", config, "--json").out)["calls"] == 0  # not old enough
    assert "The raw messages of 1 call(s)" in callguard("db", "purge-raw", "--days", 0, "--config", config).text
    assert json.loads(callguard("db", "purge-raw", "--days", 0, "--config", config, "--json").out)["calls"] == 0
    assert callguard("db", "purge-raw", "--days", -1, "--config", config).status == 2
    nowhere = callguard("db", "purge-raw", "--config", site(tmp_path / "nowhere", NOWHERE))
    assert nowhere.status == 3 and len(nowhere.err.splitlines()) == 1


async def fill(server: Postgres) -> None:
    """A call with a raw message."""
    log = await PostgresLog.open(server.app_dsn, MASTER)
    call_id = rows.new_id()
    await log.append([Batch(call=rows.head(call_id), raw=(rows.raw(call_id),))])
    await log.close()

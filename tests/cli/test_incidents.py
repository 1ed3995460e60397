"""callguard incidents on a real database: found, looked at, answered for, and proved."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import psycopg
import pytest

from callguard.engine.incident import opened
from callguard.engine.registrar import enter
from callguard.lab.postgres import Postgres
from callguard.store.postgres import PostgresLog
from tests.cli.command import callguard, database, site
from tests.engine.stage import MASTER
from tests.store import rows

FILE = "\x1b[2J+15125550143.wav"


async def fill(server: Postgres) -> str:
    """One incident of a call, one of none. The call."""
    log = await PostgresLog.open(server.app_dsn, MASTER)
    try:
        await log.append([rows.whole(call_id := rows.new_id())])
        await enter(log, "default", opened("default", "unknown_file", FILE, rows.START))
        return call_id
    finally:
        await log.close()


@pytest.mark.requirement("S4", "S125")
def test_incidents_are_listed_shown_and_closed_by_name_and_reason(tmp_path: Path) -> None:
    with database(tmp_path / "server") as server:
        call_id = asyncio.run(fill(server))
        config = ("--config", site(tmp_path / "site", server.app_dsn))

        def listed(*options: object) -> list[str]:
            done = callguard("incidents", "list", *options, *config, "--json")
            assert done.status == 0
            return sorted(row["kind"] for row in json.loads(done.out)["incidents"])

        assert listed() == listed("--open") == listed("--since", "2025-11-01") == ["mask_late", "unknown_file"]
        assert listed("--call", call_id) == listed("--kind", "mask_late") == ["mask_late"]
        assert listed("--call", "") == ["unknown_file"] and listed("--since", "1d") == []
        assert "2 incident(s), 2 open" in callguard("incidents", "list", *config).text
        assert callguard("incidents", "list", "--call", "nobody", *config).status == 2
        stray = json.loads(callguard("incidents", "list", "--call", "", *config, "--json").out)["incidents"][0]
        # shown, its sealed subject too, and nothing of it moves the terminal
        shown = callguard("incidents", "show", stray["incident_id"][:8], *config)
        assert shown.status == 0 and "+15125550143.wav" in shown.text and "\x1b" not in shown.text
        assert callguard("incidents", "show", "ffff", *config).status == 2
        # closed
        assert callguard("incidents", "close", stray["incident_id"], *config).status == 2
        assert callguard("incidents", "close", stray["incident_id"], "--reason", " ", *config).status == 2
        done = callguard("incidents", "close", stray["incident_id"], "--reason", "of a test call", *config)
        assert done.status == 0 and done.text.endswith(": closed\n")
        assert listed("--open") == ["mask_late"]
        again = callguard("incidents", "close", stray["incident_id"], "--reason", "again", *config)
        assert again.status == 2 and "closed before" in again.err
        seen = json.loads(callguard("incidents", "show", stray["incident_id"], *config, "--json").out)
        assert [entry["what"] for entry in seen["entries"]] == ["opened", "closed"]
        assert seen["entries"][1]["reason"] == "of a test call"
        # an incident of a call knows its call
        seen = json.loads(callguard("incidents", "show", f"i-{call_id}", *config, "--json").out)
        assert seen["call_id"] == call_id and seen["entries"] == [] and seen["closed_at"] is None
        with psycopg.connect(server.owner_dsn, autocommit=True) as owner:
            sealed = owner.execute("SELECT content::text || sealed::text FROM callguard.activation").fetchall()
            assert "5550143" not in str(sealed) and "test call" not in str(sealed)
            owner.execute("UPDATE callguard.incident SET closed_at = now()")
            found = json.loads(callguard("verify", "--all", *config, "--json").out)["findings"]
            assert any("nobody answered for it" in item["what"] for item in found)
            owner.execute("UPDATE callguard.incident SET closed_at = NULL")
            owner.execute("DELETE FROM callguard.incident WHERE call_id <> ''")
            found = json.loads(callguard("verify", "--all", *config, "--json").out)["findings"]
            assert any("is open again" in item["what"] for item in found)
            owner.execute("DELETE FROM callguard.incident")
            found = json.loads(callguard("verify", "--all", *config, "--json").out)["findings"]
            assert any("is gone" in item["what"] for item in found)
        assert "activations" in callguard("policy", "log", *config, "--json").text

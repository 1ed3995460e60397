"""callguard calls dispute: a call that people argue about is exported by nobody until somebody answers for it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from callguard.engine.control import Control
from tests.cli.command import callguard, database, play, site
from tests.engine.stage import Stage

WHY = ("--reason", "who said what about the price")


@pytest.mark.requirement("S75")
def test_a_call_that_is_over_is_frozen_until_its_incident_is_closed(tmp_path: Path) -> None:
    with database(tmp_path / "server") as server:
        call = asyncio.run(play(server, tmp_path / "stage"))
        place = site(tmp_path / "site", server.app_dsn)
        config = ("--config", place)
        assert callguard("calls", "export", call, *config).status == 0
        for _ in range(2):  # said twice it is one
            done = callguard("calls", "dispute", "linked-far", *WHY, *config, "--json")
            assert (done.status, json.loads(done.out)) == (0, {"call_id": call, "disputed": True})
        (flag,) = json.loads(callguard("incidents", "list", "--kind", "dispute", *config, "--json").out)["incidents"]
        shown = callguard("incidents", "show", flag["incident_id"], *config)
        assert flag["call_id"] == call and "about the price" in shown.text
        frozen = callguard("calls", "export", call, "-o", tmp_path / "out.jsonl", *config)
        assert frozen.status == 1 and "in dispute, so its export is frozen" in frozen.err and frozen.out == b""
        assert not (tmp_path / "out.jsonl").exists()
        denied = [json.loads(line) for line in (place.parent / "data" / "operator.jsonl").read_text().splitlines()]
        assert [line["act"] for line in denied] == ["export_denied"]
        assert callguard("calls", "card", call, *config).status == callguard("verify", "--all", *config).status == 0
        assert callguard("incidents", "close", flag["incident_id"], "--reason", "settled", *config).status == 0
        assert callguard("calls", "export", call, *config).status == 0
        assert callguard("calls", "dispute", call, *WHY, *config).text.endswith("exports are frozen\n")
        assert callguard("calls", "export", call, *config).status == 1
        assert callguard("verify", "--all", *config).status == 0


@pytest.mark.requirement("S75")
async def test_a_live_call_is_flagged_while_postgres_is_down(tmp_path: Path) -> None:
    config = site(tmp_path)
    async with Stage(tmp_path / "data").running() as stage:
        control = Control(tmp_path / "data" / "control.sock", stage.engine.runners, list)
        serving = asyncio.create_task(control.run())
        await stage.talk()
        done = await asyncio.to_thread(callguard, "calls", "dispute", "far", *WHY, "--config", config)
        assert done.status == 0 and "in dispute" in done.text
        serving.cancel()
        stored = await stage.finish("far", "agent1")
    assert [item.kind for item in stored.incidents] == ["dispute"]
    assert "the price" not in str([row.data for row in stored.events])


@pytest.mark.parametrize(("call", "words", "status"), [("x", WHY, 3), ("x", ("--reason", " "), 2), ("x", (), 2)])
def test_what_cannot_be_flagged(tmp_path: Path, call: str, words: tuple[str, ...], status: int) -> None:
    assert callguard("calls", "dispute", call, *words, "--config", site(tmp_path)).status == status

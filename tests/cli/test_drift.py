"""callguard drift on a real database: rates by group, the incident of the day, and nothing where there is nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callguard.cli.drift import tell_drift
from callguard.lab.postgres import Postgres
from callguard.ports import Batch
from callguard.settings import load_settings
from callguard.store.chain import row_hash
from callguard.store.postgres import PostgresLog
from tests.cli.command import Done, callguard, database, site
from tests.engine.stage import MASTER
from tests.store import rows

NOW = rows.START + timedelta(days=20)
WINDOW = ("--since", rows.START.isoformat(), "--recent", (NOW - timedelta(days=1)).isoformat())


def one_call(at: datetime, agent: int, *, wrong: bool) -> Batch:
    """A call of that moment, with or without an incident. The dialplan is another one on the last day."""
    call_id = rows.new_id()
    events = tuple(rows.chain(call_id, 2))
    brought = replace(events[0], data={"dialplan": "v2" if NOW - at < timedelta(days=1) else "v1"}, hash=b"")
    dialled = {"dialled": f"555010{agent}"}
    far, near = (rows.party(call_id, rows.new_id()) for _ in range(2))
    return Batch(
        call=replace(rows.head(call_id, at), tenant="default"),
        events=(replace(brought, hash=row_hash(brought.prev_hash, brought)),),
        parties=(
            replace(far, values=dialled),
            replace(near, role="agent", channel_id="chan-2", values={"endpoint": f"PJSIP/agent{agent}"}),
        ),
        raw=(),
        recordings=(),
        incidents=(replace(rows.incident(call_id, rows.new_id()), opened_at=at),) if wrong else (),
    )


async def fill(server: Postgres) -> None:
    """Forty calls of earlier days, one of them with an incident; and ten of today, of which agent1's have one."""
    log = await PostgresLog.open(server.app_dsn, MASTER)
    try:
        for place in range(50):
            at = NOW - (timedelta(hours=2) if place >= 40 else timedelta(days=2 + place // 5))
            await log.append([one_call(at, place % 2, wrong=place == 7 or (place >= 40 and place % 2 == 1))])
    finally:
        await log.close()


@dataclass(frozen=True)
class Place:
    config: Path

    def run(self, *words: object) -> Done:
        return callguard("drift", *words, "--config", self.config)

    def incidents(self) -> list[dict[str, str]]:
        done = callguard("incidents", "list", "--kind", "drift", "--config", self.config, "--json")
        return list(json.loads(done.out)["incidents"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("a site")
    with database(folder / "server") as server:
        asyncio.run(fill(server))
        yield Place(site(folder / "site", server.app_dsn))


@pytest.mark.requirement("S19")
def test_a_rate_that_rose_is_a_finding_by_call_type_and_by_what_is_sealed(place: Place) -> None:
    done = place.run(*WINDOW)
    assert done.status == 1 and "support  mask_late: 1 of 40 calls before, 5 of 10 now: drifted since" in done.text
    (one,) = json.loads(place.run(*WINDOW, "--by", "agent", "--json").out)["series"]
    assert (one["group"], one["now"], one["drift"]) == ("PJSIP/agent1", [5, 5], True)
    assert [point["calls"] for point in one["points"]][-1] == 5
    assert "5550101  mask_late" in place.run(*WINDOW, "--by", "number").text


@pytest.mark.requirement("S19")
def test_the_version_of_the_dialplan_is_told_as_what_came_before_and_is_a_group(place: Place) -> None:
    assert "put into force last before it: dialplan v2 of 2025-" in place.run(*WINDOW).text
    shown = place.run(*WINDOW, "--by", "dialplan", "--all").text
    assert "v2  mask_late: 1 of 40 calls before, 5 of 10 now: drifted since" in shown
    assert "v1  mask_late: 1 of 40 calls before, 0 of 0 now\n" in shown


def test_what_has_not_drifted_is_shown_with_all_and_none_is_0(place: Place) -> None:
    early = ("--since", rows.START.isoformat(), "--recent", (NOW - timedelta(days=4)).isoformat())
    assert place.run("--by", "policy").text == "0 of 0 rate(s) drifted\n"
    assert place.run("--by", "policy").status == 0
    shown = place.run(*WINDOW[:2], "--recent", NOW.isoformat(), "--all")
    assert shown.status == 0 and "support  mask_late: 6 of 50 calls before, 0 of 0 now\n" in shown.text
    assert place.run(*early).status == 1


@pytest.mark.requirement("S19")
def test_each_day_what_has_drifted_is_an_incident_once(place: Place) -> None:
    settings = load_settings(place.config)
    for _ in range(2):
        tell_drift(settings, NOW)
    found = place.incidents()
    assert [item["call_id"] for item in found] == ["", "", ""], "by call type, policy and dialplan"
    shown = callguard("incidents", "show", found[0]["incident_id"], "--config", place.config).text
    assert "mask_late since 2025-11-2" in shown
    tell_drift(settings)
    assert len(place.incidents()) == 3


def test_without_a_log_nothing_is_told_and_nothing_breaks(tmp_path: Path) -> None:
    config = site(tmp_path)
    tell_drift(load_settings(config))
    assert callguard("drift", "--config", config).status == 3
    assert callguard("drift", "--since", "soon", "--config", config).status == 2

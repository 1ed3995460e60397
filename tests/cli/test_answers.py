"""callguard answers: what is remembered is shown by codes, and forgotten with a line about it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callguard.cli.option import account
from callguard.engine import clock
from callguard.lab.postgres import Postgres
from callguard.store.audit import FILE
from callguard.store.postgres import PostgresLog
from tests.cli.command import Done, callguard, database, site
from tests.engine.stage import MASTER
from tests.store import rows

NUMBERS = ("+12025550143", "+12025550144", "+12025550145")


@dataclass(frozen=True)
class Place:
    """A configuration whose database remembers three callers, of whom the last one's answer has expired."""

    config: Path

    def answers(self, *arguments: object) -> Done:
        done = callguard("answers", *arguments, "--config", self.config)
        assert not any(number[-7:] in done.text + done.err for number in NUMBERS)
        return done

    def json(self, *arguments: object) -> Any:
        done = self.answers(*arguments, "--json")
        assert done.status == 0
        return json.loads(done.out)

    def noted(self) -> list[dict[str, Any]]:
        path = self.config.parent / "data" / FILE
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with database(tmp_path_factory.mktemp("a server")) as made:
        yield made


@pytest.fixture
def place(server: Postgres, tmp_path: Path) -> Place:
    asyncio.run(_remember(server))
    return Place(site(tmp_path, server.app_dsn))


async def _remember(server: Postgres) -> None:
    log, now = await PostgresLog.open(server.app_dsn, MASTER), clock.read().wall
    for number, word, until in zip(NUMBERS, ("refused", "granted", "refused"), (9, 9, 0), strict=True):
        batch = rows.whole(call_id := rows.new_id())
        given = rows.answer(call_id, word, number=number, tenant="default", at=now, until=now + timedelta(days=until))
        given = given if until else replace(given, at=now - timedelta(days=9), until=now - timedelta(days=1))
        await log.forget_answers("default", number)
        await log.append([replace(batch, parties=(rows.party(call_id, f"p-{call_id}", number),), answers=(given,))])
    await log.close()


def test_list_shows_counts_and_codes(place: Place) -> None:
    shown = place.json("list")
    counts = [(row["answer"], row["expired"], row["answers"]) for row in shown["counts"]]
    assert counts == [("granted", False, 1), ("refused", False, 1), ("refused", True, 1)]
    codes = {MASTER.search_hmac(number).hex()[:8] for number in NUMBERS}  # type: ignore[union-attr]
    assert {row["code"] for row in shown["answers"]} == codes
    text = place.answers("list").text
    assert "1 refused of support, expired\n" in text and text.endswith("3 answer(s)\n")
    assert all(code in text for code in codes)


@pytest.mark.requirement("S21")
def test_one_number_is_shown_and_forgotten_with_a_line_about_it(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "number"
    file.write_text("+1 202-555-0143\n")
    [row] = place.json("show", "--number-from", file)["answers"]
    assert (row["answer"], row["call_type"], row["expired"]) == ("refused", "support", False)
    assert "until" in place.answers("show", "--number-from", file).text and not place.noted()
    assert place.answers("forget", "--number-from", file).text == "1 answer(s) forgotten\n"
    assert place.json("show", "--number-from", file) == {"answers": []}
    assert place.json("forget", "--number-from", file) == {"forgotten": 0}
    acts = [(line["act"], line["operator"], line["rows"]) for line in place.noted()]
    assert acts == [("answers_forget_number", account(), 1), ("answers_forget_number", account(), 0)]
    assert len(place.json("list")["answers"]) == 2


def test_what_has_expired_is_forgotten_at_once(place: Place) -> None:
    assert place.json("forget", "--all-expired") == {"forgotten": 1}
    assert [row["expired"] for row in place.json("list")["answers"]] == [False, False]
    assert [(line["act"], line["rows"]) for line in place.noted()] == [("answers_forget_expired", 1)]


def test_a_number_may_come_on_standard_input(place: Place) -> None:
    command = [sys.executable, "-m", "callguard", "answers", "show", "--number-from", "-", "--json"]
    done = subprocess.run([*command, "--config", place.config], input=NUMBERS[1], capture_output=True, text=True)
    assert [row["answer"] for row in json.loads(done.stdout)["answers"]] == ["granted"]


@pytest.mark.parametrize("content", ["", "anonymous", "+12025550143\n+12025550144\n", "1" * 65, "\x00" * 9])
def test_what_is_no_number_is_refused_without_repeating_it(place: Place, tmp_path: Path, content: str) -> None:
    file = tmp_path / "number"
    file.write_text(content)
    for command in ("show", "forget"):
        done = place.answers(command, "--number-from", file)
        assert done.status == 2 and "one number is wanted" in done.err
    assert not place.noted()


def test_forget_wants_one_of_two(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "number"
    file.write_text(NUMBERS[0])
    assert place.answers("forget").status == place.answers("show").status == 2
    assert place.answers("forget", "--all-expired", "--number-from", file).status == 2
    assert place.answers("show", "--number-from", tmp_path / "none").status == 2
    assert not place.noted() and len(place.json("list")["answers"]) == 3


def test_nothing_is_forgotten_that_cannot_be_noted(place: Place) -> None:
    (place.config.parent / "data" / FILE).mkdir()
    done = place.answers("forget", "--all-expired")
    assert done.status == 3 and "nothing was done" in done.err
    assert len(place.json("list")["answers"]) == 3


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    assert callguard("answers", "list", "--config", site(tmp_path)).status == 3

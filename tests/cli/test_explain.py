"""`callguard explain`: plain words from stored facts, word by word."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callguard.cli.explain import _why_not, explanation
from callguard.lab.postgres import Postgres
from callguard.ports import RecordingRow, StoredCall
from callguard.store.artefact import Artefact
from callguard.store.keys import load_master_key
from callguard.store.postgres import PostgresLog
from tests.cli.command import callguard, database, play, site

GOLDEN = """\
Recording RECORDING of call CALL

Why it was made
  The call began 2026-01-02 03:04:05 UTC, inbound, as call type support.
  Its purpose is qa; further uses: none.
  Legal basis: none was given.
  From the start the rule was ask: ZZ unknown: consent of all, express, notice, announcement inside the recording, \
purpose stated [engineering default: if unsure, the stricter approach; confidence high]; floor ask: staying on after \
a notice is not enough; call type support: ask.

Who knew
  The far party began to hear the notice at TIME (prompt notice).
  The far party had heard it to its end at TIME.
  The far party agreed at TIME by key, after the notice.
  All heard "This call is being recorded" inside the recording by TIME.

What is not in it
  SECONDS s from TIME on (paused: operator).

How it is protected
  Its file was held against the log and agrees with it.
  It is not in the vault yet: its file lies in the spool of the PBX.
  May be listened to by: nobody. May be exported by: nobody.
  Shared with: nobody. May exist of it: audio.

When it is deleted
  On 2026-04-02, 90 days after the call, as was promised when it was made.
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with database(tmp_path_factory.mktemp("server") / "pg") as running:
        yield running


@pytest.fixture(scope="module")
def call(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    return asyncio.run(play(server, tmp_path_factory.mktemp("stage")))


@pytest.fixture
def config(server: Postgres, tmp_path: Path) -> Path:
    return site(tmp_path / "site", server.app_dsn)


def stored(server: Postgres, config: Path, call: str) -> StoredCall:
    async def read() -> StoredCall | None:
        log = await PostgresLog.open(server.app_dsn, load_master_key(config.parent / "master.key"))
        try:
            return await log.load(call)
        finally:
            await log.close()

    found = asyncio.run(read())
    assert found is not None
    return found


@pytest.mark.requirement("S49")
def test_a_recording_in_plain_words(config: Path, call: str) -> None:
    shown = json.loads(callguard("calls", "show", call, "--config", config, "--json").out)
    recording = shown["recordings"][0]["recording_id"]
    text = callguard("explain", recording, "--config", config).text
    words = text.replace(recording, "RECORDING").replace(call, "CALL")
    words = re.sub(r"(at|by|from) \d\d:\d\d:\d\d", r"\1 TIME", words)
    assert re.sub(r"\d+\.\d s from", "SECONDS s from", words) == GOLDEN
    assert callguard("explain", call, "--config", config).text == text
    told = json.loads(callguard("explain", "far", "--config", config, "--json").out)
    assert (told["call_id"], list(told["recordings"]), told["why_none"]) == (call, [recording], [])


def test_what_does_not_exist_is_told(config: Path, call: str) -> None:
    done = callguard("explain", "no-such", "--config", config)
    assert done.status == 2 and "no recording and no call has this id" in done.err and not done.out


def changed(found: StoredCall, **changes: Any) -> dict[str, list[str]]:
    """The explanation of the recording where some of what is stored were otherwise."""
    kept = changes.pop("kept", ())
    row = replace(found.recordings[0], **changes)
    return explanation(found, row, kept)


def artefact(row: RecordingRow, **changes: Any) -> Artefact:
    values = {name: "x" for name in Artefact.__slots__} | {
        "recording_id": row.recording_id,
        "object": "0123.cgv",
        "kind": "audio",
        "part": "whole",
        "state": "stored",
        "expires_at": row.expires_at,
        "reason": "",
    }
    return Artefact(**{**values, **changes})


@pytest.mark.requirement("S49")
def test_what_became_of_it_is_told_as_it_is(server: Postgres, config: Path, call: str) -> None:
    found = stored(server, config, call)
    row = found.recordings[0]
    assert changed(found, state="discarded")["When it is deleted"] == ["There is nothing left to delete."]
    assert "no file of it" in changed(found, state="lost")["How it is protected"][0]
    vault = changed(found, kept=[artefact(row, expires_at=row.expires_at - timedelta(days=60))])
    assert vault["How it is protected"][1].startswith("Audio (whole): encrypted in the vault as 0123.cgv")
    assert vault["When it is deleted"][1] == "Object 0123.cgv: on 2026-02-01, by the policy as it is now."
    gone = changed(found, kept=[artefact(row, state="deleted", reason="expired")])
    assert gone["When it is deleted"][1] == "Object 0123.cgv is deleted (expired)."


@pytest.mark.requirement("S49")
def test_a_mask_without_end_and_blanks_are_told(server: Postgres, config: Path, call: str) -> None:
    found = stored(server, config, call)
    rows = [row for row in found.events if row.type not in ("unmask_acknowledged", "pause_started")]
    blanked = replace(rows[-1], type="recording_blanked", data={**rows[-1].data, "spans": ["8-16"]})
    told = explanation(replace(found, events=(*rows, blanked)), found.recordings[0], ())["What is not in it"]
    assert told[0].endswith("silent: samples 8-16.") and told[1].startswith("Everything from ")
    whole = [row for row in found.events if not row.type.startswith("mask_")]
    told = explanation(replace(found, events=tuple(whole)), found.recordings[0], ())["What is not in it"]
    assert told == ["Nothing was left out between its start and its end."]


@pytest.mark.requirement("S49")
@pytest.mark.parametrize(
    ("type", "data", "told"),
    [
        ("recording_lost", {"reason": "file gone", "lost_ms": 0}, "All of it: lost at 03:04:09 (file gone)."),
        ("recording_discarded", {"reason": ""}, "All of it: discarded at 03:04:09."),
        ("recording_damaged", {"findings": ["shrank"], "lost_ms": 0}, "Found at 03:04:09: shrank."),
        ("recording_damaged", {"findings": ["a", "b"], "lost_ms": 7}, "Found at 03:04:09: a, b; 7 ms are missing."),
    ],
)
def test_what_is_gone_is_told(
    server: Postgres, config: Path, call: str, type: str, data: dict[str, object], told: str
) -> None:
    found = stored(server, config, call)
    row = found.recordings[0]
    values = {"recording_id": row.recording_id, **data}
    fact = replace(found.events[-1], type=type, at=datetime(2026, 1, 2, 3, 4, 9, tzinfo=UTC), data=values)
    answers = explanation(replace(found, events=(fact,)), row, ())
    assert answers["What is not in it"] == [told]


def test_a_refusal_is_why_there_is_none(server: Postgres, config: Path, call: str) -> None:
    found = stored(server, config, call)
    refused = replace(found.events[0], type="consent_refused", at=datetime(2026, 1, 2, 3, 4, 9, tzinfo=UTC), data={})
    told = list(_why_not(replace(found, events=(refused,))))
    assert told[0] == "Refused at 03:04:09." and told[1].startswith("The call began ")

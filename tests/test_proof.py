"""What a stored call proves: every altered column is found and located, and so is everything that must not be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from callguard import proof
from callguard.core.call import Call, open_call
from callguard.core.decision import decision_of
from callguard.core.effects import StartRecording
from callguard.core.events import (
    Bridged,
    CallStarted,
    ChannelHungUp,
    ChannelSeen,
    DigitPressed,
    Event,
    NoticeEnded,
    NoticeStarted,
    RecordingAcknowledged,
    Role,
    Script,
)
from callguard.core.outcome import Step
from callguard.core.policy import UNKNOWN
from callguard.core.step import step
from callguard.engine import clock
from callguard.engine.ledger import Ledger
from callguard.lab.postgres import Postgres
from callguard.ports import CallRow, EventRow, StoredCall
from callguard.proof import LIMITS, Finding, predates, prove, unentered
from callguard.store import schema
from callguard.store.chain import head_digest, row_hash
from callguard.store.postgres import PostgresLog
from tests.engine.stage import MASTER, POLICY, Stage
from tests.engine.test_runner import head
from tests.fake_pbx import START
from tests.store import rows
from tests.test_replay import stored

NEVER = "its policy was never entered into the register: see callguard policy log"


def other(value: Any) -> Any:
    """VALUE, barely changed."""
    match value:
        case bool():
            return not value
        case int():
            return value ^ 1
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:]
        case datetime():
            return value + timedelta(microseconds=1)
        case dict():
            return {**value, "state": {**value["state"], "mode": "asc"}} if "state" in value else {**value, "x": 1}
        case None:
            return 1
        case _:
            return value.replace(month=value.month % 12 + 1)


COLUMNS = [item.name for item in dataclasses.fields(EventRow)]


@pytest.mark.requirement("S81")
@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_in_any_column_of_any_row_is_found_and_located(column: str) -> None:
    whole = stored()
    assert prove(whole) == []
    for place, row in enumerate(whole.events):
        bad = dataclasses.replace(row, **{column: other(getattr(row, column))})
        altered = dataclasses.replace(whole, events=(*whole.events[:place], bad, *whole.events[place + 1 :]))
        found = prove(altered)
        assert found, (column, row.seq)
        assert found[0].seq in (row.seq, row.seq + 1, bad.seq), (column, row.seq, found)


@pytest.mark.requirement("S81")
@pytest.mark.parametrize("column", [item.name for item in dataclasses.fields(CallRow)])
def test_a_change_in_any_column_of_the_head_is_found(column: str) -> None:
    whole = stored()
    bad = dataclasses.replace(whole.call, **{column: other(getattr(whole.call, column))})
    assert prove(dataclasses.replace(whole, call=bad))


def test_rows_that_are_missing_moved_or_foreign() -> None:
    whole = stored()
    rows = whole.events
    for events in (
        rows[1:],
        rows[:4] + rows[5:],
        rows[:3] + (rows[4], rows[3]) + rows[5:],
        rows[:-1],
        rows[:4] + rows[3:],
    ):
        assert prove(dataclasses.replace(whole, events=events)), len(events)
    assert prove(dataclasses.replace(whole, events=())) == [
        Finding(whole.call.call_id, 0, "chain: the call has no rows")
    ]
    assert prove(dataclasses.replace(whole, events=rows[:-1]), live=True) == []


def test_a_policy_that_cannot_be_read_is_a_finding_and_no_end() -> None:
    whole = stored()
    call = dataclasses.replace(whole.call, policy={"purpose": "x", "mode": "maybe"})
    assert "policy" in prove(dataclasses.replace(whole, call=call))[0].what


def test_every_recording_of_a_call_that_is_over_has_a_verdict() -> None:
    whole = stored()
    (item,) = whole.recordings
    for state, what in (("growing", "no verdict"), ("damaged", "no incident"), ("lost", "no incident")):
        bad = dataclasses.replace(whole, recordings=(dataclasses.replace(item, state=state),))
        assert what in prove(bad)[0].what


@pytest.mark.requirement("S27")
def test_a_policy_that_nobody_entered_is_found_unless_the_register_is_younger() -> None:
    call = replace(head(), policy_version="f" * 64)
    day = timedelta(days=1)
    rules = rows.activation(at=call.started_at - day, kind="rules", version=call.policy_version)
    before = rows.activation([rules], at=call.started_at - day)
    later = rows.activation([rules, before], at=call.started_at + day, version=call.policy_version)
    assert unentered(call, [rules, before]) == Finding(call.call_id, 0, NEVER)
    assert unentered(call, [rules, before, later]) is None and not predates(call, [rules, before])
    for young in ([], [rules], [rules, replace(before, at=call.started_at + day)]):
        assert predates(call, young) and unentered(call, young) is None


def test_the_limits_are_said() -> None:
    assert "superuser" in LIMITS and "whole call" in LIMITS


# ---------------------------------------------------------------- logs made by hand
def written(*facts: Event) -> StoredCall:
    """A log of FACTS as the engine writes it, whether a PBX could ever say them or not."""
    row = head()
    ledger, call, rows = Ledger(row), open_call(row.call_id, POLICY.call_types["support"]), list[EventRow]()
    for fact in _with_head(facts, row):
        done = step(call, fact)
        rows += ledger.enter(fact, done, clock.read(), {}).events
        call = done.call
    return StoredCall(row, tuple(rows))


def _with_head(facts: tuple[Event, ...], row: CallRow) -> Iterator[Event]:
    for fact in facts:
        yield dataclasses.replace(fact, head=head_digest(row)) if isinstance(fact, CallStarted) else fact


STARTED = CallStarted(at=START, channel_id="far")
TOLD: tuple[Event, ...] = (
    STARTED,
    NoticeStarted(at=START, channel_id="far"),
    NoticeEnded(at=START, channel_id="far"),
    DigitPressed(at=START, channel_id="far", digit="1"),
)
MET: tuple[Event, ...] = (
    ChannelSeen(at=START, channel_id="agent", role=Role.AGENT),
    Bridged(at=START, channel_id="far", bridge_id="b"),
    Bridged(at=START, channel_id="agent", bridge_id="b"),
)


def whats(found: list[Finding]) -> str:
    return "; ".join(item.what for item in found)


def test_a_withdrawal_sentence_before_the_stop_is_found() -> None:
    recording = written(*TOLD, *MET)
    recording_id = next(row.data["recording_id"] for row in recording.events if row.type == "recording_requested")
    opened = RecordingAcknowledged(at=START, channel_id="far", recording_id=recording_id)
    keys = tuple(DigitPressed(at=START, channel_id="far", digit=key) for key in "*7")
    said = NoticeStarted(at=START, channel_id="far", script=Script.WITHDRAWAL)
    found = prove(written(*TOLD, *MET, opened, *keys, said), live=True)
    assert "the withdrawal sentence was said before" in whats(found)
    assert found[0].seq == len(written(*TOLD, *MET, opened, *keys, said).events)


def test_a_log_whose_decisions_are_not_the_cores_is_found() -> None:
    """Rows chained anew by somebody who wrote a start where the core decides none."""
    whole = written(STARTED, *MET, ChannelHungUp(at=START, channel_id="agent"))
    row = whole.events[-1]
    assert row.decision is not None
    start = {"effect": "StartRecording", "channel_id": "far", "recording_id": "r", "segment_no": 0}
    bad = dataclasses.replace(row, decision={**row.decision, "effects": [start]})
    bad = dataclasses.replace(bad, hash=row_hash(bad.prev_hash, bad))
    found = prove(dataclasses.replace(whole, events=(*whole.events[:-1], bad)), live=True)
    assert [(item.seq, item.what) for item in found] == [(row.seq, "replay: effects differ from what was decided")]


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (TOLD[:1] + TOLD[3:], "recording before the notice had been played to its end"),
        (TOLD[:3], "recording without every party's standing"),
        (TOLD, ""),
    ],
)
def test_invariants_hold_against_a_core_that_starts_too_soon(facts: tuple[Event, ...], what: str) -> None:
    call: Call = open_call(head().call_id, POLICY.call_types["support"])
    for fact in facts + MET:
        call = step(call, fact).call
    wrong = Step(call, (StartRecording(channel_id="far", recording_id="r"),))
    told = frozenset(fact.channel_id for fact in facts if isinstance(fact, NoticeEnded))
    found = list(proof._wrongs(wrong, told))
    assert (what in found) if what else found == []


def test_a_party_without_standing_that_is_heard_is_found() -> None:
    call = open_call(head().call_id, POLICY.call_types["support"])
    for fact in TOLD + MET:
        call = step(call, fact).call
    guest = step(call, ChannelSeen(at=START, channel_id="guest")).call
    silent = dataclasses.replace(step(guest, Bridged(at=START, channel_id="guest", bridge_id="b")), effects=())
    heard = dataclasses.replace(silent, call=guest.change("guest", bridge="b"))
    wrong = list(proof._wrongs(heard, frozenset({"far"})))
    assert wrong == ["a party without standing could be heard in the recording"]


def test_a_call_of_an_unknown_type_proves_nothing_wrong() -> None:
    call = open_call(head().call_id, UNKNOWN)
    assert decision_of(step(call, STARTED))["state"]["mode"] == "never"


# ---------------------------------------------------------------- a database superuser
@pytest.mark.requirement("S81")
async def test_what_a_superuser_changes_in_postgres_is_found(tmp_path: Path) -> None:
    server = Postgres.start(tmp_path / "server")
    try:
        schema.upgrade(server.owner_dsn)
        log = await PostgresLog.open(server.app_dsn, MASTER)
        async with Stage(tmp_path / "data", log).running() as stage:
            await stage.talk()
            call = await stage.finish("far", "agent1")
        assert prove(call) == []
        name = call.call.call_id
        seq = next(row.seq for row in call.events if row.type == "consent_granted")
        changes = {
            'UPDATE callguard.channel_event SET data = \'{"how": "implied"}\' WHERE call_id = %s AND seq = %s': seq,
            "UPDATE callguard.channel_event SET at = at - interval '1 hour' WHERE call_id = %s AND seq = %s": seq,
            "UPDATE callguard.decision SET reasons = '[\"x\"]' WHERE call_id = %s AND event_seq = %s": seq - 1,
        }
        for change, row in changes.items():
            with psycopg.connect(server.admin_dsn) as connection:
                connection.execute("SET session_replication_role = replica")
                connection.execute(change.encode(), (name, row))
                connection.commit()
                found = prove(await stage.stored(name))
                assert (found[0].seq, found[0].what) == (row, "chain: altered"), change
            with psycopg.connect(server.admin_dsn) as connection:
                connection.execute("SET session_replication_role = replica")
                original = call.events[row - 1]
                connection.execute(
                    "UPDATE callguard.channel_event SET data = %s, at = %s WHERE call_id = %s AND seq = %s",
                    (Jsonb(dict(original.data)), original.at, name, row),
                )
        await log.close()
    finally:
        server.stop()

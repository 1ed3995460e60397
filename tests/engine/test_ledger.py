"""A step as rows: numbered, chained, and durable together."""

from __future__ import annotations

from datetime import timedelta

from callguard.core.call import open_call
from callguard.core.events import CallStarted, ChannelHungUp, MaskAcknowledged, PartyIdentified, Role
from callguard.core.step import step
from callguard.engine import clock
from callguard.engine.ledger import Ledger, fingerprint
from callguard.store.chain import first_break
from tests.engine.stage import POLICY
from tests.engine.test_runner import GRANTED, TALKING, head
from tests.fake_pbx import START


def test_the_head_comes_with_the_first_batch_only() -> None:
    ledger, call = Ledger(head()), open_call(head().call_id, POLICY.call_types["support"])
    batches = []
    for fact in GRANTED + TALKING:
        done = step(call, fact)
        batches.append(ledger.enter(fact, done, clock.read(), {"type": "x"}))
        call = done.call
    assert [batch.call for batch in batches] == [head()] + [None] * (len(batches) - 1)
    rows = [row for batch in batches for row in batch.events]
    assert first_break(rows) is None and [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert all((row.decision is None) is row.derived for row in rows)
    assert [batch.raw[0].seq for batch in batches] == [row.seq for row in rows if not row.derived]
    assert len({row.event_id for row in rows}) == len(rows)
    last = batches[-1].recordings[-1]
    assert (last.state, last.expires_at) == ("requested", START + timedelta(days=90))


def test_an_incident_is_opened_beside_its_row() -> None:
    ledger, call = Ledger(head()), open_call(head().call_id, POLICY.call_types["support"])
    fact = CallStarted(at=START, channel_id="far", known_call_type=False)
    batch = ledger.enter(fact, step(call, fact), clock.read(), {})
    (incident,) = batch.incidents
    row = next(row for row in batch.events if row.type == "incident_opened")
    assert (incident.incident_id, incident.kind, incident.opened_at) == (row.event_id, "unknown_call_type", START)
    assert batch.raw == ()


def test_offsets_are_a_column_where_they_are_known() -> None:
    ledger, call = Ledger(head()), open_call(head().call_id, POLICY.call_types["support"])
    for offset, column in ((800, 800), (0, 0), (-1, None)):
        fact = MaskAcknowledged(at=START, channel_id="far", recording_id="r", offset_samples=offset)
        assert ledger.enter(fact, step(call, fact), clock.read(), {}).events[0].offset_samples == column


def test_a_party_has_values_only_where_they_are_given() -> None:
    ledger, call = Ledger(head()), open_call(head().call_id, POLICY.call_types["support"])
    fact = PartyIdentified(at=START, channel_id="far", party_id="p", role=Role.FAR)
    assert ledger.enter(fact, step(call, fact), clock.read(), {}).parties == ()
    assert ledger.enter(fact, step(call, fact), clock.read(), {}, {"number": "1"}).parties[0].values == {"number": "1"}


def test_a_fingerprint_tells_facts_apart() -> None:
    gone = ChannelHungUp(at=START, channel_id="far", cause=16)
    others = [
        ChannelHungUp(at=START, channel_id="far", cause=17),
        ChannelHungUp(at=START, channel_id="agent", cause=16),
        ChannelHungUp(at=START + timedelta(microseconds=1), channel_id="far", cause=16),
    ]
    assert len({fingerprint(item) for item in [gone, *others]}) == 4
    assert fingerprint(gone) == fingerprint(ChannelHungUp(at=START, channel_id="far", cause=16))

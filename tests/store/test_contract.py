"""What every event log does: the same suite over memory and Postgres."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from callguard.core.events import Remembered
from callguard.errors import StoreRefused
from callguard.ports import Batch, Wanted
from callguard.store.chain import FIRST_SEQ, first_break, row_hash
from callguard.store.memory import MemoryLog
from callguard.store.postgres import PostgresLog
from tests.store import rows

Log = MemoryLog | PostgresLog


@pytest.mark.requirement("S125")
async def test_what_was_appended_is_loaded_unchanged(log: Log) -> None:
    batch = rows.whole(call_id := rows.new_id())
    await log.append([batch])
    stored = await log.load(call_id)
    assert stored is not None
    assert (stored.call, stored.events) == (batch.call, batch.events)
    assert (stored.recordings, stored.incidents) == (batch.recordings, batch.incidents)
    assert first_break(stored.events) is None
    assert await log.party(call_id) == batch.parties
    assert await log.raw(call_id) == batch.raw


async def test_the_same_batch_twice_adds_nothing(log: Log) -> None:
    batch = rows.whole(call_id := rows.new_id())
    await log.append([batch])
    once = await log.load(call_id)
    await log.append([batch, batch])
    assert await log.load(call_id) == once
    assert await log.party(call_id) == batch.parties


async def test_an_old_batch_again_does_not_take_a_recording_back(log: Log) -> None:
    call_id = rows.new_id()
    first, second = rows.chain(call_id, 2)
    old = Batch(call=rows.head(call_id), events=(first,), recordings=(rows.recording(call_id, "r1"),))
    new = Batch(events=(second,), recordings=(rows.recording(call_id, "r1", "growing"),))
    await log.append([old])
    await log.append([new])
    await log.append([old])
    stored = await log.load(call_id)
    assert stored is not None
    assert [row.state for row in stored.recordings] == ["growing"]


@pytest.mark.parametrize("by", ["linked", "channel"])
async def test_a_call_is_found_by_the_pbx_ids_the_newest_first(log: Log, by: str) -> None:
    older, newer = rows.new_id(), rows.new_id()
    for call_id, start in ((newer, rows.START + timedelta(hours=1)), (older, rows.START)):
        only = replace(rows.chain(call_id, 1)[0], channel_id="17.5")
        await log.append([Batch(call=rows.head(call_id, start, "17.1"), events=(only,))])
    found = await log.load("17.1" if by == "linked" else "17.5")
    assert found is not None and found.call.call_id == newer


async def test_a_channel_names_the_call_that_it_belongs_to_and_no_newer_one_that_it_visits(log: Log) -> None:
    own, visited = rows.new_id(), rows.new_id()
    for call_id, start, type in (
        (own, rows.START, "bridged"),
        (visited, rows.START + timedelta(hours=1), "call_merged"),
    ):
        only = replace(rows.chain(call_id, 1)[0], channel_id="18.5", type=type, data={}, hash=b"")
        only = replace(only, hash=row_hash(only.prev_hash, only))
        await log.append([Batch(call=rows.head(call_id, start, call_id), events=(only,))])
    found = await log.load("18.5")
    assert found is not None and found.call.call_id == own


async def test_an_unknown_id_is_none(log: Log) -> None:
    assert await log.load("nothing '; DROP TABLE call; --") is None
    assert await log.party("nothing") == ()


async def test_calls_come_newest_first_across_months(log: Log) -> None:
    starts = [datetime(2025, month, 28, tzinfo=UTC) for month in (3, 11, 7)]
    for start in starts:
        await log.append([Batch(call=rows.head(rows.new_id(), start))])
    assert [head.started_at async for head in log.calls()] == sorted(starts, reverse=True)


def _broken(call_id: str, how: str) -> Batch:
    first, second, third = rows.chain(call_id, 3)
    match how:
        case "gap":
            return Batch(events=(first, third))
        case "reordered":
            return Batch(events=(second, first))
        case "another row at a number that is taken":
            return Batch(events=(first, second, rows.row(call_id, FIRST_SEQ, bytes(32))))
        case "not linked":
            return Batch(events=(first, rows.row(call_id, FIRST_SEQ + 1, b"x" * 32)))
        case _:
            return Batch(events=(rows.row(call_id, FIRST_SEQ, b"x" * 32),))


@pytest.mark.requirement("S81")
@pytest.mark.parametrize(
    "how", ["gap", "reordered", "another row at a number that is taken", "not linked", "does not start at genesis"]
)
async def test_rows_that_break_the_chain_are_refused_whole(log: Log, how: str) -> None:
    call_id = rows.new_id()
    await log.append([Batch(call=rows.head(call_id))])
    with pytest.raises(StoreRefused):
        await log.append([_broken(call_id, how)])
    stored = await log.load(call_id)
    assert stored is not None and stored.events == ()


async def test_rows_without_their_call_are_refused(log: Log) -> None:
    with pytest.raises(StoreRefused):
        await log.append([Batch(events=tuple(rows.chain(rows.new_id(), 1)))])


async def test_a_party_without_an_id_is_refused(log: Log) -> None:
    with pytest.raises(StoreRefused):
        await log.append([replace(rows.whole(call_id := rows.new_id()), parties=(rows.party(call_id, ""),))])


async def test_what_json_cannot_say_is_refused(log: Log) -> None:
    call_id = rows.new_id()
    bad = replace(rows.chain(call_id, 1)[0], data={"x": float("nan")})
    with pytest.raises(StoreRefused):
        await log.append([Batch(call=rows.head(call_id), events=(bad,))])


async def test_many_appends_at_once_are_all_kept_and_one_refusal_hurts_nobody_else(log: Log) -> None:
    calls = [rows.new_id() for _ in range(20)]
    poison = Batch(events=tuple(rows.chain(rows.new_id(), 1)))
    work = [log.append([rows.whole(call_id)]) for call_id in calls]
    results = await asyncio.gather(*work[:10], log.append([poison]), *work[10:], return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [StoreRefused]
    for call_id in calls:
        stored = await log.load(call_id)
        assert stored is not None and first_break(stored.events) is None and len(stored.events) == 4


async def test_incidents_open_and_close_and_stay_closed(log: Log) -> None:
    call_id = rows.new_id()
    await log.append(
        [Batch(call=rows.head(call_id), incidents=(rows.incident(call_id, "i1"), rows.incident(call_id, "i2")))]
    )
    await log.append([Batch(incidents=(rows.incident(call_id, "i1", rows.START + timedelta(hours=1)),))])
    await log.append([Batch(incidents=(rows.incident(call_id, "i1"),))])
    assert [row.incident_id for row in await log.find_incidents(Wanted(open_only=True))] == ["i2"]
    closed = [row for row in await log.find_incidents(Wanted()) if row.closed_at]
    assert [row.closed_at for row in closed] == [rows.START + timedelta(hours=1)]
    wanted = (Wanted(kind="mask_late", call_id=call_id), Wanted(since=rows.START), Wanted(kind="other"))
    assert [len(await log.find_incidents(one)) for one in wanted] == [2, 2, 0]
    assert await log.find_incidents(Wanted(since=rows.START + timedelta(seconds=1))) == ()
    assert await log.find_incidents(Wanted(call_id="")) == ()


async def test_an_entry_and_the_incident_that_it_is_about_stand_together(log: Log) -> None:
    first = rows.activation(kind="incident_opened")
    await log.activate(first, rows.incident("", "i1"))
    assert [row.incident_id for row in await log.find_incidents(Wanted(call_id=""))] == ["i1"]
    second = rows.activation([first], kind="incident_closed")
    await log.activate(second, rows.incident("", "i1", rows.START + timedelta(hours=2)))
    assert await log.find_incidents(Wanted(open_only=True)) == ()
    with pytest.raises(StoreRefused):
        await log.activate(rows.activation([first], reason="a fork"), rows.incident("", "i2"))
    assert [row.incident_id for row in await log.find_incidents(Wanted())] == ["i1"]


async def test_recordings_are_known_by_their_ids(log: Log) -> None:
    await log.append([rows.whole(call_id := rows.new_id())])
    assert await log.known([f"r-{call_id}", "another", "r-"]) == {f"r-{call_id}"} and await log.known([]) == frozenset()


@pytest.mark.requirement("S81")
async def test_erasing_a_key_takes_the_values_and_leaves_the_chain(log: Log) -> None:
    call_id = rows.new_id()
    two = (rows.party(call_id, "p1"), rows.party(call_id, "p2"))
    await log.append([replace(rows.whole(call_id), parties=two)])
    before = await log.load(call_id)
    assert await log.erase_key("p1")
    assert not await log.erase_key("p1")
    assert [row.values for row in await log.party(call_id)] == [{}, two[1].values]
    assert await log.load(call_id) == before
    assert before is not None and first_break(before.events) is None


async def test_an_erased_party_does_not_come_back_with_its_batch(log: Log) -> None:
    batch = rows.whole(call_id := rows.new_id())
    await log.append([batch])
    await log.erase_key(f"p-{call_id}")
    await log.append([batch])
    assert [row.values for row in await log.party(call_id)] == [{}]


async def test_an_append_of_nothing_is_fine(log: Log) -> None:
    await log.append([])


async def test_rows_of_a_month_without_a_partition_are_stored(log: Log) -> None:
    call_id, start = rows.new_id(), datetime(2031, 12, 31, 23, 59, 59, tzinfo=UTC)
    events = tuple(rows.chain(call_id, 2, date(2031, 12, 1)))
    await log.append([Batch(call=rows.head(call_id, start), events=events)])
    stored = await log.load(call_id)
    assert stored is not None and stored.events == events


@pytest.mark.requirement("S8")
@pytest.mark.parametrize("said", [{}, {"purpose": None}, {"purpose": "personal"}, {"purpose": "none"}])
@pytest.mark.parametrize("mode", [{}, {"mode": "ask"}, {"mode": "never", "internal": "announce"}])
async def test_a_call_that_may_be_recorded_has_a_purpose(log: Log, said: dict[str, str], mode: dict[str, str]) -> None:
    head = replace(rows.head(rows.new_id()), policy={**said, **mode})
    with pytest.raises(StoreRefused):
        await log.append([Batch(call=head)])
    assert await log.load(head.call_id) is None


@pytest.mark.requirement("S8")
async def test_a_call_that_is_never_recorded_needs_none_and_has_no_recording(log: Log) -> None:
    head = replace(rows.head(call_id := rows.new_id()), policy={"mode": "never", "purpose": "none"})
    await log.append([Batch(call=head)])
    with pytest.raises(StoreRefused):
        await log.append([Batch(recordings=(rows.recording(call_id, "r1"),))])


@pytest.mark.requirement("S11")
async def test_a_recording_expires_later_than_its_call_began(log: Log) -> None:
    call_id = rows.new_id()
    await log.append([rows.whole(call_id)])
    for recording_id in ("r1", "r2"):
        early = replace(rows.recording(call_id, recording_id), expires_at=rows.START)
        with pytest.raises(StoreRefused):
            await log.append([Batch(recordings=(early,))])


# ---------------------------------------------------------------- the register
@pytest.mark.requirement("S27")
async def test_the_register_is_read_back_unchanged_each_tenant_its_own(log: Log) -> None:
    first = rows.activation()
    second = rows.activation([first])
    rules = rows.activation([first, second], kind="rules", content={})
    other = rows.activation(tenant="other")
    for row in (first, other, second, rules):
        await log.activate(row)
    assert await log.activations("acme") == (first, second, rules)
    assert await log.activations("other") == (other,) and await log.activations("nobody") == ()
    assert first_break(await log.activations("acme")) is None
    assert (second.previous, rules.previous, rules.prev_hash) == (first.version, "", second.hash)


@pytest.mark.requirement("S27")
async def test_the_register_still_proves_when_what_was_said_is_erased(log: Log) -> None:
    first = rows.activation()
    second = rows.activation([first])
    for row in (first, second):
        await log.activate(row)
    assert await log.erase_key(first.key_id) and not await log.erase_key(first.key_id)
    found = await log.activations("acme")
    assert found == (replace(first, said={}), second) and first_break(found) is None
    await log.activate(first)
    assert await log.activations("acme") == found


async def test_an_activation_twice_adds_nothing(log: Log) -> None:
    first = rows.activation()
    for row in (first, rows.activation([first]), first):
        await log.activate(row)
    assert len(await log.activations("acme")) == 2


@pytest.mark.requirement("S27")
@pytest.mark.parametrize("how", ["fork", "gap", "unlinked"])
async def test_an_activation_that_does_not_continue_the_register_is_refused(log: Log, how: str) -> None:
    first = rows.activation()
    await log.activate(first)
    second = rows.activation([first])
    wrong = {
        "fork": rows.activation(reason="another first one"),
        "gap": rows.activation([first, second]),
        "unlinked": replace(second, prev_hash=bytes(32)),
    }
    with pytest.raises(StoreRefused):
        await log.activate(wrong[how])
    assert await log.activations("acme") == (first,)


async def test_an_activation_that_json_cannot_say_is_refused(log: Log) -> None:
    with pytest.raises(StoreRefused, match="cannot be stored"):
        await log.activate(replace(rows.activation(), content={"days": float("inf")}))


# ---------------------------------------------------------------- answers
ACME = ("acme", rows.NUMBER)
LATER = rows.START + timedelta(days=1)


def answered(call_id: str, word: str = "refused", **values: Any) -> Batch:
    """A call whose far party answered."""
    return replace(rows.whole(call_id), answers=(rows.answer(call_id, word, **values),))


async def what_stands(log: Log, number: str = rows.NUMBER, at: datetime = LATER) -> str:
    return (await log.answer_of("acme", number, "support", at)).value


@pytest.mark.requirement("S21")
async def test_an_answer_is_found_by_its_number_until_it_expires(log: Log) -> None:
    await log.append([answered(call_id := rows.new_id(), days=30)])
    assert await what_stands(log) == await what_stands(log, "+12025550143") == "refused"
    assert await what_stands(log, at=rows.START + timedelta(days=29, hours=23)) == "refused"
    assert await what_stands(log, at=rows.START + timedelta(days=30)) == ""
    assert await what_stands(log, "+12025550144") == await what_stands(log, "") == ""
    assert await log.answer_of("acme", rows.NUMBER, "sales", LATER) is Remembered.NOTHING
    assert await log.answer_of("other", rows.NUMBER, "support", LATER) is Remembered.NOTHING
    [kept] = await log.answers("acme")
    assert (kept.call_id, kept.call_type, kept.answer) == (call_id, "support", Remembered.REFUSED)
    assert (kept.at, kept.until, len(kept.pseudonym)) == (rows.START, rows.START + timedelta(days=30), 32)
    assert await log.answers_of(*ACME) == (kept,) and await log.answers("other") == ()


@pytest.mark.parametrize(("first", "second"), [("refused", "granted"), ("granted", "refused")])
async def test_the_newest_answer_stands_whatever_order_they_come_in(log: Log, first: str, second: str) -> None:
    old, new = answered(rows.new_id(), first), answered(rows.new_id(), second, at=rows.START + timedelta(hours=1))
    for batch in (old, new, old):
        await log.append([batch])
    assert await what_stands(log) == second and len(await log.answers("acme")) == 1


async def test_each_call_type_and_tenant_has_an_answer_of_its_own(log: Log) -> None:
    await log.append([answered(rows.new_id())])
    await log.append([answered(rows.new_id(), "granted", call_type="sales", at=LATER)])
    await log.append([answered(rows.new_id(), "granted", tenant="other")])
    assert [row.call_type for row in await log.answers_of(*ACME)] == ["sales", "support"]
    assert await log.forget_answers(*ACME) == 2
    assert await what_stands(log) == "" and len(await log.answers("other")) == 1


@pytest.mark.requirement("S21")
async def test_answers_are_forgotten_by_number_and_by_expiry(log: Log) -> None:
    await log.append([answered(rows.new_id(), days=3)])
    assert await log.forget_expired("acme", LATER) == 0 and await log.forget_expired("other", LATER) == 0
    assert await log.forget_expired("acme", rows.START + timedelta(days=3)) == 1
    assert await log.forget_answers(*ACME) == 0 and await log.forget_answers("acme", "") == 0
    assert await log.answers("acme") == ()


async def test_only_a_number_of_that_call_is_remembered(log: Log) -> None:
    for number in ("+12025550199", "", "anonymous"):
        await log.append([answered(rows.new_id(), number=number)])
    await log.append([Batch(answers=(rows.answer(rows.new_id()),))])
    agent = replace(rows.party(call_id := rows.new_id(), f"p-{call_id}"), role="agent")
    await log.append([replace(answered(call_id), parties=(agent,))])
    assert await log.answers("acme") == ()


@pytest.mark.requirement("S21")
async def test_erasing_a_party_forgets_what_its_number_answered_for_good(log: Log) -> None:
    batch, other = answered(call_id := rows.new_id()), answered(rows.new_id(), "granted", tenant="other")
    await log.append([batch, other])
    assert await log.erase_key(f"p-{call_id}")
    assert await log.answers("acme") == () and len(await log.answers("other")) == 1
    await log.append([batch])
    assert await log.answers("acme") == ()

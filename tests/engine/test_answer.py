"""What callers answered before: kept with their calls, honoured in the next one, and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from callguard.core.call import open_call
from callguard.core.effects import PlayPrompt, SendOn
from callguard.core.events import (
    Action,
    CallStarted,
    DigitPressed,
    Event,
    NoticeEnded,
    NoticeStarted,
    OperatorActed,
    PartyIdentified,
    Remembered,
    Role,
)
from callguard.core.policy import Policy, parse_policy
from callguard.core.step import step
from callguard.engine import clock
from callguard.engine.answer import Memory, has_memory
from callguard.engine.ledger import Ledger
from callguard.ports import AnswerRow, Endpoint, Entered, Found, Sighted, StoredCall
from callguard.store.memory import MemoryLog
from callguard.store.pack import shipped_pack
from tests.engine.stage import Stage, endpoint
from tests.engine.test_runner import GRANTED, head
from tests.fake_pbx import START

NUMBER = "+15125550147"
TYPES = {"purpose": "qa", "retention": {"audio": 90}, "agents": ["PJSIP/agent*"]}


def policy(days: int = 3650) -> Policy:
    announced = {**TYPES, "mode": "announce", "site": "US-TX", "remember_days": days}
    return parse_policy({"call_type": {"support": {**TYPES, "remember_days": days}, "announced": announced}})


DAYS = policy(30)
START_OF_CALL = (
    CallStarted(at=START, channel_id="far", codes=("US-TX",), site=("US-TX",)),
    PartyIdentified(at=START, channel_id="far", party_id="p", role=Role.FAR),
    NoticeStarted(at=START, channel_id="far"),
)
ENDED = NoticeEnded(at=START, channel_id="far")


def key(digit: str) -> Event:
    return DigitPressed(at=START, channel_id="far", digit=digit)


def kept(
    facts: Sequence[Event],
    number: str = NUMBER,
    *,
    of: Policy = DAYS,
    direction: str = "inbound",
) -> list[AnswerRow]:
    """The answers in the rows of a call to which FACTS happen."""
    ledger, call = Ledger(replace(head(), direction=direction)), open_call(head().call_id, of.call_types["support"])
    found: list[AnswerRow] = []
    for fact in facts:
        done = step(call, fact)
        values = {"number": number} if isinstance(fact, PartyIdentified) and fact.party_id else None
        found += ledger.enter(fact, done, clock.read(), {}, values).answers
        call = done.call
    return found


WITHDRAWN = OperatorActed(at=START, action=Action.WITHDRAW, operator="user:root")


@pytest.mark.requirement("S21")
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((*START_OF_CALL, key("2")), ["refused"]),
        ((*START_OF_CALL, ENDED, key("1")), ["granted"]),
        ((*START_OF_CALL, ENDED, key("1"), WITHDRAWN), ["granted", "refused"]),
        ((*START_OF_CALL, ENDED), []),
    ],
)
def test_an_answer_in_words_is_kept_with_its_rows(facts: tuple[Event, ...], words: list[str]) -> None:
    rows = kept(facts)
    assert [row.answer for row in rows] == words
    assert all((row.at, row.until) == (START, START + timedelta(days=30)) for row in rows)
    assert all((row.number, row.tenant, row.call_id) == (NUMBER, head().tenant, head().call_id) for row in rows)


def test_nothing_is_kept_that_is_nobodys_or_not_wanted() -> None:
    said = (*START_OF_CALL, key("2"))
    assert not kept(said, "") and not kept(said, "anonymous") and not kept(said, "0000000000") and not kept(said, "201")
    assert not kept(said, of=policy(0)) and not kept(said, direction="outbound")
    assert not kept(GRANTED) and kept(said)


def test_a_number_is_not_shown_by_the_ledger() -> None:
    ledger, call = Ledger(head()), open_call(head().call_id, DAYS.call_types["support"])
    for fact in START_OF_CALL[:2]:
        done = step(call, fact)
        ledger.enter(fact, done, clock.read(), {}, {"number": NUMBER})
        call = done.call
    assert ledger.number == NUMBER and NUMBER not in repr(ledger)


@pytest.mark.parametrize(
    ("days", "direction", "number", "has"),
    [
        (30, "inbound", NUMBER, True),
        (30, "inbound", "5125550147", True),
        (0, "inbound", NUMBER, False),
        (30, "outbound", NUMBER, False),
        (30, "internal", NUMBER, False),
        (30, "inbound", "20147", False),
        (30, "inbound", "0000000", False),
        (30, "inbound", "", False),
    ],
)
def test_only_callers_with_a_number_of_their_own_are_remembered(
    days: int, direction: str, number: str, has: bool
) -> None:
    assert has_memory(policy(days).call_types["support"], direction, number) is has


# ---------------------------------------------------------------- from one call to the next
def stage(tmp_path: Path, log: MemoryLog) -> Stage:
    on = Stage(tmp_path, log, policy=policy(), look_ups=(Memory(log, "acme"),))
    on.engine.entrance.places = replace(on.places, pack=shipped_pack())
    return on


async def begins(on: Stage, channel_id: str, number: str = NUMBER, call_type: str = "support") -> None:
    who: Endpoint = replace(endpoint(channel_id), number=number, words={"place": "US-TX"})
    on.pbx.hear(Sighted(on.pbx.now, who))
    on.pbx.hear(Entered(on.pbx.now, who, ("1", call_type, "inbound", f"linked-{channel_id}")))
    await on.settled()


async def call(on: Stage, channel_id: str, digit: str = "", **values: str) -> StoredCall:
    """A whole call in which DIGIT is pressed."""
    await begins(on, channel_id, **values)
    if digit:
        on.pbx.say(DigitPressed(at=on.pbx.now, channel_id=channel_id, digit=digit))
    await on.until(lambda: any(effect.channel_id == channel_id for effect in on.pbx.asked(SendOn)))
    return await on.finish(channel_id)


def prompts(on: Stage, channel_id: str) -> int:
    return sum(effect.channel_id == channel_id for effect in on.pbx.asked(PlayPrompt))


def hows(stored: StoredCall) -> list[object]:
    return [(row.type, row.data.get("how")) for row in stored.events if row.type.startswith("consent_")]


@pytest.mark.requirement("S21")
async def test_a_refusal_is_honoured_until_it_is_forgotten(tmp_path: Path) -> None:
    log = MemoryLog()
    async with stage(tmp_path, log).running() as on:
        await call(on, "first", "2")
        [kept_then] = await log.answers("acme")
        second = await call(on, "second")
        assert hows(second) == [("consent_refused", "remembered")] and not prompts(on, "second")
        assert await log.answers("acme") == (kept_then,)  # what is only remembered does not renew itself
        assert hows(await call(on, "other", "1", number="+15125550148")) == [("consent_granted", "express_dtmf")]
        assert await log.forget_answers("acme", NUMBER) == 1
        assert hows(await call(on, "third", "1")) == [("consent_granted", "express_dtmf")] and prompts(on, "third")


async def test_a_grant_is_asked_again(tmp_path: Path) -> None:
    log = MemoryLog()
    async with stage(tmp_path, log).running() as on:
        await call(on, "first", "1")
        await call(on, "second", "2")
        assert prompts(on, "second") and [row.answer for row in await log.answers("acme")] == [Remembered.REFUSED]


async def test_what_one_call_type_was_told_another_one_asks(tmp_path: Path) -> None:
    log = MemoryLog()
    async with stage(tmp_path, log).running() as on:
        await call(on, "first", "2")
        await begins(on, "second", call_type="announced")
        assert prompts(on, "second")


async def test_a_call_that_was_taken_over_is_remembered_too(tmp_path: Path) -> None:
    log = MemoryLog()
    async with stage(tmp_path, log).running() as on:
        await begins(on, "far")
        call_id = on.call("far").call_id
    after = stage(tmp_path, log)
    after.there("far", waiting=frozenset({"far"}))
    channels = tuple(replace(item, number=NUMBER) for item in after.pbx.snapshot_of.channels)
    after.pbx.snapshot_of = replace(after.pbx.snapshot_of, channels=channels)
    async with after.running() as on:
        await on.until(lambda: call_id in on.engine.runners)
        on.pbx.say(DigitPressed(at=on.pbx.now, channel_id="far", digit="2"))
        await on.finish("far")
    assert [row.answer for row in await log.answers("acme")] == [Remembered.REFUSED]


async def test_what_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    log = MemoryLog()
    memory, who = Memory(log, "acme"), replace(endpoint("far"), number=NUMBER)
    support = policy().call_types["support"]
    assert await memory(who, support) == Found() and memory.concerns(who, support, "inbound")
    log.cut()
    with pytest.raises(ConnectionError):
        await memory(who, support)

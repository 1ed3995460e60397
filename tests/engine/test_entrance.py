"""How a call begins: what is known about it, and what is asked meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from callguard.core.effects import PlayPrompt, SendOn
from callguard.core.events import Remembered
from callguard.core.policy import CallType, Mode, parse_policy
from callguard.engine.entrance import LookUp
from callguard.engine.place import Places
from callguard.ports import Dialled, Endpoint, Entered, Found, Sighted
from callguard.store.pack import shipped_pack
from tests.engine.stage import Stage, endpoint

TYPES = {"mode": "announce", "purpose": "qa", "retention": {"audio": 90}, "agents": ["PJSIP/agent*"]}
POLICY = parse_policy(
    {
        "call_type": {
            "texas": {**TYPES, "site": "US-TX"},
            "nowhere": TYPES,
            "ours": {**TYPES, "mode": "ask", "internal": "ask", "site": "US-TX"},
        }
    }
)
PLACES = Places(pack=shipped_pack(), agents={"PJSIP/agent9": "US-CA"})
TEXAN = {"place": "US-TX"}


def caller(channel_id: str = "far", number: str = "", **words: str) -> Endpoint:
    return replace(endpoint(channel_id), number=number, words=words)


def stage(tmp_path: Path, *look_ups: LookUp) -> Stage:
    return Stage(tmp_path, policy=POLICY, places=PLACES, look_ups=look_ups)


async def enter(on: Stage, who: Endpoint, call_type: str, direction: str = "inbound") -> None:
    on.pbx.hear(Sighted(on.pbx.now, who))
    on.pbx.hear(Entered(on.pbx.now, who, ("1", call_type, direction, "linked")))
    await on.settled()


async def resolved(on: Stage, channel_id: str = "far") -> dict[str, Any]:
    stored = await on.stored(on.call(channel_id).call_id)
    return next(dict(row.data) for row in stored.events if row.type == "rule_resolved")


@pytest.mark.requirement("S9", "S12")
@pytest.mark.parametrize(
    ("call_type", "words", "mode", "codes"),
    [
        ("texas", TEXAN, "announce", ["US-TX"]),
        ("texas", {"place": "US-MD"}, "ask", ["US-MD", "US-TX"]),
        ("texas", {}, "ask", ["US-TX", "ZZ"]),
        ("texas", {**TEXAN, "site": "US-WA"}, "ask", ["US-TX", "US-WA"]),
        ("nowhere", TEXAN, "ask", ["US-TX", "ZZ"]),
    ],
)
async def test_places_decide_what_is_done(
    tmp_path: Path, call_type: str, words: dict[str, str], mode: str, codes: list[str]
) -> None:
    async with stage(tmp_path).running() as on:
        await enter(on, caller(**words), call_type)
        found = await resolved(on)
        assert (found["mode"], found["jurisdictions"]) == (mode, codes)
        assert found["rule_pack"] == PLACES.pack.version and found["reasons"]


@pytest.mark.requirement("S46")
async def test_an_agent_elsewhere_makes_the_rule_grow(tmp_path: Path) -> None:
    async with stage(tmp_path).running() as on:
        await enter(on, caller(**TEXAN), "texas")
        assert on.call("far").mode is Mode.ANNOUNCE
        on.pbx.hear(Sighted(on.pbx.now, endpoint("agent9", "PJSIP/agent9-00000009")))
        on.pbx.hear(Dialled(on.pbx.now, "far", "agent9"))
        await on.settled()
        assert on.call("far").mode is Mode.ANNOUNCE
        on.join("b1", "far", "agent9")
        await on.settled()
        stored = await on.stored(on.call("far").call_id)
        [grown] = [row.data for row in stored.events if row.type == "rule_reevaluated"]
        assert (grown["old_mode"], grown["mode"], grown["jurisdictions"]) == ("announce", "ask", ["US-CA", "US-TX"])


async def test_the_rules_of_a_call_are_in_the_log(tmp_path: Path) -> None:
    async with stage(tmp_path).running() as on:
        await enter(on, caller(), "texas")
        await on.until(lambda: not on.evidence.unkept)
        stored = await on.stored(on.call("far").call_id)
        assert stored.rules == PLACES.pack and stored.call.rule_pack == PLACES.pack.version


async def test_no_number_is_in_a_row(tmp_path: Path) -> None:
    async with stage(tmp_path).running() as on:
        await enter(on, caller(number="+15125550147"), "texas")
        stored = await on.stored(on.call("far").call_id)
        assert "5550147" not in repr([(row.data, row.decision) for row in stored.events])
        assert (await resolved(on))["jurisdictions"] == ["US-TX", "US-ZZ"]


async def test_an_internal_call_is_between_agents(tmp_path: Path) -> None:
    async with stage(tmp_path).running() as on:
        await enter(on, replace(endpoint("far", "PJSIP/agent9-00000001"), number="209"), "ours", "internal")
        assert (await resolved(on))["jurisdictions"] == ["US-CA", "US-TX"]


# ---------------------------------------------------------------- look-ups
@dataclass
class Told(LookUp):
    """A look-up that tells, or raises, always the same."""

    found: Found | Exception
    after: float = 0.0
    of: str = "texas"

    def concerns(self, who: Endpoint, call_type: CallType, direction: str) -> bool:
        return call_type.name == self.of and direction == "inbound"

    async def __call__(self, who: Endpoint, call_type: CallType) -> Found:
        await asyncio.sleep(self.after)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.mark.requirement("S9")
async def test_a_customer_record_tells_the_place(tmp_path: Path) -> None:
    async with stage(tmp_path, Told(Found(place="US-TX", known=True), after=0.05)).running() as on:
        await enter(on, caller(), "texas")
        await on.until(lambda: on.pbx.asked(PlayPrompt))
        found = await resolved(on)
        assert (found["mode"], found["jurisdictions"], found["evidence"]) == ("announce", ["US-TX"], ["crm"])
        assert not on.call("far").known


async def test_who_agreed_before_and_is_on_record_is_known(tmp_path: Path) -> None:
    ask = (Told(Found(place="US-TX", known=True)), Told(Found(answer=Remembered.GRANTED)))
    async with stage(tmp_path, *ask).running() as on:
        await enter(on, caller(), "texas")
        await on.until(lambda: on.pbx.asked(PlayPrompt))
        assert on.call("far").known and (await resolved(on))["jurisdictions"] == ["US-TX"]


async def test_a_call_that_nobody_is_asked_about_does_not_wait(tmp_path: Path) -> None:
    async with stage(tmp_path, Told(ConnectionError(), after=9.0, of="nowhere")).running() as on:
        await enter(on, caller(**TEXAN), "texas")
        assert on.pbx.asked(PlayPrompt) and (await resolved(on))["mode"] == "announce"


@pytest.mark.parametrize("answer", [Told(Found(place="US-TX"), after=0.6), Told(ConnectionError())])
async def test_no_answer_in_time_is_unknown(tmp_path: Path, answer: LookUp) -> None:
    async with stage(tmp_path, answer).running() as on:
        await enter(on, caller(**TEXAN), "texas")
        await on.until(lambda: on.pbx.asked(PlayPrompt))
        found = await resolved(on)
        assert found["mode"] == "ask" and "ZZ" in found["jurisdictions"] and "look_up_late" in found["evidence"]


@pytest.mark.requirement("S21")
async def test_a_remembered_refusal_is_sent_on_unasked(tmp_path: Path) -> None:
    ask = (Told(Found(answer=Remembered.GRANTED)), Told(Found(answer=Remembered.REFUSED)))
    async with stage(tmp_path, *ask).running() as on:
        await enter(on, caller(**TEXAN), "texas")
        await on.until(lambda: on.pbx.asked(SendOn))
        assert not on.pbx.asked(PlayPrompt)
        await on.stored(on.call("far").call_id)


@pytest.mark.requirement("S1")
@pytest.mark.parametrize(("dialled", "asked"), [(False, False), (True, True)])
async def test_an_agent_who_waits_before_dialling_out_is_not_the_one_to_ask(
    tmp_path: Path, *, dialled: bool, asked: bool
) -> None:
    """Only a channel that another one called is a called party, however widely `agents` is written."""
    async with stage(tmp_path).running() as on:
        if dialled:
            on.pbx.hear(Dialled(on.pbx.now, "agent1", "agent2"))
        await enter(on, endpoint("agent2"), "ours", "outbound")
        assert bool(on.pbx.asked(PlayPrompt)) is asked
        assert [kind for kind, _ in on.alerts] == ([] if asked else ["asked_wrong_end"])
        assert bool(on.pbx.asked(SendOn)) is not asked


@pytest.mark.requirement("S4", "S9")
async def test_staff_of_another_call_brings_the_law_of_its_own_place(tmp_path: Path) -> None:
    async with stage(tmp_path).running() as on:
        for far, agent in (("far", "agent1"), ("other", "agent9")):
            await enter(on, caller(far, **TEXAN), "texas")
            on.pbx.hear(Sighted(on.pbx.now, endpoint(agent)))
            on.pbx.hear(Dialled(on.pbx.now, far, agent))
            on.join(f"bridge-{far}", far, agent)
            await on.settled()
        assert on.call("far").mode is Mode.ANNOUNCE and on.call("other").mode is Mode.ASK
        on.join("bridge-far", "agent9")
        await on.settled()
        assert on.call("far").mode is Mode.ASK and "US-CA" in on.call("far").rule.jurisdictions

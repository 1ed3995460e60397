"""What is there, asked of a scripted FreeSWITCH."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.site import EslAddress
from callguard.pbx.freeswitch.survey import survey
from callguard.pbx.freeswitch.translate import EAR
from tests.pbx.freeswitch.capture import answer_to
from tests.pbx.freeswitch.scripted import PASSWORD, Channel
from tests.pbx.freeswitch.session import Exchange


@pytest_asyncio.fixture(loop_scope="session")
async def pair() -> AsyncIterator[tuple[Exchange, Esl]]:
    async with Exchange() as switch:
        esl = await Esl.connect(EslAddress(host="127.0.0.1", port=switch.port, password=PASSWORD), lambda _: None)
        yield switch, esl
        await esl.close()


def two(switch: Exchange) -> tuple[Channel, Channel]:
    """A caller and an agent in a bridge."""
    one = switch.channel("sofia/lab/caller@127.0.0.1:1")
    other = switch.channel("sofia/lab/agent1@127.0.0.1:2", "outbound", other=one.uuid)
    one.answered = other.answered = True
    switch.join(one, other)
    return one, other


async def test_nothing_is_there(pair: tuple[Exchange, Esl]) -> None:
    there = await survey(pair[1])
    assert not there.channels and not there.bridges and not there.bugs


async def test_a_bridge_is_two_channels_that_name_each_other(pair: tuple[Exchange, Esl]) -> None:
    switch, esl = pair
    one, other = two(switch)
    alone = switch.channel("sofia/lab/x@127.0.0.1:3", bridge_uuid=one.uuid)  # from before
    there = await survey(esl)
    assert {item.channel_id: item.answered for item in there.channels} == {
        one.uuid: True,
        other.uuid: True,
        alone.uuid: False,
    }
    assert [set(legs) for legs in there.bridges.values()] == [{one.uuid, other.uuid}]


async def test_members_and_listeners_are_where_they_hear(pair: tuple[Exchange, Esl]) -> None:
    switch, esl = pair
    one, _ = two(switch)
    said = {"current_application": "eavesdrop", "current_application_data": one.uuid}
    boss = switch.channel("sofia/lab/boss@127.0.0.1:3", "outbound", **said)
    member = {"current_application": "conference", "conference_name": "room1"}
    members = [switch.channel(f"sofia/lab/m{n}@127.0.0.1:3", **member) for n in range(2)]
    there = await survey(esl)
    assert set(there.bridges["conference-room1"]) == {item.uuid for item in members}
    assert there.listens == {boss.uuid: one.uuid} and [legs for legs in there.bridges.values() if boss.uuid in legs]


async def test_a_prompt_that_plays_there_makes_no_member_or_listener_absent(pair: tuple[Exchange, Esl]) -> None:
    """A real one says `playback` then, and not where that is heard: the sound came back under a stranger's ears."""
    switch, esl = pair
    one, other = two(switch)
    one.overheard = True
    busy = {"current_application": "playback", "current_application_data": "/sounds/notice.wav"}
    boss = switch.channel("sofia/lab/boss@127.0.0.1:3", "outbound", **busy)
    member = switch.channel("sofia/lab/m1@127.0.0.1:3", **busy, conference_name="left-long-ago")
    member.room = "room1"
    there = await survey(esl, listened={boss.uuid: one.uuid, "gone": one.uuid, other.uuid: "nobody"})
    assert there.bridges["conference-room1"] == (member.uuid,)
    assert there.listens == {boss.uuid: one.uuid} and [legs for legs in there.bridges.values() if boss.uuid in legs]


async def test_who_is_overheard_by_nobody_we_know_has_an_ear_in_its_bridge(pair: tuple[Exchange, Esl]) -> None:
    switch, esl = pair
    one, other = two(switch)
    other.overheard = True
    there = await survey(esl)
    ear = f"{EAR}{other.uuid}"
    assert there.listens == {ear: other.uuid} and ear in [item.channel_id for item in there.channels]
    assert [set(legs) for legs in there.bridges.values()] == [{one.uuid, other.uuid, ear}]
    again = await survey(esl, [ear], there.listens)
    assert again.listens == there.listens and len(again.channels) == 3


@pytest.mark.parametrize("answer", ["", "+OK", "{", '[5, {"members": 5}, {"members": [5, {"uuid": 7}]}]', "-ERR no"])
async def test_an_odd_answer_about_conferences_puts_nobody_into_one(pair: tuple[Exchange, Esl], answer: str) -> None:
    switch, esl = pair
    two(switch)
    switch.refuse["conference"] = answer or " "
    assert len((await survey(esl)).bridges) == 1


async def test_recorders_are_named_by_their_files(pair: tuple[Exchange, Esl], tmp_path: Path) -> None:
    switch, esl = pair
    one, other = two(switch)
    switch._start(one, str(tmp_path / "r1.wav"), "")
    there = await survey(esl)
    assert there.bugs == {one.uuid: frozenset({str(tmp_path / "r1.wav")}), other.uuid: frozenset()}
    real = answer_to("controller-reattach-close.inbound", "api uuid_buglist")
    assert "<function>session_record</function>" in real and "<target>/srv/fslab/rec/reload_close.wav</target>" in real


@pytest.mark.parametrize(
    "answer", ["", "[]", "{", '{"rows": 5}', '{"rows": [5, {"uuid": 7}, {"uuid": "a b"}]}', "gone"]
)
async def test_an_odd_answer_names_nobody(pair: tuple[Exchange, Esl], answer: str) -> None:
    pair[0].refuse["show"] = answer or " "
    assert not (await survey(pair[1])).channels


async def test_a_channel_that_has_gone_meanwhile_is_gone(pair: tuple[Exchange, Esl]) -> None:
    switch, esl = pair
    two(switch)
    switch.refuse["uuid_dump"] = "-ERR No such channel!\n"
    assert not (await survey(esl)).channels


async def test_a_channel_that_the_list_does_not_have_yet_is_asked_for_by_its_id(pair: tuple[Exchange, Esl]) -> None:
    """The list comes from a database that lags behind: a call of the last half second is not in it."""
    switch, esl = pair
    one, _ = two(switch)
    switch.refuse["show"] = '{"row_count": 0}'
    assert not (await survey(esl)).channels
    there = await survey(esl, [one.uuid, "gone", "x y"])
    assert [item.channel_id for item in there.channels] == [one.uuid]
    assert there.asked == {one.uuid, "gone"} and len(there.dumps) == 1

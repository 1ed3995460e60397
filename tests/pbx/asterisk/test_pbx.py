from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callguard.core.effects import (
    Alert,
    Answer,
    MaskRecording,
    PlayPrompt,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
)
from callguard.core.events import (
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeft,
    ChannelUnheld,
    DigitPressed,
    EffectFailed,
    NoticeEnded,
    NoticeFailed,
    NoticeStarted,
    RecordingDamaged,
    Script,
    StopObserved,
)
from callguard.core.recording import RECORDER_DIED
from callguard.errors import BadInput, LinkDown, Unreachable
from callguard.lab.asterisk import Asterisk
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.pbx import AsteriskPbx
from callguard.ports import Dialled, Entered, Link, Sighted
from tests.pbx.rig import SITE, Rig, rig_on, settings_for

HOSTILE = b"$(touch /x)`id`'; DROP TABLE call; --<img onerror=x>${SHELL(id)}%0d%0aAction: Ping\xff\xfe"


async def test_a_call_from_entering_to_hang_up(rig: Rig) -> None:
    async with rig.talk() as talk:
        entered = rig.of(Entered)[0]
        assert entered.args == ("1", "support", "inbound") and entered.channel.endpoint == "PJSIP/caller"
        assert any(seen.channel.endpoint == "PJSIP/agent1" for seen in rig.of(Sighted))
        assert Dialled(rig.of(Dialled)[0].at, talk.far, talk.agent) in rig.heard
        await talk.agent_call.hold()
        held = await rig.wait(ChannelHeld)
        await talk.agent_call.unhold()
        assert held.channel_id == (await rig.wait(ChannelUnheld)).channel_id == talk.agent
        snapshot = await rig.pbx.snapshot()
        assert {talk.far, talk.agent} == {seen.channel_id for seen in snapshot.channels}
        assert set(snapshot.bridges.values()) >= {(talk.far, talk.agent)} or {(talk.agent, talk.far)}
        assert snapshot.waiting == frozenset()
    hung = await rig.wait(ChannelHungUp, lambda fact: fact.channel_id == talk.far)
    assert hung.cause == 16


async def test_a_waiting_channel_is_in_the_snapshot_and_in_the_register_until_it_is_sent_on(rig: Rig) -> None:
    caller = await Phone.open("caller", rig.asterisk.server)
    call = await caller.dial("150")
    channel_id = await rig.entered()
    assert (await rig.pbx.snapshot()).waiting == {channel_id}
    rig.pbx.perform(Answer(channel_id=channel_id))
    await rig.wait(ChannelAnswered)
    await call.press("7")
    assert (await rig.wait(DigitPressed)).digit == "7"
    assert all(raw.get("digit", "x") == "x" for raw in rig.raws)
    await rig.register_holds(waiting=1)
    rig.pbx.perform(SendOn(channel_id=channel_id))
    await rig.wait(ChannelLeft)
    await rig.register_holds(waiting=0)
    assert (await rig.pbx.snapshot()).waiting == frozenset()
    await call.hangup()
    await caller.close()


async def test_sending_on_drops_what_plays_and_what_was_to_play(rig: Rig) -> None:
    caller = await Phone.open("caller", rig.asterisk.server)
    call = await caller.dial("150")
    channel_id = await rig.entered()
    rig.pbx.perform(Answer(channel_id=channel_id))
    for _ in range(3):
        rig.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    await rig.wait(NoticeStarted)
    rig.pbx.perform(SendOn(channel_id=channel_id))
    left = await rig.wait(ChannelLeft)
    assert (left.at - rig.of(NoticeStarted)[0].at).total_seconds() < 0.4
    await asyncio.sleep(0.6)
    assert rig.of(NoticeEnded) == [] and len(rig.of(NoticeFailed)) >= 1
    await call.hangup()
    await caller.close()


@pytest.mark.requirement("S126")
async def test_a_hostile_caller_name_passes_through_and_stays_out_of_every_fact(rig: Rig) -> None:
    caller = await Phone.open("caller", rig.asterisk.server)
    call = await caller.dial("150", display=HOSTILE)
    channel_id = await rig.entered()
    rig.pbx.perform(Answer(channel_id=channel_id))
    recording_id = await rig.record(channel_id)
    await asyncio.sleep(0.3)
    rig.pbx.perform(StopRecording(channel_id=channel_id, recording_id=recording_id))
    await rig.wait(StopObserved)
    await call.hangup()
    await rig.wait(ChannelHungUp)
    assert not any("DROP TABLE" in repr(fact) or "onerror" in repr(fact) for fact in rig.facts)
    names = sorted(path.name for path in rig.settings.recordings.iterdir())
    assert names == [f"{recording_id}-left.wav", f"{recording_id}-right.wav"]
    assert "DROP" not in rig.settings.register.read_text()
    await caller.close()


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("which", ["ari", "ami"])
async def test_wrong_credentials_end_the_run_with_a_sentence(asterisk: Asterisk, tmp_path: Path, which: str) -> None:
    settings = settings_for(asterisk, tmp_path)
    wrong = {"ari": {"ari": replace(settings.ari, password="no")}, "ami": {"ami": replace(settings.ami, secret="no")}}
    pbx = AsteriskPbx(replace(settings, **wrong[which]))  # type: ignore[arg-type]
    with pytest.raises(Unreachable, match=r"wrong (password|secret)"):
        await asyncio.wait_for(pbx.run(lambda *_: None), 5)


@pytest.mark.requirement("S126")
async def test_a_second_controller_makes_the_first_give_up(asterisk: Asterisk, tmp_path: Path) -> None:
    first_work, second_work = tmp_path / "1", tmp_path / "2"
    first_work.mkdir()
    second_work.mkdir()
    async with rig_on(asterisk, first_work) as first, rig_on(asterisk, second_work) as second:
        with pytest.raises(Unreachable, match="another controller"):
            await asyncio.wait_for(asyncio.shield(first.running), 5)
        assert first.of(Link)[-1].up is False
        assert len((await second.pbx.snapshot()).channels) == 0


async def test_folders_that_cannot_be_used_are_named(asterisk: Asterisk, tmp_path: Path) -> None:
    settings = settings_for(asterisk, tmp_path)
    with pytest.raises(BadInput, match="register"):
        AsteriskPbx(replace(settings, register=tmp_path / "absent" / "register"))
    with pytest.raises(BadInput, match="recordings"):
        AsteriskPbx(replace(settings, recordings=tmp_path / "a,b"))


async def test_requests_that_cannot_be_made_become_facts(rig: Rig) -> None:
    rig.pbx.perform(Answer(channel_id="none"))
    rig.pbx.perform(SendOn(channel_id="nobody"))
    rig.pbx.perform(StopPrompt(channel_id="none"))
    rig.pbx.perform(PlayPrompt(channel_id="none", script=Script.NOTICE))
    rig.pbx.perform(StartRecording(channel_id="none", recording_id="r1"))
    rig.pbx.perform(MaskRecording(channel_id="none", recording_id="r2"))
    rig.pbx.perform(Alert(channel_id="none", incident="x"))
    await rig.wait(NoticeFailed, lambda fact: fact.reason == "no prompt")
    for effect, reason in (
        ("Answer", "not there"),
        ("SendOn", "not there"),
        ("StartRecording", "no such channel"),
        ("MaskRecording", "not running"),
        ("Alert", "not a request to a PBX"),
    ):
        assert (await rig.wait(EffectFailed, lambda fact, effect=effect: fact.effect == effect)).reason == reason  # type: ignore[misc]


@pytest.mark.requirement("S126")
async def test_fault_ari4java_85_asterisk_dies_and_comes_back(tmp_path: Path) -> None:
    async with Asterisk(tmp_path / "asterisk", dialplan=SITE) as asterisk, rig_on(asterisk, tmp_path) as rig:
        caller = await Phone.open("caller", asterisk.server)
        await caller.dial("150")
        channel_id = await rig.entered()
        rig.pbx.perform(Answer(channel_id=channel_id))
        recording_id = await rig.record(channel_id)
        await asyncio.sleep(0.5)
        await asterisk.kill()
        await rig.wait(Link, lambda link: not link.up, 3)
        rig.pbx.perform(MaskRecording(channel_id=channel_id, recording_id=recording_id))
        assert (await rig.wait(EffectFailed)).reason == "link lost"
        with pytest.raises(LinkDown):
            await rig.pbx.snapshot()
        await asterisk.restart()
        await rig.wait(Link, lambda link: link.up and link is not rig.of(Link)[0], 15)
        damaged = await rig.wait(RecordingDamaged)
        assert damaged.findings == (RECORDER_DIED,) and damaged.recording_id == recording_id
        await rig.register_holds()
        await caller.close()


async def test_events_that_come_late_are_told(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    now = datetime.now(UTC)
    for at in (now, now - timedelta(seconds=1)):
        rig.pbx._hear({"type": "Hello", "timestamp": at.isoformat()})
    assert "events of the PBX come 1" in caplog.text and " ms late" in caplog.text

"""What ports.Pbx promises, held against all adapters: the fake that the engine's tests stand on says what a real
Asterisk says, and the FreeSWITCH adapter what both say.

What belongs here: promises of the port. What does not: how a PBX keeps them (tests/pbx/asterisk, tests/pbx/freeswitch).
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

import aiohttp
import pytest
import pytest_asyncio

from callguard.core.effects import (
    Alert,
    Answer,
    Effect,
    Indicate,
    LeaveOut,
    MaskRecording,
    PlayPrompt,
    RecordingEffect,
    SendOn,
    SoundBeep,
    StartRecording,
    StopPrompt,
    StopRecording,
    UnmaskRecording,
)
from callguard.core.events import (
    Bridged,
    ChannelAnswered,
    ChannelHungUp,
    ChannelLeft,
    EffectFailed,
    Event,
    MaskAcknowledged,
    NoticeEnded,
    NoticeFailed,
    NoticeStarted,
    PauseSignalled,
    RecordingAcknowledged,
    RecordingEvent,
    RecordingGrowing,
    RecordingOpened,
    Script,
    StopAcknowledged,
    StopObserved,
    Unbridged,
    UnmaskAcknowledged,
)
from callguard.core.purpose import Indicator
from callguard.core.word import Cause, Status
from callguard.errors import LinkDown
from callguard.lab.asterisk import Asterisk
from callguard.lab.dialog import Call
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.ami import Ami
from callguard.ports import Dialled, Endpoint, Entered, Link, Pbx, Said, Sighted
from tests.fake_pbx import FakePbx
from tests.pbx.freeswitch.station import Station, station_on
from tests.pbx.rig import SITE, Ear, Prompt, Rig, make_prompt, rig_on

LONGER_THAN_A_PROMPT = 0.7
ARGS = ("1", "support", "inbound")
OUTBOUND = ("1", "support", "outbound")


class Bench(Protocol):
    """A PBX with callers. `ear` heard all that it said; `prompt` is what every channel here is given to hear."""

    pbx: Pbx
    ear: Ear
    prompt: Prompt
    names: tuple[str, str]
    """What the PBX calls the caller's endpoint, and the agent's."""
    waits_to_unmask: bool
    """An unmask waits for its time, and one that is overtaken meanwhile is never sent."""

    async def enter(self) -> str:
        """A caller waits in our application, unanswered: its channel."""

    async def talk(self) -> tuple[str, str]:
        """Two parties are bridged by the dialplan: their channels, the caller's first."""

    async def dial_out(self, when: str) -> tuple[str, str]:
        """An agent dials out, and who is called answers. WHEN: told, it waits in our application; bridged, both are
        bridged. The agent's channel, and the called one.
        """

    async def played(self, channel_id: str) -> None:
        """What plays on this channel comes to its end."""

    async def hang_up(self, channel_id: str) -> None:
        """The party at this channel hangs up."""

    async def signal(self, channel_id: str, cause: Cause, on: bool) -> None:
        """Somebody asks for a pause on this channel, or for its end: by a variable, or as an event."""

    async def cut(self) -> None:
        """The link to the PBX is lost."""


class FakeBench:
    """FakePbx, where the test itself is the caller. `pbx` is the port's view of it, `fake` the test's."""

    names = ("PJSIP/caller", "PJSIP/agent1")
    waits_to_unmask = False

    def __init__(self, work: Path) -> None:
        self.fake = FakePbx(plays_on=True, spares=False, register=frozenset())
        self.pbx: Pbx = self.fake
        self.ear = Ear(self.fake)
        self.prompt = make_prompt(work / "prompt.wav")
        self._count = 0

    async def enter(self) -> str:
        channel = self._channel("PJSIP/caller")
        self.fake.hear(Entered(self.fake.now, channel, ARGS))
        return channel.channel_id

    async def talk(self) -> tuple[str, str]:
        far = await self.enter()
        self.pbx.perform(SendOn(channel_id=far))
        await self.ear.wait(ChannelLeft)
        agent = self._channel("PJSIP/agent1").channel_id
        self.fake.hear(Dialled(self.fake.now, far, agent))
        for channel_id in (far, agent):
            self.fake.say(ChannelAnswered(at=self.fake.now, channel_id=channel_id))
            self.fake.say(Bridged(at=self.fake.now, channel_id=channel_id, bridge_id="b1"))
        return far, agent

    async def dial_out(self, when: str) -> tuple[str, str]:
        agent, called = self._channel("PJSIP/agent1"), self._channel("PJSIP/trunk")
        self.fake.hear(Dialled(self.fake.now, agent.channel_id, called.channel_id))
        self.fake.say(ChannelAnswered(at=self.fake.now, channel_id=called.channel_id))
        up = replace(called, answered=True)
        self.fake.hear(Entered(self.fake.now, up, OUTBOUND, waiting=when == "told"))
        self._meets = {called.channel_id: agent.channel_id}
        if when == "bridged":
            self.meet(called.channel_id)
        return agent.channel_id, called.channel_id

    def meet(self, called: str) -> None:
        """What the dialplan does behind our application."""
        for channel_id in (self._meets[called], called):
            self.fake.say(Bridged(at=self.fake.now, channel_id=channel_id, bridge_id="b2"))

    async def played(self, channel_id: str) -> None:
        self.fake.end_prompt(channel_id)

    async def hang_up(self, channel_id: str) -> None:
        self.fake.say(ChannelHungUp(at=self.fake.now, channel_id=channel_id, cause=16))

    async def signal(self, channel_id: str, cause: Cause, on: bool) -> None:
        self.fake.say(PauseSignalled(at=self.fake.now, channel_id=channel_id, cause=cause, on=on))

    async def cut(self) -> None:
        self.fake.cut()

    def _channel(self, endpoint: str) -> Endpoint:
        self._count += 1
        channel = Endpoint(f"1.{self._count}", f"{endpoint}-{self._count:08}", endpoint)
        self.fake.hear(Sighted(self.fake.now, channel))
        self.pbx.set_prompts(channel.channel_id, dict.fromkeys(Script, self.prompt))
        return channel


class AsteriskBench:
    """AsteriskPbx on a real Asterisk, with phones that call it."""

    names = ("PJSIP/caller", "PJSIP/agent1")
    waits_to_unmask = False

    def __init__(self, rig: Rig, calls: AsyncExitStack) -> None:
        self.ear: Ear = rig
        self.pbx: Pbx = rig.pbx
        self.prompt = rig.prompt
        self._rig, self._calls = rig, calls
        self._phones: dict[str, Call] = {}

    async def enter(self) -> str:
        caller = await Phone.open("caller", self._rig.asterisk.server)
        self._calls.push_async_callback(caller.close)
        before = len(self._rig.of(Entered))
        call = await caller.dial("150")
        channel_id = await self._rig.entered(before)
        self._phones[channel_id] = call
        self._calls.push_async_callback(call.hangup)
        return channel_id

    async def talk(self) -> tuple[str, str]:
        talk = await self._calls.enter_async_context(self._rig.talk())
        self._phones |= {talk.far: talk.far_call, talk.agent: talk.agent_call}
        return talk.far, talk.agent

    async def dial_out(self, when: str) -> tuple[str, str]:
        port = self._rig.asterisk.agent_ports["agent1"]
        phones = (
            await Phone.open("agent1", port=port, answer_after=0.05),
            await Phone.open("caller", self._rig.asterisk.server),
        )
        for phone in phones:
            self._calls.push_async_callback(phone.close)
        before = len(self._rig.of(Entered))
        call = await phones[1].dial({"told": "170", "bridged": "180"}[when])
        channel_id = await self._rig.entered(before)
        dialled = await self._rig.wait(Dialled, lambda said: said.peer_id == channel_id)
        self._phones |= {dialled.caller_id: call, channel_id: await phones[0].incoming()}
        return dialled.caller_id, channel_id

    async def played(self, channel_id: str) -> None:
        """It does so by itself."""

    async def hang_up(self, channel_id: str) -> None:
        await self._phones[channel_id].hangup()

    async def signal(self, channel_id: str, cause: Cause, on: bool) -> None:
        value, name = ("on", "callguard_pause") if on else ("off", "callguard_resume")
        if cause is Cause.VARIABLE:
            page = await Ami.connect(self._rig.settings.ami, lambda _: None)
            await page.action("Setvar", Channel=channel_id, Variable="CALLGUARD_PAUSE", Value=value)
            return await page.close()
        own = self._rig.settings.ari
        about = {"application": own.app, "source": f"channel:{channel_id}"}
        word = b64encode(f"{own.user}:{own.password}".encode()).decode()
        async with aiohttp.ClientSession(headers={"Authorization": f"Basic {word}"}) as page_of_payments:
            (await page_of_payments.post(f"{own.url}/events/user/{name}", params=about)).raise_for_status()

    async def cut(self) -> None:
        await self._rig.asterisk.kill()


class FreeSwitchBench:
    """FreeSwitchPbx on a scripted FreeSWITCH, which speaks from captures of a real one."""

    names = ("sofia/lab", "sofia/lab/agent1")
    waits_to_unmask = True

    def __init__(self, station: Station) -> None:
        self.pbx: Pbx = station.pbx
        self.ear: Ear = station
        self.prompt = station.prompt
        self._station = station

    async def enter(self) -> str:
        return await self._station.enter()

    async def talk(self) -> tuple[str, str]:
        return await self._station.talk()

    async def dial_out(self, when: str) -> tuple[str, str]:
        before = len(self._station.of(Entered))
        agent, called = await self._station.switch.dial(when)
        await self._station.wait(Entered, lambda _: len(self._station.of(Entered)) > before)
        self.pbx.set_prompts(called.uuid, dict.fromkeys(Script, self.prompt))
        return agent.uuid, called.uuid

    async def played(self, channel_id: str) -> None:
        """It does so by itself."""

    async def hang_up(self, channel_id: str) -> None:
        self._station.switch.hang_up(self._station.switch.channels[channel_id])

    async def signal(self, channel_id: str, cause: Cause, on: bool) -> None:
        switch, (value, name) = self._station.switch, ("on", "pause") if on else ("off", "resume")
        if cause is Cause.VARIABLE:
            switch.called(f"uuid_setvar {channel_id} callguard_pause {value}")
        else:
            switch.event(f"callguard::{name}", Callguard_Channel=channel_id)

    async def cut(self) -> None:
        await self._station.switch.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def freeswitch_bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with station_on(tmp_path) as station:
        yield FreeSwitchBench(station)


@pytest_asyncio.fixture(loop_scope="session")
async def fake_bench(tmp_path: Path) -> AsyncIterator[Bench]:
    own = FakeBench(tmp_path)
    await own.ear.wait(Link)
    yield own
    await own.ear.close()


@pytest_asyncio.fixture(loop_scope="session")
async def asterisk_bench(rig: Rig) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as calls:
        yield AsteriskBench(rig, calls)


@pytest_asyncio.fixture(loop_scope="session")
async def mortal_asterisk_bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """With an Asterisk of its own, which may be killed."""
    own = Asterisk(tmp_path / "asterisk", dialplan=SITE)
    async with own, rig_on(own, tmp_path) as rig, AsyncExitStack() as calls:
        yield AsteriskBench(rig, calls)


@pytest.fixture(params=["fake", "asterisk", "freeswitch"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return cast(Bench, request.getfixturevalue(f"{request.param}_bench"))


@pytest.fixture(params=["fake", "mortal_asterisk", "freeswitch"])
def mortal(request: pytest.FixtureRequest) -> Bench:
    return cast(Bench, request.getfixturevalue(f"{request.param}_bench"))


# ---------------------------------------------------------------- shorthands
def kinds(bench: Bench, *wanted: type[Event]) -> list[type[Event]]:
    """The classes of the facts heard, those of WANTED only."""
    return [type(fact) for fact in bench.ear.facts if isinstance(fact, wanted)]


async def failed(bench: Bench, effect: Effect) -> EffectFailed:
    """The failure of this request."""
    return await bench.ear.wait(
        EffectFailed, lambda fact: (fact.effect, fact.channel_id) == (type(effect).__name__, effect.channel_id)
    )


async def answered(bench: Bench) -> str:
    """A caller waits in our application, answered."""
    channel_id = await bench.enter()
    bench.pbx.perform(Answer(channel_id=channel_id))
    await bench.ear.wait(ChannelAnswered)
    return channel_id


async def recorded(bench: Bench, channel_id: str, recording_id: str = "r1") -> str:
    """A recording of this channel whose files exist."""
    bench.pbx.perform(StartRecording(channel_id=channel_id, recording_id=recording_id))
    await bench.ear.wait(RecordingOpened, lambda fact: fact.recording_id == recording_id)
    return recording_id


async def of_recording(bench: Bench, kind: type[RecordingEvent], channel_id: str, recording_id: str) -> RecordingEvent:
    """A fact about this recording and this channel."""
    return await bench.ear.wait(kind, lambda fact: (fact.channel_id, fact.recording_id) == (channel_id, recording_id))


def every_request(channel_id: str, recording_id: str) -> Iterable[Effect]:
    """One of each kind that goes to a PBX."""
    yield Answer(channel_id=channel_id)
    yield PlayPrompt(channel_id=channel_id, script=Script.NOTICE)
    yield SendOn(channel_id=channel_id)
    yield Indicate(channel_id=channel_id, status=Status.RECORDED, by=Indicator.NAME)
    yield StartRecording(channel_id=channel_id, recording_id=recording_id)
    for kind in (MaskRecording, UnmaskRecording, StopRecording):
        yield kind(channel_id=channel_id, recording_id=f"not-{recording_id}")


# ---------------------------------------------------------------- channels
async def test_the_link_is_heard_of_first(bench: Bench) -> None:
    await bench.enter()
    first = bench.ear.heard[0]
    assert isinstance(first, Link) and first.up and len(bench.ear.of(Link)) == 1


async def test_a_caller_who_enters_is_heard_of_with_what_the_dialplan_passed(bench: Bench) -> None:
    channel_id = await bench.enter()
    entered = await bench.ear.wait(Entered)
    assert (entered.channel.channel_id, entered.channel.endpoint) == (channel_id, bench.names[0])
    assert entered.args[:3] == ARGS and entered.waiting and not entered.channel.answered
    sighted = await bench.ear.wait(Sighted, lambda seen: seen.channel.channel_id == channel_id)
    assert bench.ear.heard.index(sighted) < bench.ear.heard.index(entered)


async def test_an_answered_channel_is_answered_once(bench: Bench) -> None:
    channel_id = await bench.enter()
    for _ in range(2):
        bench.pbx.perform(Answer(channel_id=channel_id))
    assert (await bench.ear.wait(ChannelAnswered)).channel_id == channel_id
    await asyncio.sleep(0.1)
    assert kinds(bench, ChannelAnswered, EffectFailed) == [ChannelAnswered]


async def test_a_channel_that_is_sent_on_leaves(bench: Bench) -> None:
    channel_id = await bench.enter()
    bench.pbx.perform(SendOn(channel_id=channel_id))
    assert (await bench.ear.wait(ChannelLeft)).channel_id == channel_id
    again = SendOn(channel_id=channel_id)  # it waits no more
    bench.pbx.perform(again)
    await failed(bench, again)
    assert kinds(bench, ChannelLeft) == [ChannelLeft]


async def test_a_waiting_channel_that_hangs_up_leaves_and_is_gone(bench: Bench) -> None:
    channel_id = await bench.enter()
    await bench.hang_up(channel_id)
    assert (await bench.ear.wait(ChannelHungUp)).channel_id == channel_id
    assert kinds(bench, ChannelLeft, ChannelHungUp) == [ChannelLeft, ChannelHungUp]
    assert (await bench.pbx.snapshot()).channels == ()


async def test_the_snapshot_names_channels_bridges_and_who_waits(bench: Bench) -> None:
    assert (await bench.pbx.snapshot()).channels == ()
    far, agent = await bench.talk()
    waits = await bench.enter()
    seen = await bench.pbx.snapshot()
    names = {channel.channel_id: (channel.endpoint, channel.answered) for channel in seen.channels}
    caller, called = bench.names
    assert names == {far: (caller, True), agent: (called, True), waits: (caller, False)}
    assert [set(members) for members in seen.bridges.values() if members] == [{far, agent}]
    assert seen.waiting == {waits}


async def test_a_bridged_channel_that_hangs_up_leaves_its_bridge_before(bench: Bench) -> None:
    far, _ = await bench.talk()
    await bench.hang_up(far)
    await bench.ear.wait(ChannelHungUp, lambda fact: fact.channel_id == far)
    own = [fact for fact in bench.ear.facts if fact.channel_id == far]
    assert [type(fact) for fact in own if isinstance(fact, Unbridged | ChannelHungUp)] == [Unbridged, ChannelHungUp]
    seen = await bench.pbx.snapshot()
    assert far not in {channel.channel_id for channel in seen.channels}
    assert far not in {member for members in seen.bridges.values() for member in members}


# ---------------------------------------------------------------- outbound calls
@pytest.mark.requirement("S1")
async def test_who_is_called_and_told_first_waits_answered_and_is_bridged_behind_us(bench: Bench) -> None:
    agent, called = await bench.dial_out("told")
    entered = await bench.ear.wait(Entered)
    assert (entered.channel.channel_id, entered.waiting, entered.channel.answered) == (called, True, True)
    assert entered.args[:3] == OUTBOUND and bench.ear.of(Bridged) == []
    dialled = await bench.ear.wait(Dialled, lambda said: said.peer_id == called)
    assert dialled.caller_id == agent and bench.ear.heard.index(dialled) < bench.ear.heard.index(entered)
    bench.pbx.perform(PlayPrompt(channel_id=called, script=Script.NOTICE))
    await bench.ear.wait(NoticeStarted)
    await bench.played(called)
    await bench.ear.wait(NoticeEnded)
    bench.pbx.perform(SendOn(channel_id=called))
    await bench.ear.wait(ChannelLeft, lambda fact: fact.channel_id == called)
    if isinstance(bench, FakeBench):
        bench.meet(called)
    both = [await bench.ear.wait(Bridged, lambda fact, who=who: fact.channel_id == who) for who in (agent, called)]  # type: ignore[misc]
    assert both[0].bridge_id == both[1].bridge_id


@pytest.mark.requirement("S1")
async def test_who_is_called_and_bridged_at_once_is_heard_of_and_does_not_wait(bench: Bench) -> None:
    agent, called = await bench.dial_out("bridged")
    entered = await bench.ear.wait(Entered)
    assert (entered.channel.channel_id, entered.waiting, entered.args[:3]) == (called, False, OUTBOUND)
    for who in (agent, called):
        await bench.ear.wait(Bridged, lambda fact, who=who: fact.channel_id == who)  # type: ignore[misc]
    assert (await bench.pbx.snapshot()).waiting == frozenset()


@pytest.mark.requirement("S1")
@pytest.mark.parametrize("who", ["agent", "called"])
async def test_either_may_hang_up_while_who_is_called_is_told(bench: Bench, who: str) -> None:
    agent, called = await bench.dial_out("told")
    await bench.hang_up(called if who == "called" else agent)
    if isinstance(bench, FakeBench):
        await bench.hang_up(agent if who == "called" else called)
    for channel_id in (agent, called):
        await bench.ear.wait(ChannelHungUp, lambda fact, own=channel_id: fact.channel_id == own)  # type: ignore[misc]
    assert bench.ear.of(Bridged) == [] and (await bench.pbx.snapshot()).channels == ()


# ---------------------------------------------------------------- prompts
@pytest.mark.requirement("S42")
async def test_a_prompt_starts_and_ends_under_its_names(bench: Bench) -> None:
    channel_id = await answered(bench)
    bench.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.QUESTION))
    started = await bench.ear.wait(NoticeStarted)
    await bench.played(channel_id)
    ended = await bench.ear.wait(NoticeEnded)
    prompt = bench.prompt
    assert (started.prompt, started.language, started.text_version, started.audio_sha256) == (
        prompt.id,
        prompt.language,
        prompt.text_version,
        prompt.sha256,
    )
    assert {(fact.channel_id, fact.script, fact.prompt) for fact in (started, ended)} == {
        (channel_id, Script.QUESTION, prompt.id)
    }
    assert kinds(bench, NoticeStarted, NoticeEnded, NoticeFailed) == [NoticeStarted, NoticeEnded]


@pytest.mark.requirement("S126")
@pytest.mark.parametrize("missing", ["never given", "file", "other audio"])
async def test_a_missing_prompt_fails_and_never_ends(bench: Bench, missing: str) -> None:
    channel_id = await answered(bench)
    match missing:
        case "never given":
            bench.pbx.set_prompts(channel_id, {Script.NOTICE: bench.prompt})
        case "file":
            bench.prompt.path.unlink()
        case _:
            bench.prompt.path.write_bytes(b"other")
    bench.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.QUESTION))
    fact = await bench.ear.wait(NoticeFailed)
    assert (fact.channel_id, fact.script) == (channel_id, Script.QUESTION)
    assert fact.reason == ("no prompt" if missing == "never given" else "prompt changed")
    await asyncio.sleep(LONGER_THAN_A_PROMPT)
    assert kinds(bench, NoticeStarted, NoticeEnded, NoticeFailed, EffectFailed) == [NoticeFailed]


@pytest.mark.requirement("S17")
async def test_what_is_played_was_chosen_when_it_was_asked_for(bench: Bench) -> None:
    """Another call may choose for the same party before its turn."""
    channel_id = await answered(bench)
    bench.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    bench.pbx.set_prompts(channel_id, {})
    assert (await bench.ear.wait(NoticeStarted)).prompt == bench.prompt.id


async def test_a_stopped_prompt_fails_and_never_ends(bench: Bench) -> None:
    channel_id = await answered(bench)
    bench.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    await bench.ear.wait(NoticeStarted)
    bench.pbx.perform(StopPrompt(channel_id=channel_id))
    fact = await bench.ear.wait(NoticeFailed)
    assert (fact.channel_id, fact.script, fact.reason) == (channel_id, Script.NOTICE, "stopped")
    await asyncio.sleep(LONGER_THAN_A_PROMPT)
    assert kinds(bench, NoticeEnded, NoticeFailed) == [NoticeFailed]


async def test_stopping_one_script_stops_no_other(bench: Bench) -> None:
    channel_id = await answered(bench)
    bench.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    await bench.ear.wait(NoticeStarted)
    bench.pbx.perform(StopPrompt(channel_id=channel_id, script=Script.RECORDING_ON))
    await asyncio.sleep(0.05)
    assert kinds(bench, NoticeEnded, NoticeFailed) == []
    bench.pbx.perform(StopPrompt(channel_id=channel_id, script=Script.NOTICE))
    assert (await bench.ear.wait(NoticeFailed)).reason == "stopped"


async def test_stopping_where_nothing_plays_is_no_failure(bench: Bench) -> None:
    channel_id = await answered(bench)
    bench.pbx.perform(StopPrompt(channel_id=channel_id))
    await asyncio.sleep(0.1)
    assert kinds(bench, NoticeFailed, EffectFailed) == []


@pytest.mark.parametrize("how", ["sent on", "hung up"])
async def test_a_prompt_on_a_channel_that_goes_fails_and_never_ends(bench: Bench, how: str) -> None:
    channel_id = await answered(bench)
    bench.pbx.perform(PlayPrompt(channel_id=channel_id, script=Script.NOTICE))
    await bench.ear.wait(NoticeStarted)
    if how == "sent on":
        bench.pbx.perform(SendOn(channel_id=channel_id))
    else:
        await bench.hang_up(channel_id)
    await bench.ear.wait(ChannelLeft)
    fact = await bench.ear.wait(NoticeFailed)
    assert (fact.channel_id, fact.script) == (channel_id, Script.NOTICE)
    await asyncio.sleep(LONGER_THAN_A_PROMPT)
    assert kinds(bench, NoticeEnded, NoticeFailed) == [NoticeFailed]


# ---------------------------------------------------------------- recordings
@pytest.mark.requirement("S44")
async def test_a_recording_is_acknowledged_then_opened_then_growing_then_stopped(bench: Bench) -> None:
    far, _ = await bench.talk()
    bench.pbx.perform(StartRecording(channel_id=far, recording_id="r1"))
    grown = await of_recording(bench, RecordingGrowing, far, "r1")
    bench.pbx.perform(StopRecording(channel_id=far, recording_id="r1"))
    stopped = await of_recording(bench, StopObserved, far, "r1")
    facts = [fact for fact in bench.ear.facts if isinstance(fact, RecordingEvent)]
    assert [type(fact) for fact in facts] == [
        RecordingAcknowledged,
        RecordingOpened,
        RecordingGrowing,
        StopAcknowledged,
        StopObserved,
    ]
    assert {(fact.channel_id, fact.recording_id) for fact in facts} == {(far, "r1")}
    assert [fact.offset_samples for fact in facts[:2]] == [0, 0]
    assert 0 < grown.offset_samples <= stopped.offset_samples


@pytest.mark.requirement("S45")
async def test_a_mask_and_its_end_are_acknowledged_with_their_place(bench: Bench) -> None:
    far, _ = await bench.talk()
    recording_id = await recorded(bench, far)
    places: list[int] = []
    for request, fact in (
        (MaskRecording, MaskAcknowledged),
        (UnmaskRecording, UnmaskAcknowledged),
        (StopRecording, StopAcknowledged),
    ):
        bench.pbx.perform(request(channel_id=far, recording_id=recording_id))
        places.append((await of_recording(bench, fact, far, recording_id)).offset_samples)
    assert places[0] >= 0 and places == sorted(places)


async def test_requests_about_a_recording_are_answered_in_their_order(bench: Bench) -> None:
    far, _ = await bench.talk()
    for request in (StartRecording, MaskRecording, UnmaskRecording, MaskRecording, StopRecording):
        bench.pbx.perform(request(channel_id=far, recording_id="r1"))
    await of_recording(bench, StopObserved, far, "r1")
    wanted = (RecordingAcknowledged, MaskAcknowledged, UnmaskAcknowledged, StopAcknowledged)
    if bench.waits_to_unmask:
        assert kinds(bench, *wanted) == [*wanted[:2], MaskAcknowledged, StopAcknowledged]
        assert [(fact.effect, fact.reason) for fact in bench.ear.of(EffectFailed)] == [("UnmaskRecording", "overtaken")]
    else:
        assert kinds(bench, *wanted) == [*wanted[:3], MaskAcknowledged, StopAcknowledged]


async def test_requests_about_a_recording_that_does_not_run_fail(bench: Bench) -> None:
    far, _ = await bench.talk()
    recording_id = await recorded(bench, far)
    bench.pbx.perform(StopRecording(channel_id=far, recording_id=recording_id))
    await of_recording(bench, StopObserved, far, recording_id)
    for own in ("unknown", recording_id):
        before = len(bench.ear.of(EffectFailed))
        for kind in (MaskRecording, UnmaskRecording, StopRecording):
            bench.pbx.perform(kind(channel_id=far, recording_id=own))
        await bench.ear.wait(EffectFailed, lambda _, due=before + 3: len(bench.ear.of(EffectFailed)) >= due)  # type: ignore[misc]
        facts = bench.ear.of(EffectFailed)[before:]
        assert [(fact.effect, fact.recording_id, fact.reason) for fact in facts] == [
            (kind, own, "not running") for kind in ("MaskRecording", "UnmaskRecording", "StopRecording")
        ]


@pytest.mark.fault("signalwire/freeswitch#1831")
async def test_one_id_is_one_recording(bench: Bench) -> None:
    far, _ = await bench.talk()
    again = StartRecording(channel_id=far, recording_id=await recorded(bench, far))
    bench.pbx.perform(again)
    fact = await failed(bench, again)
    assert (fact.recording_id, fact.reason) == (again.recording_id, "running already")


async def test_a_hang_up_ends_the_recording_of_that_channel(bench: Bench) -> None:
    far, _ = await bench.talk()
    recording_id = await recorded(bench, far)
    await asyncio.sleep(0.4)
    await bench.hang_up(far)
    stopped = await of_recording(bench, StopObserved, far, recording_id)
    hung = await bench.ear.wait(ChannelHungUp, lambda fact: fact.channel_id == far)
    assert stopped.offset_samples > 0 and hung in bench.ear.facts
    assert kinds(bench, StopAcknowledged, EffectFailed) == []  # nobody asked


# ---------------------------------------------------------------- third parties
@pytest.mark.requirement("S6", "S73")
async def test_a_party_in_a_bridge_is_told_alone_and_the_other_stays_as_it_is(bench: Bench) -> None:
    far, agent = await bench.talk()
    recording_id = await recorded(bench, far)
    bench.pbx.set_prompts(agent, dict.fromkeys(Script, bench.prompt))
    bench.pbx.perform(MaskRecording(channel_id=far, recording_id=recording_id))
    bench.pbx.perform(PlayPrompt(channel_id=agent, script=Script.NOTICE, whisper=True))
    await bench.ear.wait(NoticeStarted, lambda fact: fact.channel_id == agent)
    if isinstance(bench, FakeBench):
        bench.fake.end_prompt(agent)
    await bench.ear.wait(NoticeEnded, lambda fact: fact.channel_id == agent)
    assert {fact.channel_id for fact in bench.ear.of(NoticeStarted)} == {agent}
    assert [fact for fact in bench.ear.of(Unbridged) if fact.channel_id in (far, agent)] == []


async def test_a_party_that_is_left_out_is_gone(bench: Bench) -> None:
    _, agent = await bench.talk()
    bench.pbx.perform(LeaveOut(channel_id=agent))
    await bench.ear.wait(ChannelHungUp, lambda fact: fact.channel_id == agent)
    nobody = LeaveOut(channel_id="none")
    bench.pbx.perform(nobody)
    await failed(bench, nobody)


# ---------------------------------------------------------------- signals and tones
@pytest.mark.requirement("S82")
@pytest.mark.parametrize("cause", [Cause.VARIABLE, Cause.EVENT])
async def test_a_pause_is_signalled_and_taken_back(bench: Bench, cause: Cause) -> None:
    far, _ = await bench.talk()
    for on in (True, False):
        await bench.signal(far, cause, on)
        await bench.ear.wait(PauseSignalled, lambda fact, on=on: fact.on == on)  # type: ignore[misc]
    assert [(fact.channel_id, fact.cause, fact.on) for fact in bench.ear.of(PauseSignalled)] == [
        (far, cause, True),
        (far, cause, False),
    ]


@pytest.mark.requirement("S42")
async def test_a_tone_is_heard_of_when_it_fails_and_not_otherwise(bench: Bench) -> None:
    far, agent = await bench.talk()
    bench.pbx.set_prompts(far, {})
    silent = SoundBeep(channel_id=far)
    bench.pbx.perform(silent)
    assert (await failed(bench, silent)).reason == "no prompt"
    bench.pbx.perform(SoundBeep(channel_id=agent))
    await asyncio.sleep(LONGER_THAN_A_PROMPT)
    assert len(kinds(bench, EffectFailed)) == 1 and kinds(bench, NoticeStarted, NoticeEnded, NoticeFailed) == []


# ---------------------------------------------------------------- agents who know
@pytest.mark.parametrize("by", [Indicator.NAME, Indicator.TONE])
async def test_an_agent_who_is_shown_something_is_heard_of_by_nobody(bench: Bench, by: Indicator) -> None:
    far, agent = await bench.talk()
    await recorded(bench, far)
    before = len(bench.ear.facts)
    script = Script.PAUSED if by is Indicator.TONE else None
    bench.pbx.perform(Indicate(channel_id=agent, status=Status.PAUSED, by=by, script=script))
    await asyncio.sleep(LONGER_THAN_A_PROMPT)
    assert {type(fact) for fact in bench.ear.facts[before:]} <= {RecordingGrowing}


async def test_a_whisper_without_its_prompt_fails(bench: Bench) -> None:
    _, agent = await bench.talk()
    bench.pbx.set_prompts(agent, {})
    cue = Indicate(channel_id=agent, status=Status.PAUSED, by=Indicator.TONE, script=Script.PAUSED)
    bench.pbx.perform(cue)
    assert (await failed(bench, cue)).reason == "no prompt"
    wrong = Prompt(bench.prompt.path, "00" * 32)
    bench.pbx.set_prompts(agent, {Script.RESUMED: wrong})
    bench.pbx.perform(replace(cue, script=Script.RESUMED))
    await bench.ear.wait(EffectFailed, lambda fact: fact.reason == "prompt changed")


# ---------------------------------------------------------------- what cannot be done
async def test_perform_returns_before_anything_is_heard_and_says_what_failed(bench: Bench) -> None:
    before = list(bench.ear.heard)
    requests = [*every_request("none", "r1"), Alert(channel_id="none", incident="x")]
    for effect in requests:
        bench.pbx.perform(effect)
    assert bench.ear.heard == before
    for effect in requests:
        if isinstance(effect, PlayPrompt):
            assert (await bench.ear.wait(NoticeFailed)).channel_id == "none"
        else:
            fact = await failed(bench, effect)
            assert fact.recording_id == (effect.recording_id if isinstance(effect, RecordingEffect) else "")
    assert all(isinstance(heard, Said | Link) for heard in bench.ear.heard)


@pytest.mark.requirement("S126")
async def test_without_a_link_nothing_is_known_and_every_request_fails(mortal: Bench) -> None:
    plays, talks = await answered(mortal), (await mortal.talk())[0]
    recording_id = await recorded(mortal, talks)
    mortal.pbx.perform(PlayPrompt(channel_id=plays, script=Script.NOTICE))
    await mortal.ear.wait(NoticeStarted)
    await mortal.cut()
    await mortal.ear.wait(Link, lambda link: not link.up)
    assert [fact.channel_id for fact in mortal.ear.of(NoticeFailed)] == [plays]
    with pytest.raises(LinkDown):
        await mortal.pbx.snapshot()
    before, requests = len(mortal.ear.facts), [*every_request(plays, "r2")]
    requests.append(MaskRecording(channel_id=talks, recording_id=recording_id))
    for effect in requests:
        mortal.pbx.perform(effect)
    for effect in requests:
        if not isinstance(effect, PlayPrompt):
            await failed(mortal, effect)
    await mortal.ear.wait(NoticeFailed, lambda _: len(mortal.ear.of(NoticeFailed)) > 1)
    assert {type(fact) for fact in mortal.ear.facts[before:]} == {EffectFailed, NoticeFailed}

"""Pauses that begin by themselves: nothing of what they are for is in the file, and somebody ends them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import numpy as np
import pytest

from callguard.audio.digit import find_digits
from callguard.lab.media import CounterTone, WavSource
from callguard.lab.sip import Phone
from callguard.ports import EventRow
from tests.audio.sound import key, stereo, write
from tests.e2e.matrix import changing
from tests.e2e.site import Site, Talk, at, gone_at, incidents, sent_between, states

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def far_name(talk: Talk) -> str:
    """What Asterisk calls the caller's channel."""
    rows = [row.split("!") for row in (await talk.site.channels()).splitlines()]
    assert talk.stored is not None
    return next(row[0] for row in rows if row[-1] == talk.stored.events[0].channel_id)


def far_id(talk: Talk) -> str:
    """The id of the caller's channel."""
    assert talk.stored is not None
    return talk.stored.events[0].channel_id


def config(site: Site) -> tuple[str, str]:
    return "--config", str(site.stand.config)


def blanked(row: EventRow) -> list[tuple[int, int]]:
    return [(int(start), int(end)) for start, _, end in (span.partition("-") for span in row.data["spans"])]


def typed_aloud() -> WavSource:
    """Four keys as tones in the audio, as an old trunk brings them."""
    pause = np.zeros(1600, np.int16)
    pairs = ((697, 1336), (852, 1477), (941, 1336), (770, 1209))
    return WavSource(np.concatenate([np.concatenate((key(low, high), pause)) for low, high in pairs]), loop=False)


@pytest.mark.requirement("S82")
async def test_a_typed_number_a_variable_and_a_user_event_pause_and_what_came_just_before_goes_too(site: Site) -> None:
    async with site.talk("card") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        far = await far_name(talk)
        await talk.says(1.5)
        await talk.call.press("49291234", seconds=0.06, gap=0.04)
        await talk.row("pause_started", cause="digits")
        await talk.row("incident_opened", incident="pause_forgotten", seconds=5)
        assert await talk.hears_each_other()
        status, out, _ = await site.stand.run(
            "calls", "resume", talk.call_id, "--reason", "payment_done", "--config", str(site.stand.config), "--json"
        )
        assert status == 0 and json.loads(out)["pause_causes"] == []
        await talk.says(1.5)
        await site.stand.asterisk.cli(f"dialplan set chanvar {far} CALLGUARD_PAUSE on")
        await talk.row("mask_acknowledged", nth=1)
        await site.stand.asterisk.cli(f"dialplan set chanvar {far} CALLGUARD_PAUSE off")
        await talk.row("pause_ended", reason="variable")
        await talk.says(1.5)
        assert talk.stored is not None
        await site.user_event("callguard_pause", talk.stored.events[0].channel_id)
        await talk.row("mask_acknowledged", nth=2)
        await site.user_event("callguard_resume", talk.stored.events[0].channel_id)
        await talk.row("unmask_acknowledged", nth=2)
        await talk.says(0.5)
        talk.call.rtp.source = typed_aloud()
        await talk.says(1)
        await talk.call.signal("571")
        talk.call.rtp.source = talk.far
        await talk.says(0.5)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) == {"pause_forgotten"}
    begun = [row for row in stored.events if row.type == "pause_started"]
    assert [row.data["cause"] for row in begun] == ["digits", "variable", "event"]
    ended = [row for row in stored.events if row.type == "pause_ended"]
    assert [row.data["reason"] for row in ended] == ["payment_done", "variable", "event"]
    left, right = talk.tape().numbers()
    for start, end in zip(begun, ended, strict=True):
        early = start.at.timestamp() - 1  # look_back_s of this call type
        gone = {
            number
            for tone in (talk.far, talk.near)
            for number, sent in tone.sent.items()
            if early < sent.wall < end.at.timestamp() - 0.06
        }
        assert len(gone) > 80 and not gone & {*left, *right}
    between = sent_between(talk.far, ended[0].at, begun[1].at) & set(left)
    assert between, "nothing is left of what was said between two pauses"
    (row,) = [row for row in stored.events if row.type == "recording_blanked"]
    assert len(blanked(row)) == 3 + row.data["digits"] and row.data["sha256_before"] != row.data["sha256"]
    assert row.data["digits"] == 4 and find_digits(talk.file()) == (), "what a trunk sends as sound"
    heard = talk.answered.heard().samples
    assert find_digits(write(talk.site.stand.work / "heard.wav", stereo(heard, heard))), "the agent heard it"
    verdict = next(event for event in stored.events if event.type == "recording_verified")
    assert verdict.data["sha256"] == row.data["sha256"]
    keys = [event.data["digit"] for event in stored.events if event.type == "digit_pressed"]
    assert keys == ["1", *"xxxxxxxx", *"xxx"], "eight as RTP events, three as SIP INFO"
    assert "49291234" not in site.printed()


@pytest.mark.requirement("S42", "S82")
async def test_a_file_that_falls_behind_while_somebody_types_is_silent_where_it_should_be(site: Site) -> None:
    """In a conversation of three Asterisk hands a recorder nothing while its party sends keys: 0.16 s for each."""
    async with site.talk("card") as talk, await Phone.open("caller", site.stand.asterisk.server) as phone:
        guest = await talk.is_joined_by(phone)
        guest.rtp.muted = True  # two voices on one side are no numbers
        await talk.says(3)
        await talk.call.press("4929123449291234", seconds=0.1, gap=0.2)
        await talk.says(1.5)
        await site.stand.run("calls", "resume", talk.call_id, "--reason", "payment_done", *config(site))
        await talk.row("unmask_acknowledged", nth=1)
        await talk.says(5)
        await site.user_event("callguard_pause", far_id(talk))
        await talk.row("mask_acknowledged", nth=2)
        await talk.says(2.5)
        await site.user_event("callguard_resume", far_id(talk))
        await talk.row("unmask_acknowledged", nth=2)
        await talk.says(3)
        await guest.hangup()
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) <= {"pause_forgotten"}
    fell = [row.data["fell_ms"] for row in stored.events if row.type == "recording_growing"]
    assert sum(fell) > 1000, "this was to be a file that falls behind"
    numbers = {*talk.tape().numbers()[0], *talk.tape().numbers()[1]}
    begun, ended = ([row.at for row in stored.events if row.type == kind] for kind in ("pause_started", "pause_ended"))
    for start, end in zip(begun, ended, strict=True):
        early = start - timedelta(seconds=1)  # look_back_s of this call type
        for tone in (talk.far, talk.near):
            gone = sent_between(tone, early, end - timedelta(seconds=0.06))
            assert not numbers & gone, "what a pause is for is in the file"
            assert numbers & sent_between(tone, end, end + timedelta(seconds=2.5)), "the recording did not go on"


@pytest.mark.requirement("S42", "S82")
async def test_who_types_slowly_in_a_conversation_of_three_stalls_no_recording(site: Site) -> None:
    """For as long as a key is held Asterisk hands the recorder nothing: the file stands still, and is a good one."""
    async with site.talk("card") as talk, await Phone.open("caller", site.stand.asterisk.server) as phone:
        guest = await talk.is_joined_by(phone)
        await talk.answered.press("*8")
        await talk.row("pause_started", cause="key")
        await talk.call.press("4929123449291234", seconds=0.5, gap=0.2)
        await talk.answered.press("*8")
        ended = await talk.row("pause_ended")
        await talk.says(4)
        await guest.hangup()
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) <= {"pause_forgotten"}
    assert set(talk.tape().numbers()[0]) & sent_between(talk.far, ended.at + timedelta(seconds=2.5), gone_at(stored))


@pytest.mark.requirement("S82")
async def test_what_a_pause_looks_back_to_goes_across_a_transfer_too(site: Site) -> None:
    async with changing(site, 7, 8, "card") as change:
        talk = change.talk
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.answered.refer("to_8")
        await change.rings()
        follows = await talk.row("recording_acknowledged", nth=1)
        await site.user_event("callguard_pause", follows.channel_id)
        begun = await talk.row("pause_started", cause="event")
        await talk.row("mask_acknowledged")
        for call in (talk.call, talk.answered, change.coming):
            if call:
                await call.hangup()
        stored = await talk.over()
    ended = at(stored, "stop_acknowledged")
    early = begun.at - timedelta(seconds=1)  # look_back_s of this call type
    assert early < ended - timedelta(seconds=0.3), "the pause came too late for this test"
    before, after = talk.tape(0).numbers(), talk.tape(-1).numbers()
    gone = {number for number, sent in talk.far.sent.items() if sent.wall > early.timestamp()}
    assert set(before[0]) and not gone & {*before[0], *before[1], *after[0], *after[1]}
    assert incidents(stored) == set()


async def an_operator_pauses(visitor: Talk) -> None:
    """By the channel of who visits another call: it names its own call, live and stored."""
    assert visitor.stored is not None
    own, config = visitor.stored.events[0].channel_id, ("--config", str(visitor.site.stand.config), "--json")
    for words in (("pause", own), ("resume", own, "--reason", "mistake"), ("show", own)):
        status, out, _ = await visitor.site.stand.run("calls", *words, *config)
        assert status == 0 and json.loads(out)["call_id"] == visitor.call_id


@pytest.mark.requirement("S82")
async def test_what_a_visitor_of_another_call_types_is_in_neither_file(site: Site) -> None:
    """A caller with a call of its own comes into a recorded conversation, agrees in both calls, and types a number."""
    guest = CounterTone(40000)
    async with site.talk("card") as talk, await Phone.open("caller", site.stand.asterisk.server) as visitor:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        talk.answered.rtp.muted = True  # so that the visitor alone is heard on the agent's side of the file
        theirs = Talk(site, f"visitor of {talk.name}", 0, visitor, talk.agent, talk.near, guest)
        theirs.call = await visitor.dial(f"visit_{talk.number}", media=guest, display=theirs.name)
        await theirs.grants()
        for one in (talk, theirs):  # each is told in the other's call, and both logs hear of both
            await one.row("notice_ended", nth=1, script="notice")
        await asyncio.gather(theirs.call.press("1"), talk.call.press("1"))  # each agrees in the other's call
        await asyncio.gather(*(one.row("consent_granted", nth=1) for one in (talk, theirs)))
        await theirs.row("recording_opened")
        await theirs.row("notice_ended", script="recording_on")
        await an_operator_pauses(theirs)
        await talk.says(3)
        await theirs.call.press("49291234", seconds=0.06, gap=0.04)
        pauses = [await one.row("pause_started", cause="digits") for one in (talk, theirs)]
        await talk.says(0.5)
        theirs.call.rtp.source = typed_aloud()
        await talk.says(1)
        await theirs.call.hangup()
        stored, own = await talk.ends(), await theirs.over()
    assert states(stored) == ["verified"] == states(own)[-1:], "one that was overtaken may come before it"
    for one, pause in ((talk, pauses[0]), (theirs, pauses[1])):
        early = pause.at.timestamp() - 1  # look_back_s of this call type
        gone = {number for number, sent in guest.sent.items() if sent.wall > early}
        kept = {number for side in one.tape(-1).numbers() for number in side}
        assert len(gone) > 50 and kept & guest.sent.keys() and not gone & kept
        assert find_digits(one.file(-1)) == ()
    assert "49291234" not in site.printed()
    for each in (own, stored):
        assert {row.data["digit"] for row in each.events if row.type == "digit_pressed"} == {"1", "x"}


@pytest.mark.requirement("S29")
async def test_a_reason_that_no_row_can_hold_ends_no_recording_and_moves_no_cursor(site: Site) -> None:
    """Half a character on an operator's command line is refused; what moves a cursor is kept, and shown harmless."""
    async with site.talk("card") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        config = ("--config", str(site.stand.config))
        await site.stand.run("calls", "pause", talk.call_id, *config)
        refused = await site.stand.run("calls", "resume", talk.call_id, "--reason", "\udcff", *config, check=False)
        assert (refused[0], refused[2]) == (2, "callguard: reason: it must be UTF-8, without a NUL\n")
        assert (await talk.rows("pause_ended"), len(await talk.rows("operator_acted"))) == ([], 1)
        await site.stand.run("calls", "resume", talk.call_id, "--reason", "paid\x07\nforged: line\u202e", *config)
        await talk.row("unmask_acknowledged")
        await talk.says(0.5)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) <= {"pause_forgotten"}
    card = (await site.stand.run("calls", "card", talk.call_id, *config))[1]
    assert "words: paid??forged: line?" in card


@pytest.mark.requirement("S82")
async def test_a_pause_from_before_the_recorder_is_told_of_when_forgotten(site: Site) -> None:
    """While the agent's telephone rings nothing is recorded, paused or not; once both talk the pause alone is why."""
    async with site.talk("card", answer_after=3) as talk:
        await talk.grants()
        await talk.row("consent_granted")
        await site.stand.run("calls", "pause", talk.call_id, "--config", str(site.stand.config))
        await talk.row("deadline_passed", name="forgotten:1")
        assert await talk.rows("incident_opened") == []
        await talk.meets()
        await talk.row("incident_opened", incident="pause_forgotten", seconds=5)
        stored = await talk.ends()
    assert states(stored) == [] and incidents(stored) == {"pause_forgotten"}


@pytest.mark.requirement("S82")
async def test_a_payment_page_ends_no_pause_whose_variable_is_still_set(site: Site) -> None:
    async with site.talk("card") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        far = await far_name(talk)
        await site.stand.asterisk.cli(f"dialplan set chanvar {far} CALLGUARD_PAUSE on")
        began = await talk.row("pause_started", cause="variable")
        await site.user_event("callguard_resume", began.channel_id)
        await talk.row("pause_signalled", cause="event")
        await talk.says(0.5)
        assert await talk.rows("pause_ended") == []
        await site.stand.asterisk.cli(f"dialplan set chanvar {far} CALLGUARD_PAUSE off")
        await talk.row("unmask_acknowledged")
        await talk.says(0.5)
        stored = await talk.ends()
    assert states(stored) == ["verified"]


@pytest.mark.requirement("S35", "S82")
async def test_the_card_says_of_a_pause_nothing_that_was_said_of_something_else(site: Site) -> None:
    """A resume while nothing is paused, and a dispute whose reason is sealed: neither is why a key ends a pause."""
    async with site.talk("card") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        config = ("--config", str(site.stand.config))
        await site.stand.run("calls", "resume", talk.call_id, "--reason", "nothing was paused", *config)
        await talk.answered.press("*8")
        await talk.row("mask_acknowledged")
        await site.stand.run("calls", "dispute", talk.call_id, "--reason", "says we lied", *config)
        await talk.answered.press("*8")
        await talk.row("unmask_acknowledged")
        await talk.says(0.5)
        await talk.ends()
    (pause,) = json.loads((await site.stand.run("calls", "card", talk.call_id, "--json", *config))[1])["pauses"]
    assert pause["reason"] == "agent_key" and "words" not in pause

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from callguard.core.call import open_call
from callguard.core.events import Role
from callguard.core.recording import Recording, State
from tests.core.play import AGENT, ASK, CALL_ID, FAR, GUEST, Play, play


def names(talk: Play) -> list[str]:
    return sorted(channel.channel_id for channel in talk.call.hearers())


def test_a_new_call_knows_nobody() -> None:
    call = open_call(CALL_ID, ASK)
    assert (call.far, call.recording, call.running, call.may_still_run) == (None, None, None, False)
    assert call.hearers() == call.others() == () and list(call.live()) == []


def test_a_bridge_lets_its_channels_hear_each_other() -> None:
    talk = play().granted().joined_by(AGENT, Role.AGENT)
    assert names(talk) == [FAR]
    assert names(talk.bridges(FAR)) == [AGENT, FAR]
    assert names(talk.bridges(FAR, bridge="B2")) == [FAR]


@pytest.mark.parametrize(("first", "second"), [("l1", "l2"), ("l2", "l1")])
def test_a_local_channel_carries_sound_between_its_halves(first: str, second: str) -> None:
    """Whichever half is seen first, and though only one names the other."""
    talk = play().granted().sees(first, Role.PLUMBING).sees(second, Role.PLUMBING, pair=first)
    talk.sees(AGENT, Role.AGENT).bridges(FAR, "l1").bridges("l2", AGENT, bridge="B2")
    assert names(talk) == [AGENT, FAR], "plumbing is no party"
    assert names(talk.hangs_up("l2")) == [FAR]


def test_who_hung_up_hears_nothing() -> None:
    talk = play().talking()
    assert names(talk.hangs_up(AGENT)) == [FAR]
    assert names(talk.hangs_up(FAR)) == []


def test_others_are_all_but_the_far_party() -> None:
    talk = play().talking().joined_by(GUEST)
    assert sorted(channel.channel_id for channel in talk.call.others()) == [AGENT, GUEST]


def test_a_change_of_an_unknown_channel_changes_nothing() -> None:
    call = play().starts().call
    assert call.change("nobody", held=True) is call


def test_recordings_are_found_and_replaced() -> None:
    one = Recording(recording_id="r0", segment_no=0, channel_id=FAR)
    call = play().starts().call.with_recording(one)
    assert call.find("r0") is one and call.find("r1") is None and call.running is one and call.may_still_run
    stopping = call.with_recording(replace(one, state=State.STOPPING))
    assert len(stopping.recordings) == 1 and stopping.running is None and stopping.may_still_run
    assert not stopping.with_recording(replace(one, state=State.STOPPED)).may_still_run


def test_segment_ids_are_made_from_the_call_and_the_number() -> None:
    first, other = play().starts().call, open_call(str(UUID(int=5)), ASK)
    assert first.segment_id() == first.segment_id() != other.segment_id()
    assert first.segment_id() != play().talking().call.segment_id()


def test_summary() -> None:
    talk = play().recording().joined_by().masked()
    assert talk.call.summary() == {
        "mode": "ask",
        "standings": {FAR: "granted", AGENT: "exempt", GUEST: "unnotified"},
        "recording": "masked",
        "mask": "on",
        "segments": 1,
        "paused": False,
        "faults": [],
        "barred": False,
        "over": False,
    }
    assert play().call.summary()["recording"] == "none"


@pytest.mark.requirement("S1")
def test_a_recorder_that_was_asked_to_stop_and_did_not_answer_is_out_of_reach() -> None:
    assert not play().starts().call.is_out_of_reach and not play().recording().call.is_out_of_reach
    assert play().recording().presses("*7").call.is_out_of_reach
    assert not play().recording().presses("*7").stopped().call.is_out_of_reach

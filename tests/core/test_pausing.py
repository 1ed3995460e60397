from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.effects import Alert, Indicate, MaskRecording, UnmaskRecording, WakeAt
from callguard.core.events import Action, CallMerged, Outcome, Role, Script
from callguard.core.pausing import BURST_KEYS, BURST_SPAN, CONFIRMS, SLACK
from callguard.core.policy import Mode, stored_call_type
from callguard.core.purpose import Indicator, PauseWarning, Trigger
from callguard.core.word import Cause, Reason, Status
from tests.core.play import AGENT, ASK, FAR, GUEST, MILD, Play, play

NUMBER = "4111"
DESK = replace(ASK, must_record=True, pause_limit_s=30)


def causes(talk: Play) -> set[Cause]:
    return set(talk.call.causes)


def noted(talk: Play, outcome: Outcome) -> dict[str, str]:
    (row,) = (record for record in talk.last.records if record.type is outcome)
    return dict(row.data)


def with_guest() -> Play:
    """A recording of three, all of whom agreed."""
    talk = play().recording().sees(GUEST, Role.GUEST).learns(GUEST, MILD).bridges(GUEST).masked(9000)
    return talk.begins(to=GUEST).ends(to=GUEST).presses("1", by=GUEST).unmasked(20_000)


# ---------------------------------------------------------------- a number that is typed
@pytest.mark.requirement("S82")
@pytest.mark.parametrize("who", [FAR, GUEST])
def test_four_keys_within_five_seconds_pause(who: str) -> None:
    assert (BURST_KEYS, BURST_SPAN.total_seconds()) == (4, 5.0)
    talk = with_guest().presses("411", by=who).is_quiet()
    talk.presses("1", by=who).did(MaskRecording)
    assert talk.last.reasons == ("a number is typed", "paused")
    assert noted(talk, Outcome.PAUSE_STARTED) == {"cause": "digits"} and causes(talk) == {Cause.DIGITS}


def test_keys_that_come_slowly_or_from_staff_are_no_number() -> None:
    slow = play().recording().presses(NUMBER, every=1.7)
    slow.is_quiet()
    assert play().recording().presses(NUMBER, every=1.6).call.paused
    assert not play().recording().presses(NUMBER * 2, by=AGENT).call.paused


def test_keys_that_mean_something_are_no_number() -> None:
    assert not play().recording().presses("*8*8*8", every=0.5).call.paused
    assert not play().told().presses("3333").call.paused


def test_a_number_typed_in_silence_pauses_nothing() -> None:
    talk = play().recording().holds().masked(8000).presses(NUMBER)
    assert not talk.call.paused
    assert not play().granted().presses(NUMBER).call.paused


def test_who_is_in_the_middle_of_a_number_when_sound_comes_back_is_paused_by_the_next_key() -> None:
    talk = play().recording().holds().masked(8000).presses(NUMBER).unholds().unmasked(30_000)
    assert talk.presses("4").call.paused
    talk = play().recording().holds().masked(8000).presses(NUMBER).unholds().unmasked(30_000)
    assert not talk.wait(5).presses("4").call.paused


def test_a_number_that_is_typed_where_this_call_does_not_hear_it_pauses_nothing_before_it_does() -> None:
    talk = with_guest().unbridges(GUEST).presses(NUMBER, by=GUEST)
    assert not talk.call.paused
    assert talk.bridges(GUEST).presses("4", by=GUEST).call.paused


def test_a_number_typed_under_a_pause_is_over_with_it() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(8000).presses(NUMBER).presses("*8", by=AGENT)
    assert not talk.unmasked(30_000).presses("4").call.paused


def test_a_policy_may_leave_numbers_alone() -> None:
    assert not play(replace(ASK, pause_on=(Trigger.EVENT,))).recording().presses(NUMBER).call.paused
    assert not play(replace(ASK, pause_on=(Trigger.EVENT,))).recording().signals(Cause.VARIABLE).call.paused


@pytest.mark.requirement("S82")
def test_whose_own_call_hides_its_keys_hides_them_in_the_calls_that_it_comes_into() -> None:
    talk = play(replace(ASK, pause_on=(Trigger.EVENT,))).recording().sees(GUEST, Role.GUEST)
    talk.feed(CallMerged, GUEST, other_call_id="x", digits=True).bridges(GUEST).masked(9000)
    talk.begins(to=GUEST).ends(to=GUEST).presses("1", by=GUEST).unmasked(99000).presses(NUMBER, by=GUEST)
    assert talk.call.paused
    assert talk.hangs_up().stopped().whole().measure.digits


# ---------------------------------------------------------------- machines
@pytest.mark.requirement("S82")
@pytest.mark.parametrize("cause", [Cause.VARIABLE, Cause.EVENT])
def test_a_machine_pauses_and_resumes(cause: Cause) -> None:
    talk = play().recording().signals(cause).did(MaskRecording).masked(9000)
    assert noted(talk.signals(cause, on=False).did(UnmaskRecording), Outcome.PAUSE_ENDED) == {"reason": cause.value}
    talk.signals(cause, on=False).is_quiet()


def test_a_machine_that_says_it_again_says_nothing_new() -> None:
    play().recording().signals(Cause.VARIABLE).signals(Cause.VARIABLE).is_quiet()


def test_a_machine_ends_what_machines_and_numbers_began_and_no_pause_of_a_person() -> None:
    talk = play().recording().presses(NUMBER).masked(9000).signals(Cause.EVENT).signals(Cause.VARIABLE)
    assert causes(talk) == {Cause.DIGITS, Cause.EVENT, Cause.VARIABLE}
    talk.signals(Cause.VARIABLE, on=False).did(UnmaskRecording)
    talk = play().recording().operator(Action.PAUSE).masked(9000).signals(Cause.EVENT)
    talk.signals(Cause.EVENT, on=False).did()
    assert causes(talk) == {Cause.OPERATOR}


@pytest.mark.requirement("S82")
def test_an_event_ends_no_pause_whose_variable_is_still_set() -> None:
    talk = play().recording().signals(Cause.VARIABLE).masked(9000).signals(Cause.EVENT)
    talk.signals(Cause.EVENT, on=False).did()
    assert causes(talk) == {Cause.VARIABLE}
    talk.signals(Cause.VARIABLE, on=False).did(UnmaskRecording)


def test_a_pause_from_before_the_call_is_recorded_keeps_it_from_starting() -> None:
    talk = play().granted().signals(Cause.VARIABLE).sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()
    assert talk.signals(Cause.VARIABLE, on=False).call.recordings


# ---------------------------------------------------------------- people
@pytest.mark.requirement("S82")
def test_the_agents_key_confirms_a_pause_that_has_just_begun_and_ends_it_later() -> None:
    talk = play().recording().presses(NUMBER).masked(9000).presses("*8", by=AGENT).did()
    assert causes(talk) == {Cause.DIGITS, Cause.KEY}
    assert noted(talk.presses("*8", by=AGENT).did(UnmaskRecording), Outcome.PAUSE_ENDED) == {"reason": "agent_key"}
    later = play().recording().presses(NUMBER).masked(9000).wait(CONFIRMS.total_seconds()).presses("*8", by=AGENT)
    later.did(UnmaskRecording)


def test_a_resume_carries_its_reason() -> None:
    talk = play().recording().operator(Action.PAUSE)
    assert noted(talk, Outcome.PAUSE_STARTED) == {"cause": "operator"}
    ended = talk.masked(9000).operator(Action.RESUME, Reason.PAYMENT_DONE).did(UnmaskRecording)
    assert noted(ended, Outcome.PAUSE_ENDED) == {"reason": "payment_done"}
    ended.operator(Action.RESUME, Reason.MISTAKE).is_quiet()


def test_calls_of_earlier_releases_write_what_they_wrote() -> None:
    data = {key: value for key, value in ASK.as_data().items() if not key.startswith(("pause_", "look_"))}
    old = stored_call_type("sales", {**data, "pause_limit_s": 30})
    talk = play(old).recording().presses("4111111").is_quiet().presses("*8", by=AGENT).did(MaskRecording)
    talk.said(Outcome.MASK_REQUESTED)
    assert [item.name for item in talk.last.effects if isinstance(item, WakeAt)] == ["pause:1", "mask:2"]
    talk.masked(9000).presses("*8", by=AGENT).said(Outcome.UNMASK_REQUESTED)


# ---------------------------------------------------------------- pauses that last
@pytest.mark.requirement("S82")
def test_a_forgotten_pause_is_an_incident_once() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(9000)
    wakes = [item for item in talk.effects if isinstance(item, WakeAt) and item.name.startswith("forgotten")]
    assert [(item.name, item.seconds) for item in wakes] == [("forgotten:1", 90.0)]
    talk.wait(90).passes("forgotten").incident("pause_forgotten")
    assert talk.count(Alert) == 1 and talk.call.forgotten
    assert not talk.presses("*8", by=AGENT).call.forgotten
    talk.feed_deadline("forgotten:1").is_quiet()


@pytest.mark.requirement("S82")
def test_a_forgotten_pause_from_before_the_recorder_is_told_of_once_nothing_else_keeps_it_from_starting() -> None:
    talk = play().granted().signals(Cause.VARIABLE).wait(90).passes("forgotten").said()
    talk.sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()
    talk.wait(90).passes("forgotten").incident("pause_forgotten")
    talk.feed_deadline("forgotten:1").is_quiet()
    assert talk.call.forgotten and talk.signals(Cause.VARIABLE, on=False).call.recordings


def test_who_will_not_be_recorded_is_not_watched_for_a_pause() -> None:
    play().granted().signals(Cause.VARIABLE).presses("*7").feed_deadline("forgotten:1").is_quiet()


def test_an_old_watch_does_not_ring_for_a_new_pause() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(9000).presses("*8", by=AGENT).unmasked(9999)
    talk.presses("*8", by=AGENT).feed_deadline("forgotten:1").is_quiet()


def test_the_agent_alone_is_told_where_the_policy_says_so() -> None:
    kind = replace(ASK, indicator=Indicator.TONE, pause_warning=PauseWarning.AGENT, pause_warn_s=20)
    talk = play(kind).recording().presses("*8", by=AGENT).masked(9000).wait(1).passes("indicate")
    talk.wait(20).passes("forgotten").said().wait(1).passes("indicate")
    shown = next(item for item in talk.last.effects if isinstance(item, Indicate))
    assert (shown.status, shown.script, shown.channel_id) == (Status.STILL_PAUSED, Script.PAUSED, AGENT)
    talk.presses("*8", by=AGENT).unmasked(9999).wait(1).passes("indicate")
    assert next(item for item in talk.last.effects if isinstance(item, Indicate)).script is Script.RESUMED


def test_nobody_is_warned_where_nothing_is_recorded_or_the_policy_does_not_warn() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(9000).presses("*7").stopped().whole()
    talk.feed_deadline("forgotten:1").is_quiet()
    quiet = play(replace(ASK, pause_warn_s=0)).recording().presses("*8", by=AGENT)
    assert not any(isinstance(item, WakeAt) and item.name.startswith("forgotten") for item in quiet.last.effects)


def test_the_limit_ends_a_pause_whatever_began_it() -> None:
    talk = play(DESK).recording().presses(NUMBER).masked(9000).wait(30).passes("pause").did(UnmaskRecording)
    assert noted(talk, Outcome.PAUSE_ENDED)["reason"] == "limit"


# ---------------------------------------------------------------- what goes with a pause
def blanked(talk: Play) -> tuple[tuple[int, int], ...]:
    talk.hangs_up(AGENT).hangs_up().stopped().whole()
    return talk.measure.blanks


@pytest.mark.requirement("S82")
def test_what_was_said_before_a_number_goes_from_its_first_key_on() -> None:
    talk = play().recording().wait(10).presses(NUMBER, every=0.5)  # the first key 12.6 s into the file, the last 14.1 s
    talk.masked(113_000).wait(5).signals(Cause.EVENT, on=False).unmasked(160_000)
    assert blanked(talk) == ((100_800 - 5 * 8000 - SLACK, 113_000 + SLACK),)
    assert talk.measure.masks == ((113_000, 160_000),)
    assert "blanks" in talk.measure.record()


@pytest.mark.requirement("S82")
@pytest.mark.parametrize("by", [-3600, -3, 3, 3600])
def test_what_goes_lies_where_it_was_said_although_the_clock_was_set(by: float) -> None:
    talk = play().recording().wait(8 + by).signals(Cause.EVENT).masked(81_000)  # 10.1 s into the file
    talk.wait(5).signals(Cause.EVENT, on=False).unmasked(121_000)
    assert blanked(talk) == ((81_000 - 5 * 8000 - SLACK, 81_000 + SLACK),)


@pytest.mark.requirement("S82")
@pytest.mark.parametrize("by", [-3600, -3])
def test_a_clock_that_is_set_back_under_a_mask_moves_no_later_pause(by: float) -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(17_000).wait(10 + by).presses("*8", by=AGENT)
    talk.unmasked(97_000).wait(10).signals(Cause.EVENT).masked(177_000)
    assert blanked(talk) == ((177_000 - 5 * 8000 - SLACK, 177_000 + SLACK),)


def test_the_agents_key_ends_a_pause_that_began_before_the_clock_was_set_back() -> None:
    talk = play().recording().signals(Cause.EVENT).masked(17_000).wait(60 - 3600).presses("*8", by=AGENT)
    talk.did(UnmaskRecording)


def test_a_pause_of_a_person_takes_nothing_with_it() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(9000)
    assert blanked(talk) == () and "blanks" not in talk.measure.record()


def test_what_goes_begins_with_the_file_at_the_earliest() -> None:
    talk = play().recording().signals(Cause.VARIABLE).masked(17_000)  # 2.1 s into the file
    assert blanked(talk) == ((0, 17_000 + SLACK),)


def test_without_a_look_back_the_number_alone_goes() -> None:
    kind = replace(ASK, look_back_s=0)
    assert blanked(play(kind).recording().wait(10).presses(NUMBER).masked(113_000)) == ((100_800 - SLACK, 114_600),)
    assert blanked(play(kind).recording().signals(Cause.EVENT).masked(17_000)) == ()


def test_a_mask_that_never_took_hold_leaves_nothing_to_the_end() -> None:
    talk = play().recording().signals(Cause.EVENT)
    assert blanked(talk) == ((0, -1),)


def test_a_pause_too_short_for_a_mask_takes_its_own_moment() -> None:
    talk = play().recording().signals(Cause.EVENT).masked(17_000).signals(Cause.EVENT, on=False).unmasked(17_000)
    talk.wait(60).presses("*8", by=AGENT).masked(500_000)
    assert blanked(talk) == ((0, 16_800 + SLACK),)


def test_a_pause_in_a_pause_looks_back_over_what_is_silent_already() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(25_000).wait(1).signals(Cause.EVENT)
    assert blanked(talk) == ((0, 32_800 + SLACK),)


def test_nothing_goes_from_a_recording_that_has_not_begun() -> None:
    talk = play().talking().signals(Cause.EVENT).acknowledged().opened().masked(0)
    assert blanked(talk) == ()


def test_a_line_under_what_goes_is_not_looked_for() -> None:
    talk = play().talking().acknowledged().wait(0.1).opened().begins(Script.RECORDING_ON, AGENT).wait(4).growing()
    talk.signals(Cause.EVENT).masked(33_000)
    assert blanked(talk) and talk.measure.line_seconds == -1.0


def test_on_an_internal_call_the_one_who_called_types() -> None:
    kind = replace(ASK, internal=Mode.ASK)
    talk = play(kind).starts(direction="internal").hears().presses("1").leaves().joined_by(AGENT, Role.AGENT)
    assert talk.bridges(FAR).acknowledged().opened().growing().presses(NUMBER).call.paused

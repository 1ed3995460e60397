from __future__ import annotations

from datetime import timedelta

import pytest

from callguard.core.effects import (
    DiscardRecording,
    Effect,
    MaskRecording,
    MeasureRecording,
    PlayPrompt,
    StartRecording,
    StopPrompt,
    StopRecording,
    UnmaskRecording,
    WakeAt,
)
from callguard.core.events import (
    NO_CHANNEL,
    NOT_RUNNING,
    OVERTAKEN,
    Action,
    DeadlinePassed,
    Link,
    MaskObserved,
    Outcome,
    RecordingDamaged,
    RecordingDiscarded,
    RecordingLost,
    RecordingOpened,
    Role,
    Script,
    StopAcknowledged,
    UnmaskObserved,
)
from callguard.core.recorder import (
    ALONE_GRACE,
    MASK_PATIENCE,
    RESTARTS,
    STOP_PATIENCE,
    UNMASK_PATIENCE,
)
from callguard.core.recording import FILE_GONE, RECORDER_DIED, Mask, State
from tests.core.play import AGENT, FAR, GUEST, KEEP, OTHER_AGENT, SPOOLED, Play, play


def watch(talk: Play) -> tuple[str, float]:
    """Name and seconds of the last fact's watch."""
    (found,) = watches(talk)
    return found


def watches(talk: Play) -> list[tuple[str, float]]:
    """The same of all watches."""
    found = (effect for effect in talk.last.effects if isinstance(effect, WakeAt))
    return [(wake.name.partition(":")[0], wake.seconds) for wake in found]


# ---------------------------------------------------------------- start
@pytest.mark.requirement("S1")
def test_a_recording_starts_when_a_human_is_bridged() -> None:
    talk = play().granted().sees(AGENT, Role.AGENT).bridges(AGENT).never_recorded()
    talk.bridges(FAR).did(StartRecording).said(Outcome.RECORDING_REQUESTED).is_state(State.REQUESTED)
    assert talk.last.reasons == ("every party told and agreed",)


def test_a_recording_does_not_start_while_paused_or_with_a_stranger() -> None:
    play().granted().operator(Action.PAUSE).sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()
    play().granted().joined_by().joined_by(AGENT, Role.AGENT).bridges(FAR).never_recorded()


def test_the_first_words_are_that_recording_is_on() -> None:
    talk = play().talking().acknowledged().did()
    talk.opened().plays(Script.RECORDING_ON, to=AGENT, whisper=True)
    (prompt,) = (effect for effect in talk.last.effects if isinstance(effect, PlayPrompt))
    assert prompt.to_all
    talk.begins(Script.RECORDING_ON, to=AGENT).wait(1).ends(Script.RECORDING_ON, to=AGENT).is_quiet()


def test_no_words_to_nobody_and_none_after_the_stop() -> None:
    play().talking().acknowledged().hangs_up(AGENT).opened().did()
    play().talking().acknowledged().presses("*7").opened().did()


def test_a_start_that_fails_is_an_incident_and_no_recording() -> None:
    talk = play().talking().refused(StartRecording, segment=0).incident("start_failed").is_state(State.LOST)
    talk.did(StopRecording)  # perhaps only the answer failed
    talk.refused(StopRecording, segment=0).is_quiet()
    talk.unbridges(AGENT).bridges(AGENT).did()
    assert talk.count(StartRecording) == 1


@pytest.mark.parametrize("first", [True, False])
def test_a_start_on_a_channel_that_hangs_up_is_no_incident(first: bool) -> None:
    talk = play().talking()
    talk = talk if first else talk.hangs_up()
    talk.refused(StartRecording, segment=0, reason=NO_CHANNEL).did().is_state(State.DISCARDED)
    (name,) = [effect.name for effect in talk.last.effects if isinstance(effect, WakeAt)]
    talk = talk.hangs_up() if first else talk
    talk.feed(DeadlinePassed, name=name).is_quiet()


def test_a_start_on_a_channel_that_was_only_said_to_be_gone_is_one() -> None:
    talk = play().talking().refused(StartRecording, segment=0, reason=NO_CHANNEL).is_state(State.DISCARDED)
    (name,) = [effect.name for effect in talk.last.effects if isinstance(effect, WakeAt)]
    talk.feed(DeadlinePassed, name=name).incident("start_failed")


def test_a_start_that_fails_after_the_end_changes_no_verdict() -> None:
    talk = play().recording().presses("*7").stopped().whole().discarded()
    talk.refused(StartRecording, segment=0).is_state(State.DISCARDED)


def test_a_start_that_a_mask_overtook_never_was_and_a_new_one_follows_when_it_may() -> None:
    talk = play().talking().joined_by().did(MaskRecording, PlayPrompt)
    talk.refused(StartRecording, segment=0, reason=OVERTAKEN).is_quiet().is_state(State.DISCARDED)
    talk.refused(MaskRecording, segment=0).is_quiet()
    talk.hangs_up(GUEST).did(StartRecording).is_state(State.REQUESTED, 1)


@pytest.mark.requirement("S16")
def test_a_start_that_a_withdrawal_overtook_needs_no_stop() -> None:
    talk = play().talking().presses("*7").did(StopRecording)
    talk.refused(StartRecording, segment=0, reason=OVERTAKEN).plays(Script.WITHDRAWAL, whisper=True)
    talk.is_state(State.DISCARDED)


@pytest.mark.parametrize("hung_up", [True, False])
def test_an_unmask_that_the_end_overtook_takes_nothing_away(hung_up: bool) -> None:
    """FreeSWITCH's waits 0.6 s before it is sent."""
    talk = play().recording().presses("*8", by=AGENT).masked(8000).presses("*8", by=AGENT).is_mask(Mask.UNMASKING)
    talk = talk.hangs_up() if hung_up else talk.presses("*7")
    state = talk.file.state
    talk.refused(UnmaskRecording, segment=0, reason=OVERTAKEN).is_quiet().is_state(state).is_mask(Mask.ON)
    talk.stopped().whole()
    if hung_up:
        assert talk.measure.masks == ((8000, -1),)


def test_an_unmask_that_a_mask_overtook_changes_nothing() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(8000).presses("*8", by=AGENT).joined_by()
    talk.is_mask(Mask.MASKING).refused(UnmaskRecording, segment=0, reason=OVERTAKEN).is_quiet().is_mask(Mask.MASKING)


# ---------------------------------------------------------------- mask
@pytest.mark.requirement("S1")
def test_a_guest_masks_at_once() -> None:
    talk = play().recording().joined_by().did(MaskRecording, PlayPrompt).is_mask(Mask.MASKING)
    talk.said(Outcome.RULE_REEVALUATED, Outcome.MASK_REQUESTED)
    assert ("mask", MASK_PATIENCE) == ("mask", 0.2) == watches(talk)[-1]
    talk.masked(9000).is_mask(Mask.ON).is_quiet()
    talk.hangs_up(GUEST).did(UnmaskRecording).said(Outcome.UNMASK_REQUESTED)
    assert watch(talk) == ("unmask", UNMASK_PATIENCE)
    talk.unmasked(17000).is_mask(Mask.OFF)


def test_an_agent_who_joins_is_no_surprise() -> None:
    play().recording().joined_by(OTHER_AGENT, Role.AGENT).is_quiet()


@pytest.mark.requirement("S1")
def test_a_mask_that_is_not_acknowledged_stops_the_recorder() -> None:
    talk = play().recording().joined_by().wait(0.2).passes("mask").did(StopPrompt, StopRecording)
    talk.incident("mask_unacknowledged").is_state(State.STOPPING)
    assert not talk.masked().hangs_up(GUEST).stopped().whole().verified().count(UnmaskRecording)
    assert talk.count(StartRecording) == 1


def test_a_mask_that_fails_stops_the_recorder() -> None:
    talk = play().recording().joined_by().refused(MaskRecording, segment=0)
    talk.did(StopPrompt, StopRecording).incident("mask_failed")


def test_an_unmask_that_fails_or_stays_unanswered_is_an_incident() -> None:
    def talk() -> Play:
        return play().recording().joined_by().masked().hangs_up(GUEST)

    talk().refused(UnmaskRecording, segment=0).incident("unmask_failed").did()
    talk().wait(2).passes("unmask").incident("unmask_unacknowledged").did()
    talk().unmasked().wait(2).passes("unmask").is_quiet()


def test_the_watch_of_an_earlier_mask_means_nothing() -> None:
    talk = play().recording().joined_by()
    first = talk.last.effects[-1]
    assert isinstance(first, WakeAt)
    talk.masked().hangs_up(GUEST).unmasked().holds()
    talk.feed(DeadlinePassed, "", name=first.name).is_quiet().is_mask(Mask.MASKING)


def test_sound_waits_for_the_masks_answer() -> None:
    talk = play().recording().joined_by().hangs_up(GUEST).did()
    talk.masked().did(UnmaskRecording)


def test_a_mask_overtakes_an_unmask() -> None:
    talk = play().recording().operator(Action.PAUSE).masked(100).operator(Action.RESUME).operator(Action.PAUSE)
    talk.did(MaskRecording).unmasked(200).did().is_mask(Mask.MASKING)
    talk.masked(300).is_mask(Mask.ON)
    talk.hangs_up(AGENT).hangs_up().stopped().whole()
    assert talk.measure.masks == ((100, 200), (300, -1)), "the file had sound in between"


@pytest.mark.requirement("S82")
def test_an_operator_pauses_and_resumes() -> None:
    talk = play().recording().operator(Action.PAUSE).did(MaskRecording)
    talk.masked().operator(Action.RESUME).did(UnmaskRecording)


def test_hold_masks() -> None:
    talk = play().recording().holds().did(MaskRecording)
    talk.masked().unholds().did(UnmaskRecording)
    talk = play().recording().holds().masked().unbridges(AGENT).did()  # alone: the grace ends no mask
    talk.bridges(AGENT).did(UnmaskRecording)


def test_what_the_file_shows_of_a_mask_is_only_written_down() -> None:
    talk = play().recording().joined_by().masked()
    talk.recorder(MaskObserved).is_quiet().recorder(UnmaskObserved).is_quiet()


# ---------------------------------------------------------------- alone
def test_a_queue_masks_when_the_grace_is_over() -> None:
    talk = play().recording().hangs_up(AGENT).did()
    assert watch(talk) == ("alone", ALONE_GRACE) == ("alone", 0.15)
    talk.wait(0.15).passes("alone").did(MaskRecording)
    assert talk.last.reasons == ("nobody to talk to",)
    talk.masked().joined_by(OTHER_AGENT, Role.AGENT).did(StopRecording).stopped().did(StartRecording)


def test_the_grace_is_asked_for_once() -> None:
    talk = play().recording().hangs_up(AGENT)
    talk.growing().is_quiet()


def test_the_watch_of_an_earlier_loneliness_means_nothing() -> None:
    talk = play().recording().unbridges(AGENT)
    first = talk.last.effects[-1]
    assert isinstance(first, WakeAt)
    talk.bridges(AGENT).unbridges(AGENT)
    talk.feed(DeadlinePassed, "", name=first.name).did()


def test_local_channels_that_are_optimised_away_make_no_mask() -> None:
    talk = play().granted().sees("l1", Role.PLUMBING).sees("l2", Role.PLUMBING, pair="l1").sees(AGENT, Role.AGENT)
    talk.bridges(FAR, "l1").bridges("l2", AGENT, bridge="B2").acknowledged().opened().growing()
    before = talk.count(MaskRecording)
    talk.unbridges(AGENT, bridge="B2").wait(0.02).unbridges("l1").bridges(AGENT)
    talk.unbridges("l2", bridge="B2").hangs_up("l1").hangs_up("l2").wait(0.15).passes("alone")
    assert talk.count(MaskRecording) == before == 0
    talk.is_quiet().is_mask(Mask.OFF)


def test_a_guest_behind_a_local_channel_masks_at_once() -> None:
    talk = play().recording().sees("l1", Role.PLUMBING).sees("l2", Role.PLUMBING, pair="l1").sees(GUEST, Role.GUEST)
    talk.bridges("l1").bridges("l2", GUEST, bridge="B2").did(MaskRecording, PlayPrompt)


# ---------------------------------------------------------------- stop, file, verdict
@pytest.mark.requirement("S123")
def test_the_far_partys_hang_up_ends_in_a_measured_file() -> None:
    talk = play().talking().acknowledged().wait(0.5).opened().begins(Script.RECORDING_ON, to=AGENT)
    talk.wait(9.5).growing().hangs_up().did(StopRecording).is_state(State.STOPPED)
    talk.wait(0.1).stopped().did()
    talk.whole().did(MeasureRecording)
    assert (talk.measure.seconds, talk.measure.line_seconds, talk.measure.masks) == (10.0, 0.5, ())
    talk.verified().hangs_up(AGENT)
    assert talk.call.over


def test_a_second_line_does_not_move_the_first() -> None:
    talk = play().recording().begins(Script.RECORDING_ON, to=AGENT).wait(5).begins(Script.RECORDING_ON, to=AGENT)
    assert talk.file.line_at == talk.now - timedelta(seconds=5)
    play().begins(Script.RECORDING_ON).is_quiet()


def test_a_repeated_acknowledgement_does_not_move_the_beginning() -> None:
    talk = play().talking().acknowledged()
    began = talk.file.started_at
    assert talk.opened().wait(1).acknowledged().file.started_at == began is not None


def test_a_stop_that_is_not_acknowledged_is_an_incident() -> None:
    talk = play().recording().presses("*7")
    assert watch(talk) == ("stop", STOP_PATIENCE)
    talk.wait(2).passes("stop").incident("stop_unacknowledged").did()
    talk.stopped().passes("stop").is_quiet()


@pytest.mark.parametrize("name", ["stop:1", "mask:1", "unmask:1"])
def test_watches_without_a_recording_mean_nothing(name: str) -> None:
    play().starts().feed(DeadlinePassed, "", name=name).is_quiet()


@pytest.mark.parametrize("late", [StopRecording, MaskRecording, UnmaskRecording])
def test_a_request_that_came_after_the_recorders_end_is_no_incident(late: type[Effect]) -> None:
    play().recording().hangs_up().refused(late, segment=0).is_quiet()


def test_a_recorder_that_the_guard_stopped_begins_a_new_segment_when_all_is_well() -> None:
    talk = play().recording().stopped().incident("stopped_by_guard").did(StartRecording)
    assert [item.segment_no for item in talk.call.recordings] == [0, 1]


@pytest.mark.fault("signalwire/freeswitch#1319")
def test_a_recorder_that_ends_by_itself_is_an_incident() -> None:
    talk = play().recording().whole().incident("recorder_ended").did(StartRecording)
    talk.is_state(State.STOPPED, 0).is_state(State.REQUESTED, 1)


@pytest.mark.requirement("S13")
@pytest.mark.parametrize("asked", [MaskRecording, UnmaskRecording, StopRecording])
def test_a_recorder_that_ended_while_nobody_listened_may_have_been_stopped_for_a_party(asked: type[Effect]) -> None:
    talk = play().recording().refused(asked, segment=0, reason=NOT_RUNNING).incident("recorder_ended")
    talk.did(MeasureRecording).is_state(State.STOPPED)
    assert talk.call.barred
    ending = play().recording().presses("*7").refused(StopRecording, segment=0, reason=NOT_RUNNING)
    ending.plays(Script.WITHDRAWAL, whisper=True).is_state(State.STOPPED)


def test_a_recorder_that_never_was_leaves_no_file_to_wait_for() -> None:
    talk = play().talking().presses("*7").refused(StopRecording, segment=0, reason=NOT_RUNNING)
    talk.is_state(State.DISCARDED).plays(Script.WITHDRAWAL, whisper=True)
    play().talking().joined_by().refused(MaskRecording, segment=0, reason=NOT_RUNNING).is_state(State.DISCARDED)
    play().talking().hangs_up().refused(StopRecording, segment=0, reason=NOT_RUNNING).is_state(State.DISCARDED)
    guarded = play().talking().stopped().whole(0).refused(MaskRecording, segment=0, reason=NOT_RUNNING)
    guarded.is_state(State.STOPPED, 0)  # its start was never answered for, and there are files


def test_files_of_which_an_earlier_controller_heard_are_measured() -> None:
    talk = play().recording().hangs_up().refused(StopRecording, segment=0, reason=NOT_RUNNING).did(MeasureRecording)
    talk.refused(StopRecording, segment=0, reason=NOT_RUNNING).is_quiet()
    play().recording().hangs_up().stopped().whole().refused(StopRecording, segment=0, reason=NOT_RUNNING).is_quiet()


def test_a_stall_stops_the_recorder() -> None:
    talk = play().recording().damaged().incident("recording_damaged").did(StopRecording)
    talk.damaged().incident("recording_damaged").is_state(State.STOPPING)


@pytest.mark.requirement("S124")
def test_a_file_without_sound_of_a_call_that_had_some_is_lost_and_its_incident_says_how_much() -> None:
    talk = play().recording().hangs_up().stopped().whole().lost(lost_ms=7000).incident("recording_lost")
    assert talk.last.records[0].data["lost_ms"] == 7000
    talk.is_state(State.LOST)


@pytest.mark.requirement("S124")
def test_files_that_go_when_they_are_joined_after_the_end_are_not_lost() -> None:
    """A controller that came back looked for what its guard had stopped while it was being measured already."""
    talk = play().recording().hangs_up().stopped().whole()
    talk.recorder(RecordingLost, reason=FILE_GONE).is_quiet().is_state(State.STOPPED)
    talk.verified().is_quiet().is_state(State.VERIFIED)
    play().recording().recorder(RecordingLost, reason=FILE_GONE).incident("recording_lost").is_state(State.LOST)


@pytest.mark.requirement("S124")
def test_a_file_without_sound_of_a_call_that_ended_at_once_is_discarded_and_no_incident() -> None:
    talk = play().recording().hangs_up().stopped().whole()
    talk.recorder(RecordingDiscarded, reason="no media").did().is_state(State.DISCARDED)


@pytest.mark.requirement("S124")
def test_a_recorder_that_died_with_its_pbx_is_measured_and_the_loss_stands_in_the_incident() -> None:
    talk = play().recording().hangs_up().recorder(RecordingDamaged, findings=(RECORDER_DIED,))
    talk.did(MeasureRecording).is_state(State.STOPPED)
    talk.recorder(RecordingDamaged, findings=("header repaired",), lost_ms=904).incident("recording_damaged")
    assert talk.last.records[0].data["lost_ms"] == 904
    talk.is_state(State.DAMAGED)


def test_one_that_died_after_a_refusal_is_destroyed_unheard() -> None:
    talk = play().recording().presses("*7").recorder(RecordingDamaged, findings=(RECORDER_DIED,))
    talk.did(DiscardRecording, PlayPrompt).is_state(State.STOPPED)


def test_sound_that_does_not_come_back_is_an_incident_and_ends_nothing() -> None:
    talk = play().recording().refused(UnmaskRecording, segment=-1).incident("unmask_failed")
    talk.is_state(State.GROWING)


@pytest.mark.requirement("S123")
def test_fault_ex_nvr_404_a_length_that_no_clock_tells_is_an_incident() -> None:
    play().recording().wait(-3600).hangs_up().stopped().whole().incident("length_unknown").did(MeasureRecording)
    timed = play(KEEP).recording().presses("*7").wait(-3600)
    timed.recorder(StopAcknowledged, offset_samples=24_000).whole().did(MeasureRecording)
    assert timed.measure.seconds == 3.0
    play().talking().opened().hangs_up().stopped().whole().incident("length_unknown").did(MeasureRecording)


def test_a_hang_up_that_was_sooner_than_the_answer_to_the_start_is_no_incident() -> None:
    talk = play().recording().wait(-2.2).hangs_up().stopped().whole().did(MeasureRecording)
    assert talk.measure.seconds == 0.0


def test_a_bad_verdict_is_an_incident() -> None:
    talk = play().recording().hangs_up().stopped().whole().damaged().incident("recording_damaged").did()
    talk.is_state(State.DAMAGED)


def test_a_file_that_is_not_there_is_an_incident_and_ends_the_recorder() -> None:
    talk = play().recording().lost().incident("recording_lost").did(StopRecording).is_state(State.LOST)
    talk.stopped().whole().is_state(State.LOST)
    talk.lost().is_quiet()
    play().recording().hangs_up().stopped().whole().lost().incident("recording_lost").did()


def test_a_stop_without_a_file_is_not_measured() -> None:
    play().recording().lost().whole().did()


# ---------------------------------------------------------------- destruction
@pytest.mark.requirement("S13")
def test_a_withdrawal_destroys_what_was_captured() -> None:
    play().recording().presses("*7").stopped().whole().did(DiscardRecording).discarded().is_state(State.DISCARDED)


def test_a_withdrawal_keeps_where_the_call_type_says_so() -> None:
    play(KEEP).recording().presses("*7").stopped().whole().did(MeasureRecording)


@pytest.mark.requirement("S13")
@pytest.mark.parametrize("verdict", ["verified", "damaged"])
def test_a_withdrawal_takes_earlier_segments_with_it(verdict: str) -> None:
    talk = play().recording().whole()
    talk = talk.verified(0) if verdict == "verified" else talk.damaged(0)
    talk.acknowledged().presses("*7").did(DiscardRecording, StopRecording)
    talk.discarded(0).is_state(State.DISCARDED, 0)


@pytest.mark.requirement("S13")
@pytest.mark.parametrize("verdict", ["verified", "damaged"])
def test_a_verdict_that_comes_after_the_withdrawal_saves_nothing(verdict: str) -> None:
    talk = play().recording().whole().passes("measure").did(MeasureRecording).presses("*7").did(StopRecording)
    talk = talk.verified(0) if verdict == "verified" else talk.damaged(0)
    talk.did(DiscardRecording)


def test_what_is_destroyed_already_is_not_destroyed_again() -> None:
    talk = play().recording().joined_by().masked().begins(to=GUEST).ends(to=GUEST).presses("1", by=GUEST)
    talk.presses("*7", by=GUEST).stopped().whole().verified(0).did(DiscardRecording)
    talk.presses("*7").said(Outcome.CONSENT_WITHDRAWN)
    assert talk.count(DiscardRecording) == 2


@pytest.mark.requirement("S13")
def test_a_call_waits_for_the_receipt_of_what_it_destroys() -> None:
    talk = play().recording().whole()
    talk = talk.verified(0).presses("*7").did(DiscardRecording, StopRecording)
    talk.hangs_up().hangs_up(AGENT).stopped().whole().recorder(RecordingDiscarded)
    assert not talk.call.over
    talk.whole(0).did(DiscardRecording)  # asked for again by whoever takes over
    assert talk.recorder(RecordingDiscarded, 0).call.over
    assert talk.whole(0).call.over


def test_a_destruction_that_fails_is_an_incident() -> None:
    talk = play().recording().presses("*7").stopped().whole().refused(DiscardRecording, segment=0)
    talk.incident("discard_failed").is_state(State.STOPPED)


def test_a_measurement_that_fails_is_an_incident() -> None:
    play().recording().hangs_up().whole().refused(MeasureRecording, segment=0).incident("effect_failed")


# ---------------------------------------------------------------- the line
def test_a_line_that_fails_ends_the_recording() -> None:
    play().recording().fails(Script.RECORDING_ON, to=AGENT).incident("line_failed").did(StopRecording)
    play().recording().refused(PlayPrompt, AGENT).incident("line_failed").did(StopRecording)


def test_a_line_cut_by_a_hang_up_does_not() -> None:
    play().recording().hangs_up(AGENT).fails(Script.RECORDING_ON, to=AGENT).is_quiet()
    play().recording().fails(Script.RECORDING_ON, to="nobody").is_quiet()
    talk = play().recording().joined_by(OTHER_AGENT, Role.AGENT).unbridges(AGENT).unbridges(OTHER_AGENT)
    talk.fails(Script.RECORDING_ON, to=AGENT).is_quiet()
    play().granted().fails(Script.RECORDING_ON, to=FAR).is_quiet()


# ---------------------------------------------------------------- links
def test_log_lost_stops() -> None:
    play().recording().loses(Link.LOG).did(StopRecording).incident("log_lost")


def test_log_lost_masks_where_the_call_type_keeps_and_sound_follows_the_spool() -> None:
    talk = play(SPOOLED).recording().loses(Link.LOG).did(MaskRecording)
    talk.masked().did()
    talk.passes("spooled").did(UnmaskRecording).unmasked()
    talk.restores(Link.LOG).did()


def test_neither_log_nor_spool_stops() -> None:
    play(SPOOLED).recording().loses(Link.LOG).masked().passes("spooled").loses(Link.SPOOL).did(StopRecording)


@pytest.mark.parametrize("link", [Link.GUARD, Link.DISK])
def test_what_is_kept_is_not_unkept_by_something_else(link: Link) -> None:
    talk = play(SPOOLED).recording().loses(Link.LOG).masked().passes("spooled").unmasked()
    talk.loses(link).did()
    talk.restores(link).did()


def test_a_second_loss_waits_for_its_own_spooling() -> None:
    talk = play(SPOOLED).recording().loses(Link.LOG).masked().passes("spooled").unmasked().restores(Link.LOG)
    talk.loses(Link.LOG).did(MaskRecording)


def test_a_loss_that_is_told_twice_waits_for_the_second_spooling() -> None:
    talk = play(SPOOLED).recording().loses(Link.LOG).masked().passes("spooled").unmasked()
    talk.loses(Link.LOG).did(MaskRecording)


def test_pbx_lost_masks() -> None:
    talk = play().recording().loses(Link.PBX).did(MaskRecording).incident("pbx_lost")
    talk.masked().restores(Link.PBX).did(UnmaskRecording)


def test_guard_lost_stops_after_three_seconds() -> None:
    talk = play().recording().loses(Link.GUARD).did()
    assert watch(talk) == ("guard", 3.0)
    talk.wait(3).passes("guard").did(StopRecording)
    talk.stopped().whole().restores(Link.GUARD).did(StartRecording)


def test_guard_back_in_time_stops_nothing() -> None:
    play().recording().loses(Link.GUARD).restores(Link.GUARD).wait(3).passes("guard").is_quiet()


@pytest.mark.requirement("S1")
@pytest.mark.parametrize("link", Link)
def test_nothing_starts_while_anything_is_missing(link: Link) -> None:
    talk = play().granted().loses(link)
    talk.sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()
    talk.restores(link).did(StartRecording)


# ---------------------------------------------------------------- strangers
def test_facts_about_unknown_recordings_are_written_down() -> None:
    talk = play().recording()
    talk.feed(RecordingOpened, recording_id="nobody's").is_unexpected()
    talk.feed(StopAcknowledged, recording_id="nobody's").is_unexpected()


# ---------------------------------------------------------------- a clock that is not known
def test_a_mask_without_a_place_in_the_file_is_placed_by_our_clock_and_inwards() -> None:
    talk = play().recording().wait(2).presses("*8", by=AGENT)
    started = talk.file.started_at
    assert started is not None
    talk.wait(1).masked(-1)
    (span,) = talk.file.spans
    assert span.start == round((talk.now - started).total_seconds() * 8000) + 4000
    talk.wait(3).presses("*8", by=AGENT).unmasked(-1)
    (span,) = talk.file.spans
    assert span.end == round((talk.now - started).total_seconds() * 8000) - 4000


def test_a_mask_too_short_to_be_placed_is_not_looked_for() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(-1).presses("*8", by=AGENT).unmasked(-1)
    assert talk.file.spans == ()


def test_a_call_that_ends_while_an_unmask_is_under_way_is_not_asked_for_silence_to_its_end() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(8000).presses("*8", by=AGENT).hangs_up().stopped().whole()
    assert talk.measure.masks == ()
    talk = play().recording().presses("*8", by=AGENT).masked(8000).hangs_up().stopped().whole()
    assert talk.measure.masks == ((8000, -1),)


# ---------------------------------------------------------------- a link that swallowed requests
def test_a_mask_that_was_never_sent_stops_the_recorder_once_the_link_is_back() -> None:
    talk = play().recording().loses(Link.PBX).did(MaskRecording)
    talk.refused(MaskRecording, segment=0, reason="link lost").did(StopRecording)
    talk.refused(StopRecording, segment=0, reason="link lost")
    talk.restores(Link.PBX).did(StopRecording).stopped().did(StartRecording)


def test_a_link_that_comes_back_asks_for_nothing_where_nothing_stops() -> None:
    play().recording().loses(Link.PBX).masked().restores(Link.PBX).did(UnmaskRecording)
    play().told().loses(Link.PBX).restores(Link.PBX).did()


@pytest.mark.parametrize("between, barred", [(10.0, True), (19.0, True), (25.0, False)])
def test_a_recorder_that_keeps_ending_is_not_started_for_ever(between: float, barred: bool) -> None:
    talk = play().recording()
    for _ in range(RESTARTS):
        talk.wait(between).whole().incident("recorder_ended").did(StartRecording)
        talk.acknowledged().opened().growing()
    talk.wait(between).whole().incident("recorder_keeps_ending" if barred else "recorder_ended")
    talk.did(*([MeasureRecording] * (RESTARTS + 1) if barred else [StartRecording]))
    assert talk.call.barred is barred and talk.count(StartRecording) == RESTARTS + (1 if barred else 2)


def test_a_recorder_that_was_told_to_stop_did_not_end_by_itself() -> None:
    talk = play().recording()
    for _ in range(RESTARTS + 2):
        talk.wait(1).stopped().whole(-2).acknowledged().opened().growing()
    assert not talk.call.barred and not any(item.ended_alone for item in talk.call.recordings)

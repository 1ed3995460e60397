from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callguard.core.events import (
    EffectFailed,
    Event,
    LegSilent,
    MaskObserved,
    RecordingDamaged,
    RecordingGrowing,
    RecordingLost,
    RecordingOpened,
    StopAcknowledged,
    StopObserved,
    UnmaskObserved,
)
from callguard.core.recording import RECORDER_DIED
from callguard.pbx.asterisk.probe import TAIL, Look
from callguard.pbx.asterisk.watch import NO_SOUND, Watch

AT = datetime(2026, 1, 1, tzinfo=UTC)
STEP = 16_384


def started() -> Watch:
    watch = Watch("r1", "c1")
    watch.acknowledged(100.0)
    return watch


def see(watch: Watch, now: float, samples: int, **look: object) -> list[Event]:
    return watch.observe(now, AT, Look(exists=True, samples=samples, **look))  # type: ignore[arg-type]


def kinds(facts: list[Event]) -> list[type[Event]]:
    return [type(fact) for fact in facts]


def test_nothing_is_said_before_the_pbx_answered() -> None:
    assert Watch("r1", "c1").observe(1, AT, Look(exists=True)) == []


@pytest.mark.requirement("S123")
def test_opened_then_growing_then_growing_every_ten_seconds() -> None:
    watch = started()
    assert kinds(see(watch, 100.001, 0)) == [RecordingOpened]
    assert see(watch, 100.2, 0) == []
    assert see(watch, 102.1, STEP) == [RecordingGrowing(at=AT, channel_id="c1", recording_id="r1", offset_samples=STEP)]
    said = [step for step in range(2, 20) if see(watch, 100 + step * STEP / 8000, step * STEP)]
    assert said == [6, 11, 16]


def test_a_recorder_that_loses_a_little_at_a_time_is_followed_and_one_late_look_is_not_believed() -> None:
    """Each prompt costs FreeSWITCH's file some 40 ms: after six the sound behind a mask seemed to come too early."""
    watch, now, samples = Watch("r1", "c1", doubt=400, looks=5), 100.0, 0
    watch.acknowledged(now)
    for turn in range(60):
        now += 0.2
        samples += 1600 - (320 if turn % 6 == 0 else 0)
        see(watch, now, samples)
    assert abs(watch.offset(now) - samples) <= 400 + 320
    before = watch.offset(now)
    see(watch, now + 0.6, samples + 1600)  # looked at in time, and heard of late
    assert watch.offset(now) == before


def test_no_file_a_second_after_the_answer_is_lost() -> None:
    watch = started()
    assert watch.observe(100.9, AT, Look()) == []
    assert watch.observe(101.0, AT, Look()) == [
        RecordingLost(at=AT, channel_id="c1", recording_id="r1", reason="no file", lost_ms=1000)
    ]
    assert watch.done and watch.observe(102, AT, Look()) == []


def test_a_file_that_goes_away_is_lost() -> None:
    watch = started()
    see(watch, 100.0, 0)
    (lost,) = watch.observe(100.1, AT, Look())
    assert isinstance(lost, RecordingLost) and lost.reason == "file gone"
    assert watch.astray  # it may write elsewhere, until it has answered a stop
    watch.ending(101.0)
    assert watch.done and not watch.astray


@pytest.mark.requirement("S124")
def test_a_file_that_somebody_cuts_is_damaged() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    (cut,) = see(watch, 102.5, 0)
    assert isinstance(cut, RecordingDamaged) and (cut.findings, cut.offset_samples) == (("shrank",), 0)
    assert see(watch, 102.9, 0) == []


@pytest.mark.requirement("S126")
def test_fault_recorder_falls_behind_a_file_that_stops_growing_is_damaged_once_a_stall() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    assert see(watch, 106.5, STEP) == []
    (stalled,) = see(watch, 106.7, STEP)
    assert isinstance(stalled, RecordingDamaged) and stalled.findings == ("stalled",)
    assert see(watch, 108, STEP) == []
    see(watch, 109, 2 * STEP)
    assert kinds(see(watch, 114, 2 * STEP)) == [RecordingDamaged]


def test_a_stop_is_seen_when_the_headers_are_final() -> None:
    watch = started()
    see(watch, 100.0, 0)
    watch.ending(103.0)
    assert watch.urgent and kinds(see(watch, 102.1, STEP)) == [RecordingGrowing]
    assert see(watch, 103.02, 24_000, final=True) == [
        StopObserved(at=AT, channel_id="c1", recording_id="r1", offset_samples=24_000)
    ]
    assert watch.done


def test_who_ended_a_file_may_be_told_a_moment_later() -> None:
    """Headers were final 15 ms before a hang-up was heard, and 200 where fifty calls ended at once: none had ended
    by itself."""
    hung_up, alone = started(), started()
    for watch in (hung_up, alone):
        assert kinds(see(watch, 103, 24_000, final=True)) == [RecordingOpened, RecordingGrowing]
        assert watch.urgent and not watch.done
    hung_up.ending(103.2)
    assert kinds(see(hung_up, 103.21, 24_000, final=True)) == [StopObserved]
    assert see(alone, 103.4, 24_000, final=True) == []
    later = AT + timedelta(seconds=0.51)  # it ended when that was seen: its length is held against that moment
    [stopped] = alone.observe(103.51, later, Look(exists=True, samples=24_000, final=True))
    assert stopped == StopObserved(at=AT, channel_id="c1", recording_id="r1", offset_samples=24_000)


def test_a_header_that_stays_open_says_that_the_recorder_died() -> None:
    watch = started()
    see(watch, 100.0, 0)
    watch.ending(101.0)
    assert see(watch, 103.9, 0) == []
    (damaged,) = see(watch, 104.1, 0)
    assert isinstance(damaged, RecordingDamaged) and damaged.findings == (RECORDER_DIED,) and watch.done


def test_a_recorder_stopped_before_its_first_sample_has_an_empty_file() -> None:
    watch = started()
    see(watch, 100.0, 0)
    watch.ending(100.02)
    assert see(watch, 100.1, 0) == []
    assert kinds(see(watch, 100.4, 0)) == [StopObserved]


def test_a_refused_stop_is_answered_by_the_files() -> None:
    ended, runs = started(), started()
    for watch in (ended, runs):
        see(watch, 100.0, 0)
        watch.refused(103.0)
    assert kinds(see(ended, 103.1, 24_000, final=True)) == [RecordingGrowing, StopAcknowledged, StopObserved]
    assert kinds(see(runs, 103.1, STEP)) == [RecordingGrowing]
    (failed,) = see(runs, 104.1, STEP)
    assert isinstance(failed, EffectFailed) and (failed.effect, failed.reason) == ("StopRecording", "refused")
    assert not runs.done


def test_a_mask_and_its_end_are_seen_in_the_samples() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    watch.masked(103.0)
    watch.unmasking(105.0)
    sound = bytearray(b"\1\0" * (4 * STEP))
    sound[48_000:80_000] = bytes(32_000)
    since = watch.since() or 0
    look = Look(True, 4 * STEP, False, since, bytes(sound[2 * since :]), bytes(sound[2 * since :]))
    facts = watch.observe(108.2, AT, look)
    assert [(type(fact), fact.offset_samples) for fact in facts if isinstance(fact, MaskObserved | UnmaskObserved)] == [
        (MaskObserved, 24_000),
        (UnmaskObserved, 40_000),
    ]


def test_a_look_older_than_the_mask_proves_nothing() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    watch.masked(103.0)
    assert see(watch, 106, 3 * STEP) == []


def test_fault_rtpengine_1981_sound_under_a_mask_is_damage() -> None:
    watch = started()
    see(watch, 100.0, 0)
    watch.masked(101.0)
    since = watch.since() or 0
    sound = b"\1\0" * (2 * STEP - since)
    facts = watch.observe(104.2, AT, Look(True, 2 * STEP, False, since, sound, sound))
    assert [fact.findings for fact in facts if isinstance(fact, RecordingDamaged)] == [("sound under mask",)]


def test_a_recorder_found_running_gets_its_clock_from_its_growth() -> None:
    watch = Watch("r1", "c1", found_running=True)
    watch.found(500.0)
    watch.masked(500.5)
    assert watch.offset(501) == -1 and watch.since() is None
    assert see(watch, 501, 10 * STEP) == [] and watch.offset(501) == -1
    assert kinds(see(watch, 502, 11 * STEP)) == [RecordingGrowing]
    assert watch.offset(503.0) == 11 * STEP + 8000


@pytest.mark.requirement("S123")
def test_what_a_file_fell_behind_between_two_controllers_is_told_by_the_next() -> None:
    """Keys of a party that neither looked at: since when, nobody knows, so it may be all of the file."""
    watch = Watch("r1", "c1", found_running=True)
    watch.found(103.0, 100.0)
    assert watch.offset(103.0) == 24_000 and watch.began == 100.0
    see(watch, 103.1, STEP)
    grown = see(watch, 105.6, 2 * STEP)[0]
    assert isinstance(grown, RecordingGrowing) and grown.fell_since == 0 and 1400 <= grown.fell_ms <= 1504
    grown = see(watch, 107.0, 3 * STEP)[0]
    assert isinstance(grown, RecordingGrowing) and grown.fell_since == 2 * STEP, "it caught up, and that was seen"
    assert Watch("r1", "c1", found_running=True).began is None
    watch.found(99.0, 100.0)
    assert watch.began is None, "a clock of another machine"


@pytest.mark.requirement("S82", "S123")
def test_a_recorder_that_was_found_masked_brings_its_sound_back() -> None:
    """A pause that outlived its controller: whoever ends it is not told that the file stays silent."""
    watch = Watch("r1", "c1", found_running=True)
    watch.found(500.0, 480.0)
    watch.unmasking(505.0)
    sound = bytearray(b"\1\0" * (20 * STEP))
    sound[2 * 150_000 : 2 * 200_000] = bytes(2 * 50_000)
    facts = [fact for step in range(10, 19) for fact in heard(watch, 480 + 2.048 * step, step * STEP, bytes(sound))]
    assert [type(fact) for fact in facts if type(fact) is not RecordingGrowing] == [MaskObserved, UnmaskObserved]


def test_a_recorder_whose_clock_runs_away_corrects_ours() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    assert watch.offset(110) == 80_000
    see(watch, 110.0, 4 * STEP)  # 1.8 s behind
    assert watch.offset(110) == 4 * STEP + 400


@pytest.mark.requirement("S123")
def test_a_file_that_falls_behind_the_clock_says_by_how_much_and_since_where_and_that_it_caught_up() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    (fell,) = see(watch, 105.4, 2 * STEP)  # eight keys
    assert isinstance(fell, RecordingGrowing) and (fell.fell_ms, fell.fell_since) == (1254, STEP)
    assert see(watch, 107.4, 3 * STEP) == [] and abs(watch.offset(107.4) - 3 * STEP) < 100
    (back,) = see(watch, 108.2, 4 * STEP)  # it was the disk that was late
    assert isinstance(back, RecordingGrowing) and back.fell_ms == -1246


def test_what_was_written_late_is_held_against_the_time_of_its_writing() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    assert see(watch, 105.0, 2 * STEP, written=104.1) == []
    (fell,) = see(watch, 107.5, 3 * STEP, written=0.0)  # it was not there at the last look: somebody set the clock
    assert isinstance(fell, RecordingGrowing) and fell.fell_ms > 1000


@pytest.mark.requirement("S42")
def test_sound_behind_a_mask_comes_sooner_in_a_file_that_fell_behind_and_sound_under_it_does_not() -> None:
    for place, leaks in ((STEP, True), (3 * STEP, False)):
        watch = started()
        see(watch, 102.1, STEP)
        watch.masked(103.0)
        sound = bytes(2 * place) + b"\1\0" * (4 * STEP - place)
        facts = heard(watch, 106.8, 2 * STEP, sound)  # 2.6 s behind
        watch.unmasking(108.7)  # at sample 48,960 by its own clock
        facts += [*heard(watch, 108.9, 3 * STEP, sound), *heard(watch, 110.9, 4 * STEP, sound)]
        assert (RecordingDamaged in kinds(facts)) is leaks, place


def test_the_end_of_a_file_tells_how_far_it_fell_behind_where_it_is_known_when_it_was_written() -> None:
    known, unknown = started(), started()
    for watch in (known, unknown):
        see(watch, 102.1, STEP)
        watch.ending(109.0)  # heard of by a controller that slept
    facts = see(known, 109.0, 24_000, final=True, written=104.2)
    assert [(fact.fell_ms, fact.fell_since) for fact in facts if isinstance(fact, RecordingGrowing)] == [(1050, STEP)]
    assert kinds(see(unknown, 109.0, 24_000, final=True)) == [StopObserved]


def test_keys_are_no_stall() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    for key in range(16):
        watch.typed(102.3 + key * 0.3)
    assert see(watch, 108.5, STEP) == []
    assert kinds(see(watch, 109.5, STEP)) == [RecordingDamaged]


def test_a_key_puts_a_stall_off_for_as_long_as_it_was_held_and_not_into_the_future() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    for key in range(8):
        watch.typed(102.7 + key * 0.7, held=0.5)
    assert see(watch, 102.1 + 8 * 0.57 + 4.4, STEP) == []
    watch.typed(112.0, held=600.0)
    assert see(watch, 116.4, STEP) == []
    assert kinds(see(watch, 116.6, STEP)) == [RecordingDamaged]


@pytest.mark.requirement("S123")
def test_a_side_that_is_silent_at_two_steps_is_told_with_its_milliseconds() -> None:
    watch = started()
    see(watch, 102.1, STEP)
    assert LegSilent not in kinds(see(watch, 104.1, 2 * STEP, quiet="right"))
    begun = 2 * STEP - TAIL
    for now, step in ((106.1, 3), (108.1, 4)):
        (silent,) = [fact for fact in see(watch, now, step * STEP, quiet="right") if isinstance(fact, LegSilent)]
        assert (silent.side, silent.offset_samples) == ("right", begun)
        assert silent.milliseconds == (step * STEP - begun) // 8
    assert LegSilent not in kinds(see(watch, 110.1, 5 * STEP, quiet="left"))
    assert LegSilent not in kinds(see(watch, 112.1, 6 * STEP))


def heard(watch: Watch, now: float, samples: int, sound: bytes) -> list[Event]:
    """A look that brings what the watch wants to hear of SOUND."""
    since = watch.since()
    part = sound[2 * since : 2 * samples] if since is not None else b""
    return watch.observe(now, AT, Look(True, samples, False, -1 if since is None else since, part, part))


@pytest.mark.requirement("S124")
@pytest.mark.parametrize("returns", [True, False])
def test_sound_that_does_not_come_back_after_a_mask_is_told_within_five_seconds(returns: bool) -> None:
    watch = started()
    sound = bytearray(b"\1\0" * (8 * STEP))
    sound[2 * 24_000 : None if not returns else 2 * 40_000] = bytes(2 * (16_000 if returns else 8 * STEP - 24_000))
    heard(watch, 102.1, STEP, bytes(sound))
    watch.masked(103.0)
    watch.unmasking(105.0)
    facts = [fact for now in range(104, 116, 2) for fact in heard(watch, now, (now - 100) * 8192, bytes(sound))]
    failed = [fact for fact in facts if isinstance(fact, EffectFailed)]
    assert [(fact.effect, fact.reason) for fact in failed] == ([] if returns else [("UnmaskRecording", NO_SOUND)])
    assert any(isinstance(fact, UnmaskObserved) for fact in facts) is returns
    assert any(isinstance(fact, MaskObserved) for fact in facts)


@pytest.mark.requirement("S124")
def test_a_mask_of_a_recorder_found_running_is_observed_once_it_grows() -> None:
    watch = Watch("r1", "c1", found_running=True)
    watch.found(500.0)
    watch.masked(500.5)
    sound = bytearray(b"\1\0" * (16 * STEP))
    sound[2 * (10 * STEP + 2000) :] = bytes(2 * (6 * STEP - 2000))
    facts = [fact for step in range(10, 15) for fact in heard(watch, 480 + 2.048 * step, step * STEP, bytes(sound))]
    assert [type(fact) for fact in facts].count(MaskObserved) == 1
    assert not [fact for fact in facts if isinstance(fact, RecordingDamaged)]


def test_a_file_that_is_written_every_frame_tells_where_it_stood_still() -> None:
    """On hold FreeSWITCH writes nothing: behind it, sound comes two seconds earlier in the file than by the clock."""
    watch = Watch("r1", "c1", doubt=400, looks=5)
    watch.acknowledged(100.0)
    see(watch, 101.0, 8000)
    watch.masked(101.0)
    *_, masked = see(watch, 101.6, 8000 + 4000, start=6400, left=bytes(11200), right=bytes(11200))
    assert masked == MaskObserved(at=AT, channel_id="c1", recording_id="r1", offset_samples=8000)
    see(watch, 103.7, 8000 + 4800, start=12000, left=bytes(1600), right=bytes(1600))
    assert watch.offset(103.8) == 8000 + 4800 + 800
    watch.unmasking(103.8)
    look = Look(True, 16800, False, 12800, bytes(1600) + b"\1" * 6400, bytes(8000))
    assert kinds(watch.observe(104.3, AT, look, 104.2)) == [UnmaskObserved]
    assert watch.offset(104.2) == 16800


def test_a_file_that_stands_still_under_a_mask_has_to_grow_behind_it() -> None:
    watch = Watch("r1", "c1", doubt=400, looks=5)
    watch.acknowledged(100.0)
    see(watch, 101.0, 8000)
    watch.masked(101.0)
    assert see(watch, 160.0, 8000, start=6400) == []
    watch.unmasking(160.0)
    assert see(watch, 164.4, 8000, start=6400) == []
    assert [fact.findings for fact in see(watch, 164.6, 8000, start=6400) if isinstance(fact, RecordingDamaged)] == [
        ("stalled",)
    ]

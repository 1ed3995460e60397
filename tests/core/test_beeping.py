"""When the tone sounds: while sound reaches the file, and never else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.beeping import period
from callguard.core.effects import SoundBeep
from callguard.core.events import Link, Script
from callguard.core.purpose import Beeping
from tests.core.play import AGENT, ASK, FAR, Play, play

BEEPED = replace(ASK, beep=Beeping.ALWAYS, beep_every_s=10)


def recorded() -> Play:
    """The line was heard, and the first beep is to come."""
    return play(BEEPED).talking().acknowledged().opened().begins(Script.RECORDING_ON, to=AGENT).wait(2).growing()


def watched(talk: Play) -> bool:
    return bool(talk.call.beep_watch)


def test_it_sounds_again_and_again_to_all_who_are_there() -> None:
    talk = recorded()
    assert watched(talk)
    for _ in range(3):
        talk.wait(10).passes("beep").did(SoundBeep)
        assert talk.last.effects[0] == SoundBeep(channel_id=AGENT) and watched(talk)


def test_it_waits_for_the_line_and_by_default_there_is_none() -> None:
    assert not watched(play(BEEPED).recording())
    assert not watched(play().recording().begins(Script.RECORDING_ON, to=AGENT))


def test_a_pause_silences_it_and_a_beep_of_before_means_nothing() -> None:
    talk = recorded().presses("*8", by=AGENT)
    assert not watched(talk)
    talk.masked(9000).wait(10).passes("beep").did()
    talk.presses("*8", by=AGENT).unmasked(99_000)
    assert watched(talk)
    talk.wait(10).passes("beep").did(SoundBeep)


def test_nobody_hears_it_alone_or_after_the_end() -> None:
    talk = recorded().hangs_up(AGENT)
    assert not watched(talk)
    talk = recorded().hangs_up()
    assert not watched(talk) and not talk.count(SoundBeep)


def test_nothing_is_asked_of_a_pbx_that_is_out_of_reach() -> None:
    assert not watched(recorded().loses(Link.PBX))


def test_one_that_fails_is_told_once() -> None:
    talk = recorded().wait(10).passes("beep").refused(SoundBeep, AGENT).incident("beep_failed")
    talk.wait(10).passes("beep").did(SoundBeep)
    talk.refused(SoundBeep, AGENT).is_quiet()


@pytest.mark.parametrize("who", [AGENT, FAR])
def test_one_that_a_hang_up_or_a_mask_cut_did_not_fail(who: str) -> None:
    recorded().wait(10).passes("beep").hangs_up(who).refused(SoundBeep, AGENT).is_quiet()
    recorded().wait(10).passes("beep").presses("*8", by=AGENT).refused(SoundBeep, AGENT).is_quiet()
    play(BEEPED).recording().refused(SoundBeep, "nobody").is_quiet()


def test_the_rule_says_where_it_sounds_and_may_want_it_oftener() -> None:
    call = play(replace(BEEPED, beep=Beeping.RULE)).recording().call
    assert period(call) == 0
    assert period(replace(call, rule=replace(call.rule, beep=True))) == 10
    assert period(replace(call, rule=replace(call.rule, beep=True, beep_within=7))) == 7
    assert period(replace(call, call_type=BEEPED)) == 10

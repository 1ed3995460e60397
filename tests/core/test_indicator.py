"""What agents know without a screen: which of them is shown what, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.effects import Indicate, WakeAt
from callguard.core.events import Action, DeadlinePassed, EffectFailed, Link, LinkLost, LinkRestored, Role, Script
from callguard.core.indicator import GRACE, status_of
from callguard.core.purpose import Indicator
from callguard.core.word import Status
from tests.core.play import AGENT, ANNOUNCE, ASK, FAR, GUEST, NEVER, OTHER_AGENT, Play, play

NAMED, TONED = replace(ASK, indicator=Indicator.NAME), replace(ASK, indicator=Indicator.TONE)
RECORDED, PAUSED, NOT = Status.RECORDED, Status.PAUSED, Status.NOT_RECORDED


def shown(talk: Play) -> list[tuple[str, Status, Script | None]]:
    """All that agents were shown so far."""
    found = [effect for effect in talk.effects if isinstance(effect, Indicate)]
    assert all(effect.by is talk.call.call_type.indicator and not effect.restrictive for effect in found)
    return [(effect.channel_id, effect.status, effect.script) for effect in found]


def lasts(talk: Play) -> Play:
    """What is not known yet stays so for the grace."""
    return talk.wait(GRACE).passes("indicate")


def recorded(talk: Play) -> Play:
    """The file grows, and the agent knows."""
    return lasts(talk.talking().acknowledged().opened()).wait(2).growing()


def paused(talk: Play) -> Play:
    """The agent paused, and knows that it worked."""
    return lasts(recorded(talk).presses("*8", by=AGENT).masked(9000))


def test_by_default_nobody_is_shown_anything() -> None:
    talk = play().recording().presses("*8", by=AGENT).masked(9000)
    assert not shown(talk) and not any("indicate" in item.name for item in talk.effects if isinstance(item, WakeAt))


def test_recorded_is_shown_when_the_file_is_there_and_no_earlier() -> None:
    talk = play(NAMED).talking().acknowledged()
    assert status_of(talk.call) is None
    lasts(talk.opened())
    assert shown(talk) == [(AGENT, RECORDED, None)]


def test_paused_is_shown_when_the_mask_is_on_and_recorded_when_it_is_off() -> None:
    talk = recorded(play(NAMED)).presses("*8", by=AGENT)
    assert status_of(talk.call) is None, "requested is not done"
    lasts(talk.masked(9000)).presses("*8", by=AGENT)
    assert status_of(talk.call) is PAUSED, "sound is requested, not there"
    lasts(talk.unmasked(17000))
    assert [status for _, status, _ in shown(talk)] == [RECORDED, PAUSED, RECORDED]


def test_a_withdrawal_shows_after_the_stop() -> None:
    talk = recorded(play(NAMED)).presses("*7")
    assert status_of(talk.call) is None, "it may still record"
    assert shown(lasts(talk.stopped()))[-1] == (AGENT, NOT, None)


def test_a_refusal_shows_when_the_agent_is_there() -> None:
    talk = play(NAMED).told().presses("2").hears(Script.REFUSAL).leaves()
    assert shown(talk) == []
    assert shown(lasts(talk.sees(AGENT, Role.AGENT).bridges(FAR, AGENT))) == [(AGENT, NOT, None)]


def test_a_call_that_nobody_may_record_shows_so() -> None:
    never = replace(NEVER, indicator=Indicator.NAME)
    assert shown(lasts(play(never).starts().leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT))) == [
        (AGENT, NOT, None)
    ]


def test_a_call_type_that_never_records_whispers_nothing() -> None:
    never = replace(NEVER, indicator=Indicator.TONE)
    assert shown(lasts(play(never).starts().leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT))) == [
        (AGENT, NOT, None)
    ]


def test_nothing_shows_before_the_caller_has_answered() -> None:
    talk = play(NAMED).starts(waiting=False, answered=True).sees(AGENT, Role.AGENT)
    assert status_of(talk.call) is None, "it is told in the bridge"
    talk.bridges(FAR, AGENT)
    assert status_of(talk.call) is None, "the notice plays"
    talk.begins()
    assert status_of(talk.call) is None
    talk.ends()
    assert status_of(talk.call) is None and shown(talk) == [], "the window is open"
    lasts(talk.presses("1").acknowledged().opened())
    assert shown(talk) == [(AGENT, RECORDED, None)]


def test_nothing_shows_while_the_place_is_looked_up() -> None:
    assert status_of(play(NAMED).starts(pending=True).call) is None


def test_nothing_shows_in_the_window_of_an_announcement() -> None:
    announced = replace(ANNOUNCE, indicator=Indicator.NAME)
    talk = play(announced).told().leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
    assert status_of(talk.call) is None and shown(talk) == []


def test_a_recorder_that_fails_shows_that_nothing_is_recorded() -> None:
    talk = recorded(play(NAMED)).lost()
    assert status_of(talk.call) is None, "its stop is not answered"
    assert shown(lasts(talk.stopped()))[-1] == (AGENT, NOT, None)


# ---------------------------------------------------------------- who
def test_who_rings_or_lost_the_race_is_shown_nothing() -> None:
    talk = play(NAMED).granted().sees(AGENT, Role.AGENT).sees(OTHER_AGENT, Role.AGENT).bridges(FAR, AGENT)
    lasts(talk.hangs_up(OTHER_AGENT).acknowledged().opened())
    assert shown(talk) == [(AGENT, RECORDED, None)]


def test_who_listens_and_is_no_agent_is_shown_nothing() -> None:
    talk = lasts(recorded(play(NAMED)).joined_by(GUEST).masked(9000))
    assert shown(talk) == [(AGENT, RECORDED, None), (AGENT, PAUSED, None)]


def test_an_agent_who_joins_later_is_shown_what_the_first_one_knows() -> None:
    talk = lasts(recorded(play(TONED)).joined_by(OTHER_AGENT, Role.AGENT))
    assert [who for who, *_ in shown(talk)[1:]] == [OTHER_AGENT]


def test_a_name_is_shown_again_when_somebody_comes_or_goes() -> None:
    """The PBX may have written the plain name over it."""
    talk = lasts(recorded(play(NAMED)).joined_by(OTHER_AGENT, Role.AGENT))
    assert {who for who, *_ in shown(talk)[1:]} == {AGENT, OTHER_AGENT}
    before = len(shown(talk))
    assert shown(lasts(talk.hangs_up(OTHER_AGENT)))[before:] == [(AGENT, RECORDED, None)]


def test_an_agent_who_leaves_before_it_lasted_is_shown_nothing() -> None:
    talk = recorded(play(NAMED)).joined_by(OTHER_AGENT, Role.AGENT).hangs_up(OTHER_AGENT)
    lasts(talk)
    assert len(shown(talk)) == 1


# ---------------------------------------------------------------- how long
def test_what_does_not_last_is_not_shown() -> None:
    talk = recorded(play(NAMED)).joined_by(GUEST).masked(9000).hangs_up(GUEST).unmasked(9800)
    lasts(talk)
    assert len(shown(talk)) == 1


def test_the_watch_of_earlier_news_means_nothing() -> None:
    talk = recorded(play(NAMED)).operator(Action.PAUSE).masked(9000)
    early = next(item.name for item in reversed(talk.effects) if isinstance(item, WakeAt))
    talk.operator(Action.RESUME).unmasked(9800).operator(Action.PAUSE).masked(10000)
    talk.feed(DeadlinePassed, "", name=early)
    assert len(shown(talk)) == 1
    lasts(talk)
    assert [status for _, status, _ in shown(talk)] == [RECORDED, PAUSED]


def test_the_same_is_shown_once() -> None:
    talk = recorded(play(NAMED)).growing().holds(FAR).masked(8000)
    lasts(talk).presses("*8", by=AGENT).unholds(FAR)
    lasts(talk)
    assert [status for _, status, _ in shown(talk)] == [RECORDED, PAUSED]


def test_a_name_is_shown_again_in_another_bridge_and_a_tone_is_not() -> None:
    for kind, times in ((NAMED, 2), (TONED, 1)):
        talk = recorded(play(kind)).unbridges(AGENT).unbridges(FAR).bridges(FAR, AGENT, bridge="B2")
        if kind is NAMED:
            lasts(talk)
        assert len(shown(talk)) == times


def test_nothing_is_shown_while_the_link_is_lost_and_the_rest_when_it_is_back() -> None:
    talk = recorded(play(NAMED)).operator(Action.PAUSE).masked(9000)
    talk.feed(LinkLost, "", link=Link.PBX)
    lasts(talk)
    assert len(shown(talk)) == 1
    lasts(talk.feed(LinkRestored, "", link=Link.PBX))
    assert [status for _, status, _ in shown(talk)] == [RECORDED, PAUSED]


def test_a_failed_indication_is_a_row_and_nothing_else() -> None:
    talk = recorded(play(NAMED))
    talk.feed(EffectFailed, AGENT, effect=Indicate.__name__, reason="not there").is_quiet()


# ---------------------------------------------------------------- what is whispered
def test_the_line_that_all_hear_is_not_whispered_again() -> None:
    assert shown(recorded(play(TONED))) == [(AGENT, RECORDED, None)]


def test_pause_and_resume_are_whispered() -> None:
    talk = paused(play(TONED))
    lasts(talk.presses("*8", by=AGENT).unmasked(17000))
    assert [script for _, _, script in shown(talk)] == [None, Script.PAUSED, Script.RESUMED]


def test_an_agent_who_did_not_hear_the_line_hears_it_alone() -> None:
    talk = recorded(play(TONED)).begins(Script.RECORDING_ON, to=AGENT)
    lasts(talk.joined_by(OTHER_AGENT, Role.AGENT))
    assert shown(talk)[-1] == (OTHER_AGENT, RECORDED, Script.RECORDING_ON)


@pytest.mark.parametrize("key", ["*7", "2"])
def test_not_recorded_is_whispered(key: str) -> None:
    if key == "2":
        talk = (
            play(TONED).told().presses("2").hears(Script.REFUSAL).leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT)
        )
    else:
        talk = recorded(play(TONED)).presses("*7").stopped()
    assert shown(lasts(talk))[-1] == (AGENT, NOT, Script.NOT_RECORDED)

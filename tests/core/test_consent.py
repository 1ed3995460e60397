from __future__ import annotations

from itertools import product

import pytest

from callguard.core.asking import signal as look_up
from callguard.core.consent import TABLE, Signal, Standing, Turn, move
from callguard.core.events import Outcome, Role
from callguard.core.policy import Mode
from tests.core.play import AGENT, FAR, MODES, Play, play

GRID = list(product(Mode, Standing, Signal))


@pytest.mark.parametrize(("mode", "standing", "signal"), GRID)
def test_the_grid(mode: Mode, standing: Standing, signal: Signal) -> None:
    """A triple has a row and is followed, or changes nothing and is written down."""
    before = Play(MODES[mode]).starts().call.change(FAR, standing=standing)
    done = look_up(before, FAR, signal)
    row = move(mode, standing, signal)
    if row is None:
        assert done.call == before and not done.effects
        assert [record.type for record in done.records] == [Outcome.UNEXPECTED]
    else:
        assert done.call.channels[FAR].standing is row[0]
        assert Outcome.UNEXPECTED not in [record.type for record in done.records]


@pytest.mark.requirement("S42")
def test_grants_have_exactly_five_doors() -> None:
    doors = {
        (mode, before, signal): turn
        for (mode, before, signal), (after, turn) in TABLE.items()
        if after is Standing.GRANTED and before is not Standing.GRANTED
    }
    assert doors == {
        (Mode.ASK, Standing.AWAITING, Signal.YES): Turn.GRANT_EXPRESS,
        (Mode.ASK, Standing.UNNOTIFIED, Signal.AGREED_BEFORE): Turn.GRANT_PRIOR,
        (Mode.ASK, Standing.AWAITING, Signal.ATTESTED): Turn.GRANT_ATTESTED,
        (Mode.ASK, Standing.REFUSED, Signal.ATTESTED_LATE): Turn.GRANT_ATTESTED,
        (Mode.ANNOUNCE, Standing.AWAITING, Signal.LAST_WINDOW_CLOSED): Turn.GRANT_IMPLIED,
    }


def test_only_staff_is_exempt_and_only_before_a_notice() -> None:
    doors = {key[1:] for key, (after, _) in TABLE.items() if after is Standing.EXEMPT}
    assert doors == {(Standing.UNNOTIFIED, Signal.STAFF), (Standing.EXEMPT, Signal.STAFF)}


def test_there_is_no_way_out_of_a_refusal_but_of_one_by_silence() -> None:
    ways = {key[2] for key, (after, _) in TABLE.items() if key[1] is Standing.REFUSED and after is not Standing.REFUSED}
    assert ways == {Signal.ATTESTED_LATE}


def test_nobody_awaits_an_answer_without_having_heard_the_notice() -> None:
    ways = {
        key[1:] for key, (after, _) in TABLE.items() if after is Standing.AWAITING and key[1] is not Standing.AWAITING
    }
    assert ways == {(Standing.NOTIFYING, Signal.NOTICE_ENDED), (Standing.GRANTED, Signal.RULE_GREW)}


@pytest.mark.requirement("S13", "S42")
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("standing", [Standing.NOTIFYING, Standing.AWAITING])
@pytest.mark.parametrize("signal", [Signal.NO, Signal.WITHDRAW])
def test_a_no_is_a_no_in_every_mode(mode: Mode, standing: Standing, signal: Signal) -> None:
    assert move(mode, standing, signal) == (Standing.REFUSED, Turn.REFUSE)


def test_allows() -> None:
    assert {standing for standing in Standing if standing.allows} == {Standing.GRANTED, Standing.EXEMPT}


def test_a_party_that_hung_up_says_nothing() -> None:
    talk = play().told().sees(AGENT, Role.AGENT).hangs_up()
    talk.presses("1").is_quiet().stands(Standing.AWAITING)

"""Gaps in the numbers of events."""

from __future__ import annotations

import pytest

from callguard.pbx.freeswitch.sequence import GRACE, Sequence

EVERY = 5.0


def numbers(own: Sequence, *many: int, core: str = "c1", now: float = 100.0) -> bool:
    """These numbers come; whether another FreeSWITCH was seen."""
    return any([own.heard({"Event-Sequence": str(number), "Core-UUID": core}, now) for number in many])


def test_no_gap_needs_no_look() -> None:
    own = Sequence(EVERY)
    numbers(own, 400, 401, 402)
    assert not own.due(1000.0)


@pytest.mark.fault("signalwire/freeswitch#2061")
def test_a_gap_is_looked_at_when_it_stays() -> None:
    own = Sequence(EVERY)
    numbers(own, 400, 402)
    assert not own.due(100.0 + GRACE / 2) and own.due(100.0 + GRACE)
    own.looked(101.0)
    assert not own.due(200.0)


def test_numbers_that_come_late_fill_the_gap() -> None:
    own = Sequence(EVERY)
    numbers(own, 400, 403, 402, 401)
    assert not own.due(200.0)


def test_gaps_are_looked_at_now_and_then_only() -> None:
    own = Sequence(EVERY)
    own.looked(100.0)
    numbers(own, 400, 402)
    assert not own.due(100.0 + EVERY - 0.1) and own.due(100.0 + EVERY)


def test_a_long_gap_does_not_fill_the_memory() -> None:
    own = Sequence(EVERY)
    numbers(own, 1, 10**15)
    assert own.due(200.0)


def test_another_freeswitch_begins_anew() -> None:
    own = Sequence(EVERY)
    assert not numbers(own, 400)
    assert numbers(own, 3, core="c2") and not numbers(own, 4, core="c2")
    assert not own.due(200.0)


@pytest.mark.parametrize("odd", ["", "x", "-4", "²", "9" * 40])
def test_a_number_that_is_none_is_left_alone(odd: str) -> None:
    own = Sequence(EVERY)
    numbers(own, 400)
    own.heard({"Event-Sequence": odd}, 100.0)
    assert not own.due(200.0)

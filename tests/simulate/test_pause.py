from __future__ import annotations

import pytest

from tests.simulate.pause import Pauses


def typed(*, sure: bool = True) -> Pauses:
    """Four keys of one party, the last one at 3 s."""
    own = Pauses()
    for at in range(4):
        own.pressed("far", at, sure=sure)
    return own


def test_four_keys_are_a_number_unless_they_are_slow_or_of_several() -> None:
    assert typed().causes() == ["while a number is typed"]
    slow, shared = Pauses(), Pauses()
    for count in range(6):
        slow.pressed("far", 2.0 * count, sure=True)
        shared.pressed("far" if count % 2 else "guest", count, sure=True)
    assert slow.causes() == shared.causes() == []


@pytest.mark.parametrize(("at", "after"), [(8.0, ["paused", "while a number is typed"]), (8.1, [])])
def test_the_agents_key_confirms_a_pause_that_has_just_begun_and_ends_an_older_one(at: float, after: list[str]) -> None:
    own = typed()
    own.toggled(at, sounds=False)
    assert own.causes() == after
    own.toggled(20.0, sounds=False)
    assert own.causes() == ([] if after else ["paused"])


def test_keys_that_may_not_have_counted_demand_nothing_until_somebody_is_plain() -> None:
    own = typed(sure=False)
    assert own.causes() == [] and own.unsure
    own.toggled(4.0, sounds=False)
    assert own.causes() == [] and own.unsure
    own.toggled(5.0, sounds=True)
    assert own.causes() == ["paused"] and not own.unsure


def test_keys_that_may_have_begun_a_pause_begin_no_other_one() -> None:
    own = Pauses()
    for at in (0.0, 3.4, 3.5, 3.6, 3.7):
        own.pressed("far", at, sure=at > 0)
    own.ordered(pause=False)
    own.pressed("far", 5.1, sure=True)
    assert own.causes() == []


def test_an_operator_is_plain() -> None:
    own = typed(sure=False)
    own.ordered(pause=True)
    assert own.causes() == ["paused"] and not own.unsure
    own = typed()
    own.ordered(pause=False)
    assert own.causes() == []


def test_a_key_that_nobody_can_place_may_have_begun_a_pause_or_ended_one() -> None:
    own = typed()
    own.doubted()
    assert own.causes() == [] and own.unsure


def test_another_controller_may_have_counted_fewer() -> None:
    own = Pauses()
    for at in range(3):
        own.pressed("far", at, sure=True)
    before = own.copy()
    own.forget()
    own.pressed("far", 3, sure=True)
    assert own.unsure and own.causes() == []
    before.pressed("far", 3, sure=True)
    assert before.causes() == ["while a number is typed"]

"""What an operator orders in a simulated world, and what is held against the controller that takes the order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from callguard.core.word import Role
from tests.simulate.accounts import CallTruth
from tests.simulate.book import Book
from tests.simulate.desk import SHARE, Standing, plan
from tests.simulate.party import Party
from tests.simulate.plot import Plot
from tests.simulate.run import folder
from tests.simulate.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One in which nothing happens by itself."""
    with folder() as data:
        yield World(Random(1), Book(keeps_trace=True), Path(data) / "world")


def played(world: World, *what: tuple[float, object]) -> Book:
    """WORLD to its end; WHAT is to happen in it, and when."""
    for at, action in what:
        world.time.at(at, action)  # type: ignore[arg-type]
    world.time.at(30.0, world.heal)
    world.run()
    return world.book


@pytest.mark.requirement("S110")
def test_a_halt_stands_until_it_is_released_whoever_dies(world: World) -> None:
    standing: list[list[str]] = []
    look = lambda: standing.append([halt.kind for halt in world.desk.standing])  # noqa: E731
    book = played(
        world,
        (1.0, lambda: world.desk.place(world.controller, "support")),
        (2.0, world.crash),
        (4.0, look),
        (5.0, lambda: world.desk.release(world.controller)),
        (6.0, look),
    )
    assert standing == [["support"], []] and book.violations == []
    assert any("releases support" in line for line in book.told)


def test_a_halt_that_no_disk_takes_ends_with_its_controller(world: World) -> None:
    book = played(
        world,
        (1.0, lambda: world.fill_disk(True)),
        (2.0, lambda: world.desk.place(world.controller, "")),
        (3.0, world.crash),
    )
    assert world.desk.standing == [] and any("cannot be written" in line for line in book.told)


def test_who_calls_under_a_halt_of_its_kind_is_covered(world: World) -> None:
    world.desk.standing.append(Standing("support"))
    for kind in ("support", "keeping"):
        world.exchange.parties[kind] = Party(kind, Role.FAR, owner=kind)
        call = world.accounts.calls[kind] = CallTruth(kind, express=True, kind=kind)
        world.desk.entered(kind)
        assert (call.halted, call.unasked) == ((True, True) if kind == "support" else (False, False))


def test_most_worlds_hear_no_orders_and_their_chance_is_left_alone(world: World) -> None:
    plot, before = Plot(world, world.chance), world.chance.getstate()
    ordered = 0
    for seed in range(200):
        plot.calls.clear()
        plot.ends_at = 10.0
        plan(plot, Random(seed))
        ordered += world.chance.getstate() != before
        world.chance.setstate(before)
    assert 0 < ordered < 2 * SHARE * 200

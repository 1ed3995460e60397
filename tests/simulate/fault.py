"""What breaks in a world, and when it is mended.

What belongs here: one function a fault. What does not: people (plot.py). Two processes of ours that are killed at the
same time are not simulated: nobody would be left to act.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from tests.simulate.world import World

SOME = 4.0
"""The most seconds that most faults last."""
REQUESTS = ("MaskRecording", "UnmaskRecording", "StartRecording", "StopRecording", "PlayPrompt", "Answer", "SendOn")


def plan(world: World, chance: Random, until: float) -> None:
    """Some faults, none in half of all worlds."""
    for _ in range((0, 0, 0, 1, 1, 2)[int(chance.random() * 6)]):
        name = FAULTS[int(chance.random() * len(FAULTS))]
        when = chance.random() * until
        if name is crashes:
            _strike(crashes, world, chance)
        else:
            world.time.after(when, _strike, name, world, chance)


def _strike(fault: Callable[[World, Random], None], world: World, chance: Random) -> None:
    world.book.note("fault", fault.__name__)
    world.book.add("faults")
    world.book.add(f"fault {fault.__name__}")
    fault(world, chance)


def _later(world: World, chance: Random, action: Callable[[], object], most: float = SOME) -> None:
    world.time.after(0.02 + chance.random() ** 2 * most, action)


def crashes(world: World, chance: Random) -> None:
    """The controller is killed after any of its callbacks, and comes back."""
    world.crash_at.append(int(chance.random() ** 1.5 * 600))
    world.crash_at.sort()
    world.back_after = 0.02 + chance.random() ** 2 * 5.0


def sleeps(world: World, chance: Random) -> None:
    """It is stopped for a while."""
    world.sleep(0.05 + chance.random() ** 2 * 4.0)


def loses_link(world: World, chance: Random) -> None:
    """The controller's links to the PBX break."""
    world.cut_link()
    _later(world, chance, world.mend_link)


def loses_news(world: World, chance: Random) -> None:
    """The PBX drops news, and that is noticed by their numbers."""
    world.lose_news()
    _later(world, chance, world.notice_gap, 1.0)


def loses_store(world: World, chance: Random) -> None:
    """Postgres goes away."""
    world.lose_store()
    _later(world, chance, world.mend_store)


def store_hangs(world: World, chance: Random) -> None:
    """Postgres stops answering."""
    world.postgres.hangs = True
    _later(world, chance, world.mend_store)


def store_is_slow(world: World, chance: Random) -> None:
    """Postgres takes its time."""
    world.postgres.slow = 0.05 + chance.random() * 1.2
    _later(world, chance, world.mend_store)


def store_forgets(world: World, chance: Random) -> None:
    """A commit is done, and its answer lost."""
    world.postgres.forgets += 1


def disk_fills(world: World, chance: Random) -> None:
    """No disk takes anything."""
    world.fill_disk(True)
    _later(world, chance, lambda: world.fill_disk(False))


def spool_fills(world: World, chance: Random) -> None:
    """The spool's disk takes nothing, and the store is away: neither log nor spool."""
    if world.controller:
        world.controller.spool.full = True
    loses_store(world, chance)
    _later(world, chance, lambda: world.fill_disk(False))


def clock_steps(world: World, chance: Random) -> None:
    """The machine's wall clock is set, by an hour or less."""
    by = (3600.0, -3600.0, 1.0, -1.0)[int(chance.random() * 4)]
    world.clock.offset += timedelta(seconds=by)
    for tape in world.exchange.tapes.values():
        tape.rewound += max(0.0, -by) if tape.runs else 0.0
    world.clock.synchronised = not world.clock.synchronised


def guard_dies(world: World, chance: Random) -> None:
    """kill -9 of the guard; another one is started."""
    world.kill_guard()
    _later(world, chance, world.revive_guard)


def refuses(world: World, chance: Random) -> None:
    """The PBX says no to the next request of some kind."""
    kind = REQUESTS[int(chance.random() * len(REQUESTS))]
    world.weather.refuse[kind] = 1 + int(chance.random() * 2)


def answers_nothing(world: World, chance: Random) -> None:
    """The PBX does what it is asked to, and its answer is lost."""
    kind = REQUESTS[int(chance.random() * 4)]
    world.weather.mute[kind] = 1


def stutters(world: World, chance: Random) -> None:
    """News come twice, and late."""
    world.weather.twice, world.weather.slow = 0.3, 0.8


FAULTS: tuple[Callable[[World, Random], None], ...] = (
    crashes, crashes, crashes, sleeps, loses_link, loses_link, loses_news, loses_news, loses_store, store_hangs,
    store_is_slow, store_forgets, disk_fills, spool_fills, clock_steps, guard_dies, refuses, refuses, answers_nothing,
    stutters,
)  # fmt: skip

"""From a seed to a world and its judgement, and the sums over many.

What belongs here: playing one world, playing many, adding up. What does not: the command line (__main__.py).
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import starmap
from pathlib import Path
from random import Random

from tests.simulate import desk, ear, fault
from tests.simulate.book import Book
from tests.simulate.judgement import judge
from tests.simulate.plot import Plot
from tests.simulate.world import World

SHARED = Path("/dev/shm")
"""Memory as a folder, where there is one: the spool's fsync costs nothing there."""
PART = 100
"""Worlds that one process plays in a row."""
COUNTED = ("calls", "rows", "requests", "faults", "crashes", "incidents")
"""What the last line counts."""


@dataclass
class Found:
    """The sums of many worlds. `lines`: what to print of them; `kinds`: violations."""

    sums: Counter[str] = field(default_factory=Counter)
    worlds: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def add(self, book: Book, again: str) -> None:
        """One more world. AGAIN: how to play it alone."""
        self.worlds += 1
        self._sum(book.sums)
        self.kinds.update(kind for kind, _ in book.violations)
        self.lines += [*book.told, *(f"violation: {kind}: {what}; alone: {again}" for kind, what in book.violations)]

    def merge(self, other: Found) -> None:
        """What another one found, without its lines."""
        self.worlds += other.worlds
        self._sum(other.sums)
        self.kinds.update(other.kinds)

    def _sum(self, sums: Counter[str]) -> None:
        for name, amount in sums.items():
            most = name.startswith("most ")
            self.sums[name] = max(self.sums[name], amount) if most else self.sums[name] + amount

    def summary(self) -> str:
        """One line over all of it."""
        counts = ", ".join(f"{self.sums[name]:.0f} {name}" for name in COUNTED)
        react, dark = self.sums["most react"], self.sums["most dark"]
        return (
            f"{self.worlds} worlds: {counts}; {self.sums['recorded']:.0f} s recorded, "
            f"react at most {react * 1000:.0f} ms, dark at most {dark * 1000:.0f} ms; "
            f"{self.kinds.total()} violations"
        )


def folder() -> tempfile.TemporaryDirectory[str]:
    """Where worlds keep their files."""
    fast = SHARED if os.access(SHARED, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="callguard-simulation-", dir=fast)


def play(seed: int, data: Path | str, *, trace: bool = False, defect: str = "", crash: int = 0) -> Book:
    """The world of SEED, from its beginning to its judgement, with a planted DEFECT or none. CRASH: its controller is
    killed after so many callbacks, besides what the seed has for it."""
    chance = Random(f"callguard/{seed}")
    book = Book(keeps_trace=trace)
    world = World(chance, book, Path(data) / str(seed), least=chance.random() < 0.1, defect=defect)
    plot = Plot(world, chance)
    plot.call(0.2)
    if chance.random() < 0.08:
        plot.call(0.2 + chance.random() * 3.0)
    desk.plan(plot, Random(f"callguard/orders/{seed}"))
    ear.plan(plot, Random(f"callguard/ears/{seed}"))
    fault.plan(world, chance, plot.ends_at)
    if crash:
        world.crash_at.insert(0, crash)
        book.add("faults")
    world.time.after(plot.ends_at, plot.everybody_hangs_up)
    world.time.after(plot.ends_at + 1.0, world.heal)
    world.run()
    judge(world)
    book.add("callbacks", world.steps_of_controllers)
    return book


def some(first: int, count: int, *, trace: bool = False, defect: str = "", crash: int = 0) -> Found:
    """Worlds FIRST to FIRST + COUNT - 1, one after the other."""
    found = Found()
    more = f" --defect {defect}" * bool(defect) + f" --crash {crash}" * bool(crash)
    with folder() as data, _without_collector():
        for seed in range(first, first + count):
            again = f"python -m tests.simulate --seed {seed} --calls 1 --trace{more}"
            found.add(play(seed, data, trace=trace, defect=defect, crash=crash), again)
    return found


@contextmanager
def _without_collector() -> Iterator[None]:
    """A world is small and soon gone: looking for what to free again and again costs a tenth of the time."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.unfreeze()


def many(
    first: int, count: int, processes: int = 1, *, trace: bool = False, defect: str = "", crash: int = 0
) -> Iterator[Found]:
    """The same in parts, in order, by several PROCESSES."""
    parts = [(start, min(PART, first + count - start)) for start in range(first, first + count, PART)]
    one = partial(some, trace=trace, defect=defect, crash=crash)
    if min(processes, len(parts)) == 1:
        yield from starmap(one, parts)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(one, *zip(*parts, strict=True))

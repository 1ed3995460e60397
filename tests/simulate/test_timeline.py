from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.simulate.timeline import Loop, Timeline


def loop_on(time: Timeline, *, at_once: bool = False) -> Loop:
    return Loop(time, lambda: (0.5, at_once))  # type: ignore[abstract]


def run(time: Timeline, loop: Loop, until: float = 100.0) -> None:
    """As the world does it."""
    while loop.can_step or time.next_at() <= until:
        if loop.can_step:
            loop.step()
            continue
        coming = time.advance()
        if loop.asleep and coming.owner is loop:
            loop.late.append(coming)
        else:
            coming.action(*coming.args)


def test_what_comes_at_the_same_moment_comes_in_the_order_it_was_asked_for() -> None:
    time, seen = Timeline(), list[str]()
    for name in "abc":
        time.at(1.0, seen.append, name)
    time.at(0.5, seen.append, "first")
    time.at(0.7, seen.append, "never").cancel()
    while time.next_at() < 2:
        coming = time.advance()
        coming.action(*coming.args)
    assert seen == ["first", "a", "b", "c"] and time.now == 1.0


async def _naps(time: Timeline, seen: list[float]) -> None:
    await asyncio.sleep(1.0)
    seen.append(time.now)
    async with asyncio.timeout(2.0):
        await asyncio.Event().wait()


def test_a_task_lives_on_virtual_time() -> None:
    time, seen = Timeline(), list[float]()
    loop = loop_on(time)
    task = loop.create_task(_naps(time, seen))
    run(time, loop)
    assert seen == [1.0] and time.now == 3.0 and isinstance(task.exception(), TimeoutError)


def test_a_process_that_is_stopped_catches_up() -> None:
    time, seen = Timeline(), list[float]()
    loop = loop_on(time)
    loop.create_task(_naps(time, seen))
    loop.step()
    loop.asleep = True
    time.at(5.0, loop.wake)
    run(time, loop, until=5.0)
    assert seen == [5.0]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_thread_takes_time_and_brings_its_outcome(at_once: bool) -> None:
    time, ran_at = Timeline(), list[float]()
    loop = loop_on(time, at_once=at_once)

    def works() -> str:
        ran_at.append(time.now)
        return "done"

    async def waits(work: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(work)

    async def fails() -> None:
        with pytest.raises(ZeroDivisionError):
            await waits(lambda: 1 // 0)

    tasks = [loop.create_task(each) for each in (waits(works), fails())]
    run(time, loop)
    assert tasks[0].result() == "done" and tasks[1].result() is None
    assert ran_at == [0.0 if at_once else 0.5] and time.now == 0.5


def test_what_a_dead_process_waited_for_does_not_come() -> None:
    time, seen = Timeline(), list[float]()
    loop = loop_on(time)
    story: Coroutine[Any, Any, None] = _naps(time, seen)
    task = loop.create_task(story)
    loop.step()
    loop.die([task])
    assert task.cancelled() and time.next_at() == float("inf") and not loop.can_step
    assert loop.is_closed() and not loop.is_running()


def test_an_error_that_nobody_waits_for_is_kept() -> None:
    time = Timeline()
    loop = loop_on(time)
    loop.call_soon(lambda: 1 // 0)
    loop.step()
    assert loop.broken == ["ZeroDivisionError: integer division or modulo by zero"]

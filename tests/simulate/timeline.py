"""Virtual time: one heap of things to come, and an asyncio loop that lives on it, one callback at a time.

What belongs here: order. Nothing reads a clock, sleeps, or starts a thread; what happens at the same moment happens in
the order in which it was asked for. What does not: what happens.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context, copy_context
from typing import Any

Action = Callable[..., object]


class Coming:
    """Something that will happen at `when` (seconds), unless it is cancelled."""

    __slots__ = ("action", "args", "off", "owner", "when")

    def __init__(self, when: float, action: Action, args: tuple[Any, ...], owner: Loop | None) -> None:
        self.when, self.action, self.args, self.owner, self.off = when, action, args, owner, False

    def cancel(self) -> None:
        """It will not happen."""
        self.off = True

    @property
    def is_void(self) -> bool:
        """Whether it was cancelled, or its process died."""
        return self.off or (self.owner is not None and self.owner.dead)


class Timeline:
    """The world's time in seconds, and what is to come."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Coming]] = []
        self._count = 0

    def at(self, when: float, action: Action, *args: Any, owner: Loop | None = None) -> Coming:
        """ACTION at WHEN, or now where that is past. OWNER: the process that waits for it."""
        coming = Coming(max(when, self.now), action, args, owner)
        self._count += 1
        heapq.heappush(self._heap, (coming.when, self._count, coming))
        return coming

    def after(self, seconds: float, action: Action, *args: Any, owner: Loop | None = None) -> Coming:
        """ACTION in so many seconds."""
        return self.at(self.now + seconds, action, *args, owner=owner)

    def next_at(self) -> float:
        """When the next thing happens; infinity when nothing will."""
        while self._heap and self._heap[0][2].is_void:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def advance(self) -> Coming:
        """Go to the next thing, and take it off. Its owner may sleep: then nobody runs it yet."""
        when, _, coming = heapq.heappop(self._heap)
        self.now = max(self.now, when)
        return coming


class Handle:
    """What asyncio holds of a callback of ours."""

    __slots__ = ("args", "callback", "context", "off", "timer")

    def __init__(self, callback: Action, args: tuple[Any, ...], context: Context | None) -> None:
        self.callback, self.args, self.off = callback, args, False
        self.context = copy_context() if context is None else context
        self.timer: Coming | None = None

    def cancel(self) -> None:
        """It will not run."""
        self.off = True
        if self.timer is not None:
            self.timer.cancel()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.off


class Loop(asyncio.AbstractEventLoop):
    """The event loop of one process. `step` runs one callback: between two of them the process may die.

    `asleep`: the process is stopped; what is due waits. `thread`: seconds that work in a thread takes, and whether it
    is done at the beginning of them. `broken`: what no task was there to hear of.
    """

    def __init__(self, time: Timeline, thread: Callable[[], tuple[float, bool]]) -> None:
        self.timeline, self.thread = time, thread
        self.ready: deque[Handle] = deque()
        self.late: deque[Coming] = deque()
        self.dead = self.asleep = self.buried = False
        self.broken: list[str] = []

    # ------------------------------------------------------------ for the world
    @property
    def can_step(self) -> bool:
        """Whether a callback waits and the process runs."""
        return bool(self.ready) and not self.dead and not self.asleep

    def step(self) -> None:
        """Run one callback."""
        self.steps(lambda: False)

    def steps(self, goes_on: Callable[[], bool]) -> None:
        """Run one callback, and as many more as are ready for as long as GOES_ON says so behind each."""
        asyncio._set_running_loop(self)
        try:
            self._step()
            while goes_on() and self.can_step:
                self._step()
        finally:
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        handle = self.ready.popleft()
        if handle.off:
            return
        try:
            handle.context.run(handle.callback, *handle.args)
        except Exception as error:  # noqa: BLE001 -- of a bare callback: asyncio's own loop logs it and goes on, and so does the world
            self.broken.append(f"{type(error).__name__}: {error}")

    def wake(self) -> None:
        """The process runs again: what came due meanwhile is due now."""
        self.asleep = False
        while self.late:
            late = self.late.popleft()
            if not late.is_void:
                late.action(*late.args)

    def die(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """The process was killed. What its TASKS do while they are taken apart reaches nobody: ports see that it is
        dead."""
        self.dead = True
        for task in tasks:
            task.cancel()
        while self.ready:
            self.step()
        self.buried = True

    # ------------------------------------------------------------ for asyncio
    def time(self) -> float:
        """Monotonic seconds."""
        return self.timeline.now

    def call_soon(self, callback: Action, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        """Behind everything that is ready."""
        handle = Handle(callback, args, context)
        if not self.buried:
            self.ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(self, when: float, callback: Action, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        """Ready at WHEN."""
        handle = Handle(callback, args, context)
        if not self.dead:
            handle.timer = self.timeline.at(when, self.ready.append, handle, owner=self)
        return handle

    def call_later(self, delay: float, callback: Action, *args: Any, context: Context | None = None) -> Any:  # type: ignore[override]
        """Ready in so many seconds."""
        return self.call_at(self.timeline.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, Any], **more: Any) -> Any:  # type: ignore[override]
        """A task of this loop."""
        return asyncio.Task(coro, loop=self, **more)

    def run_in_executor(self, executor: Any, func: Action, *args: Any) -> Any:  # type: ignore[override]
        """FUNC as a thread would do it: at the beginning of its time or at the end, without a thread."""
        future = self.create_future()
        if self.dead:
            return future
        seconds, at_once = self.thread()
        if at_once:
            self.timeline.after(seconds, _settle, future, _outcome(func, args), owner=self)
        else:
            self.timeline.after(seconds, lambda: _settle(future, _outcome(func, args)), owner=self)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """An error that nobody waits for."""
        error = context.get("exception")
        if not self.dead and error is not None:
            self.broken.append(f"{type(error).__name__}: {error}")

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """As long as the process lives."""
        return not self.dead

    def is_closed(self) -> bool:
        """When it died."""
        return self.dead


def _outcome(func: Action, args: tuple[Any, ...]) -> tuple[object, BaseException | None]:
    try:
        return func(*args), None
    except Exception as error:  # noqa: BLE001 -- whoever waits for the thread gets it
        return None, error


def _settle(future: asyncio.Future[Any], outcome: tuple[object, BaseException | None]) -> None:
    if future.done():
        return
    result, error = outcome
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)

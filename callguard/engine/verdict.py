"""When files are measured and destroyed: verdicts one after another, destruction at once.

What belongs here: the thread that measures, so that fifty calls that end together keep neither the watch over running
recorders nor the log waiting for a thread. What does not: how a file is measured or destroyed (archive.py).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from callguard.core.effects import DiscardRecording, MeasureRecording
from callguard.core.events import EffectFailed, Event
from callguard.engine import clock
from callguard.engine.archive import Archive
from callguard.ports import Playable


class Verdicts:
    """Carries out what is asked about files. Make it anywhere; use it in one event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "verdict")
        self._asked: set[str] = set()
        self._closed = False

    async def of(
        self, archive: Archive, effect: MeasureRecording | DiscardRecording, line: Playable | None
    ) -> tuple[Event, ...]:
        """The facts that answer EFFECT; none where it is being measured already, or never will be."""
        try:
            if isinstance(effect, DiscardRecording):
                return (await asyncio.to_thread(archive.discard, effect),)
            return await self._measured(archive, effect, line)
        except OSError as error:
            failed = EffectFailed(
                at=clock.read().wall,
                channel_id=effect.channel_id,
                effect=type(effect).__name__,
                recording_id=effect.recording_id,
                reason=type(error).__name__,
            )
            return (failed,)

    async def _measured(self, archive: Archive, effect: MeasureRecording, line: Playable | None) -> tuple[Event, ...]:
        if self._closed or effect.recording_id in self._asked:
            return ()
        self._asked.add(effect.recording_id)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, archive.measure, effect, line)
        finally:
            self._asked.discard(effect.recording_id)

    def close(self) -> None:
        """Begin no other verdict: the next controller gives those that wait."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

"""The dead man's switch: FreeSWITCH itself stops a recording unless we keep asking it not to.

What belongs here: one scheduled stop a recording, renewed. What does not: the guard, which acts sooner
(callguard/guard.py): this one works when every process of ours is gone. A new stop is scheduled before the old one is
taken back, under a name of its own, so that there is no moment without one. It names the file: one that was left
behind must not end the recording that came after. FreeSWITCH counts in whole seconds.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from callguard.errors import CallguardError, PbxRefused
from callguard.pbx.freeswitch.codec import Frame
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.site import OWN_PREFIX

SECONDS = 4
"""After how many seconds without us a recording stops."""
EVERY = 1.5
"""Seconds between renewals: one may be lost."""


class DeadMan:
    """Schedules and takes back. `every`: seconds between renewals."""

    def __init__(self, every: float = EVERY) -> None:
        self.every = every
        self._esl: Esl | None = None
        self._turns: dict[str, int] = {}

    def attach(self, esl: Esl | None) -> None:
        """Use ESL from now on; None: the link is down, and the switches will act."""
        self._esl = esl

    async def arm(self, recording_id: str, channel_id: str, path: Path) -> str:
        """Schedule the first stop of a recording into PATH: why it cannot be, '' when it is."""
        if self._esl is None:
            return "link lost"
        self._turns[recording_id] = 0
        try:
            said = await self._esl.ask(_schedule(recording_id, channel_id, path, 0))
        except CallguardError as wrong:
            return wrong.reason if isinstance(wrong, PbxRefused) else "link lost"
        return "" if said.startswith("+OK") else "refused"

    def renew(self, recording_id: str, channel_id: str, path: Path) -> None:
        """Schedule the next stop, then take the one before it back. Those of a controller before us go at once: which
        of them was its last, we do not know.
        """
        if self._esl is None:
            return
        if recording_id not in self._turns:
            self._take_back(recording_id)
        before = self._turns.get(recording_id, 1)
        self._turns[recording_id] = 1 - before
        self._esl.send(_schedule(recording_id, channel_id, path, 1 - before)).add_done_callback(
            lambda answer: self._renewed(answer, recording_id, before)
        )

    def disarm(self, recording_id: str) -> None:
        """The recording ended: nothing is left to stop."""
        if self._turns.pop(recording_id, None) is not None:
            self._take_back(recording_id)

    def _take_back(self, recording_id: str) -> None:
        if self._esl is not None:
            for turn in (0, 1):
                self._esl.send(f"api sched_del {_group(recording_id, turn)}")

    def _renewed(self, answer: asyncio.Future[Frame], recording_id: str, before: int) -> None:
        """The old one goes only when the new one is there."""
        there = not answer.cancelled() and answer.exception() is None and answer.result().text.startswith("+OK")
        if self._esl is not None and there:
            self._esl.send(f"api sched_del {_group(recording_id, before)}")


def _group(recording_id: str, turn: int) -> str:
    return f"{OWN_PREFIX}{recording_id}-{turn}"


def _schedule(recording_id: str, channel_id: str, path: Path, turn: int) -> str:
    return f"api sched_api +{SECONDS} {_group(recording_id, turn)} uuid_record {channel_id} stop {path}"

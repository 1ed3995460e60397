"""The simulated guard: it stops recorders and sends callers on when nobody beats, and writes down that it did.

What belongs here: when it trips and what it does then, as callguard/guard.py does it. What does not: the beat's socket.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from callguard.guard import AGAIN, TICK
from tests.simulate.accounts import REQUEST_MOST
from tests.simulate.exchange import Exchange
from tests.simulate.timeline import Timeline
from tests.simulate.watch import Register

PATIENCE = 1.0


@dataclass
class Guard:
    """A process beside the controller. `beat`: somebody beats; `trips`: how often nobody did."""

    time: Timeline
    chance: Random
    exchange: Exchange
    register: Register
    journal: Path
    wall: Callable[[], Any]
    alive: bool = True
    beat: bool = False
    trips: int = 0
    done: set[str] = field(default_factory=set)
    absent: dict[str, str] = field(default_factory=dict)
    turn: int = 0

    def beaten(self) -> None:
        """A controller beats again."""
        self.beat = self.alive
        self.done.clear()
        self.absent.clear()

    def silent(self, *, broken: bool) -> None:
        """The beat ends. BROKEN: with the connection, which is noticed at once."""
        self.beat = False
        self.turn += 1
        wait = TICK * self.chance.random() + (0.0 if broken else PATIENCE)
        self.time.after(wait, self._trip, self.turn)

    def _trip(self, turn: int) -> None:
        if self.alive and not self.beat and turn == self.turn:
            self.trips += 1
            self._act(turn)

    def _act(self, turn: int) -> None:
        """Stops first. Again and again, until somebody beats."""
        if self.beat or not self.alive or turn != self.turn:
            return
        for recording_id in list(self.register.recordings):
            self._request(self._stop, recording_id)
        for channel_id in list(self.register.waiting):
            self._request(self._send_on, channel_id)
        self.time.after(AGAIN, self._act, turn)

    def _request(self, action: Callable[[str], None], what: str) -> None:
        if what not in self.done:
            self.done.add(what)
            self.time.after(self.chance.random() * REQUEST_MOST, action, what)

    def _stop(self, recording_id: str) -> None:
        stopped, at = self.exchange.stop(recording_id), self.wall().isoformat()
        if stopped or recording_id in self.absent:
            self._note("stopped", recording_id, self.absent.get(recording_id, at))
        else:
            self.absent[recording_id] = at
            self.done.discard(recording_id)

    def _send_on(self, channel_id: str) -> None:
        if self.exchange.send_on(channel_id):
            self.register.waiting.pop(channel_id, None)
            self._note("sent_on", channel_id, self.wall().isoformat())
        else:
            self.done.discard(channel_id)

    def _note(self, what: str, own: str, at: str) -> None:
        with self.journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": at, what: own}) + "\n")

    def die(self) -> None:
        """kill -9."""
        self.alive = self.beat = False

"""What a PBX adapter adds by itself: the register of what runs, and the watch over the files.

What belongs here: news that no PBX gives: a file was opened, grows, stands still, is whole, is not there. What does
not: requests and news on the wire (wire.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from callguard.core.events import (
    ChannelHungUp,
    ChannelLeft,
    LegSilent,
    RecordingDamaged,
    RecordingEvent,
    RecordingGrowing,
    RecordingLost,
    RecordingOpened,
    StopObserved,
)
from callguard.ports import Entered, Heard, Said
from tests.simulate.exchange import Exchange
from tests.simulate.tape import SAMPLES, Tape
from tests.simulate.timeline import Loop, Timeline

STALL = 4.5
"""Seconds after which a file that does not grow is reported."""


@dataclass
class Register:
    """What of ours runs, on the disk of the PBX's machine: the guard and the next controller find it. `waiting`: who
    waits, and since when a controller that came later has it there, 0.0 from its first moment."""

    recordings: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, float] = field(default_factory=dict)

    def note(self, heard: Heard) -> None:
        """What is heard of channels that wait."""
        match heard:
            case Entered(channel=channel, waiting=True):
                self.waiting[channel.channel_id] = 0.0
            case Said(ChannelLeft(channel_id=channel_id) | ChannelHungUp(channel_id=channel_id)):
                self.waiting.pop(channel_id, None)


@dataclass
class Watch:
    """Of one controller. `said` takes a kind of event, a channel and values; `told`: what was said of each file."""

    time: Timeline
    loop: Loop
    exchange: Exchange
    register: Register
    chance: Random
    said: Callable[..., None]
    told: dict[str, set[str]] = field(default_factory=dict)

    def expect(self, recording_id: str) -> None:
        """It was asked for."""
        self.told.setdefault(recording_id, set())

    def ended(self, tape: Tape) -> None:
        """A recorder ended: its header becomes final."""
        if tape.recording_id in self.told:
            self._soon(0.25, self._final, tape)

    def watch(self, recording_id: str) -> None:
        """Look at its file from now on."""
        told = self.told.setdefault(recording_id, set())
        tape = self.exchange.tapes.get(recording_id)
        if tape is None:
            if recording_id in self.register.recordings:
                self._soon(1.0, self._absent, recording_id)
            return
        if "opened" not in told:
            self._soon(0.03, self._opened, tape)
        if tape.runs:
            self._soon(2.1, self._grow, tape)
        else:
            self._soon(0.25, self._final, tape)

    def _soon(self, most: float, action: Callable[..., None], *args: Any) -> None:
        self.time.after((0.3 + 0.7 * self.chance.random()) * most, action, *args, owner=self.loop)

    def _once(self, recording_id: str, what: str) -> bool:
        told = self.told.setdefault(recording_id, set())
        fresh = what not in told
        told.add(what)
        return fresh

    def _absent(self, recording_id: str) -> None:
        if recording_id not in self.exchange.tapes and self._once(recording_id, "final"):
            channel_id = self.register.recordings.pop(recording_id, "")
            self.said(RecordingLost, channel_id, recording_id=recording_id, reason="no file")

    def _opened(self, tape: Tape) -> None:
        if self._once(tape.recording_id, "opened"):
            self._tell(RecordingOpened, tape, 0)

    def _grow(self, tape: Tape) -> None:
        if not tape.runs:
            return
        if tape.full:
            self._soon(STALL, self._stalled, tape)
            return
        self._tell(RecordingGrowing, tape, round((self.time.now - tape.started) * SAMPLES))
        self.time.after(10.0, self._grow, tape, owner=self.loop)

    def fill(self) -> None:
        """The disk is full: files that grew do not."""
        for own in self.told:
            tape = self.exchange.tapes.get(own)
            if tape and tape.runs:
                self._soon(STALL, self._stalled, tape)

    def _stalled(self, tape: Tape) -> None:
        if tape.runs and tape.full and self._once(tape.recording_id, "stalled"):
            about = {"recording_id": tape.recording_id, "findings": ("stalled",)}
            self.said(RecordingDamaged, tape.channel_id, offset_samples=round(tape.grown * SAMPLES), **about)

    def missed(self, tape: Tape, milliseconds: int) -> None:
        """One side of a file is silent, for so long."""
        if tape.runs and tape.recording_id in self.told:
            side = ("left", "right")[int(self.chance.random() * 2)]
            self.said(LegSilent, tape.channel_id, recording_id=tape.recording_id, side=side, milliseconds=milliseconds)

    def _final(self, tape: Tape) -> None:
        if self._once(tape.recording_id, "final"):
            self.register.recordings.pop(tape.recording_id, None)
            self._tell(StopObserved, tape, round(tape.grown * SAMPLES))

    def _tell(self, kind: type[RecordingEvent], tape: Tape, place: int) -> None:
        self.said(kind, tape.channel_id, recording_id=tape.recording_id, offset_samples=place)

"""One recording held against the clock: what its files prove, as facts.

What belongs here: pure bookkeeping; time is an argument (`now`: monotonic seconds, `at`: aware UTC). What does not:
looking at the files (probe.py), talking to the PBX (recorder.py). Asterisk writes 32 KiB at a time, which is two
seconds of sound, and states the length in the header only when the recorder ended.
"""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime
from typing import Any

from callguard.core.events import (
    EffectFailed,
    Event,
    LegSilent,
    MaskObserved,
    RecordingDamaged,
    RecordingGrowing,
    RecordingLost,
    RecordingOpened,
    StopAcknowledged,
    StopObserved,
    UnmaskObserved,
)
from callguard.core.recording import FILE_GONE, RECORDER_DIED
from callguard.pbx.asterisk.mask import SLACK, Finding, MaskWatch
from callguard.pbx.asterisk.probe import TAIL, Look

RATE = 8000
OPEN_SECONDS = 1.0
STALL_SECONDS = 4.5
FINISH_SECONDS = 3.0
REFUSAL_SECONDS = 1.0
GROWTH_EVERY = 10.0
DOUBT = SLACK // 2
"""Samples (0.1 s) by which a step of the file may be late for no reason."""
KEY = 0.17
"""Seconds that a file falls behind the clock for each short key that its party sends instead of audio, in a bridge of
three and more: Asterisk hands a recorder nothing meanwhile, nor for as long as a key is held."""
RELEASE = 0.07
"""Seconds of that behind the end of a key: it is sent three times."""
CLOCKS = 0.05
"""Seconds by which the clock of a file system may differ from ours."""
FELL = 0.05
"""Seconds by which it has to fall behind to be told of."""
STOOD_STILL = 0.15
"""Seconds by which a file that is written all the time may be late under a mask without having stood still."""
BLOCK = 16384
"""Samples that Asterisk writes at a time; part of a block is what a disk still took before it was full."""
_EMPTY_SECONDS = 0.25
SOUND_SECONDS = 4.8
"""After so long a mask that was ended has to have let sound through: Asterisk writes two seconds at a time."""
HEARD_SECONDS = 0.5
"""How long after its end in the file the reason may be told: a PBX writes it before it tells of a hang-up."""
NO_SOUND = "no sound in the file"
SHRANK = "shrank"


class Watch:
    """Follows one recording from its acknowledgement to its final header. `done`: nothing more will be said; `ended`:
    and its file proves that it ended. DOUBT: samples by which the recorder's clock may seem to lag behind without being
    corrected; LOOKS: how many looks in a row have to say so. A file that is written all the time tells more than one
    that grows by steps, and may stand still under a mask: on hold FreeSWITCH writes nothing.
    """

    def __init__(
        self, recording_id: str, channel_id: str, *, found_running: bool = False, doubt: int = DOUBT, looks: int = 1
    ) -> None:
        self.done = self.ended = False
        self._ids: dict[str, Any] = {"recording_id": recording_id, "channel_id": channel_id}
        self._masks = MaskWatch()
        self._started: float | None = None  # when sample 0 was written, by our clock
        self._doubt, self._starts = doubt, deque[float](maxlen=looks)
        self._always = looks > 1
        self._early: list[tuple[float, bool]] = []
        self._sound_due: float | None = None
        self._acknowledged: float | None = None
        self._opened = found_running
        self._seen = not found_running
        self._found_running = found_running
        self.samples = -1
        self._looked = 0.0
        self._fallen = self._told_fallen = 0.0  # seconds behind the clock, and what of that was told
        self._grown_at = 0.0
        self._said_growing: float | None = None
        self._quiet_from = -1
        self._quiet = ""
        self._stalled = self._may_stand = self._turned = False
        self._stopping: float | None = None
        self._refused: float | None = None
        self._final: tuple[float, datetime] | None = None
        self._absent_for_good = False

    # ------------------------------------------------------------ what the PBX answered
    def acknowledged(self, now: float) -> None:
        """The recorder was started: the clock runs from here."""
        self._acknowledged = self._grown_at = now
        self._started = now

    def found(self, now: float, began: float | None = None) -> None:
        """The recorder was running before we were. BEGAN: its clock as it was last known; else that follows from the
        next growth."""
        self._acknowledged = self._grown_at = now
        self._started = None if began is None or began > now else began

    def masked(self, now: float) -> None:
        """A mask was acknowledged."""
        self._may_stand = self._always
        self._turn(now, silent=True)

    def unmasking(self, now: float) -> None:
        """The mask's end was asked for: sound is no surprise from here on."""
        if self._may_stand:
            self._may_stand, self._grown_at = False, now
        if self._found_running and not self._turned:  # it was masked by whoever was here before
            self._turn(self._acknowledged or now, silent=True)
        self._turn(now, silent=False)

    def _turn(self, now: float, *, silent: bool) -> None:
        self._turned = True
        self._sound_due = None if silent else now + SOUND_SECONDS
        if self._started is None:
            self._early.append((now, silent))  # of a recorder found running: where in the file is known when it grows
        else:
            self._masks.turn(silent=silent, expected=self.offset(now))

    def typed(self, now: float, held: float = 0.0) -> None:
        """Its party pressed a key, for HELD seconds as far as is known: the file may grow so much later."""
        lacks = max(KEY, held + RELEASE)
        self._grown_at = max(self._grown_at, min(now, self._grown_at + lacks))
        self._sound_due = self._sound_due and self._sound_due + lacks

    def ending(self, now: float) -> None:
        """The recorder was stopped, or its channel is gone: the headers have to become final."""
        self._stopping = now if self._stopping is None else self._stopping

    def refused(self, now: float) -> None:
        """A stop was refused: either the recorder had ended already, which its headers show, or it runs on."""
        self._refused = now

    # ------------------------------------------------------------ questions
    @property
    def began(self) -> float | None:
        """When sample 0 was written, by the clock; None while that is not known."""
        return self._started

    def offset(self, now: float) -> int:
        """The sample that is written NOW, by the clock; -1 while that is not known."""
        return -1 if self._started is None else max(0, round((now - self._started) * RATE))

    def since(self) -> int | None:
        """From which sample on the next look has to bring the sound."""
        return self._masks.since()

    @property
    def begun(self) -> bool:
        """Whether it was acknowledged, or found running."""
        return self._acknowledged is not None

    @property
    def unseen(self) -> bool:
        """Whether nothing proves yet that it has a file: where no look comes back, there is none."""
        return not self._opened

    @property
    def urgent(self) -> bool:
        """Whether a fact may be due within milliseconds."""
        moments = (self._stopping, self._refused, self._final)
        return not self._opened or any(moment is not None for moment in moments)

    @property
    def astray(self) -> bool:
        """Whether its files are gone and nobody heard that it ended: it may write elsewhere, and has to be stopped."""
        return self._absent_for_good and self._stopping is None and self._refused is None

    def observe(self, now: float, at: datetime, look: Look, seen: float | None = None) -> list[Event]:
        """What LOOK proves. SEEN: when it was made, where that is known better than by NOW."""
        if self._acknowledged is None or self.done:
            return []
        if not look.exists:
            return self._absent(now, at)
        if look.written is not None and self._looked <= look.written + CLOCKS:  # else a clock was set
            seen = min(now, look.written)
        self._looked = now
        facts = self._open(at) + self._grow(now, at, look, seen) + self._mask(at, look)
        return facts + (self._end(now, at, look) or self._stall(now, at) + self._unheard(now, at))

    def _unheard(self, now: float, at: datetime) -> list[Event]:
        """A mask was ended and the file goes on, and no side has sound again."""
        if self._sound_due is None or now < self._sound_due or self._stopping is not None:
            return []
        self._sound_due = None
        return [EffectFailed(at=at, **self._ids, effect="UnmaskRecording", reason=NO_SOUND)]

    # ------------------------------------------------------------ inside
    def _absent(self, now: float, at: datetime) -> list[Event]:
        since = now - (self._acknowledged or now)
        if not self._opened and since < OPEN_SECONDS:
            return []
        self.done = self._absent_for_good = True
        written = max(0, self.offset(now if self._stopping is None else self._stopping))
        reason = FILE_GONE if self._opened else "no file"
        return [RecordingLost(at=at, **self._ids, offset_samples=-1, reason=reason, lost_ms=written * 1000 // RATE)]

    def _open(self, at: datetime) -> list[Event]:
        if self._opened:
            return []
        self._opened = True
        return [RecordingOpened(at=at, **self._ids, offset_samples=0)]

    def _grow(self, now: float, at: datetime, look: Look, seen: float | None) -> list[Event]:
        first, before = self.samples < 0, max(0, self.samples)
        self.samples = look.samples
        if look.samples < before:
            return [self._damaged(at, SHRANK, look.samples)]  # somebody else cut it: what was in it is gone
        if look.samples == before or (first and self._found_running):
            return []
        if before % BLOCK == 0 and look.samples % BLOCK and not look.final:
            return []
        self._grown_at, self._stalled = now, False
        if seen is not None or not look.final:  # how long ago it ended is not known
            self._calibrate(now if seen is None else seen, look)
        silent, fell = self._one_sided(at, look), self._fell()
        before, self._seen = before if self._seen else 0, True  # since when it fell while nobody looked, nobody knows
        if self._said_growing is not None and now - self._said_growing < GROWTH_EVERY and not fell:
            return silent
        self._said_growing = now
        since = before if fell else -1
        grown = RecordingGrowing(at=at, **self._ids, offset_samples=look.samples, fell_ms=fell, fell_since=since)
        return [grown, *silent]

    def _fell(self) -> int:
        """Milliseconds by which the file fell behind the clock, or caught up with it, since that was told last."""
        least = -math.inf if self._found_running else 0.0  # of what was told by whoever was here before
        fell = max(least, self._fallen) - self._told_fallen
        if abs(fell) < FELL:
            return 0
        self._told_fallen += fell
        return round(fell * 1000)

    def _one_sided(self, at: datetime, look: Look) -> list[Event]:
        """One side held nothing at two steps of the file that follow each other: said at each further one."""
        if look.quiet != self._quiet or not look.quiet or look.final:
            self._quiet, self._quiet_from = look.quiet, max(0, look.samples - TAIL)
            return []
        milliseconds = (look.samples - self._quiet_from) * 1000 // RATE
        return [
            LegSilent(at=at, **self._ids, offset_samples=self._quiet_from, side=look.quiet, milliseconds=milliseconds)
        ]

    def _calibrate(self, now: float, look: Look) -> None:
        """A step of the file tells the recorder's clock to some 100 ms; ours is corrected beyond that. Its end tells
        less: it is written a moment after the last sample."""
        doubt = 3 * self._doubt if look.final else self._doubt
        if look.final and (self._started is None or self._always):
            return
        started = now - look.samples / RATE
        if self._may_stand and self._started is not None and started - self._started > STOOD_STILL:
            self._starts.clear()
            self._started = started
        self._starts.append(started)
        started = min(self._starts)
        if self._started is None:
            self._started = started
            early, self._early = self._early, []
            for moment, silent in early:
                self._masks.turn(silent=silent, expected=self.offset(moment))
        ahead = (started - self._started) * RATE
        if ahead > doubt or ahead < 0:
            before, self._started = self._started, started if ahead < 0 else started - doubt / RATE / 2
            if not self._always:
                self._fallen += self._started - before
                self._masks.fell(round((self._started - before) * RATE))

    def _mask(self, at: datetime, look: Look) -> list[Event]:
        facts: list[Event] = []
        wanted = self._masks.since()
        if wanted is None or not 0 <= look.start <= wanted:  # the mask is newer than this look
            return facts
        for finding, sample in self._masks.read(look):
            match finding:
                case Finding.SILENT:
                    facts.append(MaskObserved(at=at, **self._ids, offset_samples=sample))
                case Finding.AUDIBLE:
                    self._sound_due = None
                    facts.append(UnmaskObserved(at=at, **self._ids, offset_samples=sample))
                case Finding.LEAK:
                    facts.append(self._damaged(at, finding.value, sample))
        return facts

    def _end(self, now: float, at: datetime, look: Look) -> list[Event]:
        ended_at = self._stopping if self._stopping is not None else self._refused
        short = ended_at is not None and self.offset(ended_at) < _EMPTY_SECONDS * RATE
        empty = look.samples == 0 and short and ended_at is not None and now - ended_at > _EMPTY_SECONDS
        self._final = self._final or ((now, at) if look.final else None)
        since, ended = self._final or (now, at)  # it ended when that was seen, however long nobody says why
        if look.final and ended_at is None and now - since < HEARD_SECONDS:
            return []
        if look.final or empty:  # a header becomes final only when the recorder ended, whoever ended it
            self.done = self.ended = True
            stopped = StopObserved(at=ended, **self._ids, offset_samples=look.samples)
            answered = StopAcknowledged(at=at, **self._ids, offset_samples=look.samples)
            return [answered, stopped] if self._refused is not None else [stopped]
        if self._stopping is not None and now - self._stopping > FINISH_SECONDS:
            self.done = True
            return [self._damaged(at, RECORDER_DIED, look.samples)]
        if self._stopping is None and self._refused is not None and now - self._refused > REFUSAL_SECONDS:
            self._refused = None
            return [EffectFailed(at=at, **self._ids, effect="StopRecording", reason="refused")]
        return []

    def _stall(self, now: float, at: datetime) -> list[Event]:
        over = self._stalled or self._may_stand or self._stopping is not None
        if over or now - self._grown_at < STALL_SECONDS:
            return []
        self._stalled = True
        return [self._damaged(at, "stalled", max(0, self.samples))]

    def _damaged(self, at: datetime, finding: str, sample: int) -> RecordingDamaged:
        return RecordingDamaged(at=at, **self._ids, offset_samples=sample, findings=(finding,))

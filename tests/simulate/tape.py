"""A simulated recorder and its file: every millisecond that is in it, and whether everybody in it had agreed.

What belongs here: the file, and the accounts about it. What does not: who is on the line (exchange.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

SAMPLES = 8000
"""A second of a file."""
LENGTH_SECONDS, LENGTH_SHARE = 0.5, 0.02
"""By how much a file may be shorter than the log says, as in callguard/audio/verify.py."""
Cause = tuple[str, str]
"""Why sound should not reach a file, and the channel that this is about."""


@dataclass
class Tape:
    """One recorder, on a channel, for the call of a far party. `sound`: stretches of the file with sound, in
    seconds of the file; `grown`: its length; `full`: its disk takes no more; `destroyed`: the file is gone by our
    will; `exposed`: what sounds in it although it should not, and since when that has been so; `trouble`: seconds
    that refused requests and lost answers cost. `missing`: seconds of sound that its disk did not take: silence is
    no loss. `rewound`: by how much the wall clock was set back while it ran; `timed`: a steady clock told how long
    it did.
    """

    recording_id: str
    channel_id: str
    call: str
    started: float
    muted: bool = False
    runs: bool = True
    full: bool = False
    trouble: float = 0.0
    destroyed: bool = False
    grown: float = 0.0
    ended_at: float = -1.0
    sound: list[tuple[float, float]] = field(default_factory=list)
    exposed: dict[Cause, float] = field(default_factory=dict)
    missing: float = 0.0
    rewound: float = 0.0
    timed: bool = False
    looked: float = 0.0
    sounds_since: float = 0.0

    def __post_init__(self) -> None:
        """Accounts begin with the file."""
        self.looked = self.sounds_since = self.started

    @property
    def hears(self) -> bool:
        """Whether sound reaches its file."""
        return self.runs and not self.muted and not self.full

    def run_to(self, now: float) -> float:
        """Write up to NOW; the seconds of sound that were written."""
        seconds, self.looked = now - self.looked, now
        if not self.runs or seconds <= 0:
            return 0.0
        if self.full:
            self.missing += 0.0 if self.muted else seconds
            return 0.0
        begin, self.grown = self.grown, self.grown + seconds
        if self.muted:
            return 0.0
        if self.sound and abs(self.sound[-1][1] - begin) < 1e-9:
            self.sound[-1] = (self.sound[-1][0], self.grown)
        else:
            self.sound.append((begin, self.grown))
        return seconds

    def sounds_in(self, start: float, end: float) -> float:
        """Seconds of sound between two places of the file."""
        return sum(max(0.0, min(end, last) - max(start, first)) for first, last in self.sound)

    def end(self, now: float) -> None:
        """It stops; the header becomes final."""
        if self.runs:
            self.runs, self.ended_at = False, now

"""What the log of a call says of instants in one of its recordings.

What belongs here: from facts to places in the audio. What does not: cutting (audio/trim.py), the file's own proof.
The recorder's clock starts when it was acknowledged; it counts packets, so a place is right to some tenths of a second,
and to what the file fell behind between two looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from callguard.core.events import (
    Bridged,
    ChannelHeld,
    ChannelHungUp,
    ChannelUnheld,
    DigitPressed,
    Event,
    MaskAcknowledged,
    NoticeEnded,
    NoticeStarted,
    OperatorActed,
    PauseSignalled,
    RecordingAcknowledged,
    RecordingDamaged,
    RecordingGrowing,
    RecordingVerified,
    Unbridged,
    UnmaskAcknowledged,
)

RATE = 8000
EDGE = RATE // 2
"""How far inside its ends a stretch is taken for idle."""
TELLING = (
    NoticeStarted,
    NoticeEnded,
    DigitPressed,
    PauseSignalled,
    OperatorActed,
    MaskAcknowledged,
    UnmaskAcknowledged,
)
"""What surroundings prove something: consent, notice, pause and digits."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Places in a recording, in samples at RATE. `telling`: instants whose surroundings stay; `idle`: (start, end)
    where nobody could talk with anybody, as there was hold or ringing."""

    telling: tuple[int, ...] = ()
    idle: tuple[tuple[int, int], ...] = ()


def recording_of(events: Iterable[Event], sha256: str) -> str | None:
    """The recording whose finished file had this hash, hex."""
    verdicts = (event for event in events if isinstance(event, RecordingVerified | RecordingDamaged))
    return next((event.recording_id for event in verdicts if event.sha256 == sha256), None)


def marks(events: Iterable[Event], recording_id: str) -> Marks:
    """Those of one recording; none where it was never acknowledged."""
    known = tuple(events)
    started = (event for event in known if isinstance(event, RecordingAcknowledged))
    begin = next((event.at for event in started if event.recording_id == recording_id), None)
    if begin is None:
        return Marks()
    fell = (event for event in known if isinstance(event, RecordingGrowing) and event.recording_id == recording_id)
    clock = _Clock(begin, tuple(event for event in fell if event.fell_ms))
    telling = sorted({place for event in known if isinstance(event, TELLING) for place in clock.places(event.at)})
    return Marks(tuple(at for at in telling if at >= 0), tuple(_idle(known, clock)))


@dataclass(frozen=True, slots=True)
class _Clock:
    """Of a recorder that `began` at that moment; `fell`: each time that it had fallen behind."""

    began: datetime
    fell: tuple[RecordingGrowing, ...]

    def places(self, at: datetime) -> tuple[int, int]:
        """The first and the last sample that may be of that moment: of what it fell behind between two looks nobody
        knows when."""
        known = [event for event in self.fell if event.at <= at]
        last = round((at - self.began).total_seconds() * RATE) - sum(event.fell_ms for event in known) * RATE // 1000
        for event in self.fell[len(known) : len(known) + 1]:
            sooner = event.fell_ms * RATE // 1000
            if event.fell_since < last - min(0, sooner):
                return last - max(0, sooner), last - min(0, sooner)
        return last, last


def _idle(events: tuple[Event, ...], clock: _Clock) -> Iterable[tuple[int, int]]:
    """Stretches in which a party was on hold, or no bridge held two."""
    held: set[str] = set()
    bridges: dict[str, str] = {}
    since: int | None = 0
    for event in events:
        match event:
            case ChannelHeld():
                held.add(event.channel_id)
            case ChannelUnheld():
                held.discard(event.channel_id)
            case Bridged():
                bridges[event.channel_id] = event.bridge_id
            case Unbridged() | ChannelHungUp():
                bridges.pop(event.channel_id, None)
                held.discard(event.channel_id)
            case _:
                continue
        together = len(set(bridges.values())) < len(bridges)
        first, last = (max(0, place) for place in clock.places(event.at))
        if together and not held and since is not None:
            if first - EDGE > since + EDGE:
                yield since + EDGE, first - EDGE
            since = None
        elif not (together and not held) and since is None:
            since = last

"""What the log of a call says of instants in one of its recordings.

What belongs here: from facts to places in the audio. What does not: cutting (audio/trim.py), the file's own proof.
The recorder's clock starts when it was acknowledged; it counts packets, so a place is right to some tenths of a second.
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
    telling = sorted({_place(event.at, begin) for event in known if isinstance(event, TELLING)})
    return Marks(tuple(at for at in telling if at >= 0), tuple(_idle(known, begin)))


def _place(at: datetime, begin: datetime) -> int:
    return round((at - begin).total_seconds() * RATE)


def _idle(events: tuple[Event, ...], begin: datetime) -> Iterable[tuple[int, int]]:
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
        at = max(0, _place(event.at, begin))
        if together and not held and since is not None:
            if at - EDGE > since + EDGE:
                yield since + EDGE, at - EDGE
            since = None
        elif not (together and not held) and since is None:
            since = at
